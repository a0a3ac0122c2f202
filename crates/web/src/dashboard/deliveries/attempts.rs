//! The time line of a delivery's attempts: when, how long each phase took, what came back.

use heraldo_domain::delivery::Attempt;
use heraldo_wire::attempt::{AttemptOutcome, ErrorClass, Phase};

use super::request::{Part, shown_part};
use crate::dashboard::moment::Moment;
use crate::words::Words;

/// The width of the longest attempt's bar, in the units of the drawing.
const BAR_WIDTH: u64 = 1_000;
/// The newest attempt's answer is shown up to this many bytes, all that is kept of it.
const NEWEST_ANSWER_BYTES_MAX: usize = 4 * 1024;
/// An older attempt's answer: enough to tell what it was.
const OLDER_ANSWER_BYTES_MAX: usize = 512;

/// One attempt as its delivery's page shows it.
pub struct Shown {
    pub number: u32,
    /// Why it was made, in words.
    pub cause: &'static str,
    pub started_at: Moment,
    pub duration_ms: u32,
    pub outcome: AttemptOutcome,
    pub status_code: Option<u16>,
    pub failure: Option<Failure>,
    pub bars: Vec<Bar>,
    pub answer_headers: Vec<(String, String)>,
    pub answer: Part,
}

/// Why it failed.
pub struct Failure {
    class: ErrorClass,
    phase: Option<Phase>,
    status_code: Option<u16>,
    /// What was seen, in English; empty when title and advice say as much.
    pub error: String,
}

impl Failure {
    /// `None`: it did not.
    pub fn of(attempt: &Attempt) -> Option<Self> {
        Some(Self {
            class: attempt.error_class?,
            phase: attempt.phase,
            status_code: attempt.status_code,
            error: match attempt.error_class? {
                ErrorClass::Status => String::new(),
                ErrorClass::Dns
                | ErrorClass::AddressRefused
                | ErrorClass::Connect
                | ErrorClass::Tls
                | ErrorClass::Timeout
                | ErrorClass::Reset
                | ErrorClass::Protocol => attempt.error.clone().unwrap_or_default(),
            },
        })
    }

    pub fn title(&self, t: &Words) -> &'static str {
        t.failure(self.class, self.phase)
    }

    pub fn advice(&self, t: &Words) -> &'static str {
        t.advice(self.class, self.status_code)
    }
}

/// One phase in the drawing.
pub struct Bar {
    pub phase: Phase,
    pub ms: u32,
    pub x: u64,
    pub width: u64,
}

/// All attempts, oldest first. `is_test`: of a test event.
pub fn shown(t: Words, attempts: &[Attempt], is_test: bool) -> Vec<Shown> {
    let longest = attempts.iter().map(|attempt| attempt.duration_ms).max();
    let longest = u64::from(longest.unwrap_or_default()).max(1);
    let newest = attempts.last().map(|attempt| attempt.number);
    let show = |attempt: &Attempt| {
        let bytes_max = if Some(attempt.number) == newest {
            NEWEST_ANSWER_BYTES_MAX
        } else {
            OLDER_ANSWER_BYTES_MAX
        };
        Shown {
            number: attempt.number,
            cause: t.cause(attempt.cause, attempt.number, is_test),
            started_at: Moment(attempt.started_at),
            duration_ms: attempt.duration_ms,
            outcome: attempt.outcome,
            status_code: attempt.status_code,
            failure: Failure::of(attempt),
            bars: bars(attempt, longest),
            answer_headers: attempt
                .response_headers
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            answer: shown_part(&attempt.response_body, bytes_max),
        }
    };
    attempts.iter().map(show).collect()
}

/// The phases one after the other, on a scale on which the longest attempt fills the drawing.
fn bars(attempt: &Attempt, longest_ms: u64) -> Vec<Bar> {
    let took = &attempt.phases;
    let phases = [
        (Phase::Resolve, took.resolve_ms),
        (Phase::Connect, took.connect_ms),
        (Phase::Tls, took.tls_ms),
        (Phase::FirstByte, took.first_byte_ms),
        (Phase::Body, took.body_ms),
    ];
    let mut x = 0;
    let mut bars = Vec::new();
    for (phase, ms) in phases {
        let Some(ms) = ms else { continue };
        let width = u64::from(ms).saturating_mul(BAR_WIDTH) / longest_ms;
        // What was too short to measure is still there to be seen.
        let width = width.clamp(2, BAR_WIDTH);
        bars.push(Bar {
            phase,
            ms,
            x,
            width,
        });
        x += width;
    }
    bars
}
