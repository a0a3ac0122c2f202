//! The page of one webhook, and how webhooks fare.

use heraldo_wire::api::{DisableAfter, WebhookStatus};

use super::{Words, words};

words! {
    webhooks_caption: "Los webhooks y cómo les fue en las últimas 24 horas", "The webhooks and how they fared in the last 24 hours";
    day_chart: "24 horas", "24 hours";
    day_attempts: "Intentos por hora", "Attempts per hour";
    success: "Éxito", "Success";
    waiting: "En espera", "Waiting";
    last_error: "Último error", "Last error";
    no_errors: "ninguno", "none";
    no_attempts: "sin intentos", "no attempts";
    webhook_pages: "Páginas del webhook", "Pages of the webhook";
    summary: "Resumen del webhook", "Summary";
    its_deliveries: "Entregas", "Deliveries";
    see_deliveries: "Ver sus entregas", "See its deliveries";
    last_day: "Últimas 24 horas", "Last 24 hours";
    attempts: "Intentos", "Attempts";
    attempt: "Intento", "Attempt";
    p95_name: "Duración, p95", "Duration, p95";
    held_back: "sale cuando se reanude", "sent when it is resumed";
    failing_since: "Falla desde", "Failing since";
    failing_advice: "Mira por qué en sus entregas, o envía un evento de prueba.",
        "See why in its deliveries, or send a test event.";
    disabled_since: "Desactivado desde", "Disabled since";
    disabled_by_hand: "Alguien lo desactivó. Actívalo cuando deba recibir eventos, y recupera lo que se perdió.",
        "Somebody disabled it. Enable it when it is to get events again, then recover what it missed.";
    disabled_gone: "Su receptor respondió 410 Gone. Pon la dirección nueva, actívalo y recupera lo que se perdió.",
        "Its receiver answered 410 Gone. Set the new address, enable it, then recover what it missed.";
    disabled_failing: "Su receptor no aceptó nada durante demasiado tiempo. Mira por qué en sus entregas, actívalo y recupera lo que se perdió.",
        "Its receiver took nothing for too long. See why in its deliveries, enable it, then recover what it missed.";
    secret: "Secreto", "Secret";
    reveal_secret: "Mostrar el secreto", "Reveal the secret";
    hide_secret: "Ocultar", "Hide";
    secret_text: "Con él se firma cada entrega. Cada vez que se muestra queda en la auditoría.",
        "Each delivery is signed with it. Each reveal is written to the audit log.";
    secret_made: "Creado:", "Made:";
    rotate: "Regenerar el secreto", "Regenerate the secret";
    rotate_text: "Se crea un secreto nuevo, tantas veces como haga falta. Decide cuánto vale todavía el de ahora.",
        "A new secret is made, as often as you need. Decide how long the present one stays valid.";
    overlap: "El secreto de ahora", "The present secret";
    overlap_text: "Mientras valen los dos, autoinspector-signature se hace con el viejo y webhook-signature lleva ambas firmas. Nunca valen más de dos: con otro plazo en curso, el más viejo termina ya.",
        "While both are valid, autoinspector-signature is made with the old one and webhook-signature carries both. Never more than two are valid: during another overlap the oldest ends at once.";
    rotate_now: "Crear un secreto nuevo", "Make a new secret";
    secret_rotated: "Hay un secreto nuevo. Muéstralo y cópialo en tu receptor.",
        "There is a new secret. Reveal it and copy it into your receiver.";
    old_secret_ends: "El secreto anterior termina en", "The old secret ends in";
    old_secret_text: "Hasta entonces autoinspector-signature se hace con el anterior: tu receptor puede seguir con él. webhook-signature lleva ya las dos firmas. Después solo vale el nuevo.",
        "Until then autoinspector-signature is made with the old one: your receiver may go on with it. webhook-signature carries both signatures already. Afterwards only the new one is valid.";
    public_key: "Clave pública", "Public key";
    public_key_text: "Verifica las firmas v1a. Cualquiera puede leerla en", "It verifies v1a signatures. Anybody can read it at";
    old_key_ends: "La clave anterior vale hasta", "The old key is valid until";
    test_event: "Evento de prueba", "Test event";
    event: "Evento", "Event";
    send_test: "Enviar prueba", "Send test";
    test_text: "Una inspección de ejemplo, solo a este webhook, con autoinspector-test: true.",
        "A sample inspection, to this webhook alone, with autoinspector-test: true.";
    test_disabled: "Está desactivado: actívalo para enviarle una prueba.", "It is disabled: enable it to send it a test.";
    test_waits: "esperando el intento", "waiting for the attempt";
    test_again: "se reintentará", "will be tried again";
    test_delivered: "entregado", "delivered";
    test_failed: "falló", "failed";
    test_cancelled: "cancelado", "cancelled";
    answer: "Respuesta del receptor", "The receiver's answer";
    load_again: "Carga la página otra vez para ver qué pasó.", "Load the page again to see what happened.";
    whole_delivery: "Ver la entrega completa", "See the whole delivery";
    gets_it: "suscrito", "subscribed";
    gets_it_not: "no suscrito", "not subscribed";
    change: "Cambiar", "Change";
    changed: "Cambiado", "Changed";
    servers: "(del servidor)", "(the server's)";
    unlimited: "sin límite", "no limit";
    none: "ninguno", "none";
    timeout_name: "Plazo de un intento", "Deadline of one attempt";
    signature_kind: "Firmas", "Signatures";
    tls_name: "Certificados propios", "Certificates of its own";
    pause: "Pausar", "Pause";
    pause_text: "Deja de enviar. Lo que espera y lo que llegue se guarda como entregas, y sale en orden cuando lo reanudes. No se pierde nada. Un intento que ya está en curso termina.",
        "Sending stops. What waits and what comes is kept as deliveries, and flows in order when you resume it. Nothing is lost. An attempt that is under way ends.";
    pause_now: "Pausar este webhook", "Pause this webhook";
    resume: "Reanudar", "Resume";
    resume_text: "Lo que espera sale ya, lo más viejo primero, a su propio ritmo.",
        "What waits goes out now, oldest first, at its own rate.";
    resume_now: "Reanudar este webhook", "Resume this webhook";
    enable: "Activar", "Enable";
    enable_text: "Recibe los eventos desde ahora. Los de antes no salen solos: recupéralos después.",
        "It gets the events from now on. Those of before do not go by themselves: recover them afterwards.";
    recover_missed: "Recuperar lo que no recibió", "Recover what it missed";
    enable_now: "Activar este webhook", "Enable this webhook";
    disable: "Desactivar", "Disable";
    disable_text: "Lo que espera se cancela, y no se crean entregas nuevas. Los eventos se guardan durante el tiempo de retención: después de activarlo se pueden recuperar.",
        "What waits is cancelled, and no new deliveries are made. The events stay for the retention time: after enabling it they can be recovered.";
    disable_now: "Desactivar este webhook", "Disable this webhook";
    delete: "Eliminar", "Delete";
    delete_text: "Lo que espera se cancela. Su dirección, sus ajustes y su secreto desaparecen para siempre; no se puede deshacer. Lo que ya se envió sigue en las entregas.",
        "What waits is cancelled. Its address, settings and secret are gone for good; this cannot be undone. What was sent stays among the deliveries.";
    delete_now: "Eliminar este webhook", "Delete this webhook";
    webhook_enabled: "El webhook está activo.", "The webhook is enabled.";
    webhook_paused: "El webhook está en pausa. Lo que llegue se guarda.", "The webhook is paused. What comes is kept.";
    webhook_disabled: "El webhook está desactivado. Lo que esperaba se cancela.",
        "The webhook is disabled. What waited is being cancelled.";
    webhook_deleted: "El webhook se eliminó.", "The webhook was deleted.";
}

impl Words {
    /// What a chart of 24 hours shows, for those who do not see it.
    pub fn last_hours(self, delivered: u64, failed: u64) -> String {
        let (delivered, failed) = (self.number(delivered), self.number(failed));
        if self.is_spanish() {
            format!("Últimas 24 horas. Intentos entregados: {delivered}; fallidos: {failed}")
        } else {
            format!("Last 24 hours. Attempts delivered: {delivered}; failed: {failed}")
        }
    }

    pub fn events_chosen(self, count: &usize) -> String {
        match (count, self.is_spanish()) {
            (1, true) => "1 evento".to_owned(),
            (1, false) => "1 event".to_owned(),
            (count, true) => format!("{count} eventos"),
            (count, false) => format!("{count} events"),
        }
    }

    /// How many deliveries wait, as a sentence.
    pub fn waiting_deliveries(self, count: u64) -> String {
        let shown = self.number(count);
        match (count, self.is_spanish()) {
            (0, true) => "Ahora no espera ninguna entrega.".to_owned(),
            (0, false) => "No delivery waits now.".to_owned(),
            (1, true) => "Ahora espera 1 entrega.".to_owned(),
            (1, false) => "1 delivery waits now.".to_owned(),
            (_, true) => format!("Ahora esperan {shown} entregas."),
            (_, false) => format!("{shown} deliveries wait now."),
        }
    }

    /// The steps that are open to a webhook of this status, as the heading above them.
    pub const fn life(self, status: &WebhookStatus) -> &'static str {
        match status {
            WebhookStatus::Enabled => {
                self.say("Pausar, desactivar o eliminar", "Pause, disable or delete")
            }
            WebhookStatus::Paused => self.say(
                "Reanudar, desactivar o eliminar",
                "Resume, disable or delete",
            ),
            WebhookStatus::Disabled => self.say("Activar o eliminar", "Enable or delete"),
        }
    }

    /// How long the present secret may stay valid: seconds, and how they are called.
    pub const fn overlaps(self) -> [(u32, &'static str); 6] {
        [
            (0, self.say("deja de valer ya", "stops at once")),
            (3_600, self.say("vale 1 hora más", "stays valid for 1 hour")),
            (
                21_600,
                self.say("vale 6 horas más", "stays valid for 6 hours"),
            ),
            (86_400, self.say("vale 1 día más", "stays valid for 1 day")),
            (
                259_200,
                self.say("vale 3 días más", "stays valid for 3 days"),
            ),
            (
                604_800,
                self.say("vale 7 días más", "stays valid for 7 days"),
            ),
        ]
    }

    pub const fn yes_or_no(self, yes: bool) -> &'static str {
        if yes { self.yes() } else { self.no() }
    }

    pub fn disabled_after(self, after: DisableAfter, attempts_min: u32) -> String {
        let time = match after {
            DisableAfter::Never => return self.say("nunca", "never").to_owned(),
            DisableAfter::After(time) => self.period(time.0),
        };
        match (attempts_min, self.is_spanish()) {
            (1, true) => format!("{time}, al menos 1 intento"),
            (1, false) => format!("{time}, at least 1 attempt"),
            (count, true) => format!("{time}, al menos {count} intentos"),
            (count, false) => format!("{time}, at least {count} attempts"),
        }
    }

    pub const fn signatures(self, has_pair: bool) -> &'static str {
        if has_pair {
            "autoinspector-signature, webhook-signature (v1, v1a Ed25519)"
        } else {
            "autoinspector-signature, webhook-signature (v1)"
        }
    }
}
