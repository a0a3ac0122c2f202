//! Webhooks with certificates of their own, against real TLS servers that ask for them.

use std::sync::Arc;

use heraldo_delivery::transport::{Outgoing, Target};
use heraldo_domain::ports::TlsCheck;
use heraldo_domain::webhook::TlsSettings;
use heraldo_wire::attempt::ErrorClass;
use heraldo_wire::signature::Secret;
use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio_rustls::TlsAcceptor;

use crate::receiver::{BODY, Bed, PATIENT, Receiver, outgoing};
use crate::transport_tls::{Authority, NAME, ok, serving};

/// A certificate for a client, and its key, in PEM.
struct Client {
    certificate: String,
    key: String,
}

impl Client {
    fn of(authority: &Authority) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["heraldo.example".to_owned()]).unwrap();
        Self {
            certificate: params.signed_by(&key, authority.issuer()).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    fn settings(&self) -> TlsSettings {
        TlsSettings {
            ca: None,
            client_certificate: Some(self.certificate.clone()),
        }
    }

    fn key(&self) -> Secret {
        Secret::parse(self.key.clone()).unwrap()
    }
}

/// A server that takes only clients whose certificate this authority signed.
fn asking(server: &Authority, clients: &Authority, alpn: &[&str]) -> TlsAcceptor {
    let mut roots = RootCertStore::empty();
    roots.add(clients.issuer().der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ClientCertVerifier> =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
    server.acceptor_with(alpn, |_| {}, Some(verifier))
}

fn to(bed: &Bed, receiver: &Receiver, tls: &TlsSettings, key: Option<&Secret>) -> Outgoing {
    let url = receiver.url_of("https", NAME);
    let identity = bed.transport.identity(tls, key).unwrap();
    let target = Target::parse(&url)
        .unwrap()
        .with_identity(Arc::new(identity));
    Outgoing {
        url: Arc::new(target),
        ..outgoing(&url, BODY, PATIENT)
    }
}

#[tokio::test]
async fn a_receiver_that_requires_a_client_certificate_gets_the_webhooks_own() {
    for alpn in ["http/1.1", "h2"] {
        let (server, clients) = (Authority::new(), Authority::named("clients"));
        let bed = server.bed();
        let receiver = serving(&bed, asking(&server, &clients, &[alpn]), |_, _| async {
            ok()
        })
        .await;
        let client = Client::of(&clients);
        let request = to(&bed, &receiver, &client.settings(), Some(&client.key()));
        for _ in 0..2 {
            let report = bed.transport.send(request.clone()).await;
            assert_eq!(report.outcome.unwrap().status, 200, "{alpn}");
        }
        assert_eq!(receiver.connections(), 1, "kept alive");

        // Nobody else rides on that connection.
        let failure = bed.failure(&receiver.url_of("https", NAME)).await;
        assert_eq!(failure.class, ErrorClass::Tls, "{}", failure.detail);
        assert!(
            failure.detail.contains("requires a client certificate"),
            "{}",
            failure.detail
        );
        let stranger = Client::of(&Authority::named("others"));
        let request = to(&bed, &receiver, &stranger.settings(), Some(&stranger.key()));
        let failure = bed.transport.send(request).await.outcome.unwrap_err();
        assert_eq!(failure.class, ErrorClass::Tls, "{}", failure.detail);
        assert!(
            failure.detail.contains("did not accept the client"),
            "{}",
            failure.detail
        );
        let mine = to(&bed, &receiver, &client.settings(), Some(&client.key()));
        assert_eq!(bed.transport.send(mine).await.outcome.unwrap().status, 200);
        assert_eq!(receiver.connections(), 4, "each identity has its own");
    }
}

#[tokio::test]
async fn a_webhooks_own_authority_is_trusted_alone() {
    let (own, servers) = (Authority::new(), Authority::named("the server's"));
    let bed = servers.bed();
    let tls = TlsSettings {
        ca: Some(own.pem()),
        client_certificate: None,
    };
    let signed_by_own = serving(&bed, own.acceptor(&[], |_| {}), |_, _| async { ok() }).await;
    let request = to(&bed, &signed_by_own, &tls, None);
    let report = bed.transport.send(request).await;
    assert_eq!(report.outcome.unwrap().status, 200);
    let failure = bed.failure(&signed_by_own.url_of("https", NAME)).await;
    assert!(failure.detail.contains("tls.ca"), "{}", failure.detail);

    let signed_by_servers =
        serving(&bed, servers.acceptor(&[], |_| {}), |_, _| async { ok() }).await;
    let request = to(&bed, &signed_by_servers, &tls, None);
    let failure = bed.transport.send(request).await.outcome.unwrap_err();
    assert!(failure.detail.contains("unknown issuer"));
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_in_words() {
    let authority = Authority::new();
    let bed = authority.bed();
    let (client, other) = (Client::of(&authority), Client::of(&authority));
    let check = |ca: Option<&str>, certificate: Option<&str>, key: Option<&str>, words: &str| {
        let settings = TlsSettings {
            ca: ca.map(str::to_owned),
            client_certificate: certificate.map(str::to_owned),
        };
        let key = key.map(|key| Secret::parse(key).unwrap());
        let refused = bed.transport.check(&settings, key.as_ref()).unwrap_err();
        assert!(refused.0.contains(words), "{refused}");
        assert!(!refused.0.contains("PRIVATE KEY"), "{refused}");
    };
    let (certificate, key) = (Some(&*client.certificate), Some(&*client.key));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let half = client.certificate.get(..200);
    check(Some(""), None, None, "`tls.ca` holds no certificate");
    check(
        Some("nonsense"),
        None,
        None,
        "`tls.ca` holds no certificate",
    );
    check(
        Some(broken),
        None,
        None,
        "`tls.ca` holds a certificate that",
    );
    check(key, None, None, "`tls.ca` holds no certificate");
    check(None, half, key, "`tls.clientCertificate` is not PEM");
    check(None, Some("x"), key, "`tls.clientCertificate` holds no");
    check(
        None,
        Some(broken),
        key,
        "`tls.clientCertificate` cannot be read",
    );
    check(None, certificate, None, "belong together");
    check(None, None, key, "belong together");
    check(None, certificate, certificate, "`tls.clientKey` holds no");
    check(None, certificate, Some("x"), "`tls.clientKey` holds no");
    let not_its = "is not the key of the first certificate";
    check(None, certificate, Some(&other.key), not_its);
    let chain = format!("{}{}", client.certificate, authority.pem());
    let settings = TlsSettings {
        ca: Some(authority.pem()),
        client_certificate: Some(chain),
    };
    assert_eq!(bed.transport.check(&settings, Some(&client.key())), Ok(()));
}
