//! The overview.

use heraldo_domain::ops::overview::Span;
use heraldo_wire::event::DisabledReason;

use super::{Words, words};

words! {
    span_navigation: "Período", "Time";
    welcome: "Primeros pasos", "First steps";
    welcome_text: "Unos pasos hasta la primera entrega; después, aquí se ve cómo van.",
        "A few steps to the first delivery; after that, this page shows how they go.";
    step_endpoint: "Agrega un endpoint", "Add an endpoint";
    step_endpoint_text: "la dirección de tu servidor a la que Heraldo avisa lo que pasa en cada inspección.",
        "the address of your server that Heraldo tells what happens in each inspection.";
    step_key: "Crea una clave de API", "Make an API key";
    step_test: "Envía un evento de prueba", "Send a test event";
    step_test_text: "desde la página del endpoint; llega firmado, como los demás.", "from the page of the endpoint; it arrives signed, like all others.";
    step_key_text: "con ella tu sistema crea inspecciones.", "your system creates inspections with it.";
    done_mark: "hecho", "done";
    deliveries_per_minute: "Entregas por minuto", "Deliveries per minute";
    tile_success: "Tasa de éxito", "Success rate";
    tile_latency: "Latencia", "Latency";
    chart_latency_text: "Desde que se acepta un evento hasta que termina su primer intento.",
        "From accepting an event to the end of its first attempt.";
    tile_waiting: "En espera", "Waiting";
    tile_oldest: "la más antigua", "oldest";
    tile_next: "la próxima", "next";
    tile_given_up: "Abandonadas", "Given up";
    tile_nothing_waits: "nada espera", "nothing waits";
    tile_under_way: "en curso", "under way";
    attempts_chart: "Intentos por minuto", "Attempts per minute";
    latency_chart: "Latencia", "Latency";
    chart_delivered: "entregados", "delivered";
    chart_failed: "fallidos", "failed";
    column_delivered: "Entregados", "Delivered";
    column_failed: "Fallidos", "Failed";
    figures_table: "Las cifras en una tabla", "The figures in a table";
    figures_caption: "Intentos y latencia; lo que no está en la tabla no tuvo intentos.",
        "Attempts and latency; what is not in the table had no attempts.";
    column_time: "Hora", "Time";
    nothing_happened: "No hubo intentos en este período.", "There were no attempts in this time.";
    failing_most: "Webhooks que más fallan", "Top failing webhooks";
    none_failing: "Ninguno falló en este período.", "None failed in this time.";
    most_frequent: "Motivo más frecuente", "Most frequent reason";
    backlog_by_webhook: "En espera por webhook", "Waiting by webhook";
    none_waiting: "Nada espera: todo lo aceptado está entregado o terminó.",
        "Nothing waits: all that was accepted is delivered or has ended.";
    first_due: "La más antigua", "Oldest due";
    deleted_webhook: "(borrado)", "(deleted)";
    disk_nearly_full: "El disco del servidor está casi lleno", "The server's disk is nearly full";
    disk_nearly_full_text: "No se acepta nada nuevo hasta que haya lugar; lo aceptado se sigue entregando. Quien opera el servidor debe liberar espacio.",
        "Nothing new is accepted until there is room; what was accepted is still delivered. Whoever runs the server has to free some space.";
    overloaded: "El servidor tiene demasiado que escribir", "The server has too much to write";
    overloaded_text: "Por ahora algunas solicitudes se rechazan con 503; repítelas en un momento.",
        "For now some requests are refused with 503; send them again in a moment.";
    webhook_was_disabled: "Heraldo desactivó un webhook", "Heraldo disabled a webhook";
}

impl Words {
    pub const fn span(self, span: Span) -> &'static str {
        match span {
            Span::Hour => self.say("Última hora", "Last hour"),
            Span::Day => self.say("Últimas 24 horas", "Last 24 hours"),
            Span::Month => self.say("Últimos 30 días", "Last 30 days"),
        }
    }

    /// Why Heraldo disabled a webhook, and what to do.
    pub const fn disabled_why(self, reason: DisabledReason) -> &'static str {
        match reason {
            DisabledReason::Gone => self.say(
                "Su receptor respondió 410 Gone: pon la dirección que lo reemplaza, actívalo y recupera lo perdido.",
                "Its receiver answered 410 Gone: enter the address that took its place, enable it, and recover what \
                 it missed.",
            ),
            DisabledReason::Failing => self.say(
                "Su receptor no aceptó nada por demasiado tiempo: mira por qué en sus entregas, actívalo y recupera \
                 lo perdido.",
                "Its receiver took nothing for too long: see why in its deliveries, enable it, and recover what it \
                 missed.",
            ),
            DisabledReason::Manual => self.say("Alguien lo desactivó.", "Somebody disabled it."),
        }
    }

    pub fn attempts_seen(self, highest: &str, delivered: &str, failed: &str) -> String {
        if self.is_spanish() {
            format!(
                "De izquierda a derecha en el tiempo. Intentos por minuto, como mucho: {highest}. En total, entregados: \
                 {delivered}; fallidos: {failed}. La tabla de abajo tiene cada cifra."
            )
        } else {
            format!(
                "From left to right over time. Attempts per minute, at most: {highest}. In all, delivered: \
                 {delivered}; failed: {failed}. The table below has every figure."
            )
        }
    }

    pub fn latency_seen(self, p50: &str, p95: &str, p99: &str) -> String {
        if self.is_spanish() {
            format!(
                "De izquierda a derecha en el tiempo; en total, la mitad tarda hasta {p50}, el 95 % hasta {p95} y el \
                 99 % hasta {p99}. La tabla de abajo tiene cada cifra."
            )
        } else {
            format!(
                "From left to right over time; in all, half take up to {p50}, 95% up to {p95} and 99% up to {p99}. \
                 The table below has every figure."
            )
        }
    }

    pub fn due_since(self, time: &str) -> String {
        format!("{} {time}", self.say("hace", "due for"))
    }

    pub fn due_in(self, time: &str) -> String {
        format!("{} {time}", self.say("en", "in"))
    }

    pub fn more_disabled(self, count: usize) -> String {
        match (count, self.is_spanish()) {
            (1, true) => "Heraldo desactivó otro webhook".to_owned(),
            (1, false) => "Heraldo disabled 1 more webhook".to_owned(),
            (count, true) => format!("Heraldo desactivó otros {count} webhooks"),
            (count, false) => format!("Heraldo disabled {count} more webhooks"),
        }
    }
}
