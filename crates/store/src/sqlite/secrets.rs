//! Webhooks' secrets on their way into and out of the database: sealed there, open only in memory.

use heraldo_domain::store::StoreError;
use heraldo_domain::webhook::{PreviousSecret, Secrets, Webhook};
use heraldo_wire::id::WebhookId;
use heraldo_wire::signature::{Secret, SigningKey};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::fault::{Done, Fault};
use super::group::Surroundings;
use crate::seal::MasterKey;

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Plain<'a> {
    current: std::borrow::Cow<'a, str>,
    created_at: i64,
    previous: Option<(std::borrow::Cow<'a, str>, i64)>,
    #[serde(default)]
    client_key: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    signing_key: Option<[u8; 32]>,
    #[serde(default)]
    previous_signing_key: Option<[u8; 32]>,
}

pub(super) fn seal(webhook: &Webhook, around: &Surroundings) -> Done<Vec<u8>> {
    let secrets = &webhook.secrets;
    let bytes = |key: &SigningKey| *key.reveal();
    let plain = Plain {
        current: secrets.current.reveal().into(),
        created_at: secrets.created_at.as_millis(),
        previous: secrets.previous.as_ref().map(|previous| {
            (
                previous.secret.reveal().into(),
                previous.valid_until.as_millis(),
            )
        }),
        client_key: secrets.client_key.as_ref().map(|key| key.reveal().into()),
        signing_key: secrets.signing_key.as_ref().map(bytes),
        previous_signing_key: secrets
            .previous
            .as_ref()
            .and_then(|previous| previous.signing_key.as_ref())
            .map(bytes),
    };
    let text = Zeroizing::new(serde_json::to_vec(&plain)?);
    around
        .master_key
        .seal(&text, webhook.id.0.as_bytes(), &*around.entropy)
        .map_err(|error| StoreError::Failed(error.to_string()).into())
}

pub(super) fn unseal(sealed: &[u8], id: WebhookId, key: &MasterKey) -> Done<Secrets> {
    let broken = |_| Fault::unreadable("a webhook's secret that does not open");
    let text = key.unseal(sealed, id.0.as_bytes()).map_err(broken)?;
    let plain: Plain<'_> = serde_json::from_slice(&text)?;
    let secret = |text: std::borrow::Cow<'_, str>| {
        Secret::parse(text.into_owned()).map_err(|_| Fault::unreadable("an empty secret"))
    };
    let previous = match plain.previous {
        Some((text, until)) => Some(PreviousSecret {
            secret: secret(text)?,
            signing_key: plain.previous_signing_key.map(SigningKey::from_random),
            valid_until: Timestamp::from_millis(until),
        }),
        None => None,
    };
    Ok(Secrets {
        current: secret(plain.current)?,
        client_key: plain.client_key.map(secret).transpose()?,
        signing_key: plain.signing_key.map(SigningKey::from_random),
        created_at: Timestamp::from_millis(plain.created_at),
        previous,
    })
}
