//! The form of a webhook: what it shows, and what it asks of the use cases.

use heraldo_domain::webhook::Webhook;
use std::fmt::Display;
use std::str::FromStr;

use heraldo_wire::api::{
    CreateWebhookRequest, DisableAfter, Ordering, Patch, TlsRequest, UpdateWebhookRequest,
    WebhookHeaders,
};
use heraldo_wire::event::EventType;
use heraldo_wire::object::Confidential;
use heraldo_wire::time::HumanDuration;

use crate::dashboard::visit::Form;
use crate::dashboard::wrong::Wrong;

/// The fields as they stand in the form.
#[derive(Debug, Default)]
pub struct Fields {
    pub endpoint: String,
    pub description: String,
    pub events: Vec<String>,
    pub ordering: String,
    /// The waits, or `none`; empty: the server's.
    pub schedule: String,
    /// The events, or `none`; empty: the server's.
    pub retried: String,
    pub timeout: String,
    pub concurrency: String,
    pub rate: String,
    pub headers: String,
    /// `yes`, `no`, or empty: the server's.
    pub recovery: String,
    pub disable_after: String,
    pub disable_attempts: String,
    pub asymmetric: bool,
    pub challenge: bool,
    pub tls_ca: String,
    pub tls_certificate: String,
    /// The webhook has a key, which is not shown.
    pub has_key: bool,
    /// What was sent for it; nothing shows it again.
    tls_key: Option<Confidential>,
}

/// What the optional fields say, read.
struct Optional {
    ordering: Option<Ordering>,
    retry_schedule: Option<Vec<HumanDuration>>,
    retry_events: Option<Vec<String>>,
    timeout_ms: Option<u64>,
    concurrency: Option<u32>,
    rate_per_second: Option<u32>,
    headers: WebhookHeaders,
    retry_on_recovery: Option<bool>,
    disable_after: Option<DisableAfter>,
    disable_attempts_min: Option<u32>,
}

impl Fields {
    /// An empty form: every event about inspections is wanted until some are not.
    pub fn new() -> Self {
        let events = EventType::ALL.map(|event| event.as_str().to_owned());
        Self {
            events: events.to_vec(),
            ..Self::default()
        }
    }

    /// What was sent.
    pub fn read(form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            endpoint: text("endpoint"),
            description: text("description"),
            events: form.all("events").into_iter().map(str::to_owned).collect(),
            ordering: text("ordering"),
            schedule: text("schedule"),
            retried: text("retried"),
            timeout: text("timeout"),
            concurrency: text("concurrency"),
            rate: text("rate"),
            headers: text("headers"),
            recovery: text("recovery"),
            disable_after: text("disable-after"),
            disable_attempts: text("disable-attempts"),
            asymmetric: form.text("asymmetric") == "yes",
            challenge: form.text("challenge") == "yes",
            tls_ca: lines(form.text("tls-ca")),
            tls_certificate: lines(form.text("tls-certificate")),
            has_key: form.text("has-key") == "yes",
            tls_key: given(form.text("tls-key")).map(|key| Confidential::new(lines(key))),
        }
    }

    /// The form of a webhook that exists.
    pub fn of(webhook: &Webhook) -> Self {
        let settings = &webhook.settings;
        let headers = settings.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let events = settings.events.iter();
        Self {
            endpoint: settings.endpoint.clone(),
            description: settings.description.clone().unwrap_or_default(),
            events: events.map(|event| event.as_str().to_owned()).collect(),
            ordering: or_empty(settings.ordering.map(Ordering::as_str)),
            schedule: list(&settings.retry_waits, |wait| {
                HumanDuration(*wait).to_string()
            }),
            retried: list(&settings.retry_events, EventType::to_string),
            timeout: or_empty(settings.timeout_ms),
            concurrency: or_empty(settings.concurrency),
            rate: or_empty(settings.rate_per_second),
            headers: headers.join("\n"),
            recovery: or_empty(settings.retry_on_recovery.map(yes_or_no)),
            disable_after: or_empty(settings.disable_after),
            disable_attempts: or_empty(settings.disable_attempts_min),
            asymmetric: webhook.secrets.signing_key.is_some(),
            challenge: false,
            tls_ca: settings.tls.ca.clone().unwrap_or_default(),
            tls_certificate: settings.tls.client_certificate.clone().unwrap_or_default(),
            has_key: webhook.secrets.client_key.is_some(),
            tls_key: None,
        }
    }

    /// Whether the box of this event is ticked.
    pub fn wants(&self, event: &EventType) -> bool {
        self.events.iter().any(|name| name == event.as_str())
    }

    pub fn all_events(&self) -> &'static [EventType] {
        &EventType::SUBSCRIBABLE
    }

    pub fn orderings(&self) -> &'static [Ordering] {
        Ordering::ALL
    }

    /// Whether any of the settings that are folded away is set.
    pub fn has_more(&self) -> bool {
        self.asymmetric
            || self.challenge
            || [
                &self.ordering,
                &self.schedule,
                &self.retried,
                &self.timeout,
                &self.concurrency,
                &self.rate,
                &self.headers,
                &self.recovery,
                &self.disable_after,
                &self.disable_attempts,
                &self.tls_ca,
                &self.tls_certificate,
            ]
            .iter()
            .any(|text| !text.is_empty())
    }

    pub fn create_request(&self) -> Result<CreateWebhookRequest, Wrong> {
        let optional = self.optional()?;
        let tls = TlsRequest {
            ca: given(&self.tls_ca).map_or(Patch::Absent, |text| Patch::Set(text.to_owned())),
            client_certificate: given(&self.tls_certificate)
                .map_or(Patch::Absent, |text| Patch::Set(text.to_owned())),
            client_key: self.tls_key.clone().map_or(Patch::Absent, Patch::Set),
        };
        Ok(CreateWebhookRequest {
            events: self.events.clone(),
            endpoint: self.endpoint.clone(),
            description: given(&self.description).map(str::to_owned),
            status: None,
            headers: Some(optional.headers),
            ordering: optional.ordering,
            retry_schedule: optional.retry_schedule,
            retry_events: optional.retry_events,
            timeout_ms: optional.timeout_ms,
            concurrency: optional.concurrency,
            rate_per_second: optional.rate_per_second,
            asymmetric_signature: Some(self.asymmetric),
            retry_on_recovery: optional.retry_on_recovery,
            disable_after: optional.disable_after,
            disable_attempts_min: optional.disable_attempts_min,
            challenge: self.challenge.then_some(true),
            tls: (tls != TlsRequest::default()).then_some(tls),
        })
    }

    /// Everything that the form shows replaces what was there.
    pub fn update_request(&self) -> Result<UpdateWebhookRequest, Wrong> {
        let optional = self.optional()?;
        Ok(UpdateWebhookRequest {
            endpoint: Some(self.endpoint.clone()),
            events: Some(self.events.clone()),
            description: set(given(&self.description).map(str::to_owned)),
            status: None,
            headers: Patch::Set(optional.headers),
            ordering: set(optional.ordering),
            retry_schedule: set(optional.retry_schedule),
            retry_events: set(optional.retry_events),
            timeout_ms: set(optional.timeout_ms),
            concurrency: set(optional.concurrency),
            rate_per_second: set(optional.rate_per_second),
            asymmetric_signature: Patch::Set(self.asymmetric),
            retry_on_recovery: set(optional.retry_on_recovery),
            disable_after: set(optional.disable_after),
            disable_attempts_min: set(optional.disable_attempts_min),
            challenge: self.challenge.then_some(true),
            tls: self.new_tls(),
        })
    }

    /// An empty field removes what was there. The key is not shown, so that an empty one keeps it as long as
    /// there is a certificate that it can be for.
    fn new_tls(&self) -> Patch<TlsRequest> {
        let tls = TlsRequest {
            ca: set(given(&self.tls_ca).map(str::to_owned)),
            client_certificate: set(given(&self.tls_certificate).map(str::to_owned)),
            client_key: match (&self.tls_key, self.tls_certificate.is_empty()) {
                (Some(key), _) => Patch::Set(key.clone()),
                (None, true) => Patch::Null,
                (None, false) => Patch::Absent,
            },
        };
        let none = TlsRequest {
            ca: Patch::Null,
            client_certificate: Patch::Null,
            client_key: Patch::Null,
        };
        if tls == none {
            Patch::Null
        } else {
            Patch::Set(tls)
        }
    }

    fn optional(&self) -> Result<Optional, Wrong> {
        Ok(Optional {
            ordering: parsed(&self.ordering, "ordering")?,
            retry_schedule: self.waits()?,
            retry_events: words(&self.retried)
                .map(|names| names.into_iter().map(str::to_owned).collect()),
            timeout_ms: number(&self.timeout, "timeout")?,
            concurrency: number(&self.concurrency, "concurrency")?,
            rate_per_second: number(&self.rate, "rate")?,
            headers: self.header_lines()?,
            retry_on_recovery: match self.recovery.as_str() {
                "" => None,
                "yes" => Some(true),
                "no" => Some(false),
                other => {
                    let detail = format!("`{other}` is neither yes nor no; choose one of them");
                    return Err(Wrong::field("recovery", detail));
                }
            },
            disable_after: parsed(&self.disable_after, "disable-after")?,
            disable_attempts_min: number(&self.disable_attempts, "disable-attempts")?,
        })
    }

    fn waits(&self) -> Result<Option<Vec<HumanDuration>>, Wrong> {
        let Some(words) = words(&self.schedule) else {
            return Ok(None);
        };
        let waits = words.into_iter().map(|word| {
            word.parse::<HumanDuration>()
                .map_err(|error| Wrong::field("schedule", error.to_string()))
        });
        waits.collect::<Result<_, _>>().map(Some)
    }

    fn header_lines(&self) -> Result<WebhookHeaders, Wrong> {
        let lines = self.headers.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty());
        let pairs = lines.map(|line| {
            let (name, value) = line.split_once(':').ok_or_else(|| {
                Wrong::field("headers", "a line has no colon; write `Name: value`")
            })?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        });
        pairs.collect()
    }
}

/// What a list says when it is there and has nothing in it: an empty field means something else.
const NOTHING: &str = "none";

/// A list that a webhook may have of its own.
fn list<T>(own: &Option<Vec<T>>, shown: impl Fn(&T) -> String) -> String {
    match own.as_deref() {
        None => String::new(),
        Some([]) => NOTHING.to_owned(),
        Some(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
    }
}

/// The words of such a list; `None`: the server's.
fn words(text: &str) -> Option<Vec<&str>> {
    let text = given(text.trim())?;
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    Some(if text == NOTHING {
        Vec::new()
    } else {
        words.collect()
    })
}

/// A field that may be left empty.
fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Browsers send the lines of a text apart by two characters.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn or_empty(value: Option<impl Display>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

const fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn parsed<T>(text: &str, field: &'static str) -> Result<Option<T>, Wrong>
where
    T: FromStr<Err: Display>,
{
    given(text)
        .map(|text| text.parse())
        .transpose()
        .map_err(|error: T::Err| Wrong::field(field, error.to_string()))
}

fn number<N: FromStr>(text: &str, field: &'static str) -> Result<Option<N>, Wrong> {
    let wrong = |_| {
        Wrong::field(
            field,
            format!("`{text}` is no whole number; write one like 30"),
        )
    };
    given(text)
        .map(|text| text.parse().map_err(wrong))
        .transpose()
}

fn set<T>(value: Option<T>) -> Patch<T> {
    value.map_or(Patch::Null, Patch::Set)
}
