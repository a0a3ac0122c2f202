//! What is made once for each version of a webhook: its parsed target, its keys, its headers.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

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

// Names are looked up in no table when they are made here.
static AUTOINSPECTOR_ATTEMPT: HeaderName = HeaderName::from_static(headers::AUTOINSPECTOR_ATTEMPT);
static AUTOINSPECTOR_SEQUENCE: HeaderName =
    HeaderName::from_static(headers::AUTOINSPECTOR_SEQUENCE);
static AUTOINSPECTOR_SIGNATURE: HeaderName =
    HeaderName::from_static(headers::AUTOINSPECTOR_SIGNATURE);
static AUTOINSPECTOR_TEST: HeaderName = HeaderName::from_static(headers::AUTOINSPECTOR_TEST);
static WEBHOOK_ID: HeaderName = HeaderName::from_static(headers::WEBHOOK_ID);
static WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static(headers::WEBHOOK_SIGNATURE);
static WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static(headers::WEBHOOK_TIMESTAMP);

/// What takes a value of its own with each attempt, but for what only a test event has.
static OF_EACH_ATTEMPT: [&HeaderName; 6] = [
    &WEBHOOK_ID,
    &WEBHOOK_TIMESTAMP,
    &AUTOINSPECTOR_SIGNATURE,
    &WEBHOOK_SIGNATURE,
    &AUTOINSPECTOR_ATTEMPT,
    &AUTOINSPECTOR_SEQUENCE,
];

/// The values take so many bytes, unless there are several signatures.
const VALUES_BYTES: usize = 192;

/// The values of one attempt's headers, written one after the other into one piece of memory, which all of them
/// share: they cost one allocation, and a copy of them costs none.
struct Values {
    text: BytesMut,
    parts: [Option<(&'static HeaderName, Range<usize>)>; OF_EACH_ATTEMPT.len() + 1],
    count: usize,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            text: BytesMut::with_capacity(VALUES_BYTES),
            parts: Default::default(),
            count: 0,
        }
    }
}

impl Values {
    fn add(&mut self, name: &'static HeaderName, value: impl std::fmt::Display) {
        let start = self.text.len();
        // Memory takes whatever is written to it.
        let _ = write!(self.text, "{value}");
        if let Some(part) = self.parts.get_mut(self.count) {
            *part = Some((name, start..self.text.len()));
            self.count += 1;
        }
    }

    /// The value that was added as number `at`.
    fn text(&self, at: usize) -> &str {
        let part = self.parts.get(at).and_then(Option::as_ref);
        let bytes = part.and_then(|(_, part)| self.text.get(part.clone()));
        // It was written as text.
        std::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }

    /// These headers and those.
    fn over(self, fixed: &HeaderMap) -> HeaderMap {
        let mut map = fixed.clone();
        let text = self.text.freeze();
        for (name, part) in self.parts.into_iter().flatten() {
            // Hex digits, base64 and decimals are always valid header values.
            if let Ok(value) = HeaderValue::from_maybe_shared(text.slice(part)) {
                map.insert(name, value);
            }
        }
        map
    }
}

#[derive(Debug)]
pub(super) struct Prepared {
    target: Result<Arc<Target>, Box<AttemptResult>>,
    heads: Heads,
}

/// What the headers of a webhook's attempts are made from.
#[derive(Debug)]
struct Heads {
    webhook: Arc<Webhook>,
    current: Signers,
    previous: Option<Signers>,
    /// The webhook's own headers and those that never change; the others have their places in it, so that it does
    /// not grow for each attempt.
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
    fn of(webhook: &Arc<Webhook>, server: &Defaults) -> Self {
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
        for name in OF_EACH_ATTEMPT {
            fixed.insert(name, HeaderValue::from_static(""));
        }
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
    fn headers(&self, leased: &Leased, now: Timestamp) -> HeaderMap {
        // During an overlap the old secret signs, because the SDK compares one value; the standard
        // header carries both, newest first.
        let previous = self
            .previous
            .as_ref()
            .filter(|_| self.webhook.secrets.previous_at(now).is_some());
        let mut values = Values::default();
        values.add(&WEBHOOK_ID, leased.event_id);
        values.add(&WEBHOOK_TIMESTAMP, now.as_secs());
        let envelope = Envelope {
            id: values.text(0),
            timestamp: values.text(1),
            body: &leased.body,
        };
        let valid = [Some(&self.current), previous];
        let valid = || valid.iter().flatten();
        let pairs: Vec<&AsymmetricSigner> = valid()
            .filter_map(|signers| signers.pair.as_ref())
            .collect();
        let standard = match previous {
            None => standard_header(&[&self.current.secret], &pairs, &envelope),
            Some(previous) => {
                let secrets = [&self.current.secret, &previous.secret];
                standard_header(&secrets, &pairs, &envelope)
            }
        };
        let signing = &previous.unwrap_or(&self.current).secret;
        let signature = signing.sign_body(&leased.body);
        values.add(&AUTOINSPECTOR_SIGNATURE, signature);
        values.add(&WEBHOOK_SIGNATURE, standard);
        values.add(&AUTOINSPECTOR_ATTEMPT, leased.attempts + 1);
        values.add(&AUTOINSPECTOR_SEQUENCE, leased.sequence);
        if leased.test {
            values.add(&AUTOINSPECTOR_TEST, "true");
        }
        values.over(&self.fixed)
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
            part: None,
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
