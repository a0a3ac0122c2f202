//! Carries the deliveries of one webhook of the stand-in over a few connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use heraldo_wire::headers;
use heraldo_wire::signature::{Envelope, Secret, Signer};
use http_body_util::Full;
use hyper::{Method, Request, Uri};
use tokio::sync::{Mutex, mpsc};

use super::Parcel;
use crate::Outcome;
use crate::body::now_us;
use crate::connection::Connection;

/// Connections to one webhook.
const CONNECTIONS: usize = 8;

pub struct Courier {
    queue: mpsc::UnboundedSender<Parcel>,
}

struct Route {
    target: SocketAddr,
    path: Uri,
    signer: Signer,
    /// Counts what is under way; absent for one that never tells.
    pending: Option<Arc<AtomicU64>>,
}

impl Courier {
    /// Carries to `endpoint`, whose host must be an address with a port.
    pub fn start(
        endpoint: &Uri,
        secret: &Secret,
        pending: Option<Arc<AtomicU64>>,
    ) -> Outcome<Self> {
        let target = endpoint
            .authority()
            .and_then(|authority| authority.as_str().parse().ok())
            .ok_or_else(|| format!("`{endpoint}` is not at an address with a port"))?;
        let path = endpoint
            .path()
            .parse()
            .map_err(|error| format!("`{endpoint}`: {error}"))?;
        let route = Arc::new(Route {
            target,
            path,
            signer: Signer::new(secret),
            pending,
        });
        let (queue, parcels) = mpsc::unbounded_channel();
        let parcels = Arc::new(Mutex::new(parcels));
        for _ in 0..CONNECTIONS {
            tokio::spawn(carry(Arc::clone(&route), Arc::clone(&parcels)));
        }
        Ok(Self { queue })
    }

    pub fn take(&self, parcel: Parcel) {
        // The carriers run as long as the process does.
        let _ = self.queue.send(parcel);
    }
}

async fn carry(route: Arc<Route>, parcels: Arc<Mutex<mpsc::UnboundedReceiver<Parcel>>>) -> Outcome {
    let mut connection = Connection::open(route.target).await?;
    loop {
        let parcel = parcels.lock().await.recv().await;
        let Some(parcel) = parcel else {
            return Ok(());
        };
        connection.send(route.address(&parcel)?).await?;
        if let Some(pending) = &route.pending {
            pending.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Route {
    fn address(&self, parcel: &Parcel) -> Outcome<Request<Full<bytes::Bytes>>> {
        let timestamp = (now_us() / 1_000_000).to_string();
        let envelope = Envelope {
            id: &parcel.id,
            timestamp: &timestamp,
            body: &parcel.body,
        };
        Request::builder()
            .method(Method::POST)
            .uri(self.path.clone())
            .header("content-type", headers::CONTENT_TYPE_JSON)
            .header(headers::AUTOINSPECTOR_ATTEMPT, "1")
            .header(
                headers::AUTOINSPECTOR_SIGNATURE,
                self.signer.sign_body(&parcel.body).as_str(),
            )
            .header(
                headers::WEBHOOK_SIGNATURE,
                self.signer.sign_standard(&envelope),
            )
            .header(headers::WEBHOOK_ID, &parcel.id)
            .header(headers::WEBHOOK_TIMESTAMP, &timestamp)
            .body(Full::new(parcel.body.clone()))
            .map_err(|error| error.to_string())
    }
}
