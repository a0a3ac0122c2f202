//! What the bench asks of a server's API beside the load.

use std::time::Instant;

use bytes::Bytes;
use heraldo_wire::api::{CreateWebhookAnswer, DeliveryStatus};
use heraldo_wire::event::EventType;
use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Server, TIMES};
use crate::Outcome;
use crate::children::Sink;
use crate::sink::HookSecret;
use crate::statistics::median;

const WEBHOOKS: &str = "/v1/notification/webhook";
const DELIVERIES: &str = "/v1/notification/delivery";

/// A webhook that was made for the bench.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Webhook {
    pub id: String,
    secret: String,
    api_key: String,
}

impl Webhook {
    /// What the sink needs to verify what comes to that path.
    pub fn known_to(&self, hook: u32) -> HookSecret {
        HookSecret {
            hook,
            secret: self.secret.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogPage {
    data: Vec<LogRow>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogRow {
    status: DeliveryStatus,
    attempt_count: u32,
}

/// What the whole delivery log says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogCounts {
    pub all: u64,
    /// Delivered, with at least one attempt recorded.
    pub delivered: u64,
}

impl Server {
    /// Makes `count` webhooks for created inspections, one for each path of the sink, and tells the sink
    /// their secrets.
    pub async fn subscribe(&mut self, sink: &mut Sink, count: u32) -> Outcome {
        let mut secrets = Vec::new();
        for hook in 0..count {
            let endpoint = sink.endpoint(hook);
            let webhook = self
                .webhook(&endpoint, EventType::InspectionCreated)
                .await?;
            secrets.push(webhook.known_to(hook));
        }
        sink.learn(&secrets).await
    }

    /// Makes a webhook for one type of events.
    pub async fn webhook(&mut self, endpoint: &str, event: EventType) -> Outcome<Webhook> {
        let settings = json!({ "endpoint": endpoint, "events": [event.as_str()] });
        self.webhook_with(&self.api_key.clone(), &settings).await
    }

    /// Makes a webhook for the company of that key.
    pub async fn webhook_with(&mut self, api_key: &str, settings: &Value) -> Outcome<Webhook> {
        let made: CreateWebhookAnswer = self
            .call(api_key, Method::POST, WEBHOOKS, &settings.to_string())
            .await?;
        let path = format!("{WEBHOOKS}/{}/secret", made.id);
        let answer: Value = self.call(api_key, Method::GET, &path, "").await?;
        let secret = answer
            .get("secret")
            .and_then(Value::as_str)
            .ok_or_else(|| format!("GET {path} answered without a secret"))?;
        Ok(Webhook {
            id: made.id.to_string(),
            secret: secret.to_owned(),
            api_key: api_key.to_owned(),
        })
    }

    /// Only this webhook's deliveries are looked at from now on to see whether all is settled.
    pub fn watch(&mut self, webhook: &Webhook) {
        self.watched = Some(webhook.id.clone());
    }

    /// Has a webhook's deliveries sent elsewhere from now on.
    pub async fn redirect(&mut self, webhook: &Webhook, endpoint: &str) -> Outcome {
        self.change(webhook, &json!({ "endpoint": endpoint })).await
    }

    /// Cancels what waits for a webhook.
    pub async fn disable(&mut self, webhook: &Webhook) -> Outcome {
        self.change(webhook, &json!({ "status": "disabled" })).await
    }

    /// Holds back what waits for a webhook.
    pub async fn pause(&mut self, webhook: &Webhook) -> Outcome {
        self.change(webhook, &json!({ "status": "paused" })).await
    }

    /// Lets a webhook have what waits for it.
    pub async fn enable(&mut self, webhook: &Webhook) -> Outcome {
        self.change(webhook, &json!({ "status": "enabled" })).await
    }

    async fn change(&mut self, webhook: &Webhook, change: &Value) -> Outcome {
        let path = format!("{WEBHOOKS}/{}", webhook.id);
        let _: Value = self
            .call(&webhook.api_key, Method::PATCH, &path, &change.to_string())
            .await?;
        Ok(())
    }

    /// Publishes an array of events.
    pub async fn publish(&mut self, events: &Value) -> Outcome {
        let path = "/v1/notification/event";
        let _: Value = self
            .call(
                &self.api_key.clone(),
                Method::POST,
                path,
                &events.to_string(),
            )
            .await?;
        Ok(())
    }

    /// Whether the server says that no delivery is pending, of those that are watched: the outcome of each is
    /// recorded.
    pub async fn is_settled(&mut self) -> Outcome<bool> {
        let watched = match &self.watched {
            None => String::new(),
            Some(webhook) => format!("&webhookId={webhook}"),
        };
        let path = format!("{DELIVERIES}?status=pending&limit=1{watched}");
        let answer: Value = self
            .call(&self.api_key.clone(), Method::GET, &path, "")
            .await?;
        answer
            .get("data")
            .and_then(Value::as_array)
            .map(Vec::is_empty)
            .ok_or_else(|| format!("GET {path} answered without data: {answer}"))
    }

    /// Counts the delivery log, page by page.
    pub async fn count_log(&mut self) -> Outcome<LogCounts> {
        let api_key = self.api_key.clone();
        let mut counts = LogCounts::default();
        let mut cursor = String::new();
        loop {
            let path = format!("{DELIVERIES}?limit=100{cursor}");
            let page: LogPage = self.call(&api_key, Method::GET, &path, "").await?;
            for row in &page.data {
                counts.all += 1;
                if row.status == DeliveryStatus::Delivered && row.attempt_count > 0 {
                    counts.delivered += 1;
                }
            }
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(counts),
            }
        }
    }

    /// How long the first page of the delivery log takes with that filter, in milliseconds, and how many rows
    /// it has.
    pub async fn time_log(&mut self, filter: &str) -> Outcome<(f64, usize)> {
        let path = format!("{DELIVERIES}?limit=20&{filter}");
        let (took_ms, answer) = self.time(&path).await?;
        let rows = answer.get("data").and_then(Value::as_array);
        Ok((took_ms, rows.map_or(0, Vec::len)))
    }

    /// How long a path's answer takes, the median of several, in milliseconds; and the last answer.
    pub async fn time(&mut self, path: &str) -> Outcome<(f64, Value)> {
        let mut took_ms = Vec::with_capacity(TIMES);
        let mut answer = Bytes::new();
        for _ in 0..TIMES {
            let start = Instant::now();
            answer = self
                .control
                .call(Method::GET, path, Some(&self.api_key), "")
                .await?;
            took_ms.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let answer =
            serde_json::from_slice(&answer).map_err(|error| format!("GET {path}: {error}"))?;
        Ok((median(&took_ms).unwrap_or_default(), answer))
    }

    pub(super) async fn call<T: serde::de::DeserializeOwned>(
        &mut self,
        api_key: &str,
        method: Method,
        path: &str,
        body: &str,
    ) -> Outcome<T> {
        let answer = self
            .control
            .call(method.clone(), path, Some(api_key), body.to_owned())
            .await?;
        serde_json::from_slice(&answer).map_err(|error| format!("{method} {path}: {error}"))
    }
}
