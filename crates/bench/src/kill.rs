//! Whether a crash loses anything: some more load, SIGKILL while its deliveries are under way, a new start on
//! the same folder, and a count.

use std::time::Duration;

use crate::Outcome;
use crate::arguments::Settings;
use crate::children::{Sink, generate};
use crate::measure::{self, Measured};
use crate::scenario::{Pace, Scenario};
use crate::server::{LogCounts, Server};

/// How long the load before the kill lasts.
const BURST: Duration = Duration::from_millis(300);

/// Kills the server right after a burst of the scenario's load, starts it again, and complains about every
/// delivery that does not arrive or does not stand in the log as delivered. `before`: the company's deliveries
/// until now, all of which the sink has counted.
pub async fn check(
    scenario: &Scenario,
    settings: &Settings,
    server: &mut Server,
    sink: &mut Sink,
    before: u64,
    measured: &mut Measured,
) -> Outcome {
    let as_fast = Scenario {
        pace: Pace::AsFastAsAnswered,
        ..*scenario
    };
    let mut job = measure::job(&as_fast, settings);
    job.target = server.address;
    job.call = scenario.call;
    job.api_keys = vec![server.api_key.clone()];
    job.duration_ms = measure::millis(BURST);
    let done = generate(&job).await?;
    server.kill();
    server.start_again().await?;
    let each = u64::from(scenario.call.events() * scenario.webhooks);
    let expected = before + done.accepted * each;
    measure::arrival(sink, server, expected, settings.patience).await?;
    let name = format!("{} after kill -9", scenario.name);
    let report = sink.report().await?;
    measured.check(&name, &done, expected, &report);
    log(server, settings, expected, &name, measured).await
}

/// Kills a server that has nothing left to do, starts it again, and counts its log.
pub async fn restart(
    server: &mut Server,
    settings: &Settings,
    expected: u64,
    name: &str,
    measured: &mut Measured,
) -> Outcome {
    server.kill();
    server.start_again().await?;
    log(server, settings, expected, name, measured).await
}

/// Complains unless the company's log holds so many deliveries, each delivered and with its attempts.
pub async fn log(
    server: &mut Server,
    settings: &Settings,
    expected: u64,
    name: &str,
    measured: &mut Measured,
) -> Outcome {
    measure::settled(server, settings.patience).await?;
    let counts = server.count_log().await?;
    if let Some(complaint) = complaint(counts, expected) {
        measured.complaints.push(format!("{name}: {complaint}"));
    }
    Ok(())
}

/// What is wrong with a log that should hold so many deliveries, all delivered.
fn complaint(counts: LogCounts, expected: u64) -> Option<String> {
    if counts.all != expected {
        let all = counts.all;
        return Some(format!(
            "the log holds {all} deliveries, {expected} were made"
        ));
    }
    if counts.delivered != expected {
        let missing = expected - counts.delivered;
        return Some(format!(
            "of {expected} deliveries that arrived the log does not say so of {missing}"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_lacks_a_row_or_an_outcome_is_complained_about() {
        let check = |all, delivered, words: Option<&str>| {
            let found = complaint(LogCounts { all, delivered }, 10);
            match words {
                None => assert_eq!(found, None),
                Some(words) => assert!(found.expect("a complaint").contains(words)),
            }
        };
        check(10, 10, None);
        check(9, 9, Some("holds 9 deliveries"));
        check(11, 11, Some("holds 11 deliveries"));
        check(10, 8, Some("does not say so of 2"));
    }
}
