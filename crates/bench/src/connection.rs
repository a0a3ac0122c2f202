//! One HTTP/1.1 connection that is kept open, as a careful client of Heraldo would hold it.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use heraldo_wire::headers::{API_KEY, CONTENT_TYPE_JSON};

use crate::Outcome;

/// A connection and the task that drives it, which ends with it.
#[derive(Debug)]
pub struct Connection {
    target: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Connection {
    pub async fn open(target: SocketAddr) -> Outcome<Self> {
        let told = |error: &dyn std::fmt::Display| format!("no connection to {target}: {error}");
        let stream = TcpStream::connect(target)
            .await
            .map_err(|error| told(&error))?;
        stream.set_nodelay(true).map_err(|error| told(&error))?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| told(&error))?;
        // An error of the driver shows in the request that it cut off.
        tokio::spawn(driver);
        let host = HeaderValue::from_str(&target.to_string()).map_err(|error| told(&error))?;
        Ok(Self {
            target,
            sender,
            host,
        })
    }

    /// Sends one request and reads the whole answer.
    pub async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Outcome<Answer> {
        if self.sender.is_closed() {
            // The server ends connections that nobody used for a while.
            *self = Self::open(self.target).await?;
        }
        request.headers_mut().insert(HOST, self.host.clone());
        let told = |error: hyper::Error| format!("the connection broke: {error}");
        self.sender.ready().await.map_err(told)?;
        let answer = self.sender.send_request(request).await.map_err(told)?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(told)?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    /// A call of the API; an answer other than 2xx is an error that quotes it.
    pub async fn call(
        &mut self,
        method: Method,
        path: &str,
        api_key: Option<&str>,
        body: impl Into<Bytes>,
    ) -> Outcome<Bytes> {
        let mut request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(CONTENT_TYPE, CONTENT_TYPE_JSON);
        if let Some(api_key) = api_key {
            request = request.header(API_KEY, api_key);
        }
        let request = request
            .body(Full::new(body.into()))
            .map_err(|error| format!("{method} {path}: {error}"))?;
        let Answer { status, body, .. } = self
            .send(request)
            .await
            .map_err(|error| format!("{method} {path}: {error}"))?;
        if status.is_success() {
            return Ok(body);
        }
        Err(format!(
            "{method} {path} was answered with {status}: {}",
            quoted(&body)
        ))
    }
}

/// The beginning of an answer, for a message.
pub fn quoted(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).chars().take(300).collect()
}
