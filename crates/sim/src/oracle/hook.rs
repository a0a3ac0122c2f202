//! A webhook as the model knows it, now and in each turn before.

use heraldo_wire::api::{Ordering, WebhookStatus};
use heraldo_wire::event::EventType;
use heraldo_wire::id::CompanyId;
use heraldo_wire::signature::Secret;

use super::secrets::Secrets;

/// A webhook as its owner set it.
#[derive(Debug, Clone)]
pub struct Hook {
    pub company: CompanyId,
    /// `None`: deleted.
    pub status: Option<WebhookStatus>,
    pub events: Vec<EventType>,
    /// What holds for the events that come now.
    pub(super) ordering: Ordering,
    /// Its order was never changed, and is one in which first attempts follow each other.
    pub(super) ordered: bool,
    /// The last turn in which it was disabled or deleted.
    pub(super) ended: Option<u64>,
    /// Its receiver's host, which no other has.
    pub(super) authority: String,
    pub(super) secrets: Secrets,
    /// What it was set to, and in which turn.
    past: Vec<(u64, Settings)>,
}

/// What of a webhook says which events it gets.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    status: Option<WebhookStatus>,
    pub(super) events: Vec<EventType>,
    pub(super) ordering: Ordering,
}

/// A webhook as it was made.
#[derive(Debug)]
pub struct Created {
    pub company: CompanyId,
    pub status: WebhookStatus,
    pub events: Vec<EventType>,
    /// What is in force: its own, or the server's.
    pub ordering: Ordering,
    pub secret: Secret,
    pub authority: String,
}

impl Hook {
    pub(super) fn new(made: Created, turn: u64) -> Self {
        let mut hook = Self {
            company: made.company,
            status: Some(made.status),
            events: made.events,
            ordering: made.ordering,
            ordered: made.ordering != Ordering::None,
            ended: (made.status == WebhookStatus::Disabled).then_some(turn),
            authority: made.authority,
            secrets: Secrets::new(made.secret, turn),
            past: Vec::new(),
        };
        hook.remember(turn);
        hook
    }

    /// It was there at some moment since that turn.
    pub(super) fn was_live_since(&self, turn: u64) -> bool {
        self.any_since(turn, |settings| settings.status.is_some())
    }

    /// It is not deleted.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.status.is_some()
    }

    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.status == Some(WebhookStatus::Paused)
    }

    #[must_use]
    pub fn is_ended(&self) -> bool {
        is_ended(self.status)
    }

    pub(super) fn remember(&mut self, turn: u64) {
        let settings = Settings {
            status: self.status,
            events: self.events.clone(),
            ordering: self.ordering,
        };
        self.past.push((turn, settings));
    }

    /// As it was in that turn; `None`: it was not there.
    pub(super) fn at(&self, turn: u64) -> Option<&Settings> {
        let mut newest_first = self.past.iter().rev();
        let found = newest_first.find(|(since, _)| *since <= turn);
        found.map(|(_, settings)| settings)
    }

    /// It was disabled, or not there, in that turn.
    #[must_use]
    pub fn was_ended_at(&self, turn: u64) -> bool {
        self.at(turn).is_none_or(Settings::is_ended)
    }

    /// It was disabled or deleted at some moment since that turn.
    #[must_use]
    pub fn was_ended_since(&self, turn: u64) -> bool {
        self.any_since(turn, Settings::is_ended)
    }

    /// How often it was changed since that turn.
    #[must_use]
    pub fn changes_since(&self, turn: u64) -> usize {
        self.past.iter().filter(|(since, _)| *since >= turn).count()
    }

    fn any_since(&self, turn: u64, is: impl Fn(&Settings) -> bool) -> bool {
        let since = self.past.iter().filter(|(since, _)| *since >= turn);
        self.at(turn).is_some_and(&is) || since.into_iter().any(|(_, settings)| is(settings))
    }
}

impl Settings {
    pub(super) const fn is_ended(&self) -> bool {
        is_ended(self.status)
    }
}

const fn is_ended(status: Option<WebhookStatus>) -> bool {
    matches!(status, None | Some(WebhookStatus::Disabled))
}
