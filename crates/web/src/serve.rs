//! Accepts connections and serves them over HTTP/1.1 and HTTP/2, within limits, until told to stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use crate::problem::{headers_too_large, uri_too_long};
use crate::unparsed::{Answers, Unparsed};
use crate::{Web, WebConfig};

/// After a failed accept (no file descriptors left, say) this long is waited before the next one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What HTTP may buffer of one connection. Larger than any request head that is taken, so that a
/// head that is too large is still read whole and answered properly.
const BUFFER_BYTES_MAX: usize = 128 * 1024;

/// Spawns HTTP/2's own tasks on the tracker, so that shutdown waits for them too.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// Serves until `shutdown` is cancelled. Then nothing new is accepted, requests under way get up to
/// `grace` to end, and what is left is cut off. Returns once every connection is closed.
pub async fn serve(
    listener: TcpListener,
    web: Web,
    shutdown: CancellationToken,
    tracker: TaskTracker,
    grace: Duration,
) {
    let config = web.state.config.clone();
    let places = config.connections_max.min(Semaphore::MAX_PERMITS);
    let connections = Arc::new(Semaphore::new(places));
    let web_streams = web.state.streams.clone();
    let server = Server {
        router: web.router(),
        builder: Arc::new(builder(&config, tracker.clone())),
        answers: Arc::new(Answers::new(
            &uri_too_long(&config),
            &headers_too_large(&config),
        )),
        first_request_timeout: config.header_read_timeout,
        stop: shutdown.clone(),
        cut_off: CancellationToken::new(),
    };
    let accepting = accept(&listener, &server, &connections, &tracker);
    shutdown.run_until_cancelled(accepting).await;
    drop(listener);
    // They would never end by themselves.
    web_streams.closing().cancel();
    let all = u32::try_from(places).unwrap_or(u32::MAX);
    if tokio::time::timeout(grace, connections.acquire_many(all))
        .await
        .is_err()
    {
        let open = places.saturating_sub(connections.available_permits());
        tracing::warn!(
            open,
            "connections were cut off: their requests did not end in time"
        );
        server.cut_off.cancel();
        // Nothing can hold a connection any more. The semaphore is never closed.
        let _ = connections.acquire_many(all).await;
    }
}

async fn accept(
    listener: &TcpListener,
    server: &Server,
    connections: &Arc<Semaphore>,
    tracker: &TaskTracker,
) {
    // The semaphore is never closed, so that the loop ends only when it is dropped.
    while let Ok(permit) = connections.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tracker.spawn(server.clone().connection(stream, peer, permit));
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection; trying again shortly");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The peer went away before it was accepted: the next one is not concerned.
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

fn builder(config: &WebConfig, tracker: TaskTracker) -> Builder<Tracked> {
    let head_bytes_max = BUFFER_BYTES_MAX.max(config.header_bytes_max * 2);
    let mut builder = Builder::new(Tracked(tracker));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_read_timeout)
        .max_buf_size(head_bytes_max)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.http2_streams_max)
        .max_header_list_size(u32::try_from(head_bytes_max).unwrap_or(u32::MAX))
        .keep_alive_interval(config.http2_ping_interval)
        .keep_alive_timeout(config.http2_ping_interval);
    builder
}

/// What every connection works with.
#[derive(Clone)]
struct Server {
    router: Router,
    builder: Arc<Builder<Tracked>>,
    answers: Arc<Answers>,
    first_request_timeout: Duration,
    stop: CancellationToken,
    cut_off: CancellationToken,
}

impl Server {
    async fn connection(self, stream: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit) {
        // Held until the connection is closed.
        let _permit = permit;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "the peer went away before it was served");
            return;
        }
        let has_asked = Arc::new(AtomicBool::new(false));
        let service = service_fn({
            let (router, has_asked) = (self.router, has_asked.clone());
            move |request: Request<Incoming>| {
                has_asked.store(true, Ordering::Relaxed);
                answer(router.clone(), request, peer)
            }
        });
        let stream = TokioIo::new(Unparsed::new(stream, self.answers));
        let mut connection = pin!(self.builder.serve_connection(stream, service));
        let mut stopping = false;
        // Before the first bytes tell the version apart, no timeout of HTTP runs.
        let mut patience = pin!(tokio::time::sleep(self.first_request_timeout));
        let mut is_patient = true;
        let result = loop {
            tokio::select! {
                biased;
                result = connection.as_mut() => break result,
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = patience.as_mut(), if is_patient => {
                    is_patient = false;
                    if !has_asked.load(Ordering::Relaxed) {
                        return;
                    }
                }
                () = self.cut_off.cancelled(), if stopping => return,
            }
        };
        if let Err(error) = result {
            tracing::debug!(error, "a connection ended early");
        }
    }
}

async fn answer(
    mut router: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<axum::response::Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.call(request).await
}
