//! Simulated receivers: each webhook's has a temper that may change, and answers, fails or hangs by it.

use std::collections::BTreeMap;

use heraldo_delivery::transport::{Answer, Failure};
use heraldo_domain::delivery::AnswerHeaders;
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
    pub outcome: Result<Answer, Failure>,
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
                outcome: timeout(dice),
            };
        }
        let after_ms = dice.between(0, slowest_ms);
        if after_ms >= deadline_ms {
            return Reaction {
                after_ms: deadline_ms,
                outcome: timeout(dice),
            };
        }
        let outcome = if dice.chance(fails) {
            failure(dice)
        } else {
            let statuses = [200, 200, 201, 202, 204, 299];
            answered(*dice.pick(&statuses).unwrap_or(&200), None)
        };
        Reaction { after_ms, outcome }
    }
}

fn answered(status: u16, retry_after: Option<String>) -> Result<Answer, Failure> {
    Ok(Answer {
        status,
        body_head: Vec::new(),
        body_truncated: false,
        headers: AnswerHeaders::default(),
        retry_after,
    })
}

fn timeout(dice: &mut Dice) -> Result<Answer, Failure> {
    let phases = [
        Phase::Resolve,
        Phase::Connect,
        Phase::Tls,
        Phase::FirstByte,
        Phase::Body,
    ];
    let phase = dice.pick(&phases).copied();
    Err(Failure {
        class: ErrorClass::Timeout,
        phase,
        detail: "the deadline passed".to_owned(),
        status: (phase == Some(Phase::Body)).then_some(200),
        answer: None,
    })
}

/// Every class of failure, in every phase that it can have, and statuses of every kind that is none of 2XX.
fn failure(dice: &mut Dice) -> Result<Answer, Failure> {
    let statuses = [100, 199, 300, 302, 307, 400, 404, 429, 499, 500, 503, 599];
    if dice.chance(600) {
        // As often as not it says when to come back, with whatever status.
        let retry_after = dice.chance(500).then(|| dice.between(0, 40).to_string());
        // Seldom, for nothing more goes there until somebody enables it.
        let gone = dice.chance(15);
        let status = *dice.pick(&statuses).unwrap_or(&500);
        return answered(if gone { 410 } else { status }, retry_after);
    }
    let failures = [
        (ErrorClass::Dns, Some(Phase::Resolve)),
        (ErrorClass::AddressRefused, Some(Phase::Resolve)),
        (ErrorClass::AddressRefused, None),
        (ErrorClass::Connect, Some(Phase::Connect)),
        (ErrorClass::Tls, Some(Phase::Tls)),
        (ErrorClass::Reset, Some(Phase::FirstByte)),
        (ErrorClass::Reset, Some(Phase::Body)),
        (ErrorClass::Protocol, Some(Phase::FirstByte)),
    ];
    let (class, phase) = *dice.pick(&failures).unwrap_or(&(ErrorClass::Reset, None));
    // A body that is cut has a status, which counts for nothing.
    let status = (phase == Some(Phase::Body)).then_some(200);
    Err(Failure {
        class,
        phase,
        detail: "as the seed has it".to_owned(),
        status,
        answer: None,
    })
}
