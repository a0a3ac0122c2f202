//! Webhooks: their list, their form, their page.

use heraldo_wire::api::{Ordering, WebhookStatus};
use heraldo_wire::event::EventType;

use super::{Words, words};

words! {
    webhooks: "Webhooks", "Webhooks";
    endpoint: "Endpoint", "Endpoint";
    events: "Eventos", "Events";
    no_webhooks: "Todavía no hay endpoints. Agrega la dirección de tu servidor para recibir los eventos de tus inspecciones.",
        "There are no endpoints yet. Add the address of your server to receive the events of your inspections.";
    add_endpoint: "Agregar endpoint", "Add endpoint";
    create_endpoint: "Crear Endpoint", "Create Endpoint";
    endpoint_address: "Dirección (URL)", "Address (URL)";
    endpoint_hint: "Una dirección http o https que se alcance desde internet; recibe cada evento por POST.",
        "An http or https address that can be reached from the internet; it gets each event by POST.";
    description: "Descripción", "Description";
    description_hint: "Para reconocerlo en la lista.", "To tell it apart in the list.";
    events_hint: "El endpoint recibe solo los eventos elegidos.", "The endpoint gets the chosen events alone.";
    retried_on_failure: "Se reintenta si falla.", "Retried on failure.";
    more_settings: "Más ajustes", "More settings";
    default_hint: "Vacío: lo que dice el servidor.", "Empty: what the server says.";
    sending: "Envío", "Sending";
    when_it_fails: "Cuando falla", "When it fails";
    trust: "Firma y confianza", "Signature and trust";
    yes: "Sí", "Yes";
    no: "No", "No";
    ordering_hint: "Entre los eventos de una misma inspección.", "Between the events of one inspection.";
    recovery: "Reintentar todo cuando se recupera", "Retry everything when it recovers";
    recovery_hint: "Si estaba fallando y vuelve a recibir, lo que espera un reintento sale enseguida, a su ritmo.",
        "When it was failing and takes something again, what waits for a retry goes at once, at its own rate.";
    disable_after: "Desactivar tras fallar durante", "Disable after failing for";
    disable_after_hint: "Una duración como 12h o 5d, o never. Vacío: lo que dice el servidor.",
        "A length of time like 12h or 5d, or never. Empty: what the server says.";
    disable_attempts: "y tras al menos tantos intentos", "and after at least so many attempts";
    asymmetric: "Firmar también con Ed25519", "Sign with Ed25519 as well";
    asymmetric_hint: "webhook-signature lleva además una firma v1a, que se verifica con una clave pública.",
        "webhook-signature also carries a v1a signature, which is verified with a public key.";
    challenge: "Pedir al receptor una prueba antes de guardar", "Ask the receiver for proof before saving";
    challenge_hint: "Recibe webhook_challenge y debe devolver el token; si no, no se guarda nada.",
        "It gets webhook_challenge and must echo the token; if not, nothing is saved.";
    challenge_always: "El servidor la pide siempre para una dirección nueva.",
        "The server always asks for it of a new address.";
    tls_ca: "Autoridad de certificados propia", "Certificate authority of its own";
    tls_ca_hint: "PEM. El certificado del receptor debe venir de ella, en vez de las públicas.",
        "PEM. The receiver's certificate must come from it, instead of the public ones.";
    tls_certificate: "Certificado de cliente", "Client certificate";
    tls_certificate_hint: "PEM, primero el suyo y después los intermedios. Se muestra a quien lo pida (mTLS).",
        "PEM, its own first, then the intermediate ones. Shown to whoever asks for it (mTLS).";
    tls_key: "Clave privada del certificado", "Private key of the certificate";
    tls_key_hint: "PEM, sin contraseña. Se guarda sellada y no se vuelve a mostrar.",
        "PEM, without a passphrase. Kept sealed and never shown again.";
    tls_key_kept: "Hay una guardada, que no se muestra. Vacío: se conserva.",
        "One is kept, which is not shown. Empty: it stays.";
    wrong_timeout: "Escribe un número de milisegundos entre 100 y 60000.", "Enter a number of milliseconds from 100 to 60000.";
    wrong_concurrency: "Escribe un número entre 1 y 256.", "Enter a number from 1 to 256.";
    wrong_rate: "Escribe un número entre 1 y 10000.", "Enter a number from 1 to 10000.";
    wrong_disable_after: "Escribe una duración como 12h o 5d, hasta 365d, o never.",
        "Enter a length of time like 12h or 5d, up to 365d, or never.";
    wrong_disable_attempts: "Escribe un número entre 1 y 100000.", "Enter a number from 1 to 100000.";
    wrong_tls: "Revisa los certificados: en PEM, la clave con su certificado, y la dirección con https.",
        "Check the certificates: in PEM, the key with its certificate, and the address with https.";
    wrong_challenge: "El receptor no devolvió el token, y no se guardó nada.",
        "The receiver did not echo the token, and nothing was saved.";
    ordering: "Orden de entrega", "Order of deliveries";
    ordering_default: "Lo que dice el servidor", "What the server says";
    schedule: "Esperas entre intentos", "Waits between attempts";
    schedule_hint: "Separadas por comas, como 15m, 15m; none: no se reintenta. Vacío: lo que dice el servidor.",
        "Separated by commas, like 15m, 15m; none: nothing is tried again. Empty: what the server says.";
    retried: "Eventos que se reintentan", "Events that are tried again";
    retried_hint: "Separados por comas, como inspection_started, image_processed; none: ninguno. Vacío: lo que dice el servidor.",
        "Separated by commas, like inspection_started, image_processed; none: no event is. Empty: what the server says.";
    timeout: "Plazo de un intento, en milisegundos", "Deadline of one attempt, in milliseconds";
    concurrency: "Intentos a la vez", "Attempts at once";
    rate: "Intentos por segundo", "Attempts per second";
    headers: "Cabeceras adicionales", "Extra headers";
    headers_hint: "Una por línea, como X-Region: sur.", "One a line, like X-Region: south.";
    webhook_created: "Endpoint creado.", "Endpoint created.";
    webhook_changed: "Cambios guardados. Valen desde el próximo intento.", "Changes saved. They hold from the next attempt on.";
    settings: "Ajustes", "Settings";
    wrong_endpoint: "Revisa la dirección: debe ser http o https, completa y alcanzable desde internet.",
        "Check the address: it must be http or https, whole, and within reach from the internet.";
    wrong_events: "Elige al menos un evento de la lista.", "Choose at least one event of the list.";
    wrong_description: "Acorta la descripción: hasta 1.024 bytes.", "Shorten the description: up to 1,024 bytes.";
    wrong_choice: "Elige algo de la lista.", "Choose something of the list.";
    wrong_headers: "Revisa las cabeceras: una por línea, nombre: valor.", "Check the headers: one a line, name: value.";
    wrong_schedule: "Revisa las esperas: duraciones como 30s, 15m o 1h, separadas por comas, o none.",
        "Check the waits: durations like 30s, 15m or 1h, separated by commas, or none.";
    wrong_retried: "Revisa los eventos que se reintentan: sus nombres, separados por comas, o none.",
        "Check the events that are tried again: their names, separated by commas, or none.";
}

impl Words {
    pub const fn webhook_status(self, status: &WebhookStatus) -> &'static str {
        match status {
            WebhookStatus::Enabled => self.say("Activo", "Enabled"),
            WebhookStatus::Paused => self.say("En pausa", "Paused"),
            WebhookStatus::Disabled => self.say("Desactivado", "Disabled"),
        }
    }

    /// The colour of a status.
    pub const fn webhook_tone(self, status: &WebhookStatus) -> &'static str {
        match status {
            WebhookStatus::Enabled => "good",
            WebhookStatus::Paused => "warn",
            WebhookStatus::Disabled => "off",
        }
    }

    /// What an event tells.
    pub const fn event_meaning(self, event: &EventType) -> &'static str {
        match event {
            EventType::InspectionCreated => {
                self.say("Se creó una inspección.", "An inspection was created.")
            }
            EventType::ChildrenInspectionCreated => self.say(
                "Se creó una inspección a partir de una vencida.",
                "An inspection was created from an expired one.",
            ),
            EventType::InspectionStarted => self.say(
                "La persona entró con el código correcto.",
                "The person entered the right access code.",
            ),
            EventType::ImageProcessed => self.say(
                "Una foto pedida se procesó y sus validaciones terminaron.",
                "A photo that was asked for was processed and its validations ended.",
            ),
            EventType::ExtraImageProcessed => self.say(
                "Una foto adicional se procesó.",
                "An additional photo was processed.",
            ),
            EventType::InspectionBlocked => self.say(
                "La inspección venció sin empezar, o se agotaron los intentos del código.",
                "The inspection expired before it was started, or its code attempts are spent.",
            ),
            EventType::InspectionCompleted => self.say(
                "La inspección terminó y tiene resultado.",
                "The inspection ended and has its result.",
            ),
            EventType::InspectionReviewed => self.say(
                "Una revisión cambió el resultado de una inspección terminada.",
                "A review changed the result of a completed inspection.",
            ),
            EventType::WebhookDisabled => self.say(
                "Otro webhook de la empresa se desactivó.",
                "Another webhook of the company was disabled.",
            ),
        }
    }

    pub const fn ordering_meaning(self, ordering: &Ordering) -> &'static str {
        match ordering {
            Ordering::Inspection => self.say(
                "Por inspección: el primer intento espera al del evento anterior",
                "By inspection: a first attempt waits for that of the event before",
            ),
            Ordering::Strict => self.say(
                "Estricto: espera a que el evento anterior se entregue o se abandone",
                "Strict: waits until the event before is delivered or given up",
            ),
            Ordering::None => self.say(
                "Ninguno: cada entrega sale en cuanto puede",
                "None: each delivery starts as soon as it can",
            ),
        }
    }
}
