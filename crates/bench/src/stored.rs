//! What stored events cost: the same load over them and on an empty store, their disk, and the delivery log.
//!
//! A folder that was filled once is used again when it is named, because filling takes long.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use heraldo_wire::event::EventType;
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arguments::Settings;
use crate::children::Sink;
use crate::figures::figure;
use crate::measure::{self, Measured};
use crate::scenario::Scenario;
use crate::server::{Server, Session, TIMES, Webhook};
use crate::statistics::median;
use crate::{Outcome, body, fill};

/// Rare events, among very many others.
const RARE: u32 = 20;
/// How long a count of half of it may take, and how often it is looked at.
const COUNTING_MAX: Duration = Duration::from_secs(300);
const COUNTING_LOOK: Duration = Duration::from_millis(50);
/// What was filled is described in this file.
const DESCRIPTION: &str = "bench.json";

/// What a filled folder holds.
#[derive(Debug, Serialize, Deserialize)]
struct Filled {
    /// Takes nearly all events.
    most: Webhook,
    /// Took a few, in the middle of the others.
    few: Webhook,
    /// Refuses all of the few that it is sent.
    failing: Webhook,
    /// When half of it was stored, in milliseconds.
    middle_ms: i64,
    disk_kib_per_event: f64,
}

/// One repetition.
pub async fn run(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let own = tempfile::Builder::new()
        .prefix("stored-")
        .tempdir_in(&settings.work_dir)
        .map_err(|error| format!("{}: {error}", settings.work_dir.display()))?;
    let named = settings.stored_dir.clone();
    let folder: PathBuf = named.unwrap_or_else(|| own.path().to_owned());
    let filled = filled(&folder, settings).await?;

    let mut measured = Measured::default();
    let mut empty = Server::start(&settings.program, &settings.work_dir).await?;
    let mut sink = Sink::start().await?;
    empty.subscribe(&mut sink, 1).await?;
    let (alone, _) = measure::load(scenario, settings, &mut empty, &mut sink).await?;
    drop(empty);
    measured.complaints.extend(alone.complaints);

    let mut server = Server::start_on(&settings.program, &folder).await?;
    let mut sink = Sink::start().await?;
    sink.learn(&[filled.most.known_to(0)]).await?;
    server.redirect(&filled.most, &sink.endpoint(0)).await?;
    let (over, _) = measure::load(scenario, settings, &mut server, &mut sink).await?;
    measured.complaints.extend(over.complaints);
    let number = |of: &crate::figures::Numbers| of.get(figure::DELIVERED_PER_S);
    let numbers = &mut measured.numbers;
    *numbers = over.numbers.clone();
    if let (Some(over), Some(alone)) = (number(&over.numbers), number(&alone.numbers)) {
        numbers.set(figure::ALONE_PER_S, alone);
        numbers.set(figure::STORED_KEPT, over / alone);
    }
    numbers.set(figure::DISK_KIB, filled.disk_kib_per_event);
    log_pages(&mut server, &filled, &mut measured).await?;
    dashboard_pages(&mut server, &filled, &mut measured).await?;
    let (server, sink) = (&mut server, &mut sink);
    crash(scenario, settings, server, sink, &mut measured).await?;
    Ok(measured)
}

/// A kill right after a burst; the log is too long to be counted, so arrivals and what is pending are looked at.
async fn crash(
    scenario: &Scenario,
    settings: &Settings,
    server: &mut Server,
    sink: &mut Sink,
    measured: &mut Measured,
) -> Outcome {
    let before = sink.counts().await?.distinct;
    let made = fill::publish(server, settings, EventType::InspectionCreated, 1_000).await?;
    server.kill();
    server.start_again().await?;
    measure::arrival(sink, server, before + made, settings.patience).await?;
    let name = format!("{} after kill -9", scenario.name);
    measured.check_arrivals(&name, before + made, &sink.report().await?);
    if !measure::settled(server, settings.patience).await? {
        let sentence = format!("{name}: deliveries that arrived are still called pending");
        measured.complaints.push(sentence);
    }
    server.stop().await
}

/// Fills the folder, or reads what it was filled with.
async fn filled(folder: &Path, settings: &Settings) -> Outcome<Filled> {
    let description = folder.join(DESCRIPTION);
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", description.display());
    if let Ok(text) = fs::read_to_string(&description) {
        return serde_json::from_str(&text).map_err(|error| told(&error));
    }
    let filled = fill(folder, settings).await?;
    let text = serde_json::to_string_pretty(&filled).map_err(|error| told(&error))?;
    fs::write(&description, text).map_err(|error| told(&error))?;
    Ok(filled)
}

async fn fill(folder: &Path, settings: &Settings) -> Outcome<Filled> {
    let count = settings.sizes.stored;
    let mut server = Server::start_on(&settings.program, folder).await?;
    let mut sink = Sink::start().await?;
    let most = server
        .webhook(&sink.endpoint(0), EventType::InspectionCreated)
        .await?;
    let few = server
        .webhook(&sink.endpoint(1), EventType::InspectionReviewed)
        .await?;
    sink.learn(&[most.known_to(0), few.known_to(1)]).await?;
    // Nobody listens where a sink has ended.
    let refusing = Sink::start().await?.endpoint(2);
    let failing = server
        .webhook(&refusing, EventType::InspectionBlocked)
        .await?;
    let cancelling = server
        .webhook(&refusing, EventType::ChildrenInspectionCreated)
        .await?;
    server.pause(&cancelling).await?;
    server.stop().await?;
    let bytes_before = server.disk_bytes()?;
    server.start_again().await?;

    let mut made =
        fill::publish(&server, settings, EventType::InspectionCreated, count / 2).await?;
    let middle_ms = i64::try_from(body::now_us() / 1_000).unwrap_or(i64::MAX);
    let mut rare = 0;
    for event in [
        EventType::InspectionReviewed,
        EventType::InspectionBlocked,
        EventType::ChildrenInspectionCreated,
    ] {
        rare = fill::publish(&server, settings, event, RARE).await?;
    }
    server.disable(&cancelling).await?;
    made += fill::publish(&server, settings, EventType::InspectionCreated, count / 2).await?;
    measure::arrival(&mut sink, &mut server, made + rare, settings.patience).await?;
    if !measure::settled(&mut server, settings.patience).await? {
        return Err("what was stored first is still pending".to_owned());
    }
    let report = sink.report().await?;
    if report.counts.distinct != made + rare {
        let distinct = report.counts.distinct;
        return Err(format!("{distinct} of {} arrived", made + rare));
    }
    // The log of changes goes when the server ends: what is left is what stays.
    server.stop().await?;
    let bytes = server.disk_bytes()?.saturating_sub(bytes_before);
    Ok(Filled {
        most,
        few,
        failing,
        middle_ms,
        disk_kib_per_event: bytes as f64 / 1024.0 / made as f64,
    })
}

/// Times the first page of the delivery log with each filter, and complains about one that lacks rows.
async fn log_pages(server: &mut Server, filled: &Filled, measured: &mut Measured) -> Outcome {
    let (_, page) = server.time("/v1/notification/delivery?limit=1").await?;
    let inspection = page
        .pointer("/data/0/inspectionId")
        .and_then(Value::as_str)
        .ok_or("the delivery log is empty")?
        .to_owned();
    let event = |event: EventType| format!("event={}", event.as_str());
    let webhook = |webhook: &Webhook| format!("webhookId={}", webhook.id);
    let moment = |ms| Timestamp::from_millis(ms).to_string();
    let (middle, rare) = (filled.middle_ms, usize::try_from(RARE).unwrap_or(0));
    let time = format!("from={}&to={}", moment(middle - 60_000), moment(middle));
    let mut slowest_ms = 0.0_f64;
    for (name, filter, rows_min) in [
        ("all", String::new(), 20),
        ("most_webhook", webhook(&filled.most), 20),
        ("few_webhook", webhook(&filled.few), rare),
        ("failing_webhook", webhook(&filled.failing), rare),
        ("delivered", "status=delivered".to_owned(), 20),
        ("failed", "status=failed".to_owned(), rare),
        ("cancelled", "status=cancelled".to_owned(), rare),
        ("pending", "status=pending".to_owned(), 0),
        ("most_event", event(EventType::InspectionCreated), 20),
        ("few_event", event(EventType::InspectionReviewed), rare),
        ("no_event", event(EventType::ImageProcessed), 0),
        ("inspection", format!("inspectionId={inspection}"), 1),
        ("time", time, 20),
    ] {
        let (took_ms, rows) = server.time_log(&filter).await?;
        measured.numbers.set(&format!("log_{name}_ms"), took_ms);
        slowest_ms = slowest_ms.max(took_ms);
        if rows < rows_min {
            let sentence = format!("the log's page `{filter}` has {rows} rows of {rows_min}");
            measured.complaints.push(sentence);
        }
    }
    measured.numbers.set(figure::LOG_SLOWEST_MS, slowest_ms);
    Ok(())
}

/// Times the pages of the dashboard.
async fn dashboard_pages(server: &mut Server, filled: &Filled, measured: &mut Measured) -> Outcome {
    let (_, newest) = server.time("/v1/notification/delivery?limit=1").await?;
    let row = |name: &str| {
        let found = newest.pointer(&format!("/data/0/{name}"));
        let found = found.and_then(Value::as_str);
        found
            .map(ToOwned::to_owned)
            .ok_or("the delivery log is empty")
    };
    let (delivery, event) = (row("_id")?, row("eventId")?);
    let most = &filled.most.id;
    let session = server.sign_in().await?;
    let mut slowest_ms = 0.0_f64;
    for (name, path) in [
        ("overview_hour", "?range=hour".to_owned()),
        ("overview_day", "?range=day".to_owned()),
        ("overview_month", "?range=month".to_owned()),
        ("developers", "/developers".to_owned()),
        ("webhook", format!("/webhooks/{most}")),
        ("deliveries", "/deliveries".to_owned()),
        ("deliveries_of_one", format!("/deliveries?webhook={most}")),
        ("deliveries_failed", "/deliveries?status=failed".to_owned()),
        ("delivery", format!("/deliveries/{delivery}")),
        ("event", format!("/events/{event}")),
        ("recover", "/recover".to_owned()),
        ("inspections", "/inspections".to_owned()),
        ("audit", "/audit".to_owned()),
        ("team", "/team".to_owned()),
    ] {
        let path = format!("/dashboard{path}");
        let (took_ms, page) = server.time_page(&session, &path).await?;
        measured.numbers.set(&format!("page_{name}_ms"), took_ms);
        slowest_ms = slowest_ms.max(took_ms);
        if !page.contains("</html>") {
            let sentence = format!("GET {path} answered with a page that does not end");
            measured.complaints.push(sentence);
        }
    }
    slowest_ms = slowest_ms.max(count_pages(server, &session, filled, measured).await?);
    measured.numbers.set(figure::PAGES_SLOWEST_MS, slowest_ms);
    Ok(())
}

/// Counts what half of everything that is stored would be recovered, and times the pages of it: the look that
/// begins the count, the count on its way, and another page meanwhile. Returns what the slowest took.
async fn count_pages(
    server: &mut Server,
    session: &Session,
    filled: &Filled,
    measured: &mut Measured,
) -> Outcome<f64> {
    let mut began_ms = Vec::new();
    let mut counting = None;
    for look in 0..TIMES {
        // Another range each time, so that each look begins anew.
        let second = i64::try_from(look).unwrap_or_default();
        let from = Timestamp::from_millis(filled.middle_ms - 60_000 - second * 1_000);
        let (most, from) = (&filled.most.id, from.to_string());
        let path = format!(
            "/dashboard/recover?webhook={most}&from={from}&to=&status=failed&status=missing"
        );
        let (took_ms, leads_to) = server.time_look(session, &path).await?;
        began_ms.push(took_ms);
        counting = leads_to;
    }
    let mut slowest_ms = median(&began_ms).unwrap_or_default();
    let mut worst_ms = 0.0_f64;
    for took_ms in &began_ms {
        worst_ms = worst_ms.max(*took_ms);
    }
    measured.numbers.set("page_recover_count_ms", slowest_ms);
    measured.numbers.set("page_recover_count_max_ms", worst_ms);
    // What is short is counted at once.
    let Some(path) = counting else {
        return Ok(slowest_ms);
    };
    let start = Instant::now();
    for (name, path) in [
        ("recover_counting", path.as_str()),
        ("deliveries_meanwhile", "/dashboard/deliveries"),
    ] {
        let (took_ms, _) = server.time_page(session, path).await?;
        measured.numbers.set(&format!("page_{name}_ms"), took_ms);
        slowest_ms = slowest_ms.max(took_ms);
    }
    loop {
        let (_, page) = server.time_page(session, &path).await?;
        if !page.contains("data-live") {
            break;
        }
        if start.elapsed() > COUNTING_MAX {
            measured
                .complaints
                .push(format!("GET {path}: it still counts"));
            break;
        }
        tokio::time::sleep(COUNTING_LOOK).await;
    }
    let took_s = start.elapsed().as_secs_f64();
    measured.numbers.set("recover_counted_s", took_s);
    Ok(slowest_ms)
}
