//! A stand-in for the server, to try the bench itself and to see what no server can do without: it promises nothing.
//!
//! It speaks as much of the API and the command line as the bench uses, forwards every event from memory, keeps them
//! if it is to, and can misbehave on purpose, which shows that the bench notices.

mod courier;
mod keeper;

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use heraldo_wire::api::CreateInspectionRequest;
use heraldo_wire::event::{EventType, parse_published, render_published};
use heraldo_wire::id::{CompanyId, WebhookId};
use heraldo_wire::signature::Secret;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::Outcome;
use crate::body::IdMaker;
use courier::Courier;
use keeper::Keeper;

/// Every delivery of that many goes wrong.
const FAULT_EVERY: u64 = 50;
const PUBLISH_MAX: usize = 1000;

/// What it does, and what wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Forwards from memory.
    None,
    /// Keeps on disk what it forwards.
    Keep,
    /// Never makes some deliveries, though it accepted their events.
    Lose,
    /// Makes some deliveries twice.
    Repeat,
    /// Signs with another secret.
    Forge,
    /// Never records outcomes.
    Forget,
}

impl Manner {
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::Keep,
        Self::Lose,
        Self::Repeat,
        Self::Forge,
        Self::Forget,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Keep => "keep",
            Self::Lose => "lose",
            Self::Repeat => "repeat",
            Self::Forge => "forge",
            Self::Forget => "forget",
        }
    }

    /// The manner of that name; the first when there is no such name.
    pub fn named(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|manner| manner.name() == name)
            .unwrap_or(Self::None)
    }
}

/// How it is to serve.
#[derive(Debug)]
pub struct Settings {
    pub manner: Manner,
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
}

/// Answers as `company create --json` does.
pub fn create_company() -> Outcome {
    let company = CompanyId(IdMaker::new().next());
    println!(
        "{}",
        json!({"companyId": company.to_string(), "apiKey": "stand-in"})
    );
    Ok(())
}

/// Serves until it is killed.
pub async fn serve(settings: Settings) -> Outcome {
    let told = |error: std::io::Error| format!("the stand-in cannot serve: {error}");
    let listener = TcpListener::bind(settings.listen).await.map_err(told)?;
    let address = listener.local_addr().map_err(told)?;
    fs::write(settings.data_dir.join("address"), format!("{address}\n")).map_err(told)?;
    let state = Arc::new(State::new(&settings)?);
    loop {
        let (stream, _) = listener.accept().await.map_err(told)?;
        stream.set_nodelay(true).map_err(told)?;
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answer(Arc::clone(&state), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// An event on its way.
#[derive(Clone)]
pub struct Accepted {
    pub number: i64,
    pub id: String,
    pub body: Bytes,
}

struct State {
    manner: Manner,
    ids: IdMaker,
    events: AtomicU64,
    deliveries: AtomicU64,
    pending: Arc<AtomicU64>,
    webhooks: Mutex<Vec<Webhook>>,
    keeper: Option<Keeper>,
}

struct Webhook {
    id: WebhookId,
    secret: Secret,
    courier: Courier,
}

impl State {
    fn new(settings: &Settings) -> Outcome<Self> {
        let keeps = settings.manner == Manner::Keep;
        let keeper = keeps.then(|| Keeper::start(&settings.data_dir));
        Ok(Self {
            manner: settings.manner,
            ids: IdMaker::new(),
            events: AtomicU64::new(0),
            deliveries: AtomicU64::new(0),
            pending: Arc::default(),
            webhooks: Mutex::default(),
            keeper: keeper.transpose()?,
        })
    }

    fn webhooks(&self) -> std::sync::MutexGuard<'_, Vec<Webhook>> {
        self.webhooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(&self, body: Vec<u8>) -> Accepted {
        let id = self.ids.next();
        Accepted {
            number: i64::try_from(self.events.fetch_add(1, Ordering::Relaxed)).unwrap_or(i64::MAX),
            id: format!("evt_{id}"),
            body: Bytes::from(body),
        }
    }

    /// Keeps the events, if that is to be, and sends them to every webhook.
    async fn take(&self, events: Vec<Accepted>, doc: Option<Bytes>) -> Outcome {
        if let Some(keeper) = &self.keeper {
            let webhooks = self.webhooks().len();
            keeper.keep(events.clone(), webhooks, doc).await?;
        }
        for event in events {
            self.send(&event);
        }
        Ok(())
    }

    fn send(&self, event: &Accepted) {
        for webhook in self.webhooks().iter() {
            let number = self.deliveries.fetch_add(1, Ordering::Relaxed);
            let copies = match self.manner {
                Manner::Lose if number.is_multiple_of(FAULT_EVERY) => 0,
                Manner::Repeat if number.is_multiple_of(FAULT_EVERY) => 2,
                Manner::None
                | Manner::Keep
                | Manner::Lose
                | Manner::Repeat
                | Manner::Forge
                | Manner::Forget => 1,
            };
            for _ in 0..copies {
                self.pending.fetch_add(1, Ordering::Relaxed);
                webhook.courier.take(event.clone());
            }
        }
    }

    fn create_webhook(&self, body: &[u8]) -> Outcome<Value> {
        let wrong = |error: &dyn std::fmt::Display| format!("no webhook: {error}");
        let request: Value = serde_json::from_slice(body).map_err(|error| wrong(&error))?;
        let endpoint = request
            .get("endpoint")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let endpoint: Uri = endpoint.parse().map_err(|error| wrong(&error))?;
        let id = WebhookId(self.ids.next());
        let mut random = [0; 32];
        random
            .iter_mut()
            .zip(id.0.as_bytes())
            .for_each(|(to, from)| *to = *from);
        let secret = Secret::from_random(random);
        let signed_with = if self.manner == Manner::Forge {
            Secret::from_random([0; 32])
        } else {
            secret.clone()
        };
        let forgets = self.manner == Manner::Forget;
        let pending = (!forgets).then(|| Arc::clone(&self.pending));
        let mut webhooks = self.webhooks();
        let number = i64::try_from(webhooks.len()).unwrap_or(i64::MAX);
        let kept = self.keeper.clone().map(|keeper| (keeper, number));
        let courier = Courier::start(&endpoint, &signed_with, pending, kept)?;
        webhooks.push(Webhook {
            id,
            secret,
            courier,
        });
        Ok(json!({"_id": id.to_string()}))
    }

    fn secret_of(&self, id: &str) -> Option<Value> {
        let webhooks = self.webhooks();
        let webhook = webhooks
            .iter()
            .find(|webhook| webhook.id.to_string() == id)?;
        Some(json!({"secret": webhook.secret.reveal()}))
    }

    async fn create_inspection(&self, body: Bytes) -> Outcome<Value> {
        let request: CreateInspectionRequest =
            serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        let inspection = self.ids.next().to_string();
        let event = json!({
            "event": EventType::InspectionCreated.as_str(),
            "payload": {"_id": inspection, "metadata": request.metadata},
        });
        let event = self.accept(event.to_string().into_bytes());
        let event_id = event.id.clone();
        self.take(vec![event], Some(body)).await?;
        Ok(json!({"message": event_id, "inspectionId": inspection}))
    }

    async fn publish(&self, body: &[u8]) -> Outcome<Value> {
        let events = parse_published(body, PUBLISH_MAX).map_err(|error| error.to_string())?;
        let events: Vec<Accepted> = events
            .iter()
            .map(|event| self.accept(render_published(event.event, event.payload)))
            .collect();
        let ids: Vec<Value> = events
            .iter()
            .map(|event| json!({"_id": event.id}))
            .collect();
        self.take(events, None).await?;
        Ok(json!({"data": ids}))
    }

    /// As many empty rows as a list would have.
    fn pending(&self) -> Value {
        let is_pending = self.pending.load(Ordering::Relaxed) > 0;
        let rows = if is_pending {
            vec![json!({})]
        } else {
            Vec::new()
        };
        json!({"data": rows, "nextCursor": null})
    }
}

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(reply(StatusCode::BAD_REQUEST, &Value::Null));
    };
    let body = body.to_bytes();
    let path = head.uri.path();
    let made = |outcome: Outcome<Value>, status| match outcome {
        Ok(value) => reply(status, &value),
        Err(sentence) => reply(StatusCode::BAD_REQUEST, &json!({"detail": sentence})),
    };
    Ok(match (&head.method, path) {
        (&Method::GET, "/health/ready") => reply(StatusCode::OK, &json!({"status": "ok"})),
        (&Method::POST, "/v1/inspection/car") => {
            made(state.create_inspection(body).await, StatusCode::CREATED)
        }
        (&Method::POST, "/v1/notification/event") => {
            made(state.publish(&body).await, StatusCode::ACCEPTED)
        }
        (&Method::POST, "/v1/notification/webhook") => {
            made(state.create_webhook(&body), StatusCode::CREATED)
        }
        (&Method::GET, "/v1/notification/delivery") => reply(StatusCode::OK, &state.pending()),
        (&Method::GET, _) => {
            let id = path.strip_prefix("/v1/notification/webhook/");
            let id = id.and_then(|rest| rest.strip_suffix("/secret"));
            match id.and_then(|id| state.secret_of(id)) {
                Some(value) => reply(StatusCode::OK, &value),
                None => reply(StatusCode::NOT_FOUND, &Value::Null),
            }
        }
        _ => reply(StatusCode::NOT_FOUND, &Value::Null),
    })
}

fn reply(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response
}
