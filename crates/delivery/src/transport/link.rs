//! An open connection that speaks HTTP: one request at a time (HTTP/1.1) or many (HTTP/2).
//!
//! An HTTP/1.1 connection has no task of its own: whoever uses it polls it, so a request costs neither a
//! spawned task nor a hop between threads, and dropping the user drops the connection.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use futures_util::future::Either;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::departure::Outbound;
use super::stream::{Counted, Stream, TlsBroke};

/// The read buffer of an HTTP/1.1 connection grows to this, in bytes.
const READ_BUFFER_BYTES_MAX: usize = 32 * 1024;
/// How much a peer may send on one HTTP/2 stream, and on the whole connection, before we have read it.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// A connection in use.
pub(super) enum Link {
    H1(Box<H1>),
    H2(Arc<H2>),
}

pub(super) struct H1 {
    sender: http1::SendRequest<Outbound>,
    driver: http1::Connection<TokioIo<Counted>, Outbound>,
    /// The driver has said its last word and must not be polled again.
    is_over: bool,
    bytes_read: Arc<AtomicU64>,
}

pub(super) struct H2 {
    sender: http2::SendRequest<Outbound>,
    tls_broke: TlsBroke,
    /// Ends the tasks of the connection when the last user lets go.
    _tasks: DropGuard,
}

impl Link {
    pub(super) fn is_h2(&self) -> bool {
        matches!(self, Self::H2(_))
    }

    /// Begins a request; the answer comes while [`Link::drive`] runs.
    pub(super) fn send(
        &mut self,
        request: Request<Outbound>,
    ) -> impl Future<Output = hyper::Result<Response<Incoming>>> + use<> {
        match self {
            Self::H1(connection) => Either::Left(connection.sender.send_request(request)),
            Self::H2(connection) => Either::Right(connection.sender.clone().send_request(request)),
        }
    }

    /// Waits for what the connection is to produce, and moves the connection itself meanwhile.
    pub(super) async fn drive<F: Future>(&mut self, wanted: F) -> F::Output {
        let mut wanted = pin!(wanted);
        match self {
            Self::H2(_) => wanted.await,
            Self::H1(connection) => {
                poll_fn(|cx| {
                    if let Poll::Ready(output) = wanted.as_mut().poll(cx) {
                        return Poll::Ready(output);
                    }
                    connection.poll_driver(cx);
                    wanted.as_mut().poll(cx)
                })
                .await
            }
        }
    }

    /// What broke the TLS of an HTTP/2 connection; over HTTP/1.1 the error itself says it.
    pub(super) fn tls_broke(&self) -> Option<&rustls::Error> {
        match self {
            Self::H1(_) => None,
            Self::H2(connection) => connection.tls_broke.get(),
        }
    }

    /// How many bytes have come over an HTTP/1.1 connection; a shared one cannot tell whose they are.
    pub(super) fn bytes_read(&self) -> Option<u64> {
        match self {
            Self::H1(connection) => Some(connection.bytes_read.load(Ordering::Relaxed)),
            Self::H2(_) => None,
        }
    }
}

impl H1 {
    pub(super) async fn open(stream: Stream, head_bytes_max: u32) -> hyper::Result<Self> {
        let stream = Counted::new(stream);
        let bytes_read = stream.bytes_read();
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(READ_BUFFER_BYTES_MAX)
            .max_header_size(usize::try_from(head_bytes_max).unwrap_or(READ_BUFFER_BYTES_MAX))
            .handshake(TokioIo::new(stream))
            .await?;
        Ok(Self {
            sender,
            driver,
            is_over: false,
            bytes_read,
        })
    }

    fn poll_driver(&mut self, cx: &mut std::task::Context<'_>) {
        // An error of the driver is told to the request or to the body that it concerns.
        if !self.is_over && Pin::new(&mut self.driver).poll(cx).is_ready() {
            self.is_over = true;
        }
    }

    /// Looks at the connection once, without waiting: whether it can take a request. A connection at rest
    /// that the peer has closed, or on which the peer spoke unasked, cannot.
    pub(super) async fn rest(&mut self) -> bool {
        poll_fn(|cx| {
            self.poll_driver(cx);
            Poll::Ready(())
        })
        .await;
        !self.is_over && self.sender.is_ready()
    }
}

impl H2 {
    pub(super) async fn open(
        stream: Stream,
        head_bytes_max: u32,
        tracker: &TaskTracker,
    ) -> hyper::Result<Self> {
        let stream = Counted::new(stream);
        let tls_broke = stream.tls_broke();
        let ended = CancellationToken::new();
        let tasks = Tasks {
            tracker: tracker.clone(),
            ended: ended.clone(),
        };
        let guard = ended.drop_guard();
        let (sender, driver) = http2::Builder::new(tasks.clone())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(head_bytes_max)
            .handshake(TokioIo::new(stream))
            .await?;
        // An error of the driver is told to the requests under way.
        tasks.run(async move { drop(driver.await) });
        Ok(Self {
            sender,
            tls_broke,
            _tasks: guard,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

/// Runs the tasks of one HTTP/2 connection until the connection is let go.
#[derive(Clone)]
struct Tasks {
    tracker: TaskTracker,
    ended: CancellationToken,
}

impl Tasks {
    fn run<F>(&self, task: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker
            .spawn(self.ended.clone().run_until_cancelled_owned(task));
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        self.run(task);
    }
}

/// The first error of this kind in a chain of causes.
pub(super) fn cause<'a, E: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        // An IO error that wraps another passes over it when it is asked for its source.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
