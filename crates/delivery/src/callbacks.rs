//! Callbacks: one signed POST each, to addresses that are no webhooks, over the same guarded transport.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use heraldo_domain::ports::{Callback, CallbackFailed, Callbacks, Clock};
use heraldo_domain::webhook::TlsSettings;
use heraldo_wire::headers::{
    AUTOINSPECTOR_SIGNATURE, CONTENT_TYPE_JSON, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP,
};
use heraldo_wire::signature::{Envelope, Signer, standard_header};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::transport::{Outgoing, Target, Transport};

/// Makes callbacks.
pub struct CallbackSender {
    transport: Transport,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

impl CallbackSender {
    #[must_use]
    pub fn new(transport: Transport, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        Self {
            transport,
            clock,
            timeout,
        }
    }
}

impl fmt::Debug for CallbackSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackSender").finish_non_exhaustive()
    }
}

#[async_trait]
impl Callbacks for CallbackSender {
    async fn post(&self, callback: Callback) -> Result<Bytes, CallbackFailed> {
        let mut target = Target::parse(&callback.url)
            .map_err(|error| CallbackFailed(format!("its address cannot be called: {error}")))?;
        let key = callback.client_key.as_ref();
        if callback.tls != TlsSettings::default() || key.is_some() {
            let identity = self.transport.identity(&callback.tls, key);
            let identity = identity.map_err(|refused| CallbackFailed(refused.to_string()))?;
            target = target.with_identity(Arc::new(identity));
        }
        let outgoing = Outgoing {
            url: Arc::new(target),
            headers: self.headers(&callback)?,
            body: callback.body,
            timeout: callback.timeout.unwrap_or(self.timeout),
        };
        match self.transport.send(outgoing).await.outcome {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(answer.body_head.into()),
            Ok(answer) => Err(CallbackFailed(format!("it answered {}", answer.status))),
            Err(failure) => Err(CallbackFailed(failure.detail)),
        }
    }
}

impl CallbackSender {
    fn headers(&self, callback: &Callback) -> Result<HeaderMap, CallbackFailed> {
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| {
            let value = HeaderValue::from_str(value)
                .map_err(|_| CallbackFailed(format!("the header {name} cannot be written")))?;
            headers.insert(HeaderName::from_static(name), value);
            Ok::<(), CallbackFailed>(())
        };
        set("content-type", CONTENT_TYPE_JSON)?;
        let Some(secret) = &callback.secret else {
            return Ok(headers);
        };
        let timestamp = self.clock.now().as_secs().to_string();
        let signer = Signer::new(secret);
        let envelope = Envelope {
            id: &callback.id,
            timestamp: &timestamp,
            body: &callback.body,
        };
        set(
            AUTOINSPECTOR_SIGNATURE,
            signer.sign_body(&callback.body).as_str(),
        )?;
        set(WEBHOOK_ID, &callback.id)?;
        set(WEBHOOK_TIMESTAMP, &timestamp)?;
        set(
            WEBHOOK_SIGNATURE,
            &standard_header(&[&signer], &[], &envelope),
        )?;
        Ok(headers)
    }
}
