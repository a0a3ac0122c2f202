//! The sample receiver of `heraldo dev`: does what a receiver must, and shows each event in one line.
//!
//! It follows the documented sample: check the signature of the raw body, answer 400 if it is wrong,
//! else `200 {"received":true}`. It reads the secrets where the dashboard would show them: in the store.

use std::time::Duration;

use heraldo_domain::ops::Context;
use heraldo_domain::query::Page;
use heraldo_domain::store::StoreError;
use heraldo_wire::headers::{
    AUTOINSPECTOR_ATTEMPT, AUTOINSPECTOR_SEQUENCE, AUTOINSPECTOR_SIGNATURE, AUTOINSPECTOR_TEST,
    WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP,
};
use heraldo_wire::signature::{
    ConstructError, ConstructedEvent, Envelope, Secret, construct_event, verify_standard,
};

use super::http::{Reply, Request};
use crate::terminal::say;

/// How old a `webhook-timestamp` may be, as Standard Webhooks recommends.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

#[derive(Debug)]
pub struct Receiver {
    context: Context,
}

impl Receiver {
    pub const fn new(context: Context) -> Self {
        Self { context }
    }

    pub async fn answer(&self, request: &Request) -> Reply {
        if request.method != "POST" {
            let body = r#"{"error":"webhooks come as POST"}"#.to_owned();
            return Reply {
                status: "405 Method Not Allowed",
                body,
            };
        }
        let verified = match self.secrets().await {
            Ok(secrets) => self.verify(request, &secrets),
            Err(error) => Err(format!("the secrets cannot be read: {error}")),
        };
        match verified {
            Ok(event) => {
                say(&shown(request, &event));
                Reply {
                    status: "200 OK",
                    body: r#"{"received":true}"#.to_owned(),
                }
            }
            Err(reason) => {
                say(&format!("refused   {reason}"));
                let body = serde_json::json!({ "error": format!("Webhook Error: {reason}") });
                Reply {
                    status: "400 Bad Request",
                    body: body.to_string(),
                }
            }
        }
    }

    /// Every secret that a delivery may be signed with now.
    async fn secrets(&self) -> Result<Vec<Secret>, StoreError> {
        let now = self.context.clock.now();
        let mut secrets = Vec::new();
        let mut page = Page {
            limit: 100,
            before: None,
        };
        loop {
            let companies = self.context.store.companies(page).await?;
            for company in &companies {
                if let Some(view) = self.context.store.company(company.id).await? {
                    for webhook in &view.webhooks {
                        secrets.extend(webhook.secrets.valid(now).cloned());
                    }
                }
            }
            match companies.last() {
                Some(last) => page.before = Some(last.id),
                None => return Ok(secrets),
            }
        }
    }

    /// Checks both signatures with the secret that the first of them was made with.
    fn verify(&self, request: &Request, secrets: &[Secret]) -> Result<ConstructedEvent, String> {
        let signature = request.header(AUTOINSPECTOR_SIGNATURE);
        let (event, secret) = secrets
            .iter()
            .find_map(
                |secret| match construct_event(&request.body, signature, secret) {
                    Ok(event) => Some(Ok((event, secret))),
                    Err(ConstructError::InvalidSignature) => None,
                    Err(error @ ConstructError::InvalidJson(_)) => Some(Err(error.to_string())),
                },
            )
            .unwrap_or_else(|| Err(ConstructError::InvalidSignature.to_string()))?;
        let envelope = Envelope {
            id: request.header(WEBHOOK_ID).unwrap_or_default(),
            timestamp: request.header(WEBHOOK_TIMESTAMP).unwrap_or_default(),
            body: &request.body,
        };
        let header = request.header(WEBHOOK_SIGNATURE).unwrap_or_default();
        verify_standard(
            secret,
            &envelope,
            header,
            TOLERANCE,
            self.context.clock.now(),
        )
        .map_err(|error| error.to_string())?;
        Ok(event)
    }
}

/// One line that a person reads: what, about which inspection, in which place.
fn shown(request: &Request, event: &ConstructedEvent) -> String {
    let inspection = event
        .payload()
        .get("_id")
        .and_then(|id| id.as_str())
        .unwrap_or("?");
    let number = |name| request.header(name).unwrap_or("?");
    let test = if request.header(AUTOINSPECTOR_TEST).is_some() {
        ", a test"
    } else {
        ""
    };
    format!(
        "received  {}  inspection {inspection}  event {} of it, attempt {}{test}  both signatures verified",
        event.name().unwrap_or("an event without a name"),
        number(AUTOINSPECTOR_SEQUENCE),
        number(AUTOINSPECTOR_ATTEMPT),
    )
}
