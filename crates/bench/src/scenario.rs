//! The works that are measured, by name.

use heraldo_wire::event::EventType;
use serde::{Deserialize, Serialize};

/// What one request of the generator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `POST /v1/inspection/car`: one event.
    CreateInspection,
    /// `POST /v1/notification/event`: that many events. One goes alone, more go as an array.
    Publish { events: u32, event: EventType },
    /// A delivery itself, signed, straight at the sink, to that many paths in turn: the raw bound.
    Deliver { paths: u32 },
}

impl Call {
    /// How many events an accepted request makes.
    pub const fn events(self) -> u32 {
        match self {
            Self::CreateInspection | Self::Deliver { .. } => 1,
            Self::Publish { events, .. } => events,
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

/// What grows while the cost of an event is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    StoredEvents,
    WaitingDeliveries,
    Webhooks,
    FanOut,
    Callers,
}

/// How a scenario is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The load through a fresh server, beside the raw bound.
    Load,
    /// A fresh server to which nothing happens.
    Idle,
    /// The load alone and beside receivers that answer late.
    Isolation,
    /// A paused webhook's backlog: kept, survived, drained.
    Backlog,
    /// The load with very many events stored, and what these cost.
    Stored,
    /// The load over very many webhooks, some of which are dead.
    Dead,
    /// Inspections from their creation to their end.
    Lives,
    /// Large photos.
    Photos,
    /// Lists of very many inspections.
    Lists,
    /// The load again and again while something grows.
    Growth(Axis),
}

/// One work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    pub work: Work,
    pub call: Call,
    pub webhooks: u32,
    pub pace: Pace,
    /// Whether it runs in a quick run when no scenario is named.
    pub is_quick: bool,
}

const CREATED: EventType = EventType::InspectionCreated;

/// One inspection created per request, one webhook.
const W1: Scenario = Scenario {
    name: "W1",
    about: "one inspection created per request, one webhook",
    work: Work::Load,
    call: Call::CreateInspection,
    webhooks: 1,
    pace: Pace::AsFastAsAnswered,
    is_quick: true,
};

/// Events published in arrays, one webhook.
const W2: Scenario = Scenario {
    name: "W2",
    about: "events published in arrays of 100, one webhook",
    call: Call::Publish {
        events: 100,
        event: CREATED,
    },
    ..W1
};

/// One event for several webhooks.
const W3: Scenario = Scenario {
    name: "W3",
    about: "one event published per request, 20 webhooks",
    call: Call::Publish {
        events: 1,
        event: CREATED,
    },
    webhooks: 20,
    ..W1
};

/// In the order they run.
pub const ALL: [Scenario; 18] = [
    W1,
    W2,
    W3,
    Scenario {
        name: "L200",
        about: "200 inspections a second at fixed instants, one webhook",
        pace: Pace::PerSecond(200),
        ..W1
    },
    Scenario {
        name: "L2000",
        about: "2,000 inspections a second at fixed instants, one webhook",
        pace: Pace::PerSecond(2_000),
        ..W1
    },
    Scenario {
        name: "IDLE",
        about: "a fresh server to which nothing happens",
        work: Work::Idle,
        ..W1
    },
    Scenario {
        name: "BACKLOG",
        about: "a paused webhook's deliveries: held, restarted with after a kill, drained",
        work: Work::Backlog,
        ..W2
    },
    Scenario {
        name: "STORED",
        about: "W1 with very many events stored over W1 on an empty store; their disk; the delivery log",
        work: Work::Stored,
        ..W1
    },
    Scenario {
        name: "DEAD",
        about: "W2 over many companies' webhooks, 1 in 10 of them dead, over all healthy",
        work: Work::Dead,
        ..W2
    },
    Scenario {
        name: "W4",
        about: "the life of inspections: create, start, 4 photos of 200 KB, finish",
        work: Work::Lives,
        ..W1
    },
    Scenario {
        name: "PHOTO",
        about: "JPEG photos of 12 megapixels",
        work: Work::Photos,
        ..W1
    },
    Scenario {
        name: "LISTS",
        about: "lists of very many inspections and their filters",
        work: Work::Lists,
        ..W1
    },
    Scenario {
        name: "ISO",
        about: "W1 beside 10,000 deliveries queued for 20 receivers that answer after 10 s",
        work: Work::Isolation,
        ..W1
    },
    Scenario {
        name: "GROWTH-STORED",
        about: "W1 while stored events grow",
        work: Work::Growth(Axis::StoredEvents),
        is_quick: false,
        ..W1
    },
    Scenario {
        name: "GROWTH-WAITING",
        about: "W1 while another webhook's waiting deliveries grow",
        work: Work::Growth(Axis::WaitingDeliveries),
        is_quick: false,
        ..W1
    },
    Scenario {
        name: "GROWTH-WEBHOOKS",
        about: "W2 while the webhooks grow, each of a company of its own, used in turn",
        work: Work::Growth(Axis::Webhooks),
        is_quick: false,
        ..W2
    },
    Scenario {
        name: "GROWTH-FANOUT",
        about: "W3 while the webhooks of each event grow",
        work: Work::Growth(Axis::FanOut),
        is_quick: false,
        ..W3
    },
    Scenario {
        name: "GROWTH-CALLERS",
        about: "W1 while the callers that each wait for an answer grow",
        work: Work::Growth(Axis::Callers),
        is_quick: false,
        ..W1
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
