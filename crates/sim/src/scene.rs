//! What the parts of one simulation share: the world, the model, and the first thing that must not have happened.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::oracle::Oracle;
use crate::receiver::Receivers;
use crate::watch::Watch;
use crate::workload::Clients;
use crate::world::{Check, Violation, World};

/// Locked for moments only, by whoever's turn it is: never while a task runs or the dispatcher is called.
#[derive(Debug, Clone)]
pub struct Scene(Arc<Mutex<State>>);

#[derive(Debug)]
pub struct State {
    pub world: World,
    pub oracle: Oracle,
    /// Of the server that runs now.
    pub watch: Watch,
    pub receivers: Receivers,
    pub clients: Clients,
    violation: Option<Violation>,
}

impl Scene {
    #[must_use]
    pub fn new(world: World, watch: Watch, clients: Clients) -> Self {
        Self(Arc::new(Mutex::new(State {
            world,
            oracle: Oracle::default(),
            watch,
            receivers: Receivers::default(),
            clients,
            violation: None,
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// The first thing that happened although it must not.
    pub fn check(&self) -> Check {
        self.lock().violation.take().map_or(Ok(()), Err)
    }
}

impl State {
    /// Keeps what must not have happened until the task that did it pauses. `None`: it happened.
    pub fn note<T>(&mut self, checked: Check<T>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(violation) => {
                self.violation.get_or_insert(violation);
                None
            }
        }
    }
}
