//! What the dispatcher runs on here: the executor's tasks, the world's time, and receivers that answer as the dice
//! have it.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use heraldo_delivery::dispatcher::{Runtime, Task};
use heraldo_delivery::transport::{Answer, Failure, Identity, Outgoing, Report};
use heraldo_domain::ports::TlsRefused;
use heraldo_domain::webhook::TlsSettings;
use heraldo_wire::attempt::{ErrorClass, Phase, PhaseTimings};
use heraldo_wire::signature::Secret;
use heraldo_wire::time::Timestamp;

use crate::executor::{Handle, Kind, SimulatedPanic};
use crate::oracle::{Outgoing as Sent, place_of};
use crate::receiver::Reaction;
use crate::scene::Scene;
use crate::store::Access;
use crate::watch::{Departing, Sign};
use crate::world::{Check, violated};

/// Small slices and groups, so that what there is takes several.
#[derive(Debug, Clone)]
pub struct SimRuntime {
    pub scene: Scene,
    pub tasks: Handle,
    pub store: Access,
}

/// An attempt on its way. `None`: it should not have begun, and what becomes of it does not matter.
struct Attempt {
    departing: Option<Departing>,
    started_at: Timestamp,
    over_at: Timestamp,
    outcome: Result<Answer, Failure>,
}

impl Runtime for SimRuntime {
    const GROUP_MAX: usize = 3;
    const CANCEL_SLICE: u32 = 12;
    const RETRIES_SLICE: u32 = 3;

    fn spawn(&self, task: Task, future: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(Kind::Of(task), future);
        if let Task::Work(webhook) = task {
            let mut state = self.scene.lock();
            let state = &mut *state;
            let by = self.tasks.current_id();
            let spawned = state.watch.spawned(id, webhook, by, &mut state.world);
            state.note(spawned);
        }
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        self.tasks.sleep(time)
    }

    fn identity(
        &self,
        _settings: &TlsSettings,
        _client_key: Option<&Secret>,
    ) -> Result<Identity, TlsRefused> {
        Err(TlsRefused("there is no TLS in a simulation".to_owned()))
    }

    async fn send(&self, outgoing: Outgoing) -> Report {
        let attempt = self.begin(&outgoing);
        self.tasks.sleep_until(attempt.over_at).await;
        self.end(attempt).await
    }

    async fn send_recorded(
        &self,
        outgoing: Outgoing,
        record: impl Future<Output = ()> + Send,
    ) -> Report {
        let mut attempt = self.begin(&outgoing);
        if attempt.leaves() {
            let leaves_at = self.leaves_at(&attempt);
            self.tasks.sleep_until(leaves_at).await;
            self.left(&attempt);
            if self.record(&attempt, record).await {
                // The answer is not read before; how long recording took is no fault of the receiver.
                let took = self.tasks.now().since(leaves_at);
                if attempt.is_timeout() {
                    attempt.over_at = attempt.over_at.plus(took);
                }
            }
        }
        self.tasks.sleep_until(attempt.over_at).await;
        self.end(attempt).await
    }
}

impl SimRuntime {
    /// The request goes out now: it must be one that may.
    fn begin(&self, outgoing: &Outgoing) -> Attempt {
        let started_at = self.tasks.now();
        match self.depart(outgoing) {
            Ok((departing, reaction)) => Attempt {
                departing: Some(departing),
                started_at,
                over_at: started_at.plus(Duration::from_millis(reaction.after_ms)),
                outcome: reaction.outcome,
            },
            Err(violation) => {
                let _: Option<()> = self.scene.lock().note(Err(violation));
                Attempt {
                    departing: None,
                    started_at,
                    over_at: started_at,
                    outcome: Err(Failure {
                        class: ErrorClass::Protocol,
                        phase: None,
                        detail: "it should not have been sent".to_owned(),
                        status: None,
                        answer: None,
                    }),
                }
            }
        }
    }

    fn depart(&self, outgoing: &Outgoing) -> Check<(Departing, Reaction)> {
        let Some(engine) = self.store.engine() else {
            return violated("something is sent by a server that is gone");
        };
        let mut state = self.scene.lock();
        let state = &mut *state;
        let sent = Sent {
            authority: outgoing.url.authority(),
            headers: &outgoing.headers,
            body: &outgoing.body,
        };
        let (webhook, event) = state.oracle.addressee(&sent)?;
        let departing = state.watch.sends(self.tasks.current_id(), webhook, event)?;
        let given_up = state.watch.has_given_up(webhook);
        state
            .oracle
            .started(&departing, &sent, given_up, &**engine, &mut state.world)?;
        let deadline = departing
            .looked
            .webhook
            .timeout(&state.watch.config.defaults);
        if deadline != outgoing.timeout {
            return violated("something is sent with another deadline than its webhook's");
        }
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let reaction = state
            .receivers
            .react(webhook, deadline_ms, &mut state.world.dice);
        Ok((departing, reaction))
    }

    fn leaves_at(&self, attempt: &Attempt) -> Timestamp {
        let within = attempt.over_at.since(attempt.started_at).as_millis();
        let within_ms = u64::try_from(within).unwrap_or(u64::MAX);
        let connects_ms = self.scene.lock().world.dice.between(0, within_ms);
        attempt.started_at.plus(Duration::from_millis(connects_ms))
    }

    fn left(&self, attempt: &Attempt) {
        if let Some(departing) = &attempt.departing {
            let mut state = self.scene.lock();
            let state = &mut *state;
            state
                .oracle
                .left(place_of(&departing.leased), &mut state.world);
        }
    }

    /// `false`: the attempt failed before it was recorded.
    async fn record(&self, attempt: &Attempt, record: impl Future<Output = ()>) -> bool {
        let mut over = pin!(self.tasks.sleep_until(attempt.over_at));
        let mut record = pin!(record);
        let breaks = attempt.outcome.is_err() && !attempt.is_timeout();
        std::future::poll_fn(|context| {
            if breaks && over.as_mut().poll(context).is_ready() {
                return Poll::Ready(false);
            }
            record.as_mut().poll(context).map(|()| true)
        })
        .await
    }

    /// The attempt is over; whoever sent it is told, or panics over it.
    async fn end(&self, attempt: Attempt) -> Report {
        self.tasks.step().await;
        if let Some(departing) = &attempt.departing
            && !self.hears(&attempt, departing)
        {
            // Not through the hook, which would tell everybody.
            std::panic::resume_unwind(Box::new(SimulatedPanic));
        }
        Report {
            outcome: attempt.outcome,
            timings: PhaseTimings::default(),
            duration: self.tasks.now().since(attempt.started_at),
        }
    }

    /// `false`: whoever sends is to panic.
    fn hears(&self, attempt: &Attempt, departing: &Departing) -> bool {
        let mut state = self.scene.lock();
        let state = &mut *state;
        let leased = &departing.leased;
        if state.world.dice.chance(state.world.faults.panic) {
            state.oracle.cut_off(place_of(leased), &mut state.world);
            state.watch.panics(self.tasks.current_id());
            return false;
        }
        let defaults = &state.watch.config.defaults;
        let ended = state.oracle.ended(
            leased,
            attempt.started_at,
            &attempt.outcome,
            &departing.looked.webhook.retry_policy(defaults),
            &mut state.world,
        );
        let sign = state.note(ended).unwrap_or(Sign::Other);
        state
            .watch
            .has_sent(self.tasks.current_id(), leased.webhook_id, sign);
        true
    }
}

impl Attempt {
    /// Whether it was being sent to a receiver at all.
    const fn leaves(&self) -> bool {
        match &self.outcome {
            Ok(_) => true,
            Err(failure) => match failure.phase {
                Some(Phase::FirstByte | Phase::Body) => true,
                None | Some(Phase::Resolve | Phase::Connect | Phase::Tls) => false,
            },
        }
    }

    fn is_timeout(&self) -> bool {
        matches!(&self.outcome, Err(failure) if failure.class == ErrorClass::Timeout)
    }
}
