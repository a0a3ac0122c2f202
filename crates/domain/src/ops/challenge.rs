//! Proof of ownership: before an endpoint is used, its receiver must echo a random token.

use std::time::Duration;

use bytes::Bytes;
use heraldo_wire::id::WebhookId;
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;
use serde::Deserialize;

use super::Context;
use crate::account::Caller;
use crate::ports::{Callback, random};
use crate::webhook::Webhook;

/// Whoever creates a webhook waits for the answer, so that it has less time than a delivery may have.
const TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// An answer that echoes the token as JSON; one that is nothing but the token does as well.
#[derive(Deserialize)]
struct Echo {
    challenge: String,
}

impl Context {
    /// Posts a token to the endpoint, signed like a delivery; the answer must be a 2XX that echoes it.
    ///
    /// # Errors
    /// `challenge_failed` with what the receiver did and has to do.
    pub(super) async fn challenge(&self, webhook: &Webhook) -> Result<(), Problem> {
        let token = hex::encode(random::<24>(&*self.entropy));
        let now = self.now();
        let deadline = webhook.timeout(&self.settings.webhook_defaults);
        let callback = Callback {
            url: webhook.settings.endpoint.clone(),
            id: format!("chl_{}", self.next_id(now)),
            body: body_of(&token).into(),
            secret: Some(webhook.secrets.current.clone()),
            tls: webhook.settings.tls.clone(),
            client_key: webhook.secrets.client_key.clone(),
            timeout: Some(deadline.min(TIMEOUT_MAX)),
        };
        let failed = |why: String| {
            ProblemCode::ChallengeFailed.problem(format!(
                "the receiver did not prove that it wants this webhook, and nothing was changed: {why}; let it \
                 answer `webhook_challenge` with 200 and `{{\"challenge\": \"…\"}}`, the token of the payload"
            ))
        };
        match self.callbacks.post(callback).await {
            Ok(answer) if echoes(&answer, &token) => Ok(()),
            Ok(_) => Err(failed("its answer does not echo the token".to_owned())),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// Has the receiver prove itself before a webhook is changed, where the request or the server asks for
    /// it: the server does when the endpoint changes.
    pub(super) async fn challenge_change(
        &self,
        caller: &Caller,
        id: WebhookId,
        is_asked: bool,
        decide: impl Fn(&Webhook, Timestamp) -> Result<Webhook, Problem> + Send + Sync,
    ) -> Result<(), Problem> {
        let webhook = self.own_webhook(caller, id).await?;
        let next = decide(&webhook, self.now())?;
        let is_new = webhook.settings.endpoint != next.settings.endpoint;
        if is_asked || (is_new && self.settings.webhook_challenge) {
            self.challenge(&next).await?;
        }
        Ok(())
    }
}

/// What a receiver is asked; hex digits need no escape in JSON.
fn body_of(token: &str) -> String {
    format!(r#"{{"event":"webhook_challenge","payload":{{"challenge":"{token}"}}}}"#)
}

fn echoes(answer: &Bytes, token: &str) -> bool {
    let answer = answer.trim_ascii();
    answer == token.as_bytes()
        || serde_json::from_slice(answer).is_ok_and(|Echo { challenge }| challenge == token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_an_echo() {
        let check = |answer: &'static str| echoes(&Bytes::from_static(answer.as_bytes()), "a1b2");
        for echo in [
            "a1b2",
            " a1b2\n",
            r#"{"challenge":"a1b2"}"#,
            r#"{"ok": true, "challenge": "a1b2"}"#,
        ] {
            assert!(check(echo), "{echo}");
        }
        for other in [
            "",
            "ok",
            "A1B2",
            "a1b2 a1b2",
            r#""a1b2""#,
            r#"{"challenge":"a1"}"#,
            r#"{"event":"webhook_challenge","payload":{"challenge":"a1b2"}}"#,
        ] {
            assert!(!check(other), "{other}");
        }
    }
}
