//! Simulated receivers: each webhook's has a temper that may change, and answers, fails or hangs by it.

use std::collections::BTreeMap;

use heraldo_domain::delivery::{AttemptResult, Received};
use heraldo_wire::attempt::{ErrorClass, Phase};
use heraldo_wire::id::WebhookId;

use crate::world::Dice;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Temper {
    Healthy,
    Slow,
    Flaky,
    Failing,
    Hanging,
}

const TEMPERS: [(u64, Temper); 5] = [
    (50, Temper::Healthy),
    (15, Temper::Slow),
    (20, Temper::Flaky),
    (10, Temper::Failing),
    (10, Temper::Hanging),
];

/// What came back, and when.
#[derive(Debug, Clone)]
pub struct Reaction {
    pub after_ms: u64,
    pub result: AttemptResult,
}

#[derive(Debug, Default)]
pub struct Receivers(BTreeMap<WebhookId, Temper>);

impl Receivers {
    /// What an attempt with this deadline will come to.
    pub fn react(&mut self, webhook: WebhookId, deadline_ms: u64, dice: &mut Dice) -> Reaction {
        let changes = !self.0.contains_key(&webhook) || dice.chance(40);
        if changes {
            self.0
                .insert(webhook, dice.weighted(&TEMPERS).unwrap_or(Temper::Healthy));
        }
        let (fails, hangs, slowest_ms) = match self.0.get(&webhook) {
            None | Some(Temper::Healthy) => (10, 2, 40),
            Some(Temper::Slow) => (50, 20, 2_500),
            Some(Temper::Flaky) => (400, 60, 300),
            Some(Temper::Failing) => (950, 10, 60),
            Some(Temper::Hanging) => (100, 850, 200),
        };
        if dice.chance(hangs) {
            return Reaction {
                after_ms: deadline_ms,
                result: timeout(),
            };
        }
        let after_ms = dice.between(0, slowest_ms);
        if after_ms >= deadline_ms {
            return Reaction {
                after_ms: deadline_ms,
                result: timeout(),
            };
        }
        let result = if dice.chance(fails) {
            failure(dice)
        } else {
            answered(200)
        };
        Reaction { after_ms, result }
    }
}

fn answered(status: u16) -> AttemptResult {
    AttemptResult::Answered(Received {
        status,
        ..Received::default()
    })
}

fn timeout() -> AttemptResult {
    AttemptResult::Failed {
        class: ErrorClass::Timeout,
        phase: Some(Phase::FirstByte),
        error: "the deadline passed".to_owned(),
        status: None,
    }
}

fn failure(dice: &mut Dice) -> AttemptResult {
    match dice.pick(&[500, 503, 429, 410, 404, 302, 199, 0]) {
        Some(0) | None => AttemptResult::Failed {
            class: ErrorClass::Reset,
            phase: None,
            error: "the connection was cut".to_owned(),
            status: None,
        },
        Some(status) => {
            // As often as not it says when to come back, with whatever status.
            let seconds = dice.chance(500).then(|| dice.between(0, 40).to_string());
            AttemptResult::Answered(Received {
                status: *status,
                retry_after: seconds,
                ..Received::default()
            })
        }
    }
}
