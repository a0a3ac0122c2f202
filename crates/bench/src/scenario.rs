//! The works that are measured, by name.

use serde::{Deserialize, Serialize};

/// What one request of the generator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `POST /v1/inspection/car`: one event.
    CreateInspection,
    /// `POST /v1/notification/event`: that many events. One goes alone, more go as an array.
    Publish { events: u32 },
    /// A delivery itself, signed, straight at the sink, to that many paths in turn: the raw bound.
    Deliver { paths: u32 },
}

impl Call {
    /// How many events an accepted request makes.
    pub const fn events(self) -> u32 {
        match self {
            Self::CreateInspection | Self::Deliver { .. } => 1,
            Self::Publish { events } => events,
        }
    }
}

/// How fast requests are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Every connection sends its next request when the one before is answered.
    AsFastAsAnswered,
    /// At fixed instants, whether or not earlier ones are answered.
    PerSecond(u32),
}

/// A queue for receivers that answer late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slow {
    pub deliveries: u32,
    /// As many receivers.
    pub webhooks: u32,
    pub answer_after_ms: u64,
}

/// One work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    pub call: Call,
    pub webhooks: u32,
    pub pace: Pace,
    /// Measured once alone and once beside this, instead of beside the raw bound.
    pub slow: Option<Slow>,
    /// Whether it runs when no scenario is named.
    pub by_default: bool,
}

/// In the order they run.
pub const ALL: [Scenario; 6] = [
    Scenario {
        name: "W1",
        about: "one inspection created per request, one webhook",
        call: Call::CreateInspection,
        webhooks: 1,
        pace: Pace::AsFastAsAnswered,
        slow: None,
        by_default: true,
    },
    Scenario {
        name: "W2",
        about: "events published in arrays of 100, one webhook",
        call: Call::Publish { events: 100 },
        webhooks: 1,
        pace: Pace::AsFastAsAnswered,
        slow: None,
        by_default: true,
    },
    Scenario {
        name: "W3",
        about: "one event published per request, 20 webhooks",
        call: Call::Publish { events: 1 },
        webhooks: 20,
        pace: Pace::AsFastAsAnswered,
        slow: None,
        by_default: true,
    },
    Scenario {
        name: "L200",
        about: "200 inspections a second at fixed instants, one webhook",
        call: Call::CreateInspection,
        webhooks: 1,
        pace: Pace::PerSecond(200),
        slow: None,
        by_default: true,
    },
    Scenario {
        name: "L2000",
        about: "2,000 inspections a second at fixed instants, one webhook",
        call: Call::CreateInspection,
        webhooks: 1,
        pace: Pace::PerSecond(2_000),
        slow: None,
        by_default: false,
    },
    Scenario {
        name: "ISO",
        about: "W1 beside 10,000 deliveries queued for 20 receivers that answer after 10 s",
        call: Call::CreateInspection,
        webhooks: 1,
        pace: Pace::AsFastAsAnswered,
        slow: Some(Slow {
            deliveries: 10_000,
            webhooks: 20,
            answer_after_ms: 10_000,
        }),
        by_default: true,
    },
];

impl Scenario {
    /// The scenario of that name, in any case.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter()
            .find(|scenario| scenario.name.eq_ignore_ascii_case(name))
    }

    /// The same deliveries without a server between.
    pub const fn raw_call(&self) -> Call {
        Call::Deliver {
            paths: self.webhooks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_found_by_name_in_any_case() {
        assert_eq!(Scenario::named("w2").map(|found| found.name), Some("W2"));
        assert_eq!(Scenario::named("W9"), None);
    }
}
