//! An endpoint made ready for sending: parsed once per webhook, shared by its deliveries.

use std::net::IpAddr;
use std::sync::Arc;

use heraldo_domain::endpoint::{Endpoint, Peer, Scheme, UrlProblem};
use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;

use super::Identity;

/// Scheme, host, port and path of an endpoint in the forms that the protocols need.
#[derive(Debug, Clone)]
pub struct Target {
    endpoint: Endpoint,
    key: Arc<str>,
    origin_form: Uri,
    absolute_form: Uri,
    host: HeaderValue,
    server_name: Option<ServerName<'static>>,
    identity: Option<Arc<Identity>>,
}

impl Target {
    /// Parses the URL of a stored endpoint. Whether its address may be called is asked at each connection.
    ///
    /// # Errors
    ///
    /// The [`UrlProblem`], as `Endpoint::parse` finds it.
    pub fn parse(url: &str) -> Result<Self, UrlProblem> {
        Self::new(Endpoint::parse(url)?)
    }

    /// Makes an endpoint ready.
    ///
    /// # Errors
    ///
    /// [`UrlProblem`] when the protocols have no form for it; what `Endpoint::parse` accepts has one.
    pub fn new(endpoint: Endpoint) -> Result<Self, UrlProblem> {
        let malformed = |error: &dyn std::fmt::Display| UrlProblem::Malformed(error.to_string());
        let origin_form = endpoint
            .path_and_query()
            .parse::<Uri>()
            .map_err(|e| malformed(&e))?;
        let absolute_form = endpoint.url().parse::<Uri>().map_err(|e| malformed(&e))?;
        let host = HeaderValue::from_str(endpoint.authority()).map_err(|_| UrlProblem::Host)?;
        let server_name = match (endpoint.scheme(), endpoint.peer()) {
            (Scheme::Http, _) => None,
            (Scheme::Https, Peer::Address(address)) => Some(ServerName::from(*address)),
            (Scheme::Https, Peer::Name(name)) => {
                let name = name.strip_suffix('.').unwrap_or(name).to_owned();
                Some(ServerName::try_from(name).map_err(|_| UrlProblem::Host)?)
            }
        };
        let key = format!("{}://{}", endpoint.scheme().as_str(), endpoint.authority());
        Ok(Self {
            endpoint,
            key: Arc::from(key),
            origin_form,
            absolute_form,
            host,
            server_name,
            identity: None,
        })
    }

    /// The same, spoken to with this identity and over connections that are its alone.
    #[must_use]
    pub fn with_identity(mut self, identity: Arc<Identity>) -> Self {
        self.key = Arc::from(format!("{}#{}", self.key, identity.number));
        self.identity = Some(identity);
        self
    }

    /// Host and port, for people: free of secrets.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.endpoint.authority()
    }

    /// What shares connections: scheme, host, port and identity.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn shared_key(&self) -> &Arc<str> {
        &self.key
    }

    pub(super) fn peer(&self) -> &Peer {
        self.endpoint.peer()
    }

    pub(super) fn port(&self) -> u16 {
        self.endpoint.port()
    }

    /// Who must show a certificate; absent without TLS.
    pub(super) fn server_name(&self) -> Option<&ServerName<'static>> {
        self.server_name.as_ref()
    }

    /// What the webhook brings of its own to TLS.
    pub(super) fn identity(&self) -> Option<&Identity> {
        self.identity.as_deref()
    }

    pub(super) fn origin_form(&self) -> &Uri {
        &self.origin_form
    }

    pub(super) fn absolute_form(&self) -> &Uri {
        &self.absolute_form
    }

    pub(super) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// The host alone, for people.
    pub(super) fn host_text(&self) -> String {
        match self.peer() {
            Peer::Name(name) => name.clone(),
            Peer::Address(IpAddr::V4(address)) => address.to_string(),
            Peer::Address(IpAddr::V6(address)) => format!("[{address}]"),
        }
    }
}
