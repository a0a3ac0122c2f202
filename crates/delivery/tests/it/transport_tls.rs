//! Receivers behind TLS: HTTP/2 where offered, HTTP/1.1 elsewhere, and certificates that do not hold.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use heraldo_delivery::transport::{Resolve, Transport, TransportConfig, TransportError};
use heraldo_wire::attempt::{ErrorClass, Phase};
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoClientAuth;
use rustls::server::danger::ClientCertVerifier;
use tokio::sync::Barrier;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::receiver::{BODY, Bed, OK, Receiver, closed, loopback_allowed};

pub const NAME: &str = "receiver.example";

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        Self::named("an authority")
    }

    pub fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn issuer(&self) -> &CertifiedIssuer<'static, KeyPair> {
        &self.0
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// TLS as a server, with a certificate of this authority.
    pub fn acceptor(
        &self,
        alpn: &[&str],
        edit: impl FnOnce(&mut CertificateParams),
    ) -> TlsAcceptor {
        self.acceptor_with(alpn, edit, None)
    }

    /// The same, asking clients for certificates.
    pub fn acceptor_with(
        &self,
        alpn: &[&str],
        edit: impl FnOnce(&mut CertificateParams),
        clients: Option<Arc<dyn ClientCertVerifier>>,
    ) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(vec![NAME.to_owned(), "127.0.0.1".to_owned()]).unwrap();
        edit(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients.unwrap_or_else(|| Arc::new(NoClientAuth)))
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    pub fn bed(&self) -> Bed {
        let extra_ca_pem = Some(self.0.pem().into_bytes());
        let config = TransportConfig {
            extra_ca_pem,
            ..loopback_allowed()
        };
        Bed::with_resolver(config, Arc::new(Loopback))
    }
}

struct Loopback;

#[async_trait]
impl Resolve for Loopback {
    async fn resolve(&self, _name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

pub fn ok() -> Response<Body> {
    Response::new(Full::new(Bytes::from_static(b"ok")).boxed_unsync())
}

/// A real web server behind TLS; the handler learns the number of the connection, from 1.
pub async fn serving<H, F>(bed: &Bed, acceptor: TlsAcceptor, handler: H) -> Receiver
where
    H: Fn(usize, Request<Incoming>) -> F + Send + Sync + Clone + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    bed.receiver(move |number, stream| {
        let (acceptor, handler) = (acceptor.clone(), handler.clone());
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(move |request| {
                let response = handler(number, request);
                async move { Ok::<_, Infallible>(response.await) }
            });
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            drop(server.serve_connection(TokioIo::new(stream), service).await);
        }
    })
    .await
}

#[tokio::test]
async fn http2_carries_many_requests_over_one_connection() {
    let authority = Authority::new();
    let bed = authority.bed();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let together = Arc::new(Barrier::new(10));
    let receiver = serving(
        &bed,
        authority.acceptor(&["h2", "http/1.1"], |_| {}),
        move |_, request| {
            let (log, together) = (Arc::clone(&log), Arc::clone(&together));
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let is_first = log.lock().unwrap().is_empty();
                log.lock().unwrap().push((parts, body));
                if !is_first {
                    together.wait().await;
                }
                ok()
            }
        },
    )
    .await;
    let url = receiver.url_of("https", NAME);
    let report = bed.send(&url).await;
    assert!(report.timings.tls_ms.is_some() && report.timings.resolve_ms.is_some());
    assert_eq!(report.outcome.unwrap().body_head, b"ok");
    for report in join_all((0..10).map(|_| bed.send(&url))).await {
        assert_eq!(report.timings.tls_ms, None);
        assert_eq!(report.outcome.unwrap().status, 200);
    }
    assert_eq!(receiver.connections(), 1);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 11);
    for (parts, body) in seen.iter() {
        assert_eq!(parts.version, Version::HTTP_2);
        assert_eq!(parts.method, "POST");
        assert_eq!(parts.uri.to_string(), url);
        assert!(!parts.headers.contains_key("host") && !parts.headers.contains_key("connection"));
        assert_eq!(parts.headers["content-length"], BODY.len().to_string());
        assert_eq!(body, BODY);
    }
}

#[tokio::test]
async fn simultaneous_first_requests_settle_on_one_http2_connection() {
    let authority = Authority::new();
    let bed = authority.bed();
    let receiver = serving(&bed, authority.acceptor(&["h2"], |_| {}), |_, _| async {
        ok()
    })
    .await;
    let url = receiver.url_of("https", NAME);
    for report in join_all((0..8).map(|_| bed.send(&url))).await {
        assert_eq!(report.outcome.unwrap().status, 200);
    }
    let opened = receiver.connections();
    for report in join_all((0..8).map(|_| bed.send(&url))).await {
        assert_eq!(report.outcome.unwrap().status, 200);
    }
    assert_eq!(receiver.connections(), opened);
}

#[tokio::test]
async fn http1_is_spoken_where_http2_is_not_offered() {
    let authority = Authority::new();
    let bed = authority.bed();
    for alpn in [&["http/1.1"][..], &[]] {
        let receiver = serving(
            &bed,
            authority.acceptor(alpn, |_| {}),
            |_, request| async move {
                assert_eq!(request.version(), Version::HTTP_11);
                ok()
            },
        )
        .await;
        for host in [NAME, "127.0.0.1"] {
            for _ in 0..3 {
                assert_eq!(
                    bed.answer(&receiver.url_of("https", host)).await.body_head,
                    b"ok"
                );
            }
        }
        assert_eq!(receiver.connections(), 2);
    }
}

#[tokio::test]
async fn an_http2_connection_that_was_closed_is_replaced() {
    let authority = Authority::new();
    let bed = authority.bed();
    let acceptor = authority.acceptor(&["h2"], |_| {});
    let receiver = bed
        .receiver(move |_, stream| {
            let acceptor = acceptor.clone();
            async move {
                let stream = acceptor.accept(stream).await.unwrap();
                let answered = CancellationToken::new();
                let signal = answered.clone();
                let service = service_fn(move |_| {
                    signal.cancel();
                    async { Ok::<_, Infallible>(ok()) }
                });
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let mut serving =
                    std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
                tokio::select! {
                    _ = serving.as_mut() => return,
                    () = answered.cancelled() => serving.as_mut().graceful_shutdown(),
                }
                drop(serving.await);
            }
        })
        .await;
    for _ in 0..10 {
        assert_eq!(
            bed.answer(&receiver.url_of("https", NAME)).await.status,
            200
        );
    }
    assert!(receiver.connections() > 1);
}

#[tokio::test]
async fn a_silent_http2_connection_is_given_up_after_a_timeout() {
    let authority = Authority::new();
    let bed = authority.bed();
    let requests = Arc::new(AtomicUsize::new(0));
    let receiver = serving(&bed, authority.acceptor(&["h2"], |_| {}), move |_, _| {
        let is_second = requests.fetch_add(1, Ordering::SeqCst) == 1;
        async move {
            if is_second {
                std::future::pending::<()>().await;
            }
            ok()
        }
    })
    .await;
    let url = receiver.url_of("https", NAME);
    assert_eq!(bed.answer(&url).await.status, 200);
    let failure = bed.brief_failure(&url).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Timeout, Some(Phase::FirstByte))
    );
    assert_eq!(bed.answer(&url).await.status, 200);
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn an_endless_or_stalling_http2_body_costs_its_stream_only() {
    let authority = Authority::new();
    let bed = authority.bed();
    let receiver = serving(
        &bed,
        authority.acceptor(&["h2"], |_| {}),
        |_, request: Request<Incoming>| async move {
            let frames = futures_util::stream::repeat_with(|| {
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b'a'; 4096])))
            });
            let is_stalling = request.headers().contains_key("x-stall");
            let stalling = futures_util::StreamExt::chain(
                futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"begun")))]),
                futures_util::stream::pending(),
            );
            Response::new(if is_stalling {
                StreamBody::new(stalling).boxed_unsync()
            } else {
                StreamBody::new(frames).boxed_unsync()
            })
        },
    )
    .await;
    let url = receiver.url_of("https", NAME);
    for _ in 0..3 {
        let answer = bed.answer(&url).await;
        assert_eq!(
            (answer.body_head.len(), answer.body_truncated),
            (4096, true)
        );
    }
    let mut stalling = crate::receiver::outgoing(&url, BODY, crate::receiver::BRIEF);
    stalling.headers.insert("x-stall", "1".parse().unwrap());
    let failure = bed.transport.send(stalling).await.outcome.unwrap_err();
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Timeout, Some(Phase::Body))
    );
    assert_eq!(failure.status, Some(200));
    assert_eq!(bed.answer(&url).await.status, 200);
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_refused_in_words() {
    let authority = Authority::new();
    let bed = authority.bed();
    let stranger = Authority::named("a stranger");
    let expired = authority.acceptor(&[], |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1)
    });
    let not_yet = authority.acceptor(&[], |params| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1)
    });
    let other_name = authority.acceptor(&[], |params| {
        params.subject_alt_names = CertificateParams::new(vec!["other.example".to_owned()])
            .unwrap()
            .subject_alt_names;
    });
    let unknown = stranger.acceptor(&[], |_| {});
    let for_clients = authority.acceptor(&[], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]
    });
    let of_an_authority = authority.acceptor(&[], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)
    });
    // Another one of the same name, so that only the signature tells.
    let forged = Authority::new().acceptor(&[], |_| {});
    for (acceptor, words) in [
        (expired, "expired"),
        (not_yet, "not valid yet"),
        (other_name, "wrong name"),
        (unknown, "unknown issuer"),
        (for_clients, "wrong purpose"),
        (of_an_authority, "certificate of an authority as its own"),
        (forged, "bad signature"),
    ] {
        let receiver = serving(&bed, acceptor, |_, _| async {
            panic!("no request may get here")
        })
        .await;
        let failure = bed.failure(&receiver.url_of("https", NAME)).await;
        assert_eq!(
            (failure.class, failure.phase),
            (ErrorClass::Tls, Some(Phase::Tls)),
            "{words}"
        );
        assert!(
            failure.detail.contains(words),
            "{words}: {}",
            failure.detail
        );
        assert!(!failure.detail.contains("s3cret"), "{}", failure.detail);
    }
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_a_tls_failure() {
    let authority = Authority::new();
    let bed = authority.bed();
    let plain = bed
        .receiver(|_, mut stream| async move {
            use tokio::io::AsyncWriteExt;
            stream.write_all(OK.as_bytes()).await.unwrap();
            closed(&mut stream).await;
        })
        .await;
    let failure = bed.failure(&plain.url_of("https", NAME)).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Tls, Some(Phase::Tls))
    );
    assert!(
        failure.detail.contains("does not speak TLS"),
        "{}",
        failure.detail
    );

    let hanging_up = bed.receiver(|_, stream| async move { drop(stream) }).await;
    let failure = bed.failure(&hanging_up.url_of("https", NAME)).await;
    assert_eq!(failure.class, ErrorClass::Tls, "{}", failure.detail);

    let old = bed
        .receiver(|_, mut stream| async move {
            use tokio::io::AsyncWriteExt;
            stream.write_all(&hello_of_tls_1_1()).await.unwrap();
            closed(&mut stream).await;
        })
        .await;
    let failure = bed.failure(&old.url_of("https", NAME)).await;
    assert_eq!(failure.class, ErrorClass::Tls);
    let words = "share no TLS version";
    assert!(failure.detail.contains(words), "{}", failure.detail);
}

/// What a server says first that knows nothing newer than TLS 1.1.
fn hello_of_tls_1_1() -> Vec<u8> {
    let hello = [&[2, 0, 0, 38, 3, 2][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
    [&[0x16, 3, 2, 0, 42][..], &hello].concat()
}

#[tokio::test]
async fn a_tls_handshake_that_stalls_ends_at_the_deadline() {
    let authority = Authority::new();
    let bed = authority.bed();
    let silent = bed
        .receiver(|_, mut stream| async move { closed(&mut stream).await })
        .await;
    let failure = bed.brief_failure(&silent.url_of("https", NAME)).await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Timeout, Some(Phase::Tls))
    );
}

#[tokio::test]
async fn letting_go_of_the_transport_ends_its_http2_tasks() {
    let authority = Authority::new();
    let bed = authority.bed();
    let receiver = serving(&bed, authority.acceptor(&["h2"], |_| {}), |_, _| async {
        ok()
    })
    .await;
    assert_eq!(
        bed.answer(&receiver.url_of("https", NAME)).await.status,
        200
    );
    bed.shutdown.cancel();
    bed.tracker.close();
    bed.tracker.wait().await;
}

#[tokio::test]
async fn extra_authorities_that_cannot_be_read_are_an_error() {
    for pem in [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let config = TransportConfig {
            extra_ca_pem: Some(pem.into()),
            ..TransportConfig::default()
        };
        let result = Transport::new(config, TaskTracker::new(), CancellationToken::new());
        assert!(matches!(result, Err(TransportError::ExtraCa(_))), "{pem}");
    }
}
