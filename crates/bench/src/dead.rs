//! What dead receivers cost the healthy ones: many companies with a webhook each, all healthy, then 1 in 10
//! dead. Of the dead ones half refuse every connection, the others never answer.

use std::time::Duration;

use heraldo_wire::event::EventType;
use serde_json::json;

use crate::arguments::Settings;
use crate::children::{Sink, generate};
use crate::figures::figure;
use crate::measure::{self, Measured};
use crate::scenario::Scenario;
use crate::server::{Server, Webhook};
use crate::{Outcome, procfs};

/// One of so many is dead.
const DEAD_OF: usize = 10;
/// Longer than any attempt may take.
const NEVER: Duration = Duration::from_mins(10);

/// A server with many companies, each with a webhook for a path of the sink.
pub struct Companies {
    pub server: Server,
    pub webhooks: Vec<Webhook>,
    pub api_keys: Vec<String>,
}

impl Companies {
    pub async fn new(settings: &Settings) -> Outcome<Self> {
        Ok(Self {
            server: Server::start(&settings.program, &settings.work_dir).await?,
            webhooks: Vec::new(),
            api_keys: Vec::new(),
        })
    }

    /// Adds companies until there are so many. Their webhooks point nowhere yet.
    pub async fn grow(&mut self, count: usize) -> Outcome {
        let nowhere = "http://127.0.0.1:9/";
        let settings =
            json!({ "endpoint": nowhere, "events": [EventType::InspectionCreated.as_str()] });
        while self.api_keys.len() < count {
            let api_key = self.server.add_company()?;
            let webhook = self.server.webhook_with(&api_key, &settings).await?;
            self.webhooks.push(webhook);
            self.api_keys.push(api_key);
        }
        Ok(())
    }

    /// Points every webhook of which `wants` says so at its path of the sink.
    pub async fn point(&mut self, sink: &mut Sink, wants: impl Fn(usize) -> bool) -> Outcome {
        let mut secrets = Vec::new();
        let webhooks = self.webhooks.iter().enumerate();
        for (number, webhook) in webhooks.filter(|(number, _)| wants(*number)) {
            let hook = u32::try_from(number).unwrap_or(u32::MAX);
            self.server.redirect(webhook, &sink.endpoint(hook)).await?;
            secrets.push(webhook.known_to(hook));
        }
        sink.learn(&secrets).await
    }
}

fn is_dead(number: usize) -> bool {
    number % DEAD_OF == DEAD_OF - 1
}

/// One repetition.
pub async fn run(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let mut companies = Companies::new(settings).await?;
    let count = usize::try_from(settings.sizes.webhooks).unwrap_or(usize::MAX);
    companies.grow(count).await?;

    let mut sink = Sink::start().await?;
    companies.point(&mut sink, |_| true).await?;
    let alone = load(scenario, settings, &mut companies, &mut sink, |_| true).await?;
    measured.complaints.extend(alone.complaints.clone());

    let mut sink = Sink::start().await?;
    let mut silent = Sink::answering_after(NEVER).await?;
    companies
        .point(&mut sink, |number| !is_dead(number))
        .await?;
    companies
        .point(&mut silent, |number| is_dead(number) && number % 20 == 19)
        .await?;
    // Nobody listens where a sink has ended.
    let mut refusing = Sink::start().await?;
    companies
        .point(&mut refusing, |number| is_dead(number) && number % 20 != 19)
        .await?;
    drop(refusing);
    let beside = load(scenario, settings, &mut companies, &mut sink, |number| {
        !is_dead(number)
    })
    .await?;
    measured.complaints.extend(beside.complaints.clone());

    let part = (0..count).filter(|number| !is_dead(*number)).count() as f64 / count as f64;
    let number = |of: &Measured, name| of.numbers.get(name).unwrap_or_default();
    // When all are healthy, the same webhooks have their part of the whole.
    let alone_per_s = number(&alone, figure::DELIVERED_PER_S) * part;
    let beside_per_s = number(&beside, figure::DELIVERED_PER_S);
    measured.numbers = beside.numbers.clone();
    let numbers = &mut measured.numbers;
    numbers.set(figure::HEALTHY_ALONE_PER_S, alone_per_s);
    numbers.set(figure::HEALTHY_BESIDE_PER_S, beside_per_s);
    numbers.set(figure::HEALTHY_KEPT, beside_per_s / alone_per_s);
    numbers.set(figure::SLOW_STARTED, silent.counts().await?.distinct as f64);
    Ok(measured)
}

/// The load over all companies in turn, measured on those webhooks of which `counts` says so; then a kill.
pub async fn load(
    scenario: &Scenario,
    settings: &Settings,
    companies: &mut Companies,
    sink: &mut Sink,
    counts: impl Fn(usize) -> bool,
) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let server = &mut companies.server;
    let mut job = measure::job(scenario, settings);
    job.target = server.address;
    job.call = scenario.call;
    job.api_keys.clone_from(&companies.api_keys);
    let server_before = procfs::cpu(server.pid())?;
    let done = generate(&job).await?;
    let expected = done.of_keys(&counts) * u64::from(scenario.call.events());
    measure::arrival(sink, server, expected, settings.patience).await?;
    let cpu = procfs::cpu(server.pid())?.saturating_sub(server_before);
    let report = sink.report().await?;
    measured.check(scenario.name, &done, expected, &report);
    let took_us = report.last_new_us.saturating_sub(done.first_sent_us);
    let numbers = &mut measured.numbers;
    let distinct = report.counts.distinct;
    numbers.set(
        figure::DELIVERED_PER_S,
        measure::per_second(distinct, took_us),
    );
    let events = done.accepted * u64::from(scenario.call.events());
    numbers.set(figure::SERVER_CPU_US, measure::micros(cpu) / events as f64);
    numbers.set_ms(figure::LATENCY_P99_MS, report.latency_p99_us);
    numbers.set(figure::RSS_PEAK_MIB, measure::rss_peak_mib(server)?);
    numbers.set(figure::LOST, expected.saturating_sub(distinct) as f64);

    job.duration_ms = 300;
    let more = generate(&job).await?;
    server.kill();
    server.start_again().await?;
    let expected = expected + more.of_keys(&counts) * u64::from(scenario.call.events());
    measure::arrival(sink, server, expected, settings.patience).await?;
    let name = format!("{} after kill -9", scenario.name);
    measured.check(&name, &more, expected, &sink.report().await?);
    Ok(measured)
}
