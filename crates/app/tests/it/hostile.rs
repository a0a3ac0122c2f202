//! Receivers that attack whoever calls them, all at once: each attempt is recorded as what it was, memory
//! stays bounded, and a healthy webhook is served meanwhile.

mod http2;

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::names::dns;
use crate::process::Setup;
use crate::receiver::{Reaction, Receiver};
use crate::tls::{
    Authority, Stream, answer_all, listening, listening_tls, read_request, server_showing,
};
use crate::waiting::eventually;

/// Events that each of them gets, each of another inspection, so that all are under way at once.
const EVENTS: usize = 8;
/// More than a busy machine needs for what is not to time out.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What the whole attack may take on top of what the server had.
const MEMORY_KIB_MAX: u64 = 128 * 1024;

type Io = std::io::Result<()>;

/// What must be recorded: class, phase, status.
type Expected = (Option<&'static str>, Option<&'static str>, Option<u16>);

struct Hostile {
    name: &'static str,
    endpoint: String,
    expected: Expected,
}

const DELIVERED: Expected = (None, None, Some(200));
const NO_ANSWER: Expected = (Some("timeout"), Some("first_byte"), None);
const NO_END: Expected = (Some("timeout"), Some("body"), Some(200));
const NOT_HTTP: Expected = (Some("protocol"), Some("first_byte"), None);
const CUT: Expected = (Some("reset"), Some("first_byte"), None);
const CUT_LATER: Expected = (Some("reset"), Some("body"), Some(200));
const NO_TLS: Expected = (Some("tls"), Some("tls"), None);
const NO_TLS_END: Expected = (Some("timeout"), Some("tls"), None);

/// After each request, does this with the connection.
fn http(then: impl Fn(&mut TcpStream) -> Io + Send + Sync + 'static) -> SocketAddr {
    listening(move |stream| {
        let mut reader = BufReader::new(stream);
        read_request(&mut reader)?;
        then(reader.get_mut())
    })
}

/// Until the sender gives up and closes.
fn hold(stream: &mut impl Read) -> Io {
    while stream.read(&mut [0; 1024])? > 0 {}
    Ok(())
}

fn flood(stream: &mut impl Write, bytes: &[u8]) -> Io {
    loop {
        stream.write_all(bytes)?;
    }
}

fn trickle(stream: &mut TcpStream, bytes: &[u8]) -> Io {
    stream.set_read_timeout(Some(Duration::from_millis(20)))?;
    for byte in bytes.iter().cycle() {
        stream.write_all(&[*byte])?;
        // The pause of a slow receiver; a sender that has given up ends it.
        if matches!(stream.read(&mut [0]), Ok(0)) {
            break;
        }
    }
    Ok(())
}

/// Says this after each request and then what `then` does.
fn saying(
    head: &'static str,
    then: impl Fn(&mut TcpStream) -> Io + Send + Sync + 'static,
) -> SocketAddr {
    http(move |stream| {
        stream.write_all(head.as_bytes())?;
        then(stream)
    })
}

/// An answer of 64 KiB that is 64 MiB of zeros.
fn bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..256 {
        encoder.write_all(&[0; 256 * 1024]).unwrap();
    }
    let body = encoder.finish().unwrap();
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
    [head.into_bytes(), body].concat()
}

fn over_http1() -> Vec<(&'static str, SocketAddr, Expected)> {
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = || [&b"1000\r\n"[..], &[b'x'; 0x1000], b"\r\n"].concat();
    let bomb = bomb();
    vec![
        ("a tarpit", listening(|mut s| hold(&mut s)), NO_ANSWER),
        ("no answer", http(hold), NO_ANSWER),
        (
            "a trickling head",
            http(|s| {
                trickle(
                    s,
                    b"HTTP/1.1 200 OK\r\nx-a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                )
            }),
            NO_ANSWER,
        ),
        (
            "a trickling body",
            saying("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", |s| {
                trickle(s, b"x")
            }),
            NO_END,
        ),
        (
            "a body that stalls",
            saying("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nxxxx", |s| {
                hold(s)
            }),
            NO_END,
        ),
        (
            "an endless body",
            saying(CHUNKED, move |s| flood(s, &chunk())),
            DELIVERED,
        ),
        (
            "endless headers",
            saying("HTTP/1.1 200 OK\r\n", |s| flood(s, b"x-a: b\r\n")),
            NOT_HTTP,
        ),
        (
            "a header without end",
            saying("HTTP/1.1 200 OK\r\nx-a: ", |s| flood(s, &[b'a'; 4096])),
            NOT_HTTP,
        ),
        (
            "informational answers without end",
            http(|s| flood(s, b"HTTP/1.1 103 Early Hints\r\n\r\n")),
            NO_ANSWER,
        ),
        (
            "a gzip bomb",
            listening(move |s| answer_all(s, &bomb)),
            DELIVERED,
        ),
        (
            "a chunk of a size beyond all numbers",
            saying(CHUNKED, |s| {
                s.write_all(b"ffffffffffffffffffffff\r\nx")?;
                hold(s)
            }),
            (Some("protocol"), Some("body"), Some(200)),
        ),
        (
            "two lengths",
            saying(
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
                hold,
            ),
            NOT_HTTP,
        ),
        ("no HTTP", saying("SSH-2.0-OpenSSH_9.9\r\n", hold), NOT_HTTP),
        ("hanging up at once", listening(|_| Ok(())), CUT),
        ("hanging up on the request", http(|_| Ok(())), CUT),
        (
            "hanging up in the head",
            saying("HTTP/1.1 200 OK\r\nx-a", |_| Ok(())),
            CUT,
        ),
        (
            "hanging up in the body",
            saying(
                "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nxxxx",
                |_| Ok(()),
            ),
            CUT_LATER,
        ),
        (
            "a redirect inside",
            listening(|s| {
                let inside = "http://169.254.169.254/";
                let answer = format!(
                    "HTTP/1.1 302 Found\r\nlocation: {inside}\r\ncontent-length: 0\r\n\r\n"
                );
                answer_all(s, answer.as_bytes())
            }),
            (Some("status"), None, Some(302)),
        ),
    ]
}

fn over_tls(own: &Authority) -> Vec<(&'static str, SocketAddr, Expected)> {
    let stranger = Authority::named("a stranger");
    let never = |_: Stream| -> Io { panic!("no request may get here") };
    let with = |authority: &Authority, edit: fn(&mut CertificateParams)| {
        listening_tls(authority.server(&[], edit, None), never)
    };
    let asking = own.server(&[], |_| {}, Some(&stranger));
    vec![
        (
            "an expired certificate",
            with(own, |params| params.not_after = date_time_ymd(2020, 1, 1)),
            NO_TLS,
        ),
        (
            "a certificate of the future",
            with(own, |params| params.not_before = date_time_ymd(2999, 1, 1)),
            NO_TLS,
        ),
        (
            "another's certificate",
            with(own, |params| {
                let other = CertificateParams::new(vec!["other.example".to_owned()]);
                params.subject_alt_names = other.unwrap().subject_alt_names;
            }),
            NO_TLS,
        ),
        ("an unknown authority", with(&stranger, |_| {}), NO_TLS),
        (
            "an authority that takes another's name",
            with(&Authority::named("own"), |_| {}),
            NO_TLS,
        ),
        (
            "a certificate for clients",
            with(own, |params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]
            }),
            NO_TLS,
        ),
        (
            "an authority's certificate as its own",
            with(own, |params| {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)
            }),
            NO_TLS,
        ),
        (
            "a certificate without its key",
            listening_tls(server_showing(own.certificate()), never),
            NO_TLS,
        ),
        (
            "a certificate that is none",
            listening_tls(server_showing(vec![7; 300].into()), never),
            NO_TLS,
        ),
        (
            "a version of TLS that is too old",
            listening(|mut s| {
                let hello = [&[2, 0, 0, 38, 3, 2][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
                s.write_all(&[&[0x16, 3, 2, 0, 42][..], &hello].concat())?;
                hold(&mut s)
            }),
            NO_TLS,
        ),
        (
            "asking for a client certificate",
            listening_tls(asking, never),
            (Some("tls"), Some("first_byte"), None),
        ),
        (
            "plain text instead of TLS",
            listening(|mut s| {
                s.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
                hold(&mut s)
            }),
            NO_TLS,
        ),
        (
            "a fatal alert",
            listening(|mut s| {
                s.write_all(&[0x15, 3, 3, 0, 2, 2, 40])?;
                hold(&mut s)
            }),
            NO_TLS,
        ),
        ("hanging up on TLS", listening(|_| Ok(())), NO_TLS),
        (
            "a silent handshake",
            listening(|mut s| hold(&mut s)),
            NO_TLS_END,
        ),
        (
            "a trickling handshake",
            listening(|mut s| {
                let record = [&[0x16, 3, 3, 0x40, 0, 2, 0, 0x3f, 0xfc][..], &[3; 4096]].concat();
                trickle(&mut s, &record)
            }),
            NO_TLS_END,
        ),
        (
            "a handshake message without end",
            listening(|mut s| {
                let record = [
                    &[0x16, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff][..],
                    &[3; 0x3ffc],
                ];
                s.write_all(&record.concat())?;
                flood(&mut s, &[&[0x16, 3, 3, 0x40, 0][..], &[3; 0x4000]].concat())
            }),
            NO_TLS,
        ),
    ]
}

fn by_name() -> impl Iterator<Item = Hostile> {
    const NOT_RESOLVED: Expected = (Some("dns"), Some("resolve"), None);
    const NOT_RESOLVED_YET: Expected = (Some("timeout"), Some("resolve"), None);
    let names = [
        ("a name of nobody", "no-such-name.invalid", NOT_RESOLVED),
        (
            "DNS that is silent",
            "receiver.silent.test",
            NOT_RESOLVED_YET,
        ),
        ("slow DNS", "receiver.slow.test", NOT_RESOLVED_YET),
        ("DNS that fails", "receiver.failing.test", NOT_RESOLVED),
        (
            "a name without address",
            "receiver.empty.test",
            NOT_RESOLVED,
        ),
        (
            "DNS that talks nonsense",
            "receiver.garbled.test",
            NOT_RESOLVED,
        ),
        (
            "DNS that answers something else",
            "receiver.other.test",
            NOT_RESOLVED_YET,
        ),
    ];
    names.into_iter().map(|(name, host, expected)| Hostile {
        name,
        endpoint: format!("http://{host}/"),
        expected,
    })
}

/// A line of `/proc/PID/status`, in KiB.
pub fn memory_kib(pid: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    let value = found.unwrap().trim().trim_end_matches(" kB");
    value.parse().unwrap()
}

#[test]
fn hostile_receivers_are_recorded_as_what_they_are_and_hurt_nobody() {
    let own = Authority::named("own");
    let folder = tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, own.pem()).unwrap();
    let server = Setup::serve(&folder.path().join("data"))
        .env("HERALDO_TLS_EXTRA_CA_FILE", ca.display().to_string())
        .env("HERALDO_DNS_SERVERS", dns(2 * TIMEOUT).to_string())
        .start();
    let api = server.api();

    let plain = over_http1().into_iter().map(|row| ("http", row));
    let tls = over_tls(&own).into_iter().chain(http2::set(&own));
    let mut hostiles: Vec<Hostile> = plain
        .chain(tls.map(|row| ("https", row)))
        .map(|(scheme, (name, address, expected))| Hostile {
            name,
            endpoint: format!("{scheme}://{address}/"),
            expected,
        })
        .collect();
    // Bound and never listening: nobody else is given the port meanwhile, as one that was let go may be.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    hostiles.push(Hostile {
        name: "a closed port",
        endpoint: format!("http://{}/", closed.local_addr().unwrap()),
        expected: (Some("connect"), Some("connect"), None),
    });
    hostiles.extend(by_name());

    let webhooks: Vec<String> = hostiles
        .iter()
        .map(|hostile| {
            // What breaks a connection of HTTP/2 cuts off the others on it, and they are recorded so.
            let concurrency = if hostile.expected == NOT_HTTP { 1 } else { 32 };
            let settings =
                json!({ "timeoutMs": TIMEOUT.as_millis() as u64, "concurrency": concurrency });
            api.webhook_with(&hostile.endpoint, settings)
        })
        .collect();
    // Holds its connections to the very end.
    let dead = Receiver::new(|_| Reaction::Hang);
    let dead_webhook = api.webhook_with(&dead.url(), json!({ "timeoutMs": 60_000 }));
    let healthy = Receiver::ok();
    api.webhook(&healthy.url());
    let before = memory_kib(server.pid(), "VmRSS:");

    let events: Vec<Value> = (0..EVENTS)
        .map(|number| json!({ "event": "inspection_started", "payload": { "_id": format!("{number:024x}") } }))
        .collect();
    api.post(202, "/v1/notification/event", Value::Array(events));
    healthy.wait_for(EVENTS);
    dead.wait_for(EVENTS);
    let held = api.deliveries(&format!("webhookId={dead_webhook}&status=pending"));
    assert_eq!(held.len(), EVENTS, "the dead one still holds its slots");

    let mut wrong = Vec::new();
    for (hostile, webhook) in hostiles.iter().zip(&webhooks) {
        let query = format!("webhookId={webhook}");
        let deliveries = eventually(hostile.name, || {
            let all = api.deliveries(&query);
            let is_over = |delivery: &Value| delivery["status"] != "pending";
            (all.len() == EVENTS && all.iter().all(is_over)).then_some(all)
        });
        for delivery in deliveries {
            let last = &delivery["lastAttempt"];
            let found = (
                last["errorClass"].as_str(),
                last["phase"].as_str(),
                last["statusCode"].as_u64().map(|code| code as u16),
            );
            let is_success = delivery["status"] == "delivered";
            if found != hostile.expected || is_success != (hostile.expected == DELIVERED) {
                wrong.push(format!("{}: {found:?} {}", hostile.name, last["error"]));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    let most = memory_kib(server.pid(), "VmHWM:");
    assert!(
        most.saturating_sub(before) < MEMORY_KIB_MAX,
        "{before} KiB before, {most} KiB at most"
    );
    println!(
        "{} hostile receivers, {EVENTS} attempts each: {before} KiB before, {most} KiB at most",
        hostiles.len()
    );
    // And it is as ready as it was.
    api.post(
        202,
        "/v1/notification/event",
        json!({ "event": "inspection_started", "payload": { "_id": format!("{:024x}", 99) } }),
    );
    healthy.wait_for(EVENTS + 1);
}
