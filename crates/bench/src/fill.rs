//! Fills a server's store through its API, as fast as it takes.

use std::time::Duration;

use heraldo_wire::event::EventType;

use crate::Outcome;
use crate::arguments::Settings;
use crate::children::generate;
use crate::generate::Job;
use crate::scenario::Call;
use crate::server::Server;

/// Events in one request.
const EVENTS_AT_ONCE: u32 = 100;
/// No fill takes longer.
const FILL_MAX: Duration = Duration::from_hours(6);

/// Publishes about so many events of a type: whole arrays of a hundred, at least one event. Answers how many.
pub async fn publish(
    server: &Server,
    settings: &Settings,
    event: EventType,
    count: u32,
) -> Outcome<u64> {
    let events = EVENTS_AT_ONCE.min(count.max(1));
    let requests = u64::from(count.max(1) / events);
    requests_of(server, settings, Call::Publish { events, event }, requests).await?;
    Ok(requests * u64::from(events))
}

async fn requests_of(server: &Server, settings: &Settings, call: Call, requests: u64) -> Outcome {
    let job = Job {
        target: server.address,
        connections: settings.connections,
        call,
        per_second: None,
        duration_ms: crate::measure::millis(FILL_MAX),
        requests_max: Some(requests),
        api_keys: vec![server.api_key.clone()],
        secret: None,
    };
    let done = generate(&job).await?;
    if done.accepted == requests {
        return Ok(());
    }
    let first = done.first_refusal.unwrap_or_default();
    Err(format!(
        "only {} of {requests} requests were accepted: {first}",
        done.accepted
    ))
}
