//! Which endpoints a webhook may have: what its URL may look like, and which addresses Heraldo calls.
//!
//! Pure: no name is resolved here. The connector of `delivery` asks [`vet`] again about every address
//! that a name resolves to, so that a URL that passed today cannot lead inside tomorrow.

#[cfg(test)]
mod properties;
mod ranges;
#[cfg(test)]
mod registries;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use ipnet::IpNet;
use thiserror::Error;
use url::{Host, Url};

pub use ranges::{Refused, vet};

/// The longest endpoint that is accepted, in bytes.
pub const URL_BYTES_MAX: usize = 2048;

/// How an endpoint is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL, without the colon.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that a URL means when it names none.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Whom an endpoint names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A DNS name in lower-case ASCII, possibly with the final dot.
    Name(String),
    /// An address that stood in the URL, in whatever notation.
    Address(IpAddr),
}

/// A parsed endpoint URL: `http` or `https`, no user information, no fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    peer: Peer,
    port: u16,
    authority: String,
    path_and_query: String,
}

impl Endpoint {
    /// Parses a URL without asking whether its address may be called: for endpoints that are stored
    /// already. [`check_url`] is the question to ask when somebody sets one.
    ///
    /// # Errors
    ///
    /// Every [`UrlProblem`] except `Address` and `LocalName`.
    pub fn parse(raw: &str) -> Result<Self, UrlProblem> {
        if raw.len() > URL_BYTES_MAX {
            return Err(UrlProblem::TooLong { bytes: raw.len() });
        }
        // The parser drops tabs and line ends silently: what is stored would not be what is called.
        if raw.chars().any(|c| c.is_ascii_control() || c == ' ') {
            return Err(UrlProblem::Malformed(
                "it contains a space or a control character".to_owned(),
            ));
        }
        let url = Url::parse(raw).map_err(|error| match error {
            url::ParseError::EmptyHost => UrlProblem::NoHost,
            url::ParseError::InvalidPort => UrlProblem::Port,
            url::ParseError::InvalidIpv4Address
            | url::ParseError::InvalidIpv6Address
            | url::ParseError::InvalidDomainCharacter
            | url::ParseError::IdnaError => UrlProblem::Host,
            error => UrlProblem::Malformed(error.to_string()),
        })?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(UrlProblem::Scheme(other.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() || has_at_sign(raw) {
            return Err(UrlProblem::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(UrlProblem::Fragment);
        }
        if !is_spelled_out(raw) {
            return Err(UrlProblem::Malformed(
                "write it like https://host/path, without backslashes".to_owned(),
            ));
        }
        let peer = match url.host() {
            None => return Err(UrlProblem::NoHost),
            Some(Host::Ipv4(address)) => Peer::Address(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Peer::Address(IpAddr::V6(address)),
            Some(Host::Domain(name)) if is_dns_name(name) => Peer::Name(name.to_owned()),
            Some(Host::Domain(_)) => return Err(UrlProblem::Host),
        };
        let port = url.port_or_known_default().unwrap_or(scheme.default_port());
        if port == 0 {
            return Err(UrlProblem::Port);
        }
        let host = match &peer {
            Peer::Name(name) => name.clone(),
            Peer::Address(IpAddr::V4(address)) => address.to_string(),
            Peer::Address(IpAddr::V6(address)) => format!("[{address}]"),
        };
        let authority = if port == scheme.default_port() {
            host
        } else {
            format!("{host}:{port}")
        };
        let path_and_query = match url.query() {
            None => url.path().to_owned(),
            Some(query) => format!("{}?{query}", url.path()),
        };
        Ok(Self {
            scheme,
            peer,
            port,
            authority,
            path_and_query,
        })
    }

    /// How the endpoint is spoken to.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whom the endpoint names.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The port, 1 to 65535, whether the URL names it or not.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as the `Host` header says them: the port is absent when it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query, percent-encoded; it starts with a slash. May hold a secret: never log it.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The whole URL in its normal form.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "{}://{}{}",
            self.scheme.as_str(),
            self.authority,
            self.path_and_query
        )
    }
}

/// Why a URL cannot be an endpoint. The text says what to change, and never repeats path or query.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlProblem {
    #[error("the endpoint is {bytes} bytes long; the limit is {URL_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("the endpoint is not a URL: {0}")]
    Malformed(String),
    #[error("the endpoint's scheme is `{0}`; use https (or http)")]
    Scheme(String),
    #[error(
        "the endpoint carries a user name or a password before an `@`; use a header of the webhook instead"
    )]
    UserInfo,
    #[error("the endpoint has a fragment (`#…`), which is never sent; remove it")]
    Fragment,
    #[error("the endpoint names no host")]
    NoHost,
    #[error("the endpoint's host is not a valid DNS name or address")]
    Host,
    #[error("the endpoint's port is not between 1 and 65535")]
    Port,
    #[error("the endpoint's address cannot be called: {0}")]
    Address(Refused),
    #[error(
        "the endpoint's name `{0}` means this machine itself, which is refused; use a public name, or list 127.0.0.0/8 among the allowed networks"
    )]
    LocalName(String),
}

/// Parses an endpoint that somebody sets, and refuses what could only lead inside: special addresses in
/// every notation that a URL knows, and names that mean the machine itself. `allow` wins over both.
/// Names are not resolved here: the connector vets what they resolve to at each connection.
///
/// # Errors
///
/// The [`UrlProblem`], whose text is meant for the caller of the API (400; contract, section 1.3, E1).
pub fn check_url(raw: &str, allow: &[IpNet]) -> Result<Endpoint, UrlProblem> {
    let endpoint = Endpoint::parse(raw)?;
    match endpoint.peer() {
        Peer::Address(address) => vet(*address, allow).map_err(UrlProblem::Address)?,
        Peer::Name(name) if is_local_name(name) && !loopback_is_allowed(allow) => {
            return Err(UrlProblem::LocalName(name.clone()));
        }
        Peer::Name(_) => {}
    }
    Ok(endpoint)
}

/// The parser takes `http:host`, `http:///host` and `http:\\host` for `http://host`: what is stored would
/// not look like what is called.
fn is_spelled_out(raw: &str) -> bool {
    let after_scheme = raw.split_once("://").filter(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    });
    after_scheme.is_some_and(|(_, rest)| !rest.starts_with('/')) && !raw.contains('\\')
}

/// An empty user (`http://@host/`) leaves no trace in the parsed URL.
fn has_at_sign(raw: &str) -> bool {
    let after_scheme = raw
        .split_once(':')
        .map_or(raw, |(_, rest)| rest)
        .trim_start_matches(['/', '\\']);
    let authority = after_scheme
        .split(['/', '\\', '?', '#'])
        .next()
        .unwrap_or_default();
    authority.contains('@')
}

/// Letters, digits, hyphens and underscores; labels of 1 to 63 bytes; at most 253 in all. The last label
/// is not a number, so that nothing can mistake the name for an address.
fn is_dns_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let label_is_valid = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_hex = last
        .strip_prefix("0x")
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    let is_number = is_hex || last.bytes().all(|b| b.is_ascii_digit());
    name.len() <= 253 && name.split('.').all(label_is_valid) && !is_number
}

fn is_local_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    matches!(
        name,
        "localhost" | "localhost.localdomain" | "localhost6" | "ip6-localhost" | "ip6-loopback"
    ) || name.ends_with(".localhost")
        || name.ends_with(".localhost.localdomain")
}

fn loopback_is_allowed(allow: &[IpNet]) -> bool {
    let loopbacks = [
        IpAddr::from([127, 0, 0, 1]),
        IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16]),
    ];
    loopbacks.iter().any(|address| vet(*address, allow).is_ok())
}
