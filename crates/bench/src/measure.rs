//! One measurement: the raw bound of a work, or the work through the server.

use std::time::{Duration, Instant};

use heraldo_wire::signature::Secret;

use crate::arguments::Settings;
use crate::children::{Sink, generate};
use crate::figures::{Numbers, figure};
use crate::generate::{Done, Job};
use crate::scenario::{Pace, Scenario};
use crate::server::Server;
use crate::sink::{self, HookSecret};
use crate::{Outcome, kill, procfs};

/// How often the sink is asked whether all has arrived.
const LOOK: Duration = Duration::from_millis(10);
/// The raw bound of a fixed pace only shows the floor of the latency, for which a part of the time is
/// enough.
const RAW_PART_OF_PACED: u32 = 6;
const RAW_PACED_MIN: Duration = Duration::from_secs(2);

/// What one measurement gave.
#[derive(Debug, Default)]
pub struct Measured {
    pub numbers: Numbers,
    /// What must not be: losses above all.
    pub complaints: Vec<String>,
}

/// The same client straight at the sink.
pub async fn raw(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let secret = Secret::from_random([42; 32]);
    let mut sink = Sink::start().await?;
    let secrets: Vec<HookSecret> = (0..scenario.webhooks)
        .map(|hook| HookSecret {
            hook,
            secret: secret.reveal().to_owned(),
        })
        .collect();
    sink.learn(&secrets).await?;
    let mut job = job(scenario, settings);
    job.target = sink.address;
    job.call = scenario.raw_call();
    job.secret = Some(secret.reveal().to_owned());
    if job.per_second.is_some() {
        let part = settings.paced_duration / RAW_PART_OF_PACED;
        let part = part.max(RAW_PACED_MIN.min(settings.paced_duration));
        job.duration_ms = millis(part);
    }
    let sink_before = procfs::cpu(sink.pid())?;
    let done = generate(&job).await?;
    let sink_cpu = procfs::cpu(sink.pid())?.saturating_sub(sink_before);
    let report = sink.report().await?;
    let mut measured = Measured::default();
    measured.check("raw", &done, done.accepted, &report);
    let answered = done.accepted as f64;
    let took_us = done.last_answered_us.saturating_sub(done.first_sent_us);
    let numbers = &mut measured.numbers;
    numbers.set(figure::RAW_PER_S, per_second(done.accepted, took_us));
    numbers.set(figure::RAW_CLIENT_CPU_US, done.cpu_us as f64 / answered);
    numbers.set(figure::RAW_SINK_CPU_US, micros(sink_cpu) / answered);
    numbers.set_ms(figure::RAW_LATENCY_P50_MS, report.latency_p50_us);
    numbers.set_ms(figure::RAW_LATENCY_P99_MS, report.latency_p99_us);
    Ok(measured)
}

/// The work through a server that is started for it, and killed right after some more of it: what was
/// accepted must still arrive, and every outcome be recorded.
pub async fn through_server(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let mut sink = Sink::start().await?;
    let mut server = Server::start(&settings.program, &settings.work_dir).await?;
    server.subscribe(&mut sink, scenario.webhooks).await?;
    let (mut measured, delivered) = load(scenario, settings, &mut server, &mut sink).await?;
    if settings.program.keeps {
        let (server, sink) = (&mut server, &mut sink);
        kill::check(scenario, settings, server, sink, delivered, &mut measured).await?;
    }
    Ok(measured)
}

/// The load through a server that runs, for the webhooks that the sink knows. Answers the deliveries too.
pub async fn load(
    scenario: &Scenario,
    settings: &Settings,
    server: &mut Server,
    sink: &mut Sink,
) -> Outcome<(Measured, u64)> {
    let mut job = job(scenario, settings);
    job.target = server.address;
    job.call = scenario.call;
    job.api_keys = vec![server.api_key.clone()];
    let deliveries_each = u64::from(scenario.call.events() * scenario.webhooks);
    run(scenario, settings, server, sink, &job, deliveries_each).await
}

/// Has a job done through a server, each request of which makes so many deliveries to the sink, which has had
/// none before.
pub async fn run(
    scenario: &Scenario,
    settings: &Settings,
    server: &mut Server,
    sink: &mut Sink,
    job: &Job,
    deliveries_each: u64,
) -> Outcome<(Measured, u64)> {
    let sink_before = procfs::cpu(sink.pid())?;
    let server_before = procfs::cpu(server.pid())?;
    let machine_before = procfs::machine_cpu()?;
    let start = Instant::now();
    let done = generate(job).await?;
    server.check()?;
    let events = done.accepted * u64::from(scenario.call.events());
    let expected = done.accepted * deliveries_each;
    arrival(sink, server, expected, settings.patience).await?;
    let mut measured = Measured::default();
    if !settled(server, settings.patience).await? {
        measured.complaints.push(format!(
            "{}: all arrived, but after {} s the server still calls deliveries pending",
            scenario.name,
            settings.patience.as_secs()
        ));
    }
    let server_cpu = procfs::cpu(server.pid())?.saturating_sub(server_before);
    let sink_cpu = procfs::cpu(sink.pid())?.saturating_sub(sink_before);
    let machine_cpu = procfs::machine_cpu()?.saturating_sub(machine_before);
    let machine_us = micros(start.elapsed()) * available_cores();
    let other_us = micros(machine_cpu) - micros(server_cpu) - micros(sink_cpu) - done.cpu_us as f64;
    let report = sink.report().await?;
    measured.check(scenario.name, &done, expected, &report);
    if !measured.complaints.is_empty() {
        measured
            .complaints
            .push(format!("{}{}", scenario.name, server.last_words()));
    }
    let distinct = report.counts.distinct;
    let took_us = report.last_new_us.saturating_sub(done.first_sent_us);
    let accepted_us = done.last_answered_us.saturating_sub(done.first_sent_us);
    let each = |cpu_us: f64| cpu_us / (distinct as f64);
    let numbers = &mut measured.numbers;
    numbers.set(figure::DELIVERED_PER_S, per_second(distinct, took_us));
    numbers.set(figure::ACCEPTED_PER_S, per_second(events, accepted_us));
    numbers.set(figure::SERVER_CPU_US, each(micros(server_cpu)));
    numbers.set(figure::GENERATOR_CPU_US, each(done.cpu_us as f64));
    numbers.set(figure::SINK_CPU_US, each(micros(sink_cpu)));
    numbers.set_ms(figure::LATENCY_P50_MS, report.latency_p50_us);
    numbers.set_ms(figure::LATENCY_P99_MS, report.latency_p99_us);
    numbers.set_ms(figure::LATENCY_MAX_MS, report.latency_max_us);
    numbers.set(figure::RSS_PEAK_MIB, rss_peak_mib(server)?);
    numbers.set(figure::OTHER_CPU_SHARE, (other_us / machine_us).max(0.0));
    numbers.set(figure::BODY_BYTES, report.body_bytes_mean);
    numbers.set(figure::LOST, expected.saturating_sub(distinct) as f64);
    numbers.set(figure::DUPLICATES, report.counts.duplicates as f64);
    Ok((measured, expected))
}

/// The most memory the server ever had resident.
pub fn rss_peak_mib(server: &Server) -> Outcome<f64> {
    Ok(procfs::resident_peak_kib(server.pid())? as f64 / 1024.0)
}

pub fn job(scenario: &Scenario, settings: &Settings) -> Job {
    let (per_second, duration) = match scenario.pace {
        Pace::AsFastAsAnswered => (None, settings.duration),
        Pace::PerSecond(rate) => (Some(rate), settings.paced_duration),
    };
    Job {
        target: ([127, 0, 0, 1], 0).into(),
        connections: settings.connections,
        call: scenario.call,
        per_second,
        duration_ms: millis(duration),
        requests_max: None,
        api_keys: Vec::new(),
        secret: None,
    }
}

/// Waits until `expected` distinct deliveries arrived, or none has for as long as `patience`.
pub async fn arrival(
    sink: &mut Sink,
    server: &mut Server,
    expected: u64,
    patience: Duration,
) -> Outcome {
    let mut most = 0;
    let mut since = Instant::now();
    loop {
        let distinct = sink.counts().await?.distinct;
        if distinct >= expected {
            return Ok(());
        }
        if distinct > most {
            most = distinct;
            since = Instant::now();
        } else if since.elapsed() > patience {
            return Ok(());
        }
        server.check()?;
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until the server has recorded every outcome; false when it has not for as long as `patience`.
pub async fn settled(server: &mut Server, patience: Duration) -> Outcome<bool> {
    let start = Instant::now();
    while !server.is_settled().await? {
        if start.elapsed() > patience {
            return Ok(false);
        }
        server.check()?;
        tokio::time::sleep(LOOK).await;
    }
    Ok(true)
}

impl Measured {
    pub fn check(&mut self, what: &str, done: &Done, expected: u64, report: &sink::Report) {
        let mut complain = |sentence: String| self.complaints.push(format!("{what}: {sentence}"));
        if done.accepted == 0 {
            complain("no request was accepted".to_owned());
        }
        if done.refused > 0 {
            let first = done
                .first_refusal
                .as_deref()
                .unwrap_or("it is not known why");
            complain(format!(
                "{} requests were refused; the first: {first}",
                done.refused
            ));
        }
        self.check_arrivals(what, expected, report);
    }

    /// Complains about what did not arrive, came too much or was wrong.
    pub fn check_arrivals(&mut self, what: &str, expected: u64, report: &sink::Report) {
        let mut complain = |sentence: String| self.complaints.push(format!("{what}: {sentence}"));
        let distinct = report.counts.distinct;
        if distinct < expected {
            let lost = expected - distinct;
            complain(format!("{lost} of {expected} deliveries are missing"));
        }
        if distinct > expected {
            let more = distinct - expected;
            complain(format!(
                "{more} deliveries more than the {expected} that were accepted"
            ));
        }
        if report.wrong > 0 {
            let first = report
                .first_wrong
                .as_deref()
                .unwrap_or("it is not known why");
            complain(format!(
                "{} deliveries were wrong; the first: {first}",
                report.wrong
            ));
        }
        if report.verified == 0 {
            complain("no delivery was verified".to_owned());
        }
    }
}

pub fn available_cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

pub fn per_second(count: u64, took_us: u64) -> f64 {
    count as f64 / (took_us.max(1) as f64 / 1e6)
}

pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(done: &Done, expected: u64, report: &sink::Report, complaint: Option<&str>) {
        let mut measured = Measured::default();
        measured.check("W1", done, expected, report);
        match complaint {
            None => assert_eq!(measured.complaints, Vec::<String>::new()),
            Some(words) => assert!(
                measured
                    .complaints
                    .iter()
                    .any(|sentence| sentence.contains(words)),
                "{:?} should say `{words}`",
                measured.complaints
            ),
        }
    }

    #[test]
    fn whatever_is_not_as_it_must_be_is_complained_about() {
        let done = Done {
            accepted: 10,
            ..Done::default()
        };
        let report = sink::Report {
            counts: sink::Counts {
                distinct: 10,
                duplicates: 3,
            },
            verified: 1,
            ..sink::Report::default()
        };
        check(&done, 10, &report, None);
        check(&done, 11, &report, Some("1 of 11 deliveries are missing"));
        check(&done, 9, &report, Some("1 deliveries more than the 9"));
        check(
            &Done::default(),
            10,
            &report,
            Some("no request was accepted"),
        );
        let refused = Done {
            refused: 2,
            first_refusal: Some("503".to_owned()),
            ..done.clone()
        };
        check(
            &refused,
            10,
            &report,
            Some("2 requests were refused; the first: 503"),
        );
        let wrong = sink::Report {
            wrong: 1,
            ..report.clone()
        };
        check(&done, 10, &wrong, Some("1 deliveries were wrong"));
        let unverified = sink::Report {
            verified: 0,
            ..report
        };
        check(&done, 10, &unverified, Some("no delivery was verified"));
    }

    #[test]
    fn a_rate_is_counted_over_the_time_it_took() {
        assert!((per_second(3_000, 1_500_000) - 2_000.0).abs() < 1e-9);
    }
}
