//! Requests that each differ, made over several connections at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use heraldo_wire::headers::{API_KEY, CONTENT_TYPE_JSON};
use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use tokio::task::JoinSet;

use crate::Outcome;
use crate::connection::{Connection, quoted};
use crate::server::Server;

/// What one request is.
#[derive(Debug)]
pub struct Ask {
    pub path: String,
    pub content_type: String,
    pub body: Bytes,
}

impl Ask {
    pub fn json(path: String, body: &serde_json::Value) -> Self {
        Self {
            path,
            content_type: CONTENT_TYPE_JSON.to_owned(),
            body: body.to_string().into(),
        }
    }
}

/// Posts so many requests and answers what each was answered, in their order. The first that is refused ends
/// all.
pub async fn post(
    server: &Server,
    connections: u32,
    count: usize,
    make: impl Fn(usize) -> Ask + Send + Sync + 'static,
) -> Outcome<Vec<Bytes>> {
    let (make, next) = (Arc::new(make), Arc::new(AtomicUsize::new(0)));
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let mut connection = Connection::open(server.address).await?;
        let (make, next) = (Arc::clone(&make), Arc::clone(&next));
        let api_key = server.api_key.clone();
        workers.spawn(async move {
            let mut answers = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(answers);
                }
                let answer = one(&mut connection, &api_key, make(number)).await?;
                answers.push((number, answer));
            }
        });
    }
    let mut answers = Vec::with_capacity(count);
    while let Some(ended) = workers.join_next().await {
        let some: Outcome<Vec<(usize, Bytes)>> =
            ended.map_err(|error| format!("a connection's task failed: {error}"))?;
        answers.extend(some?);
    }
    answers.sort_by_key(|(number, _)| *number);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

async fn one(connection: &mut Connection, api_key: &str, ask: Ask) -> Outcome<Bytes> {
    let path = ask.path;
    let request = Request::builder()
        .method(Method::POST)
        .uri(&path)
        .header(CONTENT_TYPE, ask.content_type)
        .header(API_KEY, api_key)
        .body(Full::new(ask.body))
        .map_err(|error| format!("POST {path}: {error}"))?;
    let answer = connection.send(request).await?;
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    let (status, body) = (answer.status, quoted(&answer.body));
    Err(format!("POST {path} was answered with {status}: {body}"))
}
