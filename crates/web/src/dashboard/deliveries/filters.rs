//! Which deliveries are listed: read from the address, so that a list can be kept and sent around.

use heraldo_domain::query::DeliveryFilter;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{DeliveryId, EventId, WebhookId};
use url::form_urlencoded;

use super::Choice;
use crate::dashboard::moment::{Entry, read_entry};
use crate::dashboard::wrong::Wrong;

/// The filters of a list.
#[derive(Debug, Default)]
pub struct Filters {
    pub asked: DeliveryFilter,
    /// The last delivery of the page before.
    pub before: Option<DeliveryId>,
    /// What was typed as the id of an inspection or an event.
    pub subject: String,
    pub from: Entry,
    pub to: Entry,
}

/// Filters as they were read.
pub struct Read {
    pub filters: Filters,
    /// The first that is wrong; it filters nothing.
    pub wrong: Option<Wrong>,
}

impl Filters {
    pub fn read(query: &str) -> Read {
        let mut filters = Self::default();
        let mut wrong = None;
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            if let Err(refusal) = filters.set(&name, text) {
                wrong = wrong.or(Some(refusal));
            }
        }
        if wrong.is_none()
            && let (Some(from), Some(to)) = (filters.asked.from, filters.asked.to)
            && from >= to
        {
            wrong = Some(Wrong::field("from", "`from` is not before `to`"));
        }
        Read { filters, wrong }
    }

    fn set(&mut self, name: &str, text: &str) -> Result<(), Wrong> {
        let asked = &mut self.asked;
        match name {
            "webhook" => asked.webhook_id = Some(id("webhook", text)?),
            "event" => {
                let event = EventType::subscribable(text);
                asked.event_type = Some(event.map_err(|error| said("event", &error))?);
            }
            "status" => {
                let status: Result<DeliveryStatus, _> = text.parse();
                asked.status = Some(status.map_err(|error| said("status", &error))?);
            }
            "subject" => {
                text.clone_into(&mut self.subject);
                if let Ok(event) = text.parse::<EventId>() {
                    asked.event_id = Some(event);
                } else {
                    asked.inspection_id = Some(id("subject", text)?);
                }
            }
            "from" => {
                self.from = Entry::typed(text);
                asked.from = Some(read_entry("from", text)?);
                self.from = asked.from.into();
            }
            "to" => {
                self.to = Entry::typed(text);
                asked.to = Some(read_entry("to", text)?);
                self.to = asked.to.into();
            }
            "cursor" => self.before = Some(id("cursor", text)?),
            // What somebody added to the address is not ours.
            _ => {}
        }
        Ok(())
    }

    /// Whether anything is filtered.
    pub fn is_set(&self) -> bool {
        self.asked != DeliveryFilter::default()
    }

    /// Whether this is the page with the newest.
    pub fn is_newest(&self) -> bool {
        self.before.is_none()
    }

    pub fn is_webhook(&self, webhook: &WebhookId) -> bool {
        self.asked.webhook_id.as_ref() == Some(webhook)
    }

    pub fn is_event(&self, event: &EventType) -> bool {
        self.asked.event_type.as_ref() == Some(event)
    }

    pub fn is_status(&self, status: &DeliveryStatus) -> bool {
        self.asked.status.as_ref() == Some(status)
    }

    /// Whether the webhook asked for is none of these.
    pub fn is_elsewhere(&self, choices: &[Choice]) -> bool {
        let webhook = self.asked.webhook_id;
        webhook.is_some_and(|webhook| choices.iter().all(|choice| choice.id != webhook))
    }

    /// The list with these filters, before a delivery, as a query.
    pub fn address(&self, before: Option<DeliveryId>) -> String {
        let asked = &self.asked;
        let pairs = [
            ("webhook", asked.webhook_id.map(|id| id.to_string())),
            ("event", asked.event_type.map(|event| event.to_string())),
            ("status", asked.status.map(|status| status.to_string())),
            ("subject", Some(self.subject.clone())),
            ("from", asked.from.map(|at| at.to_string())),
            ("to", asked.to.map(|at| at.to_string())),
            ("cursor", before.map(|id| id.to_string())),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                query.append_pair(name, &value);
            }
        }
        format!("deliveries?{}", query.finish())
    }

    /// The stream of what these filters keep.
    pub fn stream_address(&self) -> String {
        self.address(None)
            .replacen("deliveries", "deliveries/stream", 1)
    }
}

fn id<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, Wrong> {
    let wrong = |_| Wrong::field(field, "an id has 24 digits from 0 to f");
    text.parse().map_err(wrong)
}

fn said(field: &'static str, error: &impl std::fmt::Display) -> Wrong {
    Wrong::field(field, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_was_read_from() {
        let check = |query: &str, expected: &str| {
            let read = Filters::read(query);
            assert!(read.wrong.is_none(), "{query}: {:?}", read.wrong);
            assert_eq!(read.filters.address(None), format!("deliveries?{expected}"));
        };
        check("", "");
        check("webhook=&event=&status=&subject=+&from=&utm=x", "");
        check(
            "status=failed&webhook=651ae032ff786d198dfa4ce4&event=image_processed",
            "webhook=651ae032ff786d198dfa4ce4&event=image_processed&status=failed",
        );
        check(
            "subject=evt_651ae032ff786d198dfa4ce4&from=2026-11-20T08:30",
            "subject=evt_651ae032ff786d198dfa4ce4&from=2026-11-20T08%3A30%3A00.000Z",
        );
        check(
            "from=2026-11-20T08:30:15.5&to=2026-11-20T10:00:00Z",
            "from=2026-11-20T08%3A30%3A15.500Z&to=2026-11-20T10%3A00%3A00.000Z",
        );
    }

    #[test]
    fn what_is_wrong_with_a_filter_is_said_at_its_field() {
        let check = |query: &str, field: &str| {
            let wrong = Filters::read(query).wrong;
            assert!(wrong.is_some_and(|wrong| wrong.is(field)), "{query}");
        };
        check("webhook=1", "webhook");
        check("event=boat", "event");
        check("status=asleep", "status");
        check("subject=evt_1", "subject");
        check("from=yesterday", "from");
        check("to=2026-13-01T00:00", "to");
        check("cursor=x", "cursor");
        check("from=2026-11-20T08:30&to=2026-11-20T08:30", "from");
    }
}
