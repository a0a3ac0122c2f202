//! What a large photo costs the server, from its upload to its event.

use std::sync::Arc;

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

/// 12 megapixels.
const WIDTH: u32 = 4_032;
const HEIGHT: u32 = 3_024;
const PHOTO_BYTES: usize = 3_500_000;
/// Uploads at once; more would only wait for the one thread that decodes.
const CONNECTIONS: u32 = 2;
/// Pictures that differ; the photos take turns.
const PICTURES: u32 = 2;

/// One repetition.
pub async fn run(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let photos = (0..PICTURES).map(|number| picture::jpeg(number, WIDTH, HEIGHT, PHOTO_BYTES));
    let photos = Arc::new(photos.collect::<Outcome<Vec<Bytes>>>()?);
    let count = usize::try_from(settings.sizes.photos).unwrap_or(usize::MAX);
    let mut measured = Measured::default();
    let mut server = Server::start(&settings.program, &settings.work_dir).await?;
    let mut sink = Sink::start().await?;
    let webhook = server
        .webhook(&sink.endpoint(0), EventType::ImageProcessed)
        .await?;
    sink.learn(&[webhook.known_to(0)]).await?;
    let create = |_| {
        let body = json!({
            "templateId": "easy",
            "initialStatus": "started",
            "metadata": { STAMP_KEY: now_us().to_string() },
        });
        Ask::json("/v1/inspection/car".to_owned(), &body)
    };
    let answers = crew::post(&server, CONNECTIONS, count, create).await?;
    let products: Vec<String> = answers
        .iter()
        .filter_map(|answer| serde_json::from_slice::<Value>(answer).ok())
        .filter_map(|answer| Some(answer.get("productId")?.as_str()?.to_owned()))
        .collect();
    let before = procfs::cpu(server.pid())?;
    let upload = move |number: usize| {
        let product = products.get(number).map_or("", String::as_str);
        let photo = photos.get(number % photos.len().max(1));
        picture::upload(product, "front", photo.map_or(&[], |photo| photo))
    };
    crew::post(&server, CONNECTIONS, count, upload).await?;
    let expected = count as u64;
    measure::arrival(&mut sink, &mut server, expected, settings.patience).await?;
    measure::settled(&mut server, settings.patience).await?;
    let cpu = procfs::cpu(server.pid())?.saturating_sub(before);
    let report = sink.report().await?;
    measured.check_arrivals(scenario.name, expected, &report);
    let numbers = &mut measured.numbers;
    let each_ms = cpu.as_secs_f64() * 1e3 / expected as f64;
    numbers.set(figure::PHOTO_CPU_MS, each_ms);
    numbers.set(figure::RSS_PEAK_MIB, measure::rss_peak_mib(&server)?);
    kill::restart(
        &mut server,
        settings,
        expected,
        scenario.name,
        &mut measured,
    )
    .await?;
    Ok(measured)
}
