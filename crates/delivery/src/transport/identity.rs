//! What one webhook brings of its own to TLS: whom it trusts, and who Heraldo is to its receiver.

use std::fmt;
use std::sync::Arc;

use heraldo_domain::ports::{TlsCheck, TlsRefused};
use heraldo_domain::webhook::TlsSettings;
use heraldo_wire::signature::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, InconsistentKeys, RootCertStore};
use tokio_rustls::TlsConnector;

use super::{Transport, tls};

/// The TLS of one webhook. Connections made with it are used again with it alone.
pub struct Identity {
    /// Tells its connections from all others.
    pub(super) number: u64,
    pub(super) connector: TlsConnector,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Reads what a webhook sets. `server` is whom every other webhook trusts.
pub(super) fn read(
    settings: &TlsSettings,
    client_key: Option<&Secret>,
    server: &Arc<RootCertStore>,
) -> Result<TlsConnector, TlsRefused> {
    let roots = match &settings.ca {
        None => server.clone(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem, "ca")? {
                roots.add(certificate).map_err(|error| {
                    TlsRefused(format!(
                        "`tls.ca` holds a certificate that cannot be trusted ({error}); send those of your authority"
                    ))
                })?;
            }
            Arc::new(roots)
        }
    };
    let client = match (&settings.client_certificate, client_key) {
        (None, None) => None,
        (Some(pem), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes()).map_err(|_| {
                TlsRefused(
                    "`tls.clientKey` holds no private key; send it in PEM, as PKCS#8, PKCS#1 or SEC1, without a passphrase"
                        .to_owned(),
                )
            })?;
            Some((certificates(pem, "clientCertificate")?, key))
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err(TlsRefused(
                "`tls.clientCertificate` and `tls.clientKey` belong together; send both, or null for both"
                    .to_owned(),
            ));
        }
    };
    let config = tls::config(roots, client).map_err(|error| {
        TlsRefused(match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                "`tls.clientKey` is not the key of the first certificate of `tls.clientCertificate`; send the pair, the client's own certificate first".to_owned()
            }
            Error::InvalidCertificate(why) => format!(
                "`tls.clientCertificate` cannot be read ({why}); send an X.509 certificate in PEM"
            ),
            other => format!(
                "`tls.clientKey` cannot be used ({other}); send an RSA, ECDSA (P-256, P-384) or Ed25519 key"
            ),
        })
    })?;
    Ok(TlsConnector::from(config))
}

fn certificates(pem: &str, field: &str) -> Result<Vec<CertificateDer<'static>>, TlsRefused> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(TlsRefused(format!(
            "`tls.{field}` holds no certificate; send PEM, beginning with -----BEGIN CERTIFICATE-----"
        ))),
        Err(error) => Err(TlsRefused(format!(
            "`tls.{field}` is not PEM ({error}); send it as the file has it, with its line ends"
        ))),
    }
}

impl TlsCheck for Transport {
    fn check(&self, settings: &TlsSettings, client_key: Option<&Secret>) -> Result<(), TlsRefused> {
        self.identity(settings, client_key).map(drop)
    }
}
