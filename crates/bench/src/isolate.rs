//! What slow receivers cost a healthy one: the same load alone, beside a queue for receivers that answer
//! late, and alone again, in one life of one server.
//!
//! Alone is measured before and after, because machines drift; the mean of both is what counts.

use std::time::{Duration, Instant};

use heraldo_wire::event::EventType;
use heraldo_wire::id::Id;
use serde_json::json;

use crate::arguments::Settings;
use crate::body::now_us;
use crate::children::{Sink, generate};
use crate::figures::{Numbers, figure};
use crate::measure::{self, Measured};
use crate::scenario::{Pace, Scenario};
use crate::server::{Server, Webhook};
use crate::{Outcome, procfs};

/// The healthy webhook's second measurement: so many inspections a second at fixed instants, because a
/// latency at full speed is the length of a queue.
const PACED_PER_S: u32 = 200;
/// Events in one request that fills the queue.
const QUEUED_AT_ONCE: u32 = 100;
/// How often the slow receivers are looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A queue for receivers that answer late.
#[derive(Debug, Clone, Copy)]
struct Slow {
    deliveries: u32,
    /// As many receivers.
    webhooks: u32,
    answer_after_ms: u64,
}

/// What one measurement of the healthy webhook gave.
struct Healthy {
    per_s: f64,
    p99_ms: f64,
}

/// One repetition.
pub async fn run(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let slow = Slow {
        deliveries: settings.sizes.queued,
        webhooks: 20,
        answer_after_ms: 10_000,
    };
    let mut measured = Measured::default();
    let mut server = Server::start(&settings.program, &settings.work_dir).await?;
    let mut late = Sink::answering_after(Duration::from_millis(slow.answer_after_ms)).await?;
    let nowhere = Sink::start().await?;
    let healthy = server
        .webhook(&nowhere.endpoint(0), EventType::InspectionCreated)
        .await?;
    let mut waiting = Vec::new();
    let mut secrets = Vec::new();
    for hook in 0..slow.webhooks {
        let webhook = server
            .webhook(&late.endpoint(hook), EventType::InspectionBlocked)
            .await?;
        secrets.push(webhook.known_to(hook));
        waiting.push(webhook);
    }
    late.learn(&secrets).await?;
    let cpu_before = procfs::machine_cpu()?;
    let server_before = procfs::cpu(server.pid())?;
    let start = Instant::now();
    let before = load(scenario, settings, &mut server, &healthy, &mut measured).await?;
    queue(&mut server, slow.deliveries / slow.webhooks).await?;
    until_busy(&mut late, slow, settings.patience).await?;
    let beside = load(scenario, settings, &mut server, &healthy, &mut measured).await?;
    let came = late.counts().await?.distinct;
    if came >= u64::from(slow.deliveries) {
        let sentence = "the slow receivers' queue was empty before the measurement ended";
        measured
            .complaints
            .push(format!("{}: {sentence}", scenario.name));
    }
    // Their queue is cancelled, so that the healthy one is alone again.
    for webhook in &waiting {
        server.disable(webhook).await?;
    }
    measure::settled(&mut server, settings.patience).await?;
    let after = load(scenario, settings, &mut server, &healthy, &mut measured).await?;
    let alone_per_s = f64::midpoint(before.per_s, after.per_s);
    let alone_p99_ms = f64::midpoint(before.p99_ms, after.p99_ms);
    let machine = procfs::machine_cpu()?
        .saturating_sub(cpu_before)
        .as_secs_f64();
    let own = procfs::cpu(server.pid())?
        .saturating_sub(server_before)
        .as_secs_f64();
    let numbers = &mut measured.numbers;
    numbers.set(figure::ALONE_PER_S, alone_per_s);
    numbers.set(figure::BESIDE_PER_S, beside.per_s);
    numbers.set(figure::THROUGHPUT_KEPT, beside.per_s / alone_per_s);
    numbers.set(figure::ALONE_DRIFT, after.per_s / before.per_s);
    numbers.set(figure::ALONE_P99_MS, alone_p99_ms);
    numbers.set(figure::BESIDE_P99_MS, beside.p99_ms);
    numbers.set(figure::P99_GROWTH, beside.p99_ms / alone_p99_ms);
    numbers.set(figure::SLOW_STARTED, came as f64);
    numbers.set(figure::SERVER_CPU_SHARE, own / machine);
    numbers.set(
        figure::BUSY_SHARE,
        machine / (start.elapsed().as_secs_f64() * measure::available_cores()),
    );
    numbers.set(figure::RSS_PEAK_MIB, measure::rss_peak_mib(&server)?);
    Ok(measured)
}

/// The healthy webhook at full speed, and at a fixed pace. Each has a sink of its own, so that the counts
/// are its own.
async fn load(
    scenario: &Scenario,
    settings: &Settings,
    server: &mut Server,
    webhook: &Webhook,
    measured: &mut Measured,
) -> Outcome<Healthy> {
    let fast = one(scenario, settings, server, webhook, measured).await?;
    let paced = Scenario {
        pace: Pace::PerSecond(PACED_PER_S),
        ..*scenario
    };
    let paced = one(&paced, settings, server, webhook, measured).await?;
    let number = |numbers: &Numbers, name| numbers.get(name).ok_or("nothing was measured");
    Ok(Healthy {
        per_s: number(&fast, figure::DELIVERED_PER_S)?,
        p99_ms: number(&paced, figure::LATENCY_P99_MS)?,
    })
}

async fn one(
    scenario: &Scenario,
    settings: &Settings,
    server: &mut Server,
    webhook: &Webhook,
    measured: &mut Measured,
) -> Outcome<Numbers> {
    let mut sink = Sink::start().await?;
    sink.learn(&[webhook.known_to(0)]).await?;
    server.redirect(webhook, &sink.endpoint(0)).await?;
    let mut job = measure::job(scenario, settings);
    job.target = server.address;
    job.call = scenario.call;
    job.api_keys = vec![server.api_key.clone()];
    let done = generate(&job).await?;
    let expected = done.accepted * u64::from(scenario.call.events());
    measure::arrival(&mut sink, server, expected, settings.patience).await?;
    let report = sink.report().await?;
    measured.check(scenario.name, &done, expected, &report);
    let mut numbers = Numbers::default();
    let took_us = report.last_new_us.saturating_sub(done.first_sent_us);
    numbers.set(
        figure::DELIVERED_PER_S,
        measure::per_second(report.counts.distinct, took_us),
    );
    numbers.set_ms(figure::LATENCY_P99_MS, report.latency_p99_us);
    Ok(numbers)
}

/// Publishes so many events, each for all of the slow webhooks.
async fn queue(server: &mut Server, events: u32) -> Outcome {
    for first in (0..events).step_by(QUEUED_AT_ONCE as usize) {
        let batch: Vec<_> = (first..events.min(first + QUEUED_AT_ONCE))
            .map(|number| {
                let payload = json!({
                    "_id": Id::from_parts(u64::from(number) + 1, 0).to_string(),
                    "metadata": { "sentAtUs": now_us().to_string() },
                });
                json!({ "event": EventType::InspectionBlocked.as_str(), "payload": payload })
            })
            .collect();
        server.publish(&json!(batch)).await?;
    }
    Ok(())
}

/// Waits until each of the slow receivers holds something.
async fn until_busy(late: &mut Sink, slow: Slow, patience: Duration) -> Outcome {
    let start = Instant::now();
    while late.counts().await?.distinct < u64::from(slow.webhooks) * 8 {
        if start.elapsed() > patience {
            return Err("the slow receivers get nothing".to_owned());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
