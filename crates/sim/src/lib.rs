//! Whole-system simulation: the real use cases, the real dispatcher and the real rules over the engine in memory,
//! or for one seed in eight over SQLite, with time, receivers, faults and crashes under one seed, beside a
//! plain model that says what must hold.
//!
//! Nothing here sleeps, lets two things go on at once or draws a number that the seed did not give, so a seed repeats its run.

pub mod ears;
pub mod engine;
pub mod executor;
pub mod oracle;
pub mod port;
pub mod receiver;
pub mod runtime;
pub mod scene;
pub mod seeds;
pub mod server;
pub mod simulation;
pub mod store;
pub mod watch;
pub mod workload;
pub mod world;

pub use simulation::{Failure, Report, TRACE_LINES, fingerprint, run, run_with_trace};
