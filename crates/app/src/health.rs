//! Whether this server is ready: store working, dispatcher running, accepting (contract 8.2 "Ready").

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use heraldo_delivery::dispatcher::Dispatcher;
use heraldo_domain::ports::Clock;
use heraldo_domain::store::{Store, StoreError};
use heraldo_web::{Gauges, Health};
use heraldo_wire::time::Timestamp;
use tokio::sync::Mutex;

/// The route needs no key and looking at the store costs a write: it is looked at this often at most.
const LOOKED_FOR: Duration = Duration::from_millis(250);
/// A store that has not answered by then does not work.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// What the readiness route asks.
#[derive(Debug)]
pub struct Readiness {
    store: Arc<dyn Store>,
    dispatcher: Dispatcher,
    stopping: AtomicBool,
    begun: Instant,
    last_look: LastLook,
}

/// When the store was last looked at, and what was wrong with it.
#[derive(Debug)]
struct LastLook {
    clock: Arc<dyn Clock>,
    timeout: Duration,
    at: Mutex<Option<(Timestamp, Option<String>)>>,
}

impl Readiness {
    pub fn new(store: Arc<dyn Store>, dispatcher: Dispatcher, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            store,
            dispatcher,
            stopping: AtomicBool::new(false),
            begun: Instant::now(),
            last_look: LastLook {
                clock,
                timeout: LOOK_TIMEOUT,
                at: Mutex::new(None),
            },
        })
    }

    /// From now on it is not ready: it stops.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }
}

impl LastLook {
    /// What is wrong with the store, by a look that is still fresh or by a new one.
    async fn trouble(&self, look: impl Future<Output = Result<(), StoreError>>) -> Option<String> {
        // Those who ask meanwhile wait for the one who looks; a task that waits holds no thread.
        let mut last = self.at.lock().await;
        let now = self.clock.now();
        if let Some((at, trouble)) = last.as_ref()
            && now >= *at
            && now.since(*at) < LOOKED_FOR
        {
            return trouble.clone();
        }
        let trouble = match tokio::time::timeout(self.timeout, look).await {
            Ok(looked) => looked.err().map(|error| error.to_string()),
            Err(_elapsed) => Some(format!(
                "the store has not answered for {} s",
                self.timeout.as_secs()
            )),
        };
        // Fresh from its end on: a slow look serves all who waited for it.
        *last = Some((self.clock.now(), trouble.clone()));
        trouble
    }
}

#[async_trait]
impl Health for Readiness {
    async fn reasons_not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.stopping.load(Ordering::Acquire) {
            reasons.push("the server is shutting down".to_owned());
        }
        if !self.dispatcher.is_running() {
            reasons.push("no deliveries are being sent".to_owned());
        }
        reasons.extend(self.last_look.trouble(self.store.check()).await);
        reasons
    }

    fn gauges(&self) -> Gauges {
        Gauges {
            in_flight: self.dispatcher.in_flight(),
            uptime: self.begun.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;

    #[derive(Debug, Default)]
    struct StepClock(AtomicI64);

    impl Clock for StepClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    /// Looks as often as it is asked to; each look takes 300 ms.
    struct Looks {
        clock: Arc<StepClock>,
        last: LastLook,
        made: AtomicI64,
    }

    impl Looks {
        fn new(timeout: Duration) -> Self {
            let clock = Arc::new(StepClock::default());
            let (at, made) = (Mutex::new(None), AtomicI64::new(0));
            let last = LastLook {
                clock: clock.clone(),
                timeout,
                at,
            };
            Self { clock, last, made }
        }

        async fn ask(&self, answer: Result<(), StoreError>) -> Option<String> {
            let look = async {
                self.made.fetch_add(1, Ordering::Relaxed);
                self.clock.0.fetch_add(300, Ordering::Relaxed);
                tokio::task::yield_now().await;
                answer
            };
            self.last.trouble(look).await
        }
    }

    #[tokio::test]
    async fn those_who_ask_while_somebody_looks_share_the_look() {
        let looks = Looks::new(LOOK_TIMEOUT);
        let closed = Err(StoreError::Closed);
        let (a, b, c) = tokio::join!(looks.ask(closed), looks.ask(Ok(())), looks.ask(Ok(())));
        assert_eq!(looks.made.load(Ordering::Relaxed), 1);
        assert_eq!(
            [a, b, c],
            [(); 3].map(|()| Some("the store is closed".to_owned()))
        );
    }

    #[tokio::test]
    async fn a_look_is_made_anew_when_the_last_one_is_old() {
        let looks = Looks::new(LOOK_TIMEOUT);
        for (step_ms, made, trouble) in
            [(0, 1, true), (249, 1, true), (1, 2, false), (250, 3, false)]
        {
            looks.clock.0.fetch_add(step_ms, Ordering::Relaxed);
            let answer = if made == 1 {
                Err(StoreError::Closed)
            } else {
                Ok(())
            };
            assert_eq!(looks.ask(answer).await.is_some(), trouble, "{step_ms}");
            assert_eq!(looks.made.load(Ordering::Relaxed), made, "{step_ms}");
        }
    }

    #[tokio::test]
    async fn a_store_that_never_answers_is_not_ready() {
        let looks = Looks::new(Duration::ZERO);
        let trouble = looks.last.trouble(std::future::pending()).await;
        assert_eq!(trouble.unwrap(), "the store has not answered for 0 s");
    }
}
