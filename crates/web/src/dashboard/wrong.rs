//! What is wrong with a form: which field, and what to change.

use heraldo_wire::problem::{Problem, ProblemCode};
use http::StatusCode;

use crate::problem::Failure;
use crate::words::Words;

/// A refusal that the person in front of the form can mend.
#[derive(Debug)]
pub struct Wrong {
    /// The field's name in the form, when the refusal is about one.
    pub field: Option<&'static str>,
    pub status: StatusCode,
    /// What the use case said, in English.
    pub detail: String,
}

/// The fields whose names refusals begin with, and what each is called in the forms.
const FIELDS: &[(&str, &str)] = &[
    ("`endpoint`", "endpoint"),
    ("`events`", "events"),
    ("unknown event", "events"),
    ("`description`", "description"),
    ("`headers`", "headers"),
    ("`retrySchedule`", "schedule"),
    ("`retryEvents`", "retried"),
    ("`timeoutMs`", "timeout"),
    ("`concurrency`", "concurrency"),
    ("`ratePerSecond`", "rate"),
    ("`disableAfter`", "disable-after"),
    ("`disableAttemptsMin`", "disable-attempts"),
    ("`tls.clientCertificate`", "tls-certificate"),
    ("`tls.clientKey`", "tls-key"),
    ("`tls", "tls-ca"),
    ("the receiver did not prove", "challenge"),
    ("`name`", "name"),
    ("`overlapSeconds`", "overlap"),
    ("`reason`", "reason"),
    ("`email`", "email"),
    ("`password`", "password"),
    ("`firstName`", "first-name"),
    ("`from`", "from"),
    ("`status`", "statuses"),
];

impl Wrong {
    /// What a use case refused.
    ///
    /// # Errors
    /// The refusal itself, when filling the form in differently would not help.
    pub fn of(problem: Problem) -> Result<Self, Failure> {
        let mendable = matches!(
            problem.code,
            ProblemCode::InvalidBody
                | ProblemCode::InvalidUrl
                | ProblemCode::UnknownEvent
                | ProblemCode::LimitReached
                | ProblemCode::Conflict
                | ProblemCode::ChallengeFailed
        );
        if !mendable {
            return Err(problem.into());
        }
        let begins = |(begin, _): &&(&str, &str)| problem.detail.starts_with(begin);
        let field = FIELDS.iter().find(begins).map(|(_, field)| *field);
        Ok(Self {
            field,
            status: status(&problem),
            detail: problem.detail,
        })
    }

    /// What a page itself found wrong with one field.
    pub fn field(field: &'static str, detail: impl Into<String>) -> Self {
        Self {
            field: Some(field),
            status: StatusCode::BAD_REQUEST,
            detail: detail.into(),
        }
    }

    /// Names the field that a refusal is about, where the use case cannot.
    pub fn about(mut self, field: &'static str) -> Self {
        self.field = self.field.or(Some(field));
        self
    }

    /// Whether it is about this field.
    pub fn is(&self, field: &str) -> bool {
        self.field == Some(field)
    }

    /// Whether its page says it at the field; what is about no field is said above the form.
    pub fn is_at_field(&self) -> bool {
        self.field
            .is_some_and(|field| !["cursor", "life"].contains(&field))
    }

    /// What on the page it is about; what stands in the address alone is nowhere on it.
    pub fn place(&self) -> Option<&'static str> {
        self.field.filter(|field| *field != "cursor")
    }

    /// What the use case said, in English, where the advice does not say as much: which line of a list is wrong,
    /// which of several rules was broken.
    pub fn more(&self) -> Option<&str> {
        let says_all = match self.field {
            Some(field) => ![
                "endpoint",
                "events",
                "headers",
                "schedule",
                "retried",
                "tls-ca",
                "tls-certificate",
                "tls-key",
                "challenge",
            ]
            .contains(&field),
            None => false,
        };
        (!says_all).then_some(self.detail.as_str())
    }

    /// What to do, in the reader's language.
    pub fn advice(&self, t: &Words) -> &'static str {
        match self.field {
            Some("endpoint") => t.wrong_endpoint(),
            Some("events") => t.wrong_events(),
            Some("headers") => t.wrong_headers(),
            Some("schedule") => t.wrong_schedule(),
            Some("retried") => t.wrong_retried(),
            Some("timeout") => t.wrong_timeout(),
            Some("concurrency") => t.wrong_concurrency(),
            Some("rate") => t.wrong_rate(),
            Some("disable-after") => t.wrong_disable_after(),
            Some("disable-attempts") => t.wrong_disable_attempts(),
            Some("tls-ca" | "tls-certificate" | "tls-key") => t.wrong_tls(),
            Some("challenge") => t.wrong_challenge(),
            Some("name") => t.wrong_name(),
            Some("scopes") => t.wrong_scopes(),
            Some("veredict") => t.wrong_veredict(),
            Some("photos") => t.wrong_photos(),
            Some("reason") => t.wrong_reason(),
            Some("redirects") => t.wrong_redirects(),
            Some("email") => t.wrong_email(),
            Some("password") => t.wrong_new_password(),
            Some("first-name") => t.wrong_first_name(),
            Some("role") => t.wrong_role(),
            Some("again") => t.wrong_again(),
            Some("present" | "email-present") => t.wrong_present(),
            Some("subject") => t.wrong_subject(),
            Some("webhook") => t.wrong_webhook(),
            Some("statuses") => t.wrong_statuses(),
            Some("from" | "to") => t.wrong_time(),
            Some("description") => t.wrong_description(),
            Some("action" | "who" | "ordering" | "recovery" | "overlap" | "event" | "status") => {
                t.wrong_choice()
            }
            Some(_) | None => t.wrong_other(),
        }
    }
}

fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::BAD_REQUEST)
}
