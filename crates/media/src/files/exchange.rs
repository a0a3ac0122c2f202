//! The HTTP client of S3-compatible storage: one connection for each request, driven by its caller.
//!
//! It speaks to the one address that the operator configured, never to one that a customer chose: those
//! are for `delivery` alone, where the network guard sits. Nothing is pooled, so that no task and no
//! connection outlives its request; TLS sessions are resumed.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Response, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpService,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// No file of ours comes near it.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Makes the exchanges of one request and its answer.
#[derive(Clone)]
pub(super) struct Exchange {
    tls: TlsConnector,
    connect_timeout: Duration,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

impl Exchange {
    /// Trusts Mozilla's authorities, and those in `extra_ca_pem`.
    pub(super) fn new(
        extra_ca_pem: Option<&[u8]>,
        connect_timeout: Duration,
    ) -> Result<Self, String> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Some(pem) = extra_ca_pem {
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| error.to_string())?;
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
            if roots.len() == before {
                return Err("there is no certificate in it".to_owned());
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
            connect_timeout,
        })
    }

    async fn connect(&self, uri: &Uri) -> io::Result<Box<dyn Stream>> {
        let host = uri.host().ok_or(io::ErrorKind::InvalidInput)?;
        // The brackets of an IPv6 address belong to the URL.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let secure = uri.scheme_str() != Some("http");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = open_tcp(host, port).await?;
        if !secure {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(self.tls.connect(name, stream).await?))
    }
}

#[async_trait]
impl HttpService for Exchange {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let opened = timeout(self.connect_timeout, self.connect(request.uri()))
            .await
            .unwrap_or_else(|_| {
                Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "no connection in time",
                ))
            })
            .map_err(|error| HttpError::new(HttpErrorKind::Connect, error))?;
        let request = as_origin_form(request)
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        exchange(opened, request).await.map_err(failure)
    }
}

impl HttpConnector for Exchange {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

#[expect(
    clippy::disallowed_methods,
    reason = "the address is the operator's own storage, configured by the operator"
)]
async fn open_tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// HTTP/1.1 wants the path in the first line and the host in a header.
fn as_origin_form(mut request: HttpRequest) -> Result<HttpRequest, http::Error> {
    let uri = std::mem::take(request.uri_mut());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = HeaderValue::from_str(authority)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse()?;
    request.headers_mut().insert(HOST, host);
    request
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(request)
}

async fn exchange(
    stream: Box<dyn Stream>,
    request: http::Request<HttpRequestBody>,
) -> Result<HttpResponse, Box<dyn Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answered = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?;
        Ok::<_, Box<dyn Error + Send + Sync>>((head, body.to_bytes()))
    };
    let mut answered = std::pin::pin!(answered);
    let (head, body): (_, Bytes) = tokio::select! {
        biased;
        answer = &mut answered => answer?,
        closed = connection => {
            closed?;
            // The connection has ended well: what it carried is waiting to be read.
            answered.await?
        }
    };
    Ok(Response::from_parts(head, body.into()))
}

/// How far a request came decides whether it may be sent again.
fn failure(error: Box<dyn Error + Send + Sync>) -> HttpError {
    let never_answered = error.downcast_ref::<hyper::Error>().is_some_and(|error| {
        error.is_incomplete_message() || error.is_closed() || error.is_canceled()
    });
    let kind = if never_answered {
        HttpErrorKind::Request
    } else {
        HttpErrorKind::Interrupted
    };
    HttpError::new_boxed(kind, error)
}
