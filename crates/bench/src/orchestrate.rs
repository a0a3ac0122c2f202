//! The whole run: every scenario and repetition, the raw bound and the server side by side.

use std::fs;

use heraldo_wire::time::Timestamp;
use indexmap::IndexMap;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Settings;
use crate::body::now_us;
use crate::figures::{Figures, Numbers, figure};
use crate::machine::Machine;
use crate::measure::{self, Measured};
use crate::report::{Report, shown};
use crate::scenario::{Pace, Scenario, Work};
use crate::{
    Outcome, backlog, compare, dead, growth, idle, isolate, life, lists, photos, plot, rows, stored,
};

/// Runs until done or interrupted. When it is interrupted, everything it started is stopped.
pub async fn run(settings: Settings) -> Outcome {
    let told = |error: std::io::Error| format!("signals cannot be awaited: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(told)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(told)?;
    tokio::select! {
        outcome = run_all(&settings) => outcome,
        _ = interrupt.recv() => Err("interrupted".to_owned()),
        _ = terminate.recv() => Err("told to end".to_owned()),
    }
}

async fn run_all(settings: &Settings) -> Outcome {
    // Read first: it may be the very file that is written at the end.
    let old = settings.compare.as_deref().map(Report::read).transpose()?;
    fs::create_dir_all(&settings.work_dir)
        .map_err(|error| format!("{}: {error}", settings.work_dir.display()))?;
    let machine = Machine::look(&settings.work_dir)?;
    let sync_us = shown(machine.sync_8_kib_us);
    println!(
        "{} cores, {}, 8 KiB synced in {sync_us} µs",
        machine.cores, machine.processor
    );
    let mut complaints = Vec::new();
    let mut repetitions: IndexMap<&str, Vec<Numbers>> = IndexMap::new();
    for repetition in 0..settings.runs {
        for scenario in &settings.scenarios {
            if repetition > 0 && settings.is_once(scenario) {
                continue;
            }
            let (numbers, wrong) = repeat(scenario, settings, repetition).await?;
            println!("{}", line(scenario, repetition, &numbers));
            for sentence in wrong {
                eprintln!("  {sentence}");
                complaints.push(sentence);
            }
            repetitions.entry(scenario.name).or_default().push(numbers);
        }
    }
    let report = Report {
        date: Timestamp::from_millis(i64::try_from(now_us() / 1000).unwrap_or(0)).to_string(),
        machine,
        runs: settings.runs,
        seconds: settings.duration.as_secs_f64(),
        paced_seconds: settings.paced_duration.as_secs_f64(),
        connections: settings.connections,
        sizes: settings.sizes,
        scenarios: repetitions
            .into_iter()
            .map(|(name, numbers)| (name.to_owned(), Figures::of(&numbers)))
            .collect(),
    };
    println!("{}", report.table());
    println!("{}", rows::table(&report.scenarios));
    if let Some(old) = old {
        println!("{}", compare::table(&report, &old));
    }
    report.write(&settings.out)?;
    println!("written to {}", settings.out.display());
    if let Some(folder) = &settings.plots {
        let written = plot::write_all(&report, folder)?;
        println!("drawn in {}: {}", folder.display(), written.join(", "));
    }
    if complaints.is_empty() {
        println!("every accepted event arrived, every outcome was recorded");
        return Ok(());
    }
    Err(format!(
        "not everything is as it must be:\n  {}",
        complaints.join("\n  ")
    ))
}

/// What one repetition gives, and what must not be.
async fn repeat(
    scenario: &Scenario,
    settings: &Settings,
    repetition: u32,
) -> Outcome<(Numbers, Vec<String>)> {
    let measured = match scenario.work {
        Work::Load => return beside_raw(scenario, settings, repetition).await,
        Work::Idle => idle::run(settings).await,
        Work::Isolation => isolate::run(scenario, settings).await,
        Work::Backlog => backlog::run(scenario, settings).await,
        Work::Stored => stored::run(scenario, settings).await,
        Work::Dead => dead::run(scenario, settings).await,
        Work::Lives => life::run(scenario, settings).await,
        Work::Photos => photos::run(scenario, settings).await,
        Work::Lists => lists::run(scenario, settings).await,
        Work::Growth(axis) => growth::run(scenario, axis, settings).await,
    };
    let measured = measured.map_err(|sentence| format!("{}: {sentence}", scenario.name))?;
    Ok((measured.numbers, measured.complaints))
}

/// The load through the server and the raw bound.
async fn beside_raw(
    scenario: &Scenario,
    settings: &Settings,
    repetition: u32,
) -> Outcome<(Numbers, Vec<String>)> {
    let (raw, server) = side_by_side(scenario, settings, repetition).await?;
    let with_ratio = scenario.pace == Pace::AsFastAsAnswered;
    let numbers = Numbers::of_repetition(&raw.numbers, &server.numbers, with_ratio);
    Ok((numbers, [raw.complaints, server.complaints].concat()))
}

/// Measures the raw bound and the server one right after the other, because machines drift; which of them
/// is first alternates.
async fn side_by_side(
    scenario: &Scenario,
    settings: &Settings,
    repetition: u32,
) -> Outcome<(Measured, Measured)> {
    let about = |sentence: String| format!("{}: {sentence}", scenario.name);
    if repetition.is_multiple_of(2) {
        let raw = measure::raw(scenario, settings).await.map_err(about)?;
        let server = measure::through_server(scenario, settings)
            .await
            .map_err(about)?;
        Ok((raw, server))
    } else {
        let server = measure::through_server(scenario, settings)
            .await
            .map_err(about)?;
        let raw = measure::raw(scenario, settings).await.map_err(about)?;
        Ok((raw, server))
    }
}

/// What one repetition gave, in a line.
fn line(scenario: &Scenario, repetition: u32, numbers: &Numbers) -> String {
    let mut line = format!("{:<8}run {}:", scenario.name, repetition + 1);
    for name in [
        figure::RATIO_TO_RAW,
        figure::DELIVERED_PER_S,
        figure::RAW_PER_S,
        figure::SERVER_CPU_US,
        figure::LATENCY_P50_MS,
        figure::LATENCY_P99_MS,
        figure::THROUGHPUT_KEPT,
        figure::P99_GROWTH,
        figure::DRAIN_KEPT,
        figure::RESTART_MS,
        figure::STORED_KEPT,
        figure::DISK_KIB,
        figure::LOG_SLOWEST_MS,
        figure::HEALTHY_KEPT,
        figure::LIVES_PER_S,
        figure::LIFE_CPU_MS,
        figure::PHOTO_CPU_MS,
        figure::PAGES_SLOWEST_MS,
        figure::LISTS_SLOWEST_MS,
        figure::RSS_PEAK_MIB,
        figure::LOST,
    ] {
        if let Some(value) = numbers.get(name) {
            line.push_str(&format!("  {name} {}", shown(value)));
        }
    }
    line
}
