//! Deliveries: their list, one of them, and what became of an event.

use heraldo_wire::api::{DeliveryStatus, ExplainedReason, ExplainedState, WebhookStatus};
use heraldo_wire::attempt::{AttemptOutcome, Cause, Phase};

use super::{Words, words};

words! {
    deliveries: "Entregas", "Deliveries";
    delivery: "Entrega", "Delivery";
    webhook: "Webhook", "Webhook";
    deliveries_text: "Cada evento a cada webhook, lo más nuevo arriba. Una entrega aparece en vivo cuando termina un intento.",
        "Each event to each webhook, the newest on top. A delivery appears live when one of its attempts ends.";
    subject: "Inspección o evento (id)", "Inspection or event (id)";
    from: "Desde", "From";
    until: "Hasta", "Until";
    webhook_gone: "(webhook borrado)", "(deleted webhook)";
    answered: "Respuesta", "Answer";
    next_attempt: "Próximo intento", "Next attempt";
    none_delivered: "Todavía no hay entregas. Aparecen aquí en cuanto pasa algo en una inspección, o al enviar un evento de prueba desde la página de un webhook.",
        "There are no deliveries yet. They appear here as soon as something happens in an inspection, or when you send a test event from a webhook's page.";
    none_delivered_nowhere: "Sin un endpoint no hay adónde entregar. Agrega uno y los eventos de tus inspecciones aparecerán aquí.",
        "Without an endpoint there is nowhere to deliver to. Add one, and the events of your inspections will appear here.";
    nothing_matches: "Ninguna entrega cumple los filtros. Quita alguno, o amplía el período.",
        "No delivery matches the filters. Clear one of them, or widen the time range.";
    live: "En vivo", "Live";
    live_connecting: "Conectando…", "Connecting…";
    live_paused: "En pausa: al seguir se muestra todo lo que pasó entretanto.",
        "Paused: when you go on, everything that happened meanwhile is shown.";
    live_broken: "Sin conexión: se vuelve a intentar, y nada se pierde.", "Connection lost: it is tried again, and nothing is lost.";
    live_refused: "En vivo no es posible ahora; la lista se pone al día cada 15 segundos.",
        "Live is not possible now; the list is brought up to date every 15 seconds.";
    live_pause: "Pausar", "Pause";
    live_resume: "Seguir", "Go on";
    live_count: "Intentos desde que abriste la página: {n}", "Attempts since you opened the page: {n}";
    resend: "Reenviar", "Resend";
    resend_text: "Hace un intento más ahora, con el mismo webhook-id.", "Makes one more attempt now, with the same webhook-id.";
    resent: "Un intento más está en camino.", "One more attempt is on its way.";
    resend_disabled: "El webhook está desactivado: actívalo para reenviar.", "The webhook is disabled: enable it to resend.";
    resend_deleted: "El webhook se borró: no hay adónde reenviar.", "The webhook was deleted: there is nowhere to resend to.";
    why: "¿Por qué?", "Why?";
    why_link: "¿Qué pasó con este evento en cada webhook?", "What became of this event for every webhook?";
    all_of_inspection: "Todas sus entregas", "All its deliveries";
    all_of_event: "Entregas de este evento", "Deliveries of this event";
    sequence: "Número en la inspección", "Number in the inspection";
    strict_wait: "cuando termine la del evento anterior", "when that of the event before has ended";
    body: "Cuerpo", "Body";
    body_laid_out: "Con formato", "Formatted";
    body_raw: "Exacto, como se envía y se firma", "Exact, as it is sent and signed";
    body_cut: "Aquí está el comienzo; entero:", "This is its beginning; the whole:";
    download_body: "Descargar el cuerpo exacto", "Download the exact body";
    sent_headers: "Cabeceras enviadas", "Headers sent";
    headers_changed: "Las que agrega el webhook están como ahora, y pueden haber sido otras: se cambió después del intento,",
        "Those that the webhook adds are as they are now and may have been others: it was changed after the attempt,";
    as_now: "(como está ahora)", "(as it is now)";
    signature_body: "HMAC-SHA256 del cuerpo con el secreto del webhook, en hexadecimal",
        "HMAC-SHA256 of the body with the webhook's secret, in hex";
    signature_standard: "v1, y HMAC-SHA256 en base64 de id.hora.cuerpo con los bytes del secreto",
        "v1, and HMAC-SHA256 in base64 of id.time.body with the secret's bytes";
    no_signature: "Las firmas no se guardan ni se calculan aquí: el secreto no sale de su página.",
        "Signatures are neither stored nor computed here: the secret does not leave its page.";
    as_curl: "Repetir con curl", "Repeat with curl";
    as_curl_text: "Pon el secreto del webhook en la primera línea; el resto firma y envía lo mismo.",
        "Put the webhook's secret into the first line; the rest signs and sends the same.";
    as_curl_download: "El cuerpo es largo: descárgalo antes como body.json.", "The body is long: download it as body.json first.";
    only_administrators: "El cuerpo, las cabeceras y las respuestas los ven el dueño y los administradores.",
        "The body, the headers and the answers are shown to the owner and administrators.";
    none_tried: "Todavía no hubo ningún intento.", "There was no attempt yet.";
    answer_empty: "Sin contenido.", "Nothing in it.";
    answer_cut: "Solo el comienzo.", "Its beginning alone.";
    phases: "Fases", "Phases";
    webhook_answer: "Qué pasó", "What became of it";
    explanation: "Por qué, y qué hacer", "Why, and what to do";
    when: "Cuándo", "When";
    see_delivery: "Ver la entrega", "See the delivery";
    no_webhooks_then: "La empresa no tiene webhooks: agrega un endpoint y recupera el período.",
        "The company has no webhooks: add an endpoint and recover the time range.";
    wrong_subject: "Escribe el id entero: 24 dígitos de 0 a f, con evt_ delante si es de un evento.",
        "Enter the whole id: 24 digits from 0 to f, with evt_ before it for an event.";
    wrong_time: "Escribe un momento como 2026-11-20T08:30, el primero antes que el segundo.",
        "Enter an instant like 2026-11-20T08:30, the first before the second.";
}

impl Words {
    pub const fn delivery_status(self, status: &DeliveryStatus) -> &'static str {
        match status {
            DeliveryStatus::Pending => self.say("Pendiente", "Pending"),
            DeliveryStatus::Delivered => self.say("Entregada", "Delivered"),
            DeliveryStatus::Failed => self.say("Fallida", "Failed"),
            DeliveryStatus::Cancelled => self.say("Cancelada", "Cancelled"),
        }
    }

    /// The colour of a status.
    pub const fn delivery_tone(self, status: &DeliveryStatus) -> &'static str {
        match status {
            DeliveryStatus::Pending => "warn",
            DeliveryStatus::Delivered => "good",
            DeliveryStatus::Failed => "bad",
            DeliveryStatus::Cancelled => "off",
        }
    }

    pub const fn explained_state(self, state: &ExplainedState) -> &'static str {
        match state {
            ExplainedState::Pending => self.say("Pendiente", "Pending"),
            ExplainedState::Delivered => self.say("Entregado", "Delivered"),
            ExplainedState::Failed => self.say("Falló", "Failed"),
            ExplainedState::Cancelled => self.say("Cancelado", "Cancelled"),
            ExplainedState::NotSent => self.say("No enviado", "Not sent"),
        }
    }

    pub const fn explained_tone(self, state: &ExplainedState) -> &'static str {
        match state {
            ExplainedState::Pending => "warn",
            ExplainedState::Delivered => "good",
            ExplainedState::Failed => "bad",
            ExplainedState::Cancelled | ExplainedState::NotSent => "off",
        }
    }

    /// Why an event stands for a webhook as it does, and what to do. `is_test`: it is a test event;
    /// `exists`: the webhook is there; `is_due`: an attempt has its time.
    pub const fn explained(
        self,
        state: &ExplainedState,
        reason: &Option<ExplainedReason>,
        is_test: &bool,
        exists: bool,
        is_due: bool,
    ) -> &'static str {
        match state {
            ExplainedState::Delivered => self.say(
                "El receptor lo recibió y respondió 2XX.",
                "The receiver took it and answered 2XX.",
            ),
            ExplainedState::Failed => self.say(
                "Ningún intento llegó a un 2XX, y no hay más planeados. Mira la entrega, arregla la causa y reenvíala.",
                "No attempt got a 2XX, and no more are planned. See the delivery, mend the cause and resend it.",
            ),
            ExplainedState::Cancelled if exists => self.say(
                "El webhook se desactivó antes de la entrega. Actívalo y envíalo ahora.",
                "The webhook was disabled before it was delivered. Enable it and send it now.",
            ),
            ExplainedState::Cancelled => self.say(
                "El webhook se borró antes de la entrega. Crea otro y recupera el período.",
                "The webhook was deleted before it was delivered. Make another one and recover the time range.",
            ),
            ExplainedState::Pending => match reason {
                Some(ExplainedReason::Paused) => self.say(
                    "Espera porque el webhook está en pausa; sale en cuanto se active.",
                    "It waits because the webhook is paused; it is sent once the webhook is enabled.",
                ),
                Some(_) | None if is_due => self.say(
                    "Hay un intento en curso o planeado para la hora indicada.",
                    "An attempt is under way or planned for the time that is shown.",
                ),
                Some(_) | None => self.say(
                    "Espera a que termine la entrega del evento anterior de la inspección: el webhook guarda el orden estricto.",
                    "It waits until the delivery of the inspection's event before it has ended: the webhook keeps the strict order.",
                ),
            },
            ExplainedState::NotSent => match reason {
                Some(ExplainedReason::NotSubscribed) => self.say(
                    "El webhook no estaba suscrito a este evento. Para recibirlos, agrégalo en sus ajustes; para enviar también este, recupera el período después.",
                    "The webhook was not subscribed to this event. To get such events, add it in its settings; to send this one too, recover the time range afterwards.",
                ),
                Some(ExplainedReason::CreatedLater) => self.say(
                    "El webhook se creó después del evento.",
                    "The webhook was created after the event.",
                ),
                Some(ExplainedReason::Disabled) => self.say(
                    "El webhook estaba desactivado cuando se hizo el evento. Actívalo y envíalo ahora.",
                    "The webhook was disabled when the event was made. Enable it and send it now.",
                ),
                Some(ExplainedReason::Paused | ExplainedReason::Filtered) | None if *is_test => {
                    self.say(
                        "Es un evento de prueba de otro webhook; no hay nada que hacer.",
                        "It is a test event of another webhook; there is nothing to do.",
                    )
                }
                Some(ExplainedReason::Paused | ExplainedReason::Filtered) | None => self.say(
                    "El webhook se estaba cambiando en ese momento, o ya no se sabe cómo estaba.",
                    "The webhook was being changed at that moment, or how it was set is not known any more.",
                ),
            },
        }
    }

    /// Why an attempt was made. `is_test`: its event is a test event, whose first attempt somebody asked for.
    pub const fn cause(self, cause: Cause, number: u32, is_test: bool) -> &'static str {
        match cause {
            Cause::First => self.say("primer envío", "first"),
            Cause::Retry => self.say("reintento", "retry"),
            Cause::Manual if is_test && number == 1 => self.say("prueba", "test"),
            Cause::Manual => self.say("reenvío", "resent"),
            Cause::Recover => self.say("recuperación", "recovery"),
        }
    }

    pub const fn outcome(self, outcome: &AttemptOutcome) -> &'static str {
        match outcome {
            AttemptOutcome::Delivered => self.say("Entregado", "Delivered"),
            AttemptOutcome::Failed => self.say("Falló", "Failed"),
        }
    }

    pub const fn phase(self, phase: &Phase) -> &'static str {
        match phase {
            Phase::Resolve => "DNS",
            Phase::Connect => self.say("conexión", "connect"),
            Phase::Tls => "TLS",
            Phase::FirstByte => self.say("primer byte", "first byte"),
            Phase::Body => self.say("cuerpo", "body"),
        }
    }

    /// The colour of a phase.
    pub const fn phase_tone(self, phase: &Phase) -> &'static str {
        match phase {
            Phase::Resolve => "p1",
            Phase::Connect => "p2",
            Phase::Tls => "p3",
            Phase::FirstByte => "p4",
            Phase::Body => "p5",
        }
    }

    /// Which attempt's headers are shown, and what is not exact about them.
    pub fn sent_headers_text(self, attempt: &Option<u32>) -> String {
        match (attempt, self.is_spanish()) {
            (Some(number), true) => {
                format!("Las del intento {number}. webhook-timestamp puede diferir un segundo.")
            }
            (Some(number), false) => {
                format!("Those of attempt {number}. webhook-timestamp may differ by a second.")
            }
            (None, true) => "Las que llevará el primer intento.".to_owned(),
            (None, false) => "Those that the first attempt will carry.".to_owned(),
        }
    }

    pub fn attempt_number(self, number: &u32) -> String {
        let word = self.say("Intento", "Attempt");
        format!("{word} {number}")
    }

    /// Why a delivery cannot be resent; `None`: it can. `status`: its webhook's; `None`: it was deleted.
    pub const fn no_resend(self, status: &Option<WebhookStatus>) -> Option<&'static str> {
        match status {
            Some(WebhookStatus::Enabled | WebhookStatus::Paused) => None,
            Some(WebhookStatus::Disabled) => Some(self.resend_disabled()),
            None => Some(self.resend_deleted()),
        }
    }
}
