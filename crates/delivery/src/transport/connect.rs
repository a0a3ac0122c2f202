//! Opens a connection to an endpoint: resolve once, vet every address, connect to a vetted one, TLS.
//!
//! The only place of Heraldo that opens connections: the network guard sits here, between resolution and
//! connection, and nothing is resolved a second time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use heraldo_domain::endpoint::Peer;
use heraldo_wire::attempt::{ErrorClass, Phase};
use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;

use super::link::{H1, H2, Link};
use super::resolve::{Lookups, Resolve};
use super::stream::Stream;
use super::target::Target;
use super::trace::Trace;
use super::{Failure, TransportConfig, TransportError, failure, tls};
use crate::guard;

pub(super) struct Connector {
    lookups: Lookups,
    allow_networks: Vec<IpNet>,
    address_head_start: Duration,
    answer_head_bytes_max: u32,
    tls: TlsConnector,
    tracker: TaskTracker,
}

impl Connector {
    pub(super) fn new(
        config: TransportConfig,
        resolver: Arc<dyn Resolve>,
        tracker: TaskTracker,
    ) -> Result<Self, TransportError> {
        let tls = tls::config(config.extra_ca_pem.as_deref())?;
        Ok(Self {
            lookups: Lookups::new(resolver),
            allow_networks: config.allow_networks,
            address_head_start: config.address_head_start,
            answer_head_bytes_max: config.answer_head_bytes_max,
            tls: TlsConnector::from(tls),
            tracker,
        })
    }

    /// Opens a connection; the deadline is the caller's.
    pub(super) async fn connect(
        &self,
        target: &Target,
        trace: &mut Trace,
    ) -> Result<Link, Failure> {
        let addresses = self.vetted_addresses(target, trace).await?;
        trace.enter(Phase::Connect);
        let stream = self
            .first_to_connect(&addresses, target.port())
            .await
            .map_err(|error| failure::not_connected(target, &error))?;
        let Some(server_name) = target.server_name() else {
            return self.speak_http1(Stream::Plain(stream), target).await;
        };
        trace.enter(Phase::Tls);
        let stream = self
            .tls
            .connect(server_name.clone(), stream)
            .await
            .map_err(|error| failure::no_tls(target, &error))?;
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let stream = Stream::Tls(Box::new(stream));
        if is_h2 {
            let opened = H2::open(stream, self.answer_head_bytes_max, &self.tracker).await;
            let connection = opened.map_err(|e| failure::not_http(target, Phase::Tls, &e))?;
            return Ok(Link::H2(Arc::new(connection)));
        }
        self.speak_http1(stream, target).await
    }

    async fn speak_http1(&self, stream: Stream, target: &Target) -> Result<Link, Failure> {
        let opened = H1::open(stream, self.answer_head_bytes_max).await;
        let connection = opened.map_err(|e| failure::not_http(target, Phase::Connect, &e))?;
        Ok(Link::H1(Box::new(connection)))
    }

    async fn vetted_addresses(
        &self,
        target: &Target,
        trace: &mut Trace,
    ) -> Result<Vec<IpAddr>, Failure> {
        match target.peer() {
            Peer::Address(address) => guard::vet_all(&[*address], &self.allow_networks)
                .map_err(|refused| failure::address_refused(target, None, &refused)),
            Peer::Name(name) => {
                trace.enter(Phase::Resolve);
                let found = self
                    .lookups
                    .find(name)
                    .await
                    .map_err(|error| failure::not_resolved(target, Some(&error)))?;
                if found.is_empty() {
                    return Err(failure::not_resolved(target, None));
                }
                guard::vet_all(&found, &self.allow_networks).map_err(|refused| {
                    failure::address_refused(target, Some(Phase::Resolve), &refused)
                })
            }
        }
    }

    /// Tries the addresses in their order. Each has a head start before the next is tried beside it, so an
    /// address that swallows packets does not eat the whole deadline. The first connection wins; the
    /// others are dropped.
    async fn first_to_connect(&self, addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
        let mut waiting = addresses.iter();
        let mut racing = FuturesUnordered::new();
        let mut last_error = None;
        loop {
            match waiting.next() {
                Some(address) => racing.push(open_tcp(SocketAddr::new(*address, port))),
                None if racing.is_empty() => {
                    return Err(
                        last_error.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into())
                    );
                }
                None => {}
            }
            let more_waiting = !waiting.as_slice().is_empty();
            tokio::select! {
                Some(result) = racing.next() => match result {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last_error = Some(error),
                },
                () = sleep(self.address_head_start), if more_waiting => {}
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the connector, and the address has passed the guard"
)]
async fn open_tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether the peer ended the conversation, rather than breaking the rules of it.
pub(super) fn is_cut(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionReset
            | K::ConnectionAborted
            | K::ConnectionRefused
            | K::BrokenPipe
            | K::NotConnected
            | K::UnexpectedEof
            | K::TimedOut
            | K::HostUnreachable
            | K::NetworkUnreachable
            | K::NetworkDown
    )
}

/// The class of an error that has no better one.
pub(super) fn class_of_io(error: &io::Error) -> ErrorClass {
    if tls::error_within(error).is_some() {
        ErrorClass::Tls
    } else if is_cut(error) {
        ErrorClass::Reset
    } else {
        ErrorClass::Protocol
    }
}
