//! Just enough HTTP/1.1 for the sample receiver: requests with a length, answers with a length.
//!
//! It listens on loopback in `heraldo dev` alone. The server of the API is `heraldo-web`.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::receiver::Receiver;

const LINE_BYTES_MAX: u64 = 16 * 1024;
const HEADERS_MAX: usize = 100;
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a request may take to come, or a connection may idle.
const REQUEST_MAX: Duration = Duration::from_secs(60);
/// After the system could not accept (too many open files), it is asked again after this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One request, its header names in lower case.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A status with its reason, and a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: &'static str,
    pub body: String,
}

/// Serves until `stopping`; every connection runs under `tasks`.
pub async fn serve(
    listener: TcpListener,
    receiver: Receiver,
    tasks: TaskTracker,
    stopping: CancellationToken,
) {
    let receiver = Arc::new(receiver);
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (receiver, stopping) = (receiver.clone(), stopping.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = stopping.cancelled() => {}
                        _ = connection(stream, &receiver) => {}
                    }
                });
            }
            Err(error) => {
                tracing::debug!(%error, "the sample receiver cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, receiver: &Receiver) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let request = match tokio::time::timeout(REQUEST_MAX, request(&mut read)).await {
            Ok(Ok(Some(request))) => request,
            Ok(Ok(None)) | Err(_) => return Ok(()),
            Ok(Err(error)) => {
                let reply = Reply {
                    status: "400 Bad Request",
                    body: r#"{"error":"not HTTP/1.1 with a length"}"#.to_owned(),
                };
                let _ = write.write_all(&bytes(&reply)).await;
                return Err(error);
            }
        };
        let last = request
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let reply = receiver.answer(&request).await;
        write.write_all(&bytes(&reply)).await?;
        if last {
            return Ok(());
        }
    }
}

fn bytes(reply: &Reply) -> Vec<u8> {
    let Reply { status, body } = reply;
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Reads one request; `None` when the peer closed before one began.
async fn request(read: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Request>> {
    let Some(first) = line(read).await? else {
        return Ok(None);
    };
    let method = first.split(' ').next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let text = line(read)
            .await?
            .ok_or_else(|| odd("the head ends early"))?;
        if text.is_empty() {
            break;
        }
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| odd("a header has no colon"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        if headers.len() > HEADERS_MAX {
            return Err(odd("too many headers"));
        }
    }
    let mut request = Request {
        method,
        headers,
        body: Vec::new(),
    };
    if request.header("transfer-encoding").is_some() {
        return Err(odd("the body has no length"));
    }
    let length = match request.header("content-length") {
        None => 0,
        Some(text) => text.parse().map_err(|_| odd("the length is no number"))?,
    };
    if length > BODY_BYTES_MAX {
        return Err(odd("the body is too long"));
    }
    request.body.resize(length, 0);
    read.read_exact(&mut request.body).await?;
    Ok(Some(request))
}

/// One line without its end; `None` at the end of the stream.
async fn line(read: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut text = Vec::new();
    let got = read
        .take(LINE_BYTES_MAX)
        .read_until(b'\n', &mut text)
        .await?;
    if got == 0 {
        return Ok(None);
    }
    let text = text
        .strip_suffix(b"\n")
        .ok_or_else(|| odd("a line is too long or cut"))?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    String::from_utf8(text.to_vec())
        .map(Some)
        .map_err(|_| odd("the head is not text"))
}

fn odd(what: &'static str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    async fn read_all(text: &str) -> std::io::Result<Vec<Request>> {
        let mut read = text.as_bytes();
        let mut all = Vec::new();
        while let Some(request) = request(&mut read).await? {
            all.push(request);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn requests_on_one_connection_are_read_one_after_the_other() {
        let text = "POST /webhook HTTP/1.1\r\nContent-Length: 2\r\nX-A:  b \r\n\r\n{}GET / HTTP/1.1\r\n\r\n";
        let all = read_all(text).await.unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].method.as_str(), all[0].body.as_slice()),
            ("POST", &b"{}"[..])
        );
        assert_eq!(all[0].header("x-a"), Some("b"));
        assert_eq!((all[1].method.as_str(), all[1].body.len()), ("GET", 0));
    }

    #[tokio::test]
    async fn what_has_no_length_or_no_end_is_refused() {
        for text in [
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nab",
            "POST / HTTP/1.1\r\nno colon\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a",
        ] {
            assert!(read_all(text).await.is_err(), "{text:?} passed");
        }
    }
}
