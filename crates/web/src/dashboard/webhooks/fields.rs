//! The form of a webhook: what it shows, and what it asks of the use cases.

use heraldo_domain::webhook::WebhookSettings;
use heraldo_wire::api::{
    CreateWebhookRequest, Ordering, Patch, UpdateWebhookRequest, WebhookHeaders,
};
use heraldo_wire::event::EventType;
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
    pub schedule: String,
    pub timeout: String,
    pub concurrency: String,
    pub rate: String,
    pub headers: String,
}

/// What the optional fields say, read.
struct Optional {
    ordering: Option<Ordering>,
    retry_schedule: Option<Vec<HumanDuration>>,
    timeout_ms: Option<u64>,
    concurrency: Option<u32>,
    rate_per_second: Option<u32>,
    headers: WebhookHeaders,
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
            timeout: text("timeout"),
            concurrency: text("concurrency"),
            rate: text("rate"),
            headers: text("headers"),
        }
    }

    /// The form of a webhook that exists.
    pub fn of(settings: &WebhookSettings) -> Self {
        let number = |number: Option<u64>| number.map_or(String::new(), |it| it.to_string());
        let waits = settings.retry_waits.iter().flatten();
        let waits: Vec<_> = waits.map(|wait| HumanDuration(*wait).to_string()).collect();
        let headers = settings.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let events = settings.events.iter();
        Self {
            endpoint: settings.endpoint.clone(),
            description: settings.description.clone().unwrap_or_default(),
            events: events.map(|event| event.as_str().to_owned()).collect(),
            ordering: settings
                .ordering
                .map_or(String::new(), |it| it.as_str().to_owned()),
            schedule: waits.join(", "),
            timeout: number(settings.timeout_ms),
            concurrency: number(settings.concurrency.map(u64::from)),
            rate: number(settings.rate_per_second.map(u64::from)),
            headers: headers.join("\n"),
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
        [
            &self.ordering,
            &self.schedule,
            &self.timeout,
            &self.concurrency,
            &self.rate,
            &self.headers,
        ]
        .iter()
        .any(|text| !text.is_empty())
    }

    pub fn create_request(&self) -> Result<CreateWebhookRequest, Wrong> {
        let Optional {
            ordering,
            retry_schedule,
            timeout_ms,
            concurrency,
            rate_per_second,
            headers,
        } = self.optional()?;
        Ok(CreateWebhookRequest {
            events: self.events.clone(),
            endpoint: self.endpoint.clone(),
            description: Some(self.description.clone()).filter(|text| !text.is_empty()),
            status: None,
            headers: Some(headers),
            ordering,
            retry_schedule,
            timeout_ms,
            concurrency,
            rate_per_second,
            ..CreateWebhookRequest::default()
        })
    }

    /// Everything that the form shows replaces what was there.
    pub fn update_request(&self) -> Result<UpdateWebhookRequest, Wrong> {
        let Optional {
            ordering,
            retry_schedule,
            timeout_ms,
            concurrency,
            rate_per_second,
            headers,
        } = self.optional()?;
        let description = Some(self.description.clone()).filter(|text| !text.is_empty());
        Ok(UpdateWebhookRequest {
            endpoint: Some(self.endpoint.clone()),
            events: Some(self.events.clone()),
            description: set(description),
            status: None,
            headers: Patch::Set(headers),
            ordering: set(ordering),
            retry_schedule: set(retry_schedule),
            timeout_ms: set(timeout_ms),
            concurrency: set(concurrency),
            rate_per_second: set(rate_per_second),
            ..UpdateWebhookRequest::default()
        })
    }

    fn optional(&self) -> Result<Optional, Wrong> {
        let ordering = given(&self.ordering)
            .map(|text| text.parse::<Ordering>())
            .transpose()
            .map_err(|error| Wrong::field("ordering", error.to_string()))?;
        Ok(Optional {
            ordering,
            retry_schedule: self.waits()?,
            timeout_ms: number(&self.timeout, "timeout")?,
            concurrency: number(&self.concurrency, "concurrency")?,
            rate_per_second: number(&self.rate, "rate")?,
            headers: self.header_lines()?,
        })
    }

    fn waits(&self) -> Result<Option<Vec<HumanDuration>>, Wrong> {
        let Some(text) = given(&self.schedule) else {
            return Ok(None);
        };
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let waits = words.map(|word| {
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

/// A field that may be left empty.
fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn number<N: std::str::FromStr>(text: &str, field: &'static str) -> Result<Option<N>, Wrong> {
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
