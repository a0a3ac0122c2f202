//! The receiver, a process of its own: counts every delivery exactly, times it, and verifies some.
//!
//! It is meant to cost as little as a receiver can, because it shares the machine with the server. It
//! ends when its standard input does, so that it never outlives the orchestrator.

mod tally;

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::Outcome;
use crate::body::now_us;
pub use tally::{Counts, Report};
use tally::{Delivery, Tally};

/// What the first line on standard output begins with; the address follows.
pub const LISTENING: &str = "listening ";
/// Answers [`Counts`]; cheap.
pub const COUNTS_PATH: &str = "/control/counts";
/// Answers a [`Report`]; sorts all latencies.
pub const REPORT_PATH: &str = "/control/report";
/// Takes [`HookSecret`]s.
pub const SECRETS_PATH: &str = "/control/secrets";

const HOOK_PREFIX: &str = "/hook/";

/// The secret of one path, to verify deliveries with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HookSecret {
    pub hook: u32,
    pub secret: String,
}

/// Where the webhook of that number is received.
pub fn hook_path(hook: u32) -> String {
    format!("{HOOK_PREFIX}{hook}")
}

/// Receives until standard input ends; verifies the signatures of every `verify_every`th delivery, and
/// answers each after `answer_after`.
pub async fn run(verify_every: u64, answer_after: Duration) -> Outcome {
    let told = |error: std::io::Error| format!("the sink cannot listen: {error}");
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .map_err(told)?;
    let address = listener.local_addr().map_err(told)?;
    println!("{LISTENING}{address}");
    std::io::stdout().flush().map_err(told)?;
    let tally = Arc::new(Mutex::new(Tally::new(verify_every)));
    let mut input_ended = input_end()?;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.map_err(told)?;
                stream.set_nodelay(true).map_err(told)?;
                let tally = Arc::clone(&tally);
                let service = service_fn(move |request| answer(Arc::clone(&tally), answer_after, request));
                // A connection that breaks shows as a delivery that is missing, or made again.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
            _ = &mut input_ended => return Ok(()),
        }
    }
}

/// Resolves when standard input ends.
fn input_end() -> Outcome<oneshot::Receiver<()>> {
    let (ended, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = ended.send(());
        })
        .map_err(|error| format!("the input's thread could not be started: {error}"))?;
    Ok(receiver)
}

async fn answer(
    tally: Arc<Mutex<Tally>>,
    answer_after: Duration,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        // Nobody reads this answer: the connection is gone.
        return Ok(plain(StatusCode::BAD_REQUEST, "cut off".into()));
    };
    let body = body.to_bytes();
    let path = head.uri.path();
    if let Some(hook) = path
        .strip_prefix(HOOK_PREFIX)
        .and_then(|text| text.parse().ok())
    {
        let delivery = Delivery {
            hook,
            headers: &head.headers,
            body: &body,
            received_us: now_us(),
        };
        lock(&tally).count(&delivery);
        if !answer_after.is_zero() {
            tokio::time::sleep(answer_after).await;
        }
        return Ok(plain(StatusCode::OK, Bytes::from_static(b"ok")));
    }
    Ok(match (&head.method, path) {
        (&Method::GET, COUNTS_PATH) => as_json(&lock(&tally).counts()),
        (&Method::GET, REPORT_PATH) => as_json(&lock(&tally).report()),
        (&Method::PUT, SECRETS_PATH) => match serde_json::from_slice::<Vec<HookSecret>>(&body) {
            Ok(secrets) => match lock(&tally).learn(secrets) {
                Ok(()) => plain(StatusCode::OK, "{}".into()),
                Err(sentence) => plain(StatusCode::BAD_REQUEST, sentence.into()),
            },
            Err(error) => plain(StatusCode::BAD_REQUEST, error.to_string().into()),
        },
        _ => plain(StatusCode::NOT_FOUND, "no such path".into()),
    })
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn plain(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("text/plain"));
    response
}

fn as_json(value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(body) => plain(StatusCode::OK, body.into()),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string().into()),
    }
}
