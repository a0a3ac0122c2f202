//! Recoveries: what was missed is sent again.

use heraldo_wire::api::{RecoverStatus, RecoveryState};

use super::{Words, words};

words! {
    deliveries_navigation: "Secciones de las entregas", "Sections of the deliveries";
    recover: "Recuperar", "Recover";
    recover_it: "Enviarlo ahora", "Send it now";
    recover_text: "Envía lo que un webhook no recibió en un período. Primero se cuenta; no se envía nada hasta que lo confirmes.",
        "Sends what a webhook did not get in a time range. It is counted first; nothing is sent until you confirm it.";
    recover_what: "Qué se envía", "What is sent";
    recover_until_hint: "Vacío: hasta ahora.", "Empty: until now.";
    recover_count: "Contar", "Count";
    recover_run: "Enviar", "Send";
    recover_change: "Cambiar el período", "Change the range";
    recover_counted: "Qué se enviaría", "What would be sent";
    count_goes_on: "Contando", "Counting";
    count_goes_on_text: "El período es largo. Se sigue contando aunque cierres esta página.",
        "The range is long. Counting goes on even if you close this page.";
    count_stopped: "Detenido", "Stopped";
    count_stopped_text: "Alguien detuvo la cuenta; lo contado hasta ahí se conserva.",
        "Somebody stopped the count; what was counted until then is kept.";
    counted_until: "Contado hasta", "Counted up to";
    count_see: "Ver cuánto va", "See how far it is";
    count_stop: "Dejar de contar", "Stop counting";
    count_go_on: "Seguir contando", "Go on counting";
    count_unneeded: "No hace falta esperar la cuenta: al enviar se cuenta todo.",
        "There is no need to wait for the count: sending counts everything.";
    recover_nothing: "No hay nada que enviar en este período. Amplíalo, o marca más estados.",
        "There is nothing to send in this range. Widen it, or tick more states.";
    recover_no_webhooks: "Para recuperar hace falta un webhook: agrega un endpoint y después envíale lo que pasó antes de que existiera.",
        "Recovering takes a webhook: add an endpoint, then send it what happened before it existed.";
    recover_disabled: "El webhook está desactivado: actívalo, y después envía.", "The webhook is disabled: enable it, then send.";
    recover_paused: "El webhook está en pausa: lo que se envíe espera hasta que se active.",
        "The webhook is paused: what is sent waits until it is enabled.";
    recover_under_way: "Este webhook tiene una recuperación en marcha: espera a que termine, o cancélala.",
        "This webhook has a recovery under way: wait until it has ended, or cancel it.";
    recover_see: "Verla", "See it";
    recover_gently: "Lo nuevo va primero: la recuperación usa la mitad de los lugares del webhook como máximo, y cada evento conserva su webhook-id.",
        "What is fresh goes first: a recovery takes half of the webhook's slots at most, and each event keeps its webhook-id.";
    recoveries: "Recuperaciones", "Recoveries";
    one_recovery: "Recuperación", "Recovery";
    no_recoveries: "Todavía no hubo ninguna. Elige un webhook y un período, y cuenta.",
        "There was none yet. Choose a webhook and a range, and count.";
    range: "Período", "Range";
    progress: "Avance", "Progress";
    counted: "Contados", "Counted";
    enqueued: "Puestos en cola", "Enqueued";
    remaining: "Quedan", "Left";
    ended: "Terminó", "Ended";
    recovery_begun: "La recuperación empezó. Sigue aunque cierres esta página.", "The recovery has begun. It goes on even if you close this page.";
    recovery_cancelled: "La recuperación se canceló. Lo que ya estaba en cola se envía.",
        "The recovery was cancelled. What was enqueued already is sent.";
    recovery_cancel: "Cancelar la recuperación", "Cancel the recovery";
    recovery_cancel_text: "Si la cancelas no se encola nada más; lo que ya está en cola se envía.",
        "If you cancel it, nothing more is enqueued; what is enqueued already is sent.";
    recovery_counting: "Se está contando lo que hay en el período.", "What is in the range is being counted.";
    recovery_running: "Se envía cada vez que el webhook no tiene nada nuevo que enviar.", "It sends whenever the webhook has nothing fresh to send.";
    recovery_completed: "Todo lo que faltaba se encoló. Lo que llegó entretanto no se envía de nuevo.",
        "Everything that was missing was enqueued. What arrived meanwhile is not sent again.";
    recovery_was_cancelled: "Alguien la canceló; lo que quedaba se puede recuperar después.",
        "Somebody cancelled it; what was left can be recovered again.";
    recovery_stopped: "Se detuvo porque el webhook se desactivó o se borró. Actívalo y recupera el resto.",
        "It stopped because the webhook was disabled or deleted. Enable it and recover the rest.";
    recovery_deliveries: "Las entregas de este webhook", "This webhook's deliveries";
    wrong_webhook: "Elige un webhook de la lista.", "Choose a webhook of the list.";
    wrong_statuses: "Marca al menos un estado.", "Tick at least one state.";
}

impl Words {
    pub const fn recover_status(self, status: &RecoverStatus) -> &'static str {
        match status {
            RecoverStatus::Failed => self.say("Fallidas", "Failed"),
            RecoverStatus::Cancelled => self.say("Canceladas", "Cancelled"),
            RecoverStatus::Missing => self.say("Nunca enviadas", "Never sent"),
            RecoverStatus::Delivered => self.say("Entregadas", "Delivered"),
        }
    }

    pub const fn recover_status_text(self, status: &RecoverStatus) -> &'static str {
        match status {
            RecoverStatus::Failed => self.say("lo que se dio por perdido", "what was given up"),
            RecoverStatus::Cancelled => self.say(
                "lo que esperaba cuando se desactivó el webhook",
                "what waited when the webhook was disabled",
            ),
            RecoverStatus::Missing => self.say(
                "eventos a los que está suscrito ahora y que nunca se le enviaron",
                "events that it is subscribed to now and was never sent",
            ),
            RecoverStatus::Delivered => self.say(
                "lo que ya llegó, una vez más",
                "what arrived already, once more",
            ),
        }
    }

    pub const fn recovery_state(self, state: &RecoveryState) -> &'static str {
        match state {
            RecoveryState::Counting => self.say("Contando", "Counting"),
            RecoveryState::Running => self.say("Enviando", "Sending"),
            RecoveryState::Completed => self.say("Terminada", "Completed"),
            RecoveryState::Cancelled => self.say("Cancelada", "Cancelled"),
            RecoveryState::Stopped => self.say("Detenida", "Stopped"),
        }
    }

    /// The colour of a state.
    pub const fn recovery_tone(self, state: &RecoveryState) -> &'static str {
        match state {
            RecoveryState::Counting | RecoveryState::Running => "warn",
            RecoveryState::Completed => "good",
            RecoveryState::Cancelled => "off",
            RecoveryState::Stopped => "bad",
        }
    }

    /// What a state means.
    pub const fn recovery_meaning(self, state: &RecoveryState) -> &'static str {
        match state {
            RecoveryState::Counting => self.recovery_counting(),
            RecoveryState::Running => self.recovery_running(),
            RecoveryState::Completed => self.recovery_completed(),
            RecoveryState::Cancelled => self.recovery_was_cancelled(),
            RecoveryState::Stopped => self.recovery_stopped(),
        }
    }

    /// So many were found so far.
    pub fn count_at_least(self, total: &u64) -> String {
        let total = self.number(*total);
        if self.is_spanish() {
            format!("Al menos {total} hasta ahora.")
        } else {
            format!("At least {total} so far.")
        }
    }

    pub fn recover_run_count(self, total: &u64) -> String {
        format!("{} ({})", self.recover_run(), self.number(*total))
    }
}
