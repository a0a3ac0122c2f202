//! Opens a connection to an endpoint: resolve once, vet every address, connect to a vetted one (through the
//! proxy, when there is one), TLS.
//!
//! The only place of Heraldo that opens connections: the network guard sits here, between resolution and
//! connection, and nothing is resolved a second time.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use heraldo_domain::endpoint::Peer;
use heraldo_domain::ports::TlsRefused;
use heraldo_domain::webhook::TlsSettings;
use heraldo_wire::attempt::{ErrorClass, Phase};
use heraldo_wire::signature::Secret;
use ipnet::IpNet;
use rustls::RootCertStore;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;

use super::link::{H1, H2, Link};
use super::proxy::{NoTunnel, Proxy};
use super::resolve::{Lookups, Resolve};
use super::stream::Stream;
use super::target::Target;
use super::trace::Trace;
use super::{Failure, Identity, TransportConfig, TransportError, failure, identity, tls};
use crate::guard;

pub(super) struct Connector {
    lookups: Lookups,
    allow_networks: Vec<IpNet>,
    address_head_start: Duration,
    answer_head_bytes_max: u32,
    proxy: Option<Proxy>,
    authorities: Arc<RootCertStore>,
    tls: TlsConnector,
    /// How many identities there were.
    identities: AtomicU64,
    tracker: TaskTracker,
}

impl Connector {
    pub(super) fn new(
        config: TransportConfig,
        resolver: Arc<dyn Resolve>,
        tracker: TaskTracker,
    ) -> Result<Self, TransportError> {
        let authorities = tls::authorities(config.extra_ca_pem.as_deref())?;
        let tls = tls::config(authorities.clone(), None).map_err(TransportError::Tls)?;
        Ok(Self {
            lookups: Lookups::new(resolver),
            allow_networks: config.allow_networks,
            address_head_start: config.address_head_start,
            answer_head_bytes_max: config.answer_head_bytes_max,
            proxy: config.proxy,
            authorities,
            tls: TlsConnector::from(tls),
            identities: AtomicU64::new(0),
            tracker,
        })
    }

    pub(super) fn identity(
        &self,
        settings: &TlsSettings,
        client_key: Option<&Secret>,
    ) -> Result<Identity, TlsRefused> {
        Ok(Identity {
            connector: identity::read(settings, client_key, &self.authorities)?,
            number: self.identities.fetch_add(1, Ordering::Relaxed),
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
        let stream = match &self.proxy {
            None => self
                .first_to_connect(&addresses, target.port())
                .await
                .map_err(|error| failure::not_connected(target, &error))?,
            Some(proxy) => self
                .through(proxy, &addresses, target.port())
                .await
                .map_err(|error| failure::no_tunnel(target, &error))?,
        };
        let Some(server_name) = target.server_name() else {
            return self.speak_http1(Stream::Plain(stream), target).await;
        };
        trace.enter(Phase::Tls);
        let tls = target
            .identity()
            .map_or(&self.tls, |identity| &identity.connector);
        let stream = tls
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

    async fn first_to_connect(&self, addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
        let opened = self.first_of(addresses, |address| {
            open_tcp(SocketAddr::new(address, port))
        });
        opened
            .await
            .map_err(|error| error.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
    }

    /// Opens a tunnel to one of the vetted addresses. The proxy's own address is the operator's choice and
    /// is not vetted.
    async fn through(
        &self,
        proxy: &Proxy,
        addresses: &[IpAddr],
        port: u16,
    ) -> Result<TcpStream, NoTunnel> {
        let found = match proxy.peer() {
            Peer::Address(address) => Arc::from([*address]),
            Peer::Name(name) => self.lookups.find(name).await.map_err(|error| {
                NoTunnel::Unreachable(io::Error::new(error.kind(), error.to_string()))
            })?,
        };
        let opened = self.first_of(addresses, |address| {
            let found = &found;
            async move {
                let stream = self.first_to_connect(found, proxy.port()).await;
                let stream = stream.map_err(NoTunnel::Unreachable)?;
                proxy.tunnel(stream, SocketAddr::new(address, port)).await
            }
        });
        opened.await.map_err(|error| {
            error.unwrap_or_else(|| NoTunnel::Unreachable(io::ErrorKind::AddrNotAvailable.into()))
        })
    }

    /// Tries the addresses in their order. Each has a head start before the next is tried beside it, so an
    /// address that swallows packets does not eat the whole deadline. The first connection wins; the
    /// others are dropped. The last error is told, if there was an address at all.
    async fn first_of<F, E>(
        &self,
        addresses: &[IpAddr],
        open: impl Fn(IpAddr) -> F,
    ) -> Result<TcpStream, Option<E>>
    where
        F: Future<Output = Result<TcpStream, E>>,
    {
        let mut waiting = addresses.iter();
        let mut racing = FuturesUnordered::new();
        let mut last_error = None;
        loop {
            match waiting.next() {
                Some(address) => racing.push(open(*address)),
                None if racing.is_empty() => return Err(last_error),
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
