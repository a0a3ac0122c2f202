//! What is made once for each version of a webhook: its parsed target, its keys, its headers.

use std::sync::Arc;
use std::time::Duration;

use heraldo_domain::delivery::{AttemptResult, Leased};
use heraldo_domain::webhook::{Defaults, TlsSettings, Webhook};
use heraldo_wire::attempt::ErrorClass;
use heraldo_wire::headers;
use heraldo_wire::signature::{
    AsymmetricSigner, Envelope, Secret, Signer, SigningKey, standard_header,
};
use heraldo_wire::time::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::runtime::Runtime;
use crate::transport::Target;

#[derive(Debug)]
pub(super) struct Prepared {
    target: Result<Arc<Target>, Box<AttemptResult>>,
    heads: Heads,
}

/// What the headers of a webhook's attempts are made from.
#[derive(Debug)]
pub(super) struct Heads {
    webhook: Arc<Webhook>,
    current: Signers,
    previous: Option<Signers>,
    /// The webhook's own headers and those that never change.
    fixed: HeaderMap,
}

/// A secret and the pair of keys that is in force with it.
#[derive(Debug)]
struct Signers {
    secret: Signer,
    pair: Option<AsymmetricSigner>,
}

impl Signers {
    fn new(secret: &Secret, key: Option<&SigningKey>) -> Self {
        Self {
            secret: Signer::new(secret),
            pair: key.map(AsymmetricSigner::new),
        }
    }
}

impl Prepared {
    pub(super) fn of(webhook: &Arc<Webhook>, server: &Defaults, runtime: &impl Runtime) -> Self {
        Self {
            target: target(webhook, runtime).map(Arc::new),
            heads: Heads::of(webhook, server),
        }
    }

    /// Whether it was made from this very value.
    pub(super) fn is_of(&self, webhook: &Arc<Webhook>) -> bool {
        let own = &self.heads.webhook;
        Arc::ptr_eq(own, webhook) || **own == **webhook
    }

    /// Where it is sent, or why its endpoint cannot be called.
    pub(super) fn target(&self) -> Result<&Arc<Target>, &AttemptResult> {
        self.target.as_ref().map_err(|problem| &**problem)
    }

    pub(super) fn timeout(&self, server: &Defaults) -> Duration {
        self.heads.webhook.timeout(server)
    }

    pub(super) fn headers(&self, leased: &Leased, now: Timestamp) -> HeaderMap {
        self.heads.headers(leased, now)
    }
}

impl Heads {
    pub(super) fn of(webhook: &Arc<Webhook>, server: &Defaults) -> Self {
        let mut fixed = HeaderMap::new();
        for (name, value) in webhook.headers(server) {
            // Both were checked when they were set; what does not parse now is not sent.
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                fixed.insert(name, value);
            }
        }
        fixed.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let secrets = &webhook.secrets;
        Self {
            webhook: webhook.clone(),
            current: Signers::new(&secrets.current, secrets.signing_key.as_ref()),
            previous: secrets
                .previous
                .as_ref()
                .map(|previous| Signers::new(&previous.secret, previous.signing_key.as_ref())),
            fixed,
        }
    }

    /// All headers of one attempt (contract 8, "Headers on every delivery").
    pub(super) fn headers(&self, leased: &Leased, now: Timestamp) -> HeaderMap {
        // During an overlap the old secret signs, because the SDK compares one value; the standard
        // header carries both, newest first.
        let previous = self
            .previous
            .as_ref()
            .filter(|_| self.webhook.secrets.previous_at(now).is_some());
        let id = leased.event_id.to_string();
        let timestamp = now.as_secs().to_string();
        let envelope = Envelope {
            id: &id,
            timestamp: &timestamp,
            body: &leased.body,
        };
        let valid = || std::iter::once(&self.current).chain(previous);
        let secrets: Vec<&Signer> = valid().map(|signers| &signers.secret).collect();
        let pairs: Vec<&AsymmetricSigner> = valid()
            .filter_map(|signers| signers.pair.as_ref())
            .collect();
        let standard = standard_header(&secrets, &pairs, &envelope);
        let signing = &previous.unwrap_or(&self.current).secret;
        let signature = signing.sign_body(&leased.body);
        let mut map = self.fixed.clone();
        let mut set = |name: &'static str, value: &str| {
            // Hex digits, base64 and decimals are always valid header values.
            if let Ok(value) = HeaderValue::from_str(value) {
                map.insert(HeaderName::from_static(name), value);
            }
        };
        set(headers::AUTOINSPECTOR_SIGNATURE, signature.as_str());
        set(headers::WEBHOOK_ID, &id);
        set(headers::WEBHOOK_TIMESTAMP, &timestamp);
        set(headers::WEBHOOK_SIGNATURE, &standard);
        set(
            headers::AUTOINSPECTOR_ATTEMPT,
            &(leased.attempts + 1).to_string(),
        );
        set(
            headers::AUTOINSPECTOR_SEQUENCE,
            &leased.sequence.to_string(),
        );
        if leased.test {
            set(headers::AUTOINSPECTOR_TEST, "true");
        }
        map
    }
}

/// Whom to call. What is set was checked when it was set: it fails here only when the rules have changed.
fn target(webhook: &Webhook, runtime: &impl Runtime) -> Result<Target, Box<AttemptResult>> {
    let failed = |class, error| {
        Box::new(AttemptResult::Failed {
            class,
            phase: None,
            error,
            status: None,
        })
    };
    let target = Target::parse(&webhook.settings.endpoint).map_err(|problem| {
        let error = format!("the webhook's endpoint cannot be called: {problem}");
        failed(ErrorClass::AddressRefused, error)
    })?;
    let key = webhook.secrets.client_key.as_ref();
    let tls = &webhook.settings.tls;
    if *tls == TlsSettings::default() && key.is_none() {
        return Ok(target);
    }
    let identity = runtime
        .identity(tls, key)
        .map_err(|refused| failed(ErrorClass::Tls, refused.to_string()))?;
    Ok(target.with_identity(Arc::new(identity)))
}
