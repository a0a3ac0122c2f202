//! Answers to what is no HTTP request, in the one form of errors.
//!
//! hyper answers such bytes itself, before any service is asked, with a bare head: `400`, `414` or `431`
//! and `content-length: 0`. It has no hook for that, and a caller of the SDK is left with nothing (contract
//! 1.1: errors are always a JSON object). Two other ways were worse: reading the head a first time in
//! front of hyper costs every request and can disagree with hyper; raising hyper's limits far above ours
//! helps only with what is too large, never with what cannot be read. So the connection's stream knows that
//! one bare head, which is always the last thing that hyper writes, and writes the whole answer in its
//! place. Our own answers never look like it: an error of ours has a body and a content type.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use heraldo_wire::headers::CONTENT_TYPE_JSON;
use heraldo_wire::problem::{Problem, ProblemCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// hyper's bare head is shorter than this: a status line and three header lines.
const BARE_HEAD_BYTES_MAX: usize = 256;
/// What the peer still sends is read and forgotten up to here: a connection that is closed with bytes
/// unread is reset, and then the peer never sees the answer.
const DRAIN_BYTES_MAX: usize = 1 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The answers, rendered once for all connections.
#[derive(Debug)]
pub struct Answers {
    not_http: Vec<u8>,
    uri_too_long: Vec<u8>,
    headers_too_large: Vec<u8>,
}

impl Answers {
    /// `too_long` and `too_large` say what the limits are.
    pub fn new(too_long: &Problem, too_large: &Problem) -> Self {
        let not_http = ProblemCode::InvalidRequest.problem(
            "this is no HTTP request that can be read; send a request line like `GET /v1/inspection \
             HTTP/1.1`, then headers like `name: value` without control characters, then an empty line",
        );
        Self {
            not_http: rendered(&not_http),
            uri_too_long: rendered(too_long),
            headers_too_large: rendered(too_large),
        }
    }

    /// The rest of the answer whose bare head this is: everything after its status line.
    fn to(&self, bare_head: &[u8]) -> Option<&[u8]> {
        let (line, mut rest) = split_line(bare_head)?;
        let status = line
            .strip_prefix(b"HTTP/1.1 ")
            .or_else(|| line.strip_prefix(b"HTTP/1.0 "))?;
        let answer = match status.get(..3)? {
            b"400" => &self.not_http,
            b"414" => &self.uri_too_long,
            b"431" => &self.headers_too_large,
            _ => return None,
        };
        let mut says_it_is_empty = false;
        while let Some((line, more)) = split_line(rest) {
            rest = more;
            match line {
                b"" => return (says_it_is_empty && rest.is_empty()).then_some(answer),
                b"content-length: 0" => says_it_is_empty = true,
                b"connection: close" => {}
                line if line.starts_with(b"date: ") => {}
                _ => return None,
            }
        }
        None
    }
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((bytes.get(..at)?, bytes.get(at + 2..)?))
}

fn rendered(problem: &Problem) -> Vec<u8> {
    let body = serde_json::to_string(problem).unwrap_or_default();
    format!(
        "content-type: {CONTENT_TYPE_JSON}\r\ncontent-length: {}\r\nconnection: close\r\n\
         x-content-type-options: nosniff\r\ncache-control: no-store\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A connection's stream.
#[derive(Debug)]
pub struct Unparsed<S> {
    stream: S,
    answers: Arc<Answers>,
    answer: Option<Answer>,
}

/// The answer that takes the place of a bare head, and then the end of the connection.
#[derive(Debug)]
struct Answer {
    bytes: Vec<u8>,
    written: usize,
    /// Bytes that may still be read and forgotten.
    drain_bytes_left: usize,
    patience: Option<Pin<Box<Sleep>>>,
}

impl<S> Unparsed<S> {
    pub const fn new(stream: S, answers: Arc<Answers>) -> Self {
        Self {
            stream,
            answers,
            answer: None,
        }
    }

    /// Where in these bytes, which hyper is about to write, its bare head begins.
    fn bare_head(&self, bytes: &[u8]) -> Option<(usize, &[u8])> {
        // Nearly everything that is written ends otherwise.
        if !bytes.ends_with(b"\r\n\r\n") {
            return None;
        }
        let first = bytes.len().saturating_sub(BARE_HEAD_BYTES_MAX);
        let end = bytes.get(first..)?;
        let at = end.windows(7).rposition(|start| start == b"HTTP/1.")?;
        let rest = self.answers.to(end.get(at..)?)?;
        Some((first + at, rest))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Unparsed<S> {
    /// Takes the bare head that these bytes are; `None`: they are something else and not taken.
    fn take(&mut self, bytes: &[u8]) -> Option<usize> {
        let (0, rest) = self.bare_head(bytes)? else {
            return None;
        };
        let (line, _) = split_line(bytes)?;
        let answer = [line, b"\r\n", rest].concat();
        tracing::debug!(
            status = %String::from_utf8_lossy(line.get(9..12).unwrap_or_default()),
            "what came was no HTTP request"
        );
        self.answer = Some(Answer {
            bytes: answer,
            written: 0,
            drain_bytes_left: DRAIN_BYTES_MAX,
            patience: None,
        });
        Some(bytes.len())
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(answer) = &mut self.answer else {
            return Poll::Ready(Ok(()));
        };
        while let Some(rest) = answer.bytes.get(answer.written..)
            && !rest.is_empty()
        {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => answer.written += written,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads until the peer has seen the answer and closes, within limits.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(answer) = &mut self.answer else {
            return Poll::Ready(());
        };
        let patience = answer
            .patience
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(DRAIN_TIMEOUT)));
        if patience.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut forgotten = [0; 4096];
        loop {
            let mut read = ReadBuf::new(&mut forgotten);
            let outcome = ready!(Pin::new(&mut self.stream).poll_read(context, &mut read));
            let bytes = read.filled().len();
            match answer.drain_bytes_left.checked_sub(bytes) {
                Some(left) if outcome.is_ok() && bytes > 0 => answer.drain_bytes_left = left,
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unparsed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Unparsed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_answer(context))?;
        if let Some(taken) = self.take(bytes) {
            return Poll::Ready(Ok(taken));
        }
        // An answer before it may stand in the same bytes: that one goes out as it is.
        let before = self.bare_head(bytes).map_or(bytes.len(), |(at, _)| at);
        let before = bytes.get(..before).unwrap_or(bytes);
        Pin::new(&mut self.stream).poll_write(context, before)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let last = parts.iter().rposition(|part| !part.is_empty());
        let (before, last) = match last.and_then(|at| parts.split_at_checked(at)) {
            Some((before, [last, ..])) if self.bare_head(last).is_some() => (before, last),
            _ => {
                ready!(self.poll_answer(context))?;
                return Pin::new(&mut self.stream).poll_write_vectored(context, parts);
            }
        };
        if before.iter().all(|part| part.is_empty()) {
            return self.poll_write(context, last);
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, before)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(context))?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        ready!(self.poll_drain(context));
        Poll::Ready(Ok(()))
    }
}
