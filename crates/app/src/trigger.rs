//! `heraldo trigger`: makes a real sample event of a type, for whoever is subscribed to it.

use std::process::ExitCode;

use clap::ArgMatches;
use heraldo_domain::ports::{Clock, IdMaker};
use heraldo_domain::template::built_in;
use heraldo_wire::api::{PublishAnswer, TestWebhookAnswer, TestWebhookRequest};
use heraldo_wire::event::{EventType, Sample, render, sample};
use heraldo_wire::id::InspectionId;
use heraldo_wire::object::{InspectionType, Metadata, Producer};

use crate::cli::given;
use crate::failure::{Failure, Outcome};
use crate::ports::{OsEntropy, SystemClock};
use crate::remote::Remote;
use crate::settings::Settings;
use crate::terminal::say;

pub fn run(matches: &ArgMatches, settings: &Settings) -> Outcome<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no runtime can be started: {error}")))?;
    runtime.block_on(trigger(matches, settings))
}

async fn trigger(matches: &ArgMatches, settings: &Settings) -> Outcome<ExitCode> {
    let event: EventType = given(matches, "event")
        .unwrap_or_default()
        .parse()
        .map_err(|error| Failure::new(format!("{error}")))?;
    let mut remote = Remote::find(matches, settings)?;
    let id = match given(matches, "webhook") {
        Some(webhook) => test(&mut remote, &webhook, event).await?,
        None => publish(&mut remote, event).await?,
    };
    say(&id);
    Ok(ExitCode::SUCCESS)
}

/// To one webhook alone, marked as a test.
async fn test(remote: &mut Remote, webhook: &str, event: EventType) -> Outcome<String> {
    let request = TestWebhookRequest {
        event: event.to_string(),
    };
    let body = serde_json::to_vec(&request)
        .map_err(|error| Failure::new(format!("the request cannot be written: {error}")))?;
    let path = format!("/v1/notification/webhook/{webhook}/test");
    let answer: TestWebhookAnswer = remote.post(&path, body.into()).await?;
    Ok(answer.event_id.to_string())
}

/// To every webhook that is subscribed to it, as an inspection's own would go.
async fn publish(remote: &mut Remote, event: EventType) -> Outcome<String> {
    let ids = IdMaker::default();
    let now = SystemClock.now();
    let template = built_in(InspectionType::Car, "easy")
        .ok_or_else(|| Failure::new("the built-in template `easy` for car is missing"))?;
    let inspection_id = InspectionId(ids.next(now, &OsEntropy));
    let from = Sample {
        inspection_id,
        first_part_id: ids.next(now, &OsEntropy),
        producer: Producer::default(),
        template: template.head(),
        metadata: Metadata::from_iter([("test", "true")]),
        at: now,
        public_url: remote.url().to_owned(),
        access_code: format!("{:04}", inspection_id.0.tail() % 10_000),
    };
    // A rendered event has the form of what is published.
    let body = render(&sample(event, &from));
    let answer: PublishAnswer = remote.post("/v1/notification/event", body.into()).await?;
    let id = answer.data.first().map(|published| published.id);
    id.map(|id| id.to_string())
        .ok_or_else(|| Failure::new("the server answered no id; look for the event in its list"))
}
