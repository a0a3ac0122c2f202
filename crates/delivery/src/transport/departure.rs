//! The moment at which a request leaves, and the wait before its answer is read.
//!
//! Of an attempt that a crash cut off before, this moment is recorded, so that crashes after it are counted. All
//! others have no [`Departure`], and nothing here costs them anything.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

/// Shared by whoever records and the exchange itself.
#[derive(Debug, Default)]
pub(super) struct Departure {
    left: Notify,
    recorded: Notify,
}

impl Departure {
    /// Waits until a connected receiver is being sent the request.
    pub(super) async fn left(&self) {
        self.left.notified().await;
    }

    /// From now on the whole answer may be read.
    pub(super) fn record_ended(&self) {
        self.recorded.notify_one();
    }

    /// The head of an answer has come. Waits until the rest of it may be read.
    pub(super) async fn answered(&self) {
        // Whoever answers has been sent it, even if he did not want the body.
        self.left.notify_one();
        self.recorded.notified().await;
    }
}

/// The body of a request. The connection takes it in the same step in which it writes the head and the body to the
/// receiver (HTTP/1.1), or when the head is written and the receiver's window has room (HTTP/2): whoever hears of it
/// hears after the bytes have left, or while they do.
pub(super) struct Outbound {
    body: Full<Bytes>,
    departure: Option<Arc<Departure>>,
}

impl Outbound {
    pub(super) fn new(body: Bytes, departure: Option<&Arc<Departure>>) -> Self {
        Self {
            body: Full::new(body),
            departure: departure.map(Arc::clone),
        }
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.get_mut();
        if let Some(departure) = this.departure.take() {
            departure.left.notify_one();
        }
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
