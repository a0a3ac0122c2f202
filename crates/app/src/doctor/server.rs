//! Looks whether a server answers, or whether one could listen.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::Finding;
use crate::address;
use crate::settings::{Settings, reachable};

const WHAT: &str = "server";
const ANSWER_MAX: Duration = Duration::from_secs(2);

pub fn listening(settings: &Settings) -> Finding {
    // Where a server on this folder said that it listens; it may have been killed since.
    let told = address::read(&settings.data_dir).filter(|told| ready(*told).is_some());
    let address = reachable(told.unwrap_or(settings.listen));
    match ready(address) {
        Some(answer) if answer.starts_with("HTTP/1.1 200") => {
            Finding::ok(WHAT, format!("one is ready on {address}"))
        }
        Some(answer) if answer.starts_with("HTTP/1.1 503") => {
            let why = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            Finding::error(WHAT, format!("the one on {address} is not ready: {why}"))
        }
        Some(_) => Finding::error(
            WHAT,
            format!(
                "another program answers on {address}; stop it, or name another address with --listen"
            ),
        ),
        None => match TcpListener::bind(settings.listen) {
            Ok(_) => Finding::ok(
                WHAT,
                format!("none runs; {} is free for it", settings.listen),
            ),
            Err(error) => Finding::error(
                WHAT,
                format!(
                    "none runs, and none can listen on {}: {error}",
                    settings.listen
                ),
            ),
        },
    }
}

/// What the readiness route answers; `None` when nobody listens.
fn ready(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX).ok()?;
    stream.set_read_timeout(Some(ANSWER_MAX)).ok()?;
    stream.set_write_timeout(Some(ANSWER_MAX)).ok()?;
    let request =
        format!("GET /health/ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    // Whoever listens but does not answer is another program: what came is enough to say so.
    let _ = stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.take(16 * 1024).read_to_end(&mut answer));
    Some(String::from_utf8_lossy(&answer).into_owned())
}
