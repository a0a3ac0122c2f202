//! What waits: a small and a large backlog of a paused webhook, a kill with the large one, and their drain.

use std::time::{Duration, Instant};

use heraldo_wire::event::EventType;

use crate::arguments::Settings;
use crate::children::Sink;
use crate::figures::figure;
use crate::measure::{self, Measured};
use crate::scenario::Scenario;
use crate::server::{Server, Webhook};
use crate::{Outcome, body, fill, kill, procfs};

/// The small backlog is that part of the large one.
const SMALL_PART: u32 = 100;
/// How often the sink is asked whether the first delivery has come.
const LOOK: Duration = Duration::from_millis(2);

/// One repetition.
pub async fn run(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let mut server = Server::start(&settings.program, &settings.work_dir).await?;
    let nowhere = Sink::start().await?;
    let webhook = server
        .webhook(&nowhere.endpoint(0), EventType::InspectionCreated)
        .await?;
    // The small one is drained twice: the first time warms the connections up.
    let small = settings.sizes.waiting / SMALL_PART;
    let (first, _) = drain(
        scenario,
        settings,
        &mut server,
        &webhook,
        small,
        &mut measured,
    )
    .await?;
    let (second, small_per_s) = drain(
        scenario,
        settings,
        &mut server,
        &webhook,
        small,
        &mut measured,
    )
    .await?;

    let mut sink = Sink::start().await?;
    sink.learn(&[webhook.known_to(0)]).await?;
    server.pause(&webhook).await?;
    server.redirect(&webhook, &sink.endpoint(0)).await?;
    let large = fill::publish(
        &server,
        settings,
        EventType::InspectionCreated,
        settings.sizes.waiting,
    )
    .await?;
    measured
        .numbers
        .set(figure::RSS_PEAK_MIB, measure::rss_peak_mib(&server)?);
    // From here on the webhook wants its deliveries, and the server is gone before it has sent most.
    server.enable(&webhook).await?;
    server.kill();
    let before = sink.counts().await?.distinct;
    let start = Instant::now();
    server.start_again().await?;
    let ready = start.elapsed();
    while sink.counts().await?.distinct <= before {
        if start.elapsed() > settings.patience {
            return Err("nothing of the backlog is sent after the new start".to_owned());
        }
        tokio::time::sleep(LOOK).await;
    }
    let first_delivery = start.elapsed();
    let cpu_before = procfs::cpu(server.pid())?;
    let (before, start_us) = (sink.counts().await?.distinct, body::now_us());
    measure::arrival(&mut sink, &mut server, large, settings.patience).await?;
    measure::settled(&mut server, settings.patience).await?;
    let cpu = procfs::cpu(server.pid())?.saturating_sub(cpu_before);
    let report = sink.report().await?;
    measured.check_arrivals(scenario.name, large, &report);
    let took_us = report.last_new_us.saturating_sub(start_us);
    let drained = report.counts.distinct.saturating_sub(before);
    let large_per_s = measure::per_second(drained, took_us);
    let numbers = &mut measured.numbers;
    numbers.set(figure::RESTART_READY_MS, ready.as_secs_f64() * 1e3);
    numbers.set(figure::RESTART_MS, first_delivery.as_secs_f64() * 1e3);
    numbers.set(figure::DRAIN_SMALL_PER_S, small_per_s);
    numbers.set(figure::DRAIN_LARGE_PER_S, large_per_s);
    numbers.set(figure::DRAIN_KEPT, large_per_s / small_per_s);
    numbers.set(figure::SERVER_CPU_US, measure::micros(cpu) / drained as f64);
    numbers.set(figure::DUPLICATES, report.counts.duplicates as f64);
    // The drains of the server's own life are in its log too.
    let all = first + second + large;
    kill::log(&mut server, settings, all, scenario.name, &mut measured).await?;
    Ok(measured)
}

/// Has so many deliveries wait, lets them go, and says how many they were and how many a second arrive.
async fn drain(
    scenario: &Scenario,
    settings: &Settings,
    server: &mut Server,
    webhook: &Webhook,
    count: u32,
    measured: &mut Measured,
) -> Outcome<(u64, f64)> {
    let mut sink = Sink::start().await?;
    sink.learn(&[webhook.known_to(0)]).await?;
    server.pause(webhook).await?;
    server.redirect(webhook, &sink.endpoint(0)).await?;
    let made = fill::publish(server, settings, EventType::InspectionCreated, count).await?;
    server.enable(webhook).await?;
    measure::arrival(&mut sink, server, made, settings.patience).await?;
    measure::settled(server, settings.patience).await?;
    let report = sink.report().await?;
    measured.check_arrivals(scenario.name, made, &report);
    let took_us = report.last_new_us.saturating_sub(report.first_new_us);
    Ok((made, measure::per_second(report.counts.distinct, took_us)))
}
