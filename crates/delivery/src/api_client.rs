//! Calls one server's API over one kept-alive connection: for commands that need a server. No delivery goes
//! this way, and the network guard has no say in it: whoever types the command names the server.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;
use url::{Host, Url};

use crate::transport::{TransportError, api_client_config};

/// A page of a hundred events, each as large as one may be.
const ANSWER_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// A server, and one kept-alive connection to it.
pub struct ApiClient {
    url: Url,
    headers: HeaderMap,
    tls: TlsConnector,
    connection: Option<SendRequest<Full<Bytes>>>,
    tasks: TaskTracker,
}

impl fmt::Debug for ApiClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiClient").finish_non_exhaustive()
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl ApiClient {
    /// Calls `url`, with these headers on every request.
    ///
    /// # Errors
    /// When the extra authorities cannot be read.
    pub fn new(
        url: Url,
        headers: HeaderMap,
        extra_ca_pem: Option<&[u8]>,
    ) -> Result<Self, TransportError> {
        Ok(Self {
            tls: TlsConnector::from(Arc::new(api_client_config(extra_ca_pem)?)),
            connection: None,
            tasks: TaskTracker::new(),
            headers,
            url,
        })
    }

    /// The server's address.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// One request and its whole answer: its status and its body. Dropping the future closes the connection.
    ///
    /// # Errors
    /// In words, when there was no whole answer.
    pub async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(u16, Bytes), String> {
        let path = format!("{}{path}", self.url.path().trim_end_matches('/'));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        *request.headers_mut() = self.headers.clone();
        let authority = self.url.authority().rsplit('@').next().unwrap_or_default();
        let host = HeaderValue::from_str(authority).map_err(|error| error.to_string())?;
        request.headers_mut().insert(HOST, host);
        let mut sender = match self.connection.take() {
            Some(sender) if !sender.is_closed() => sender,
            Some(_) | None => self.connect().await?,
        };
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| error.to_string())?
            .to_bytes();
        self.connection = Some(sender);
        Ok((status, body))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let port = self.url.port_or_known_default().unwrap_or(80);
        let stream = match self.url.host() {
            Some(Host::Domain(name)) => open((name, port)).await,
            Some(Host::Ipv4(address)) => open((address, port)).await,
            Some(Host::Ipv6(address)) => open((address, port)).await,
            None => return Err("its address names no host".to_owned()),
        };
        let stream = stream.map_err(|error| error.to_string())?;
        let stream: Box<dyn Stream> = if self.url.scheme() == "https" {
            let host = self.url.host_str().unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
            let secured = self.tls.connect(name, stream).await;
            Box::new(secured.map_err(|error| error.to_string())?)
        } else {
            Box::new(stream)
        };
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        self.tasks.spawn(async move {
            // Its end is noticed by the next call.
            drop(connection.await);
        });
        Ok(sender)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever types the command names the server: the guard is for addresses of customers"
)]
async fn open(address: impl tokio::net::ToSocketAddrs) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
