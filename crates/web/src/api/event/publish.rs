//! `POST /v1/notification/event` (contract 8.2 "Published events").

use heraldo_domain::ops::publish::publish;
use heraldo_wire::api::{PublishAnswer, PublishItem, Scope};

use crate::call::{Call, Outcome};
use crate::extract::once;
use crate::reply;

const ROUTE: &str = "POST /v1/notification/event";

/// Publishes events of inspections that run elsewhere
///
/// One event, or an array of up to 1,000: all of them are stored, or none.
#[utoipa::path(
    post,
    path = "/v1/notification/event",
    operation_id = "publishEvents",
    tag = "events",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again")),
    request_body = PublishBody,
    responses((status = 202, description = "They are stored and will be delivered", body = PublishAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let key = call.idempotency_key()?;
    let body = call.json_bytes(call.state.config.publish_bytes_max).await?;
    let once = once(&caller, ROUTE, key, [&body[..]]);
    reply::answer(publish(call.context(), &caller, &body, once.as_ref()).await?)
}

/// One event or an array of them.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(untagged)]
enum PublishBody {
    One(PublishItem),
    Many(Vec<PublishItem>),
}
