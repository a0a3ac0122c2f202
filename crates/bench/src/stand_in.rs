//! A stand-in for the server, to try the bench itself: it keeps nothing and promises nothing.
//!
//! It speaks as much of the API and the command line as the bench uses, forwards every event from memory,
//! and can misbehave on purpose, which shows that the bench notices.

mod courier;

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

/// Every delivery of that many goes wrong.
const FAULT_EVERY: u64 = 50;
const PUBLISH_MAX: usize = 1000;

/// What it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Never makes some deliveries, though it accepted their events.
    Lose,
    /// Makes some deliveries twice.
    Repeat,
    /// Signs with another secret.
    Forge,
    /// Never records outcomes.
    Forget,
}

impl Fault {
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Lose,
        Self::Repeat,
        Self::Forge,
        Self::Forget,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lose => "lose",
            Self::Repeat => "repeat",
            Self::Forge => "forge",
            Self::Forget => "forget",
        }
    }

    /// The fault of that name; none when there is no such name.
    pub fn named(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|fault| fault.name() == name)
            .unwrap_or(Self::None)
    }
}

/// How it is to serve.
#[derive(Debug)]
pub struct Settings {
    pub fault: Fault,
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
    let state = Arc::new(State::new(settings.fault));
    loop {
        let (stream, _) = listener.accept().await.map_err(told)?;
        stream.set_nodelay(true).map_err(told)?;
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answer(Arc::clone(&state), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// A delivery on its way.
pub struct Parcel {
    pub id: String,
    pub body: Bytes,
}

struct State {
    fault: Fault,
    ids: IdMaker,
    deliveries: AtomicU64,
    pending: Arc<AtomicU64>,
    webhooks: Mutex<Vec<Webhook>>,
}

struct Webhook {
    id: WebhookId,
    secret: Secret,
    courier: Courier,
}

impl State {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            ids: IdMaker::new(),
            deliveries: AtomicU64::new(0),
            pending: Arc::default(),
            webhooks: Mutex::default(),
        }
    }

    fn webhooks(&self) -> std::sync::MutexGuard<'_, Vec<Webhook>> {
        self.webhooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the event to every webhook; answers its id.
    fn accept(&self, body: Vec<u8>) -> String {
        let id = format!("evt_{}", self.ids.next());
        let body = Bytes::from(body);
        for webhook in self.webhooks().iter() {
            let number = self.deliveries.fetch_add(1, Ordering::Relaxed);
            let copies = match self.fault {
                Fault::Lose if number.is_multiple_of(FAULT_EVERY) => 0,
                Fault::Repeat if number.is_multiple_of(FAULT_EVERY) => 2,
                Fault::None | Fault::Lose | Fault::Repeat | Fault::Forge | Fault::Forget => 1,
            };
            for _ in 0..copies {
                self.pending.fetch_add(1, Ordering::Relaxed);
                webhook.courier.take(Parcel {
                    id: id.clone(),
                    body: body.clone(),
                });
            }
        }
        id
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
        let signed_with = if self.fault == Fault::Forge {
            Secret::from_random([0; 32])
        } else {
            secret.clone()
        };
        let forgets = self.fault == Fault::Forget;
        let pending = (!forgets).then(|| Arc::clone(&self.pending));
        let courier = Courier::start(&endpoint, &signed_with, pending)?;
        self.webhooks().push(Webhook {
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

    fn create_inspection(&self, body: &[u8]) -> Outcome<Value> {
        let request: CreateInspectionRequest =
            serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let inspection = self.ids.next().to_string();
        let event = json!({
            "event": EventType::InspectionCreated.as_str(),
            "payload": {"_id": inspection, "metadata": request.metadata},
        });
        let event_id = self.accept(event.to_string().into_bytes());
        Ok(json!({"message": event_id, "inspectionId": inspection}))
    }

    fn publish(&self, body: &[u8]) -> Outcome<Value> {
        let events = parse_published(body, PUBLISH_MAX).map_err(|error| error.to_string())?;
        let ids: Vec<Value> = events
            .iter()
            .map(|event| json!({"_id": self.accept(render_published(event.event, event.payload))}))
            .collect();
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
            made(state.create_inspection(&body), StatusCode::CREATED)
        }
        (&Method::POST, "/v1/notification/event") => {
            made(state.publish(&body), StatusCode::ACCEPTED)
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
