//! A receiver of webhooks: the standard library, and `heraldo-wire` to verify and read events.
//!
//! It follows the documented sample: verify the raw body first, answer 400 if the signature is wrong,
//! look at the event, answer 200 `{"received":true}`.

#![allow(
    clippy::disallowed_methods,
    reason = "an example stands alone: it reads its own environment and starts its own threads"
)]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use heraldo_wire::event::EventType;
use heraldo_wire::headers::{AUTOINSPECTOR_SIGNATURE, WEBHOOK_ID};
use heraldo_wire::signature::{Secret, construct_event};

const BODY_BYTES_MAX: usize = 1024 * 1024;
const LINE_BYTES_MAX: u64 = 16 * 1024;
const SILENCE_MAX: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let secret = std::env::var("AUTOINSPECTOR_WEBHOOK_SECRET")
        .map_err(|_| "set AUTOINSPECTOR_WEBHOOK_SECRET to the secret of your webhook")?;
    let secret = Secret::parse(secret)?;
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("listening on http://{}/webhook", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, secret) = (stream?, secret.clone());
        std::thread::spawn(move || {
            if let Err(error) = serve(&stream, &secret) {
                println!("a connection ended early: {error}");
            }
        });
    }
    Ok(())
}

/// Answers one request after the other until the peer closes.
fn serve(stream: &TcpStream, secret: &Secret) -> Result<(), Box<dyn Error>> {
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader)? {
        let (status, body) = answer(&request, secret);
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}"
        );
        let mut writer = stream;
        writer.write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
    }
    Ok(())
}

/// The part to copy: everything above and below is HTTP.
fn answer(request: &Request, secret: &Secret) -> (&'static str, String) {
    let signature = request.header(AUTOINSPECTOR_SIGNATURE);
    let event = match construct_event(&request.body, signature, secret) {
        // Whoever holds the secret may sign anything.
        Ok(event) if event.name().is_none() || !event.payload().is_object() => {
            return refuse("The signed body is not an event with a payload");
        }
        Ok(event) => event,
        Err(error) => return refuse(&error.to_string()),
    };
    // The message is not corrupted and comes from whoever holds the secret. The same event may come
    // twice (a retry, a resend): `webhook-id` is the same each time, so keep the ids that you have
    // dealt with.
    let id = request.header(WEBHOOK_ID).unwrap_or_default();
    let inspection = event
        .payload()
        .get("_id")
        .and_then(|id| id.as_str())
        .unwrap_or_default();
    match event.event_type() {
        Some(kind @ (EventType::InspectionCreated | EventType::InspectionCompleted)) => {
            println!("received: {kind} {inspection} {id}");
        }
        Some(_) | None => println!("unhandled: {} {id}", event.name().unwrap_or_default()),
    }
    ("200 OK", r#"{"received":true}"#.to_owned())
}

fn refuse(why: &str) -> (&'static str, String) {
    println!("refused: {why}");
    let why = why.replace(['"', '\\'], "'");
    (
        "400 Bad Request",
        format!(r#"{{"error":"Webhook error: {why}"}}"#),
    )
}

/// A request as it came, its header names in lower case.
struct Request {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Reads one request with a `content-length`; `None` when the peer closed before one began.
    fn read(reader: &mut impl BufRead) -> Result<Option<Self>, Box<dyn Error>> {
        if line(reader)?.is_none() {
            return Ok(None);
        }
        let mut headers = Vec::new();
        loop {
            let text = line(reader)?.ok_or("the head ends early")?;
            if text.is_empty() {
                break;
            }
            let (name, value) = text.split_once(':').ok_or("a header has no colon")?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self {
            headers,
            body: Vec::new(),
        };
        let length: usize = request.header("content-length").unwrap_or("0").parse()?;
        if length > BODY_BYTES_MAX {
            return Err("the body is too large".into());
        }
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body)?;
        Ok(Some(request))
    }
}

/// One line without its end; `None` at the end of the stream.
fn line(reader: &mut impl BufRead) -> Result<Option<String>, Box<dyn Error>> {
    let mut text = String::new();
    if reader.take(LINE_BYTES_MAX).read_line(&mut text)? == 0 {
        return Ok(None);
    }
    let text = text.strip_suffix('\n').ok_or("a line is too long or cut")?;
    Ok(Some(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}
