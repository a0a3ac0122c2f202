//! The egress proxy: a real one in the test, which connects where it is asked to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use heraldo_delivery::transport::{Proxy, Resolve, TransportConfig};
use heraldo_wire::attempt::{ErrorClass, Phase};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use crate::receiver::{Bed, OK, Receiver, closed, loopback_allowed, read_head, read_request};
use crate::transport_tls::{Authority, NAME, ok, serving};

type Asked = Arc<Mutex<Vec<String>>>;

#[expect(
    clippy::disallowed_methods,
    reason = "this is the proxy, which connects where it is asked to"
)]
async fn connect(to: String) -> std::io::Result<TcpStream> {
    TcpStream::connect(to).await
}

/// A proxy that opens every tunnel it is asked for, and remembers the heads of the requests.
async fn proxy(bed: &Bed) -> (Receiver, Asked) {
    let asked = Asked::default();
    let heads = asked.clone();
    let receiver = bed
        .receiver(move |_, mut stream| {
            let heads = heads.clone();
            async move {
                let Some(head) = read_head(&mut stream).await else {
                    return;
                };
                let to = head.split(' ').nth(1).unwrap().to_owned();
                heads.lock().unwrap().push(head);
                let mut peer = connect(to).await.unwrap();
                let answer = b"HTTP/1.1 200 Connection established\r\nvia: a proxy\r\n\r\n";
                stream.write_all(answer).await.unwrap();
                drop(copy_bidirectional(&mut stream, &mut peer).await);
            }
        })
        .await;
    (receiver, asked)
}

/// A proxy that answers every request with these bytes and hangs up.
async fn refusing(bed: &Bed, answer: &'static str) -> Receiver {
    bed.receiver(move |_, mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await
}

fn through(proxy: &str) -> TransportConfig {
    TransportConfig {
        proxy: Some(Proxy::parse(proxy).unwrap()),
        ..loopback_allowed()
    }
}

struct Loopback;

#[async_trait]
impl Resolve for Loopback {
    async fn resolve(&self, _name: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        Ok(vec![[127, 0, 0, 1].into()])
    }
}

#[tokio::test]
async fn everything_goes_through_the_proxy_to_the_address_that_was_vetted() {
    let outside = Bed::new();
    let (proxy, asked) = proxy(&outside).await;
    let config = through(&format!("http://user:p%40ss@{}", proxy.address));
    let bed = Bed::with_resolver(config, Arc::new(Loopback));
    let receiver = bed.answering(OK).await;
    let url = receiver.url_of("http", "receiver.example");
    for _ in 0..3 {
        assert_eq!(bed.answer(&url).await.status, 200);
    }
    // The tunnel is kept alive like any connection.
    assert_eq!((proxy.connections(), receiver.connections()), (1, 1));
    let asked = asked.lock().unwrap();
    assert!(
        asked[0].starts_with(&format!("CONNECT {} HTTP/1.1\r\n", receiver.address)),
        "the address, not the name: {}",
        asked[0]
    );
    // printf %s 'user:p@ss' | base64
    assert!(
        asked[0].contains("proxy-authorization: Basic dXNlcjpwQHNz\r\n"),
        "{}",
        asked[0]
    );
}

#[tokio::test]
async fn tls_goes_through_the_tunnel_from_end_to_end() {
    let outside = Bed::new();
    let (proxy, _) = proxy(&outside).await;
    let authority = Authority::new();
    let config = TransportConfig {
        extra_ca_pem: Some(authority.pem().into_bytes()),
        ..through(&format!("http://{}", proxy.address))
    };
    let bed = Bed::with_resolver(config, Arc::new(Loopback));
    let receiver = serving(&bed, authority.acceptor(&["h2"], |_| {}), |_, _| async {
        ok()
    })
    .await;
    let url = receiver.url_of("https", NAME);
    assert_eq!(bed.answer(&url).await.status, 200);
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn the_guard_stands_before_the_proxy() {
    let outside = Bed::new();
    let (proxy, asked) = proxy(&outside).await;
    let config = TransportConfig {
        allow_networks: Vec::new(),
        ..through(&format!("http://{}", proxy.address))
    };
    let bed = Bed::with_resolver(config, Arc::new(Loopback));
    for url in [
        "http://127.0.0.1/",
        "http://169.254.169.254/",
        "http://rebinding.example/",
        "https://rebinding.example/",
    ] {
        let failure = bed.failure(url).await;
        assert_eq!(failure.class, ErrorClass::AddressRefused, "{url}");
    }
    assert!(asked.lock().unwrap().is_empty());
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn what_the_proxy_says_is_told_in_words_that_do_not_name_it() {
    for (answer, words) in [
        ("HTTP/1.1 407 Authenticate\r\n\r\n", "credentials (407)"),
        ("HTTP/1.1 403 No\r\n\r\n", "does not let us connect to"),
        ("HTTP/1.1 502 Bad\r\n\r\n", "could not connect to"),
        ("SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
        ("HTTP/1.1 200", "did not answer as a proxy"),
        ("", "did not answer as a proxy"),
    ] {
        let outside = Bed::new();
        let proxy = refusing(&outside, answer).await;
        let bed = Bed::with(through(&format!("http://user:s3cret@{}", proxy.address)));
        let receiver = bed.answering(OK).await;
        let failure = bed.failure(&receiver.url()).await;
        assert_eq!(
            (failure.class, failure.phase),
            (ErrorClass::Connect, Some(Phase::Connect)),
            "{answer}"
        );
        let detail = &failure.detail;
        assert!(detail.contains(words), "{detail}");
        let address = proxy.address.to_string();
        assert!(!detail.contains("s3cret") && !detail.contains(&address));
        assert_eq!(receiver.connections(), 0);
    }
}

#[tokio::test]
async fn a_head_without_end_from_the_proxy_is_cut_off() {
    let outside = Bed::new();
    let endless = outside
        .receiver(|_, mut stream| async move {
            read_head(&mut stream).await;
            crate::receiver::flood(&mut stream, b"HTTP/1.1 200 OK\r\nx: y\r\nz: ").await;
        })
        .await;
    let bed = Bed::with(through(&format!("http://{}", endless.address)));
    let failure = bed.failure("http://127.0.0.1:1/").await;
    assert!(failure.detail.contains("too long"), "{}", failure.detail);
}

#[tokio::test]
async fn a_proxy_that_is_not_there_or_does_not_answer_is_a_failure_to_connect() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let bed = Bed::with(through(&format!("http://{address}")));
    let failure = bed.failure("http://127.0.0.1:1/").await;
    assert_eq!(failure.class, ErrorClass::Connect);
    assert!(failure.detail.contains("HERALDO_EGRESS_PROXY"));

    let outside = Bed::new();
    let silent = outside
        .receiver(|_, mut stream| async move { closed(&mut stream).await })
        .await;
    let bed = Bed::with(through(&format!("http://{}", silent.address)));
    let failure = bed.brief_failure("http://127.0.0.1:1/").await;
    assert_eq!(
        (failure.class, failure.phase),
        (ErrorClass::Timeout, Some(Phase::Connect))
    );
}

#[tokio::test]
async fn what_a_receiver_says_before_it_is_asked_stays_its_own() {
    let outside = Bed::new();
    // The receiver's first bytes come with the proxy's answer, in one piece.
    let proxy = outside
        .receiver(|_, mut stream| async move {
            read_head(&mut stream).await;
            let both = format!("HTTP/1.1 200 OK\r\n\r\n{OK}");
            stream.write_all(both.as_bytes()).await.unwrap();
            read_request(&mut stream).await;
            closed(&mut stream).await;
        })
        .await;
    let bed = Bed::with(through(&format!("http://{}", proxy.address)));
    let report = bed
        .send_within("http://127.0.0.1:1/", crate::receiver::BRIEF)
        .await;
    // Whatever is made of it, it is not taken for the proxy's.
    if let Err(failure) = report.outcome {
        assert_ne!(failure.class, ErrorClass::Connect, "{}", failure.detail);
    }
}

#[test]
fn the_address_of_a_proxy_is_read_or_refused_without_repeating_it() {
    for (text, authority) in [
        ("http://proxy.example:3128", "proxy.example:3128"),
        ("http://proxy.example", "proxy.example:80"),
        ("http://user:s3cret@10.0.0.1:8080/", "10.0.0.1:8080"),
        ("http://[fd00::1]:3128", "[fd00::1]:3128"),
    ] {
        let proxy = Proxy::parse(text).unwrap();
        assert_eq!(proxy.authority(), authority);
        assert!(!format!("{proxy:?}").contains("s3cret"));
    }
    for text in [
        "",
        "s3cret",
        "https://user:s3cret@proxy.example",
        "socks5://s3cret@proxy.example",
        "http://proxy.example/s3cret",
        "http://proxy.example?s3cret",
        "http://",
    ] {
        let why = Proxy::parse(text).unwrap_err();
        assert!(why.contains("http://proxy.example.com:3128"), "{why}");
        assert!(!why.contains("s3cret"), "{why}");
    }
}
