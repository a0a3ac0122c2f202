//! Where an attempt stands and what each phase took.

use heraldo_wire::attempt::{Phase, PhaseTimings};
use tokio::time::Instant;

use super::exchange::Part;

/// The monotonic clock, read in this one place.
#[expect(
    clippy::disallowed_methods,
    reason = "the transport sets the deadline of IO and measures how long it took"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}

pub(super) struct Trace {
    started: Instant,
    phase: Option<Phase>,
    since: Instant,
    timings: PhaseTimings,
    status: Option<u16>,
    part: Option<Part>,
}

impl Trace {
    pub(super) fn begin(started: Instant) -> Self {
        Self {
            started,
            phase: None,
            since: started,
            timings: PhaseTimings::default(),
            status: None,
            part: None,
        }
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        self.enter_at(phase, now());
    }

    fn enter_at(&mut self, phase: Phase, now: Instant) {
        self.end(now);
        self.phase = Some(phase);
        self.since = now;
    }

    /// The head of the answer is here; its body begins.
    pub(super) fn head_came(&mut self, status: u16) {
        self.status = Some(status);
        self.enter(Phase::Body);
    }

    /// What comes of the answer is put here, so that it is there also when the rest never comes.
    pub(super) fn body_begins(&mut self, part: Part) -> &mut Part {
        self.part.insert(part)
    }

    pub(super) fn take_part(&mut self) -> Option<Part> {
        self.part.take()
    }

    /// Books the time of the phase under way. A phase that happens twice (a stale connection was
    /// replaced) is the sum of both.
    pub(super) fn end(&mut self, now: Instant) {
        let Some(phase) = self.phase else { return };
        let elapsed = now.saturating_duration_since(self.since).as_millis();
        let elapsed_ms = u32::try_from(elapsed).unwrap_or(u32::MAX);
        let slot = match phase {
            Phase::Resolve => &mut self.timings.resolve_ms,
            Phase::Connect => &mut self.timings.connect_ms,
            Phase::Tls => &mut self.timings.tls_ms,
            Phase::FirstByte => &mut self.timings.first_byte_ms,
            Phase::Body => &mut self.timings.body_ms,
        };
        *slot = Some(slot.unwrap_or(0).saturating_add(elapsed_ms));
        self.since = now;
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    pub(super) fn phase(&self) -> Option<Phase> {
        self.phase
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.status
    }

    pub(super) fn timings(&self) -> PhaseTimings {
        self.timings
    }
}
