//! The egress proxy: a tunnel (CONNECT) to an address that has passed the guard.
//!
//! It is asked for the address, never for the name: who resolved it is who vetted it.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use heraldo_domain::endpoint::Peer;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::exchange::OURSELVES;

/// The largest head of a proxy's answer, in bytes.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// A proxy that all connections to receivers go through. Its credentials never show.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    peer: Peer,
    port: u16,
    /// The value of `proxy-authorization`.
    authorization: Option<Zeroizing<String>>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("peer", &self.peer)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Why no tunnel was opened.
#[derive(Debug)]
pub(super) enum NoTunnel {
    /// The proxy's name has no address, or nobody answers there.
    Unreachable(io::Error),
    /// It answered something else than 2XX.
    Refused(u16),
    /// It answered something that is no HTTP, or hung up.
    Broken(io::Error),
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`.
    ///
    /// # Errors
    /// What to change, in words that repeat nothing of the URL: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "write it like http://proxy.example.com:3128, or with credentials like http://user:password@proxy.example.com:3128";
        let url = Url::parse(text).map_err(|error| format!("it is not a URL ({error}); {FORM}"))?;
        if url.scheme() != "http" {
            return Err(format!(
                "the proxy itself is spoken to over http only (what goes through it stays encrypted); {FORM}"
            ));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(format!(
                "it has a path, a query or a fragment, which a proxy has not; {FORM}"
            ));
        }
        let peer = match url.host() {
            None => return Err(format!("it names no host; {FORM}")),
            Some(Host::Domain(name)) => Peer::Name(name.to_owned()),
            Some(Host::Ipv4(address)) => Peer::Address(address.into()),
            Some(Host::Ipv6(address)) => Peer::Address(address.into()),
        };
        let authorization = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let mut pair: Zeroizing<Vec<u8>> =
                Zeroizing::new(percent_decode_str(url.username()).collect());
            pair.push(b':');
            pair.extend(percent_decode_str(url.password().unwrap_or_default()));
            Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)))
        });
        Ok(Self {
            peer,
            port: url.port_or_known_default().unwrap_or(80),
            authorization,
        })
    }

    /// Whom to connect to.
    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Host and port, for the operator; the credentials are not in it.
    #[must_use]
    pub fn authority(&self) -> String {
        match &self.peer {
            Peer::Name(name) => format!("{name}:{}", self.port),
            Peer::Address(address) => SocketAddr::new(*address, self.port).to_string(),
        }
    }

    /// Asks for a tunnel over an open connection to the proxy.
    pub(super) async fn tunnel(
        &self,
        mut stream: TcpStream,
        to: SocketAddr,
    ) -> Result<TcpStream, NoTunnel> {
        let mut request = Zeroizing::new(format!(
            "CONNECT {to} HTTP/1.1\r\nhost: {to}\r\nuser-agent: {OURSELVES}\r\n"
        ));
        if let Some(authorization) = &self.authorization {
            request.push_str("proxy-authorization: ");
            request.push_str(authorization);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        let written = stream.write_all(request.as_bytes()).await;
        written.map_err(NoTunnel::Broken)?;
        let status = read_status(&mut stream).await.map_err(NoTunnel::Broken)?;
        if (200..300).contains(&status) {
            Ok(stream)
        } else {
            Err(NoTunnel::Refused(status))
        }
    }
}

/// Reads the head of the answer and not a byte more: what follows is the receiver's.
async fn read_status(stream: &mut TcpStream) -> io::Result<u16> {
    let mut head = Vec::new();
    loop {
        let mut seen = [0; 1024];
        let length = stream.peek(&mut seen).await?;
        let before = head.len();
        head.extend(seen.iter().take(length));
        let end = head
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .map(|position| position + 4);
        let taken = end.map_or(length, |end| end.saturating_sub(before));
        stream
            .read_exact(seen.get_mut(..taken).unwrap_or_default())
            .await?;
        if end.is_some() {
            break;
        }
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if head.len() > HEAD_BYTES_MAX {
            return Err(io::Error::other("its answer is too long"));
        }
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    std::str::from_utf8(line)
        .ok()
        .filter(|line| line.starts_with("HTTP/1."))
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .ok_or_else(|| io::Error::other("its answer is not HTTP"))
}
