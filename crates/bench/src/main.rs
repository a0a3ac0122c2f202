//! `heraldo-bench`: black-box load over HTTP with a sink of its own, against a real server process.
//!
//! Generator, server and sink are processes of their own, so that the cost of each is read off the
//! kernel's books. Knows only `wire`; must never link the server. Times are reported, never asserted;
//! a delivery that does not arrive fails the run.
#![allow(
    clippy::disallowed_methods,
    reason = "a load generator measures real time, opens its own connections and starts processes; nothing of it runs in the server"
)]

mod arguments;
mod backlog;
mod body;
mod children;
mod compare;
mod connection;
mod crew;
mod dead;
mod figures;
mod fill;
mod generate;
mod growth;
mod idle;
mod isolate;
mod kill;
mod life;
mod lists;
mod machine;
mod measure;
mod orchestrate;
mod photos;
mod picture;
mod plot;
mod procfs;
mod report;
mod rows;
mod scenario;
mod server;
mod sink;
mod sizes;
mod stand_in;
mod statistics;
mod stored;

use std::process::ExitCode;

use arguments::Role;

/// Work ends well, or with sentences for the reader.
type Outcome<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    let outcome = arguments::read().and_then(|role| match role {
        Role::Orchestrate(settings) => on_one_thread(orchestrate::run(*settings)),
        Role::Sink {
            verify_every,
            answer_after,
        } => on_one_thread(sink::run(verify_every, answer_after)),
        Role::Generate => on_one_thread(generate::run()),
        Role::StandInCompany => stand_in::create_company(),
        Role::StandInServe(settings) => on_one_thread(stand_in::serve(settings)),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentences) => {
            eprintln!("\nheraldo-bench: {sentences}");
            ExitCode::FAILURE
        }
    }
}

/// Each process has one thread for its sockets: on a machine with few cores that are shared with the
/// server, a second one would only add wake-ups.
fn on_one_thread(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime could not be started: {error}"))?
        .block_on(work)
}
