//! W4, the life of inspections: create, start, four photos, finish. Every step is made for all inspections
//! before the next one begins, so that its CPU can be told from that of the others.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use heraldo_wire::event::EventType;
use serde_json::{Value, json};

use crate::arguments::Settings;
use crate::body::{STAMP_KEY, now_us};
use crate::children::Sink;
use crate::crew::{self, Ask};
use crate::figures::figure;
use crate::measure::{self, Measured};
use crate::scenario::Scenario;
use crate::server::Server;
use crate::{Outcome, kill, picture, procfs};

/// What the template `easy` asks for of a car.
const SIDES: [&str; 4] = ["front", "back", "sideLeft", "sideRight"];
/// Created, started, a photo four times, completed.
const EVENTS_EACH: u64 = 7;
const PHOTO_BYTES: usize = 200_000;
/// Pictures that differ; the photos take turns.
const PICTURES: u32 = 16;

/// Inspections that were created.
struct Made {
    ids: Vec<String>,
    products: Vec<String>,
    codes: Vec<String>,
}

/// One repetition.
pub async fn run(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let photos = (0..PICTURES).map(|number| picture::jpeg(number, 1_280, 960, PHOTO_BYTES));
    let photos = Arc::new(photos.collect::<Outcome<Vec<Bytes>>>()?);
    let count = usize::try_from(settings.sizes.lives).unwrap_or(usize::MAX);
    let mut measured = Measured::default();
    let mut server = Server::start(&settings.program, &settings.work_dir).await?;
    let mut sink = Sink::start().await?;
    let events = [
        EventType::InspectionCreated,
        EventType::InspectionStarted,
        EventType::ImageProcessed,
        EventType::InspectionCompleted,
    ];
    let wanted = json!({
        "endpoint": sink.endpoint(0),
        "events": events.map(EventType::as_str),
    });
    let api_key = server.api_key.clone();
    let webhook = server.webhook_with(&api_key, &wanted).await?;
    sink.learn(&[webhook.known_to(0)]).await?;

    let start = Instant::now();
    let mut steps = Steps {
        settings,
        server,
        sink,
        expected: 0,
        count,
        measured: &mut measured,
    };
    let answers = steps.step("create", 1, |_| create()).await?;
    let made = made(&answers)?;
    let (ids, codes) = (made.ids.clone(), made.codes);
    let step = move |number: usize| {
        let id = ids.get(number).map_or("", String::as_str);
        let code = codes.get(number).map_or("", String::as_str);
        let path = format!("/v1/inspection/{id}/access");
        Ask::json(path, &json!({ "accessCode": code }))
    };
    steps.step("start", 1, step).await?;
    let products = made.products;
    let step = move |number: usize| {
        let product = products
            .get(number / SIDES.len())
            .map_or("", String::as_str);
        let side = SIDES.get(number % SIDES.len()).copied().unwrap_or_default();
        let photo = photos.get(number % photos.len().max(1));
        picture::upload(product, side, photo.map_or(&[], |photo| photo))
    };
    steps.step("photo", SIDES.len(), step).await?;
    let ids = made.ids;
    let step = move |number: usize| {
        let id = ids.get(number).map_or("", String::as_str);
        Ask::json(format!("/v1/inspection/finish/{id}"), &json!({}))
    };
    steps.step("finish", 1, step).await?;
    let (mut server, mut sink) = (steps.server, steps.sink);
    let took_s = start.elapsed().as_secs_f64();
    let expected = count as u64 * EVENTS_EACH;
    measured.check_arrivals(scenario.name, expected, &sink.report().await?);
    let numbers = &mut measured.numbers;
    numbers.set(figure::LIVES_PER_S, count as f64 / took_s);
    let step_ms = |name: &str| numbers.get(&cpu_name(name)).unwrap_or_default();
    let life_ms = step_ms("create")
        + step_ms("start")
        + step_ms("photo") * SIDES.len() as f64
        + step_ms("finish");
    numbers.set(figure::LIFE_CPU_MS, life_ms);
    numbers.set(figure::RSS_PEAK_MIB, measure::rss_peak_mib(&server)?);
    kill::restart(
        &mut server,
        settings,
        expected,
        scenario.name,
        &mut measured,
    )
    .await?;
    measured.check_arrivals(scenario.name, expected, &sink.report().await?);
    Ok(measured)
}

fn create() -> Ask {
    let body = json!({
        "templateId": "easy",
        "car": { "plate": "AB123CD" },
        "metadata": { STAMP_KEY: now_us().to_string() },
    });
    Ask::json("/v1/inspection/car".to_owned(), &body)
}

/// Reads what was made from the answers to creates.
fn made(answers: &[Bytes]) -> Outcome<Made> {
    let (mut ids, mut products, mut codes) = (Vec::new(), Vec::new(), Vec::new());
    for answer in answers {
        let answer: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
        let text = |name: &str| {
            let text = answer.get(name).and_then(Value::as_str);
            let text = text.map(str::to_owned);
            text.ok_or_else(|| format!("a create was answered without {name}: {answer}"))
        };
        let link = text("magicLink")?;
        let code = link.split("accessCode=").nth(1).unwrap_or_default();
        codes.push(code.split('&').next().unwrap_or_default().to_owned());
        ids.push(text("inspectionId")?);
        products.push(text("productId")?);
    }
    Ok(Made {
        ids,
        products,
        codes,
    })
}

fn cpu_name(step: &str) -> String {
    format!("server_cpu_ms_per_{step}")
}

/// What the steps of one repetition share.
struct Steps<'a> {
    settings: &'a Settings,
    server: Server,
    sink: Sink,
    /// Events until now.
    expected: u64,
    count: usize,
    measured: &'a mut Measured,
}

impl Steps<'_> {
    /// Makes `each` requests for every inspection, an event each, waits for the events, and notes the
    /// server's CPU for one.
    async fn step(
        &mut self,
        name: &str,
        each: usize,
        make: impl Fn(usize) -> Ask + Send + Sync + 'static,
    ) -> Outcome<Vec<Bytes>> {
        let requests = self.count * each;
        let before = procfs::cpu(self.server.pid())?;
        let connections = self.settings.connections;
        let answers = crew::post(&self.server, connections, requests, make).await?;
        self.expected += requests as u64;
        let patience = self.settings.patience;
        measure::arrival(&mut self.sink, &mut self.server, self.expected, patience).await?;
        measure::settled(&mut self.server, patience).await?;
        let cpu = procfs::cpu(self.server.pid())?.saturating_sub(before);
        let each_ms = cpu.as_secs_f64() * 1e3 / requests as f64;
        self.measured.numbers.set(&cpu_name(name), each_ms);
        Ok(answers)
    }
}
