//! TLS as a client: whom we trust, who we are, and what went wrong in words.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};

use super::TransportError;

/// The public authorities of Mozilla's list, and those in `extra_ca_pem`.
pub(super) fn authorities(
    extra_ca_pem: Option<&[u8]>,
) -> Result<Arc<RootCertStore>, TransportError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = extra_ca_pem {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|e| TransportError::ExtraCa(e.to_string()))?;
            roots
                .add(certificate)
                .map_err(|e| TransportError::ExtraCa(e.to_string()))?;
        }
        if roots.len() == before {
            return Err(TransportError::ExtraCa(
                "there is no certificate in it".to_owned(),
            ));
        }
    }
    Ok(Arc::new(roots))
}

/// TLS for calls that are no deliveries and speak HTTP/1.1: the public authorities and those in `extra_ca_pem`.
///
/// # Errors
/// When the extra authorities cannot be read.
pub fn api_client_config(extra_ca_pem: Option<&[u8]>) -> Result<ClientConfig, TransportError> {
    let config = config(authorities(extra_ca_pem)?, None).map_err(TransportError::Tls)?;
    let mut config = ClientConfig::clone(&config);
    config.alpn_protocols.clear();
    Ok(config)
}

/// A certificate with those that vouch for it, and its key.
pub(super) type Client = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Trusts `roots` alone and shows `client` to whoever asks. Offers HTTP/2 and HTTP/1.1.
pub(super) fn config(
    roots: Arc<RootCertStore>,
    client: Option<Client>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match client {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The TLS error inside an IO error, if there is one.
pub(super) fn error_within(error: &io::Error) -> Option<&rustls::Error> {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

/// What is wrong, and what to do about it.
pub(super) fn in_words(error: &rustls::Error) -> String {
    use CertificateError as C;
    let text = match error {
        rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => {
            "the receiver's certificate has expired; renew it"
        }
        rustls::Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
            "the receiver's certificate is not valid yet; check its dates, and the clocks of both machines"
        }
        rustls::Error::InvalidCertificate(C::UnknownIssuer) => {
            "the receiver's certificate was issued by an authority that is not trusted (unknown issuer); send the whole chain, use a public authority, or name this one in `tls.ca` of the webhook"
        }
        rustls::Error::InvalidCertificate(
            C::NotValidForName | C::NotValidForNameContext { .. },
        ) => {
            "the receiver's certificate is for another name (wrong name); use one that names the host of the endpoint"
        }
        rustls::Error::InvalidCertificate(C::Revoked) => {
            "the receiver's certificate has been revoked; replace it"
        }
        rustls::Error::InvalidCertificate(C::InvalidPurpose | C::InvalidPurposeContext { .. }) => {
            "the receiver's certificate is not meant for servers (wrong purpose); use one that was issued for a server"
        }
        rustls::Error::InvalidCertificate(C::BadSignature) => {
            "the receiver's certificate and what it is signed with do not belong together (bad signature); install the key that is the certificate's own, and the chain of the authority that issued it"
        }
        // rustls has no name for it: the certificate of an authority, shown as a server's own.
        rustls::Error::InvalidCertificate(C::Other(other))
            if other.to_string().contains("CaUsedAsEndEntity") =>
        {
            "the receiver shows the certificate of an authority as its own, as self-signed ones often are; issue one for the server with it, and name the authority in `tls.ca` of the webhook"
        }
        rustls::Error::InvalidCertificate(other) => {
            return format!("the receiver's certificate is not valid ({other}); replace it");
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the receiver requires a client certificate; set `tls.clientCertificate` and `tls.clientKey` of the webhook"
        }
        rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied,
        ) => {
            "the receiver did not accept the client certificate; set one that it accepts in `tls.clientCertificate` and `tls.clientKey` of the webhook"
        }
        rustls::Error::AlertReceived(alert) => {
            return format!(
                "the receiver refused the TLS connection ({alert:?}); check its TLS settings and the name in the endpoint"
            );
        }
        rustls::Error::InvalidMessage(_) => {
            "the receiver does not speak TLS on this port; check the port, or use http:// if that is meant"
        }
        rustls::Error::PeerIncompatible(why) => {
            return format!(
                "the receiver and Heraldo share no TLS version or cipher ({why:?}); offer TLS 1.2 or 1.3"
            );
        }
        other => {
            return format!("TLS failed ({other}); check the receiver's TLS settings");
        }
    };
    text.to_owned()
}
