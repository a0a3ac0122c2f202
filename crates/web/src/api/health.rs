//! `GET /health/live` and `GET /health/ready` (contract 8, 8.2 "Ready").

pub mod live {
    //! Whether the process answers.

    use heraldo_wire::api::HealthAnswer;

    use crate::call::{Call, Outcome};
    use crate::reply;

    /// Says that the process answers
    #[utoipa::path(
        get,
        path = "/health/live",
        operation_id = "healthLive",
        tag = "server",
        responses((status = 200, description = "It does", body = HealthAnswer)),
    )]
    pub async fn handle(_call: &mut Call) -> Outcome {
        reply::ok(&HealthAnswer::from_reasons(Vec::new()))
    }
}

pub mod ready {
    //! Whether the server can serve.

    use heraldo_wire::api::HealthAnswer;
    use http::StatusCode;

    use crate::call::{Call, Outcome};
    use crate::reply;

    /// Says whether the server can serve
    ///
    /// Ready means: the store is open and migrated, the dispatcher runs, connections are accepted.
    #[utoipa::path(
        get,
        path = "/health/ready",
        operation_id = "healthReady",
        tag = "server",
        responses(
            (status = 200, description = "It can", body = HealthAnswer),
            (status = 503, description = "It cannot, with the reasons", body = HealthAnswer),
        ),
    )]
    pub async fn handle(call: &mut Call) -> Outcome {
        let reasons = call.state.health.reasons_not_ready().await;
        let status = if reasons.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        reply::json(status, &HealthAnswer::from_reasons(reasons))
    }
}
