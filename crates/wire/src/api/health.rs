//! Health (contract 8 and 8.2, "Ready").

use serde::{Deserialize, Serialize};

use crate::object::words;

words! {
    HealthStatus {
        Ok = "ok",
        Unavailable = "unavailable",
    }
}

/// Answer of `GET /health/live` and `GET /health/ready`: 200 when `ok`, else 503.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HealthAnswer {
    pub status: HealthStatus,
    /// Why it is not ready; empty when it is.
    pub reasons: Vec<String>,
}

impl HealthAnswer {
    /// Ready when there is no reason against it.
    #[must_use]
    pub fn from_reasons(reasons: Vec<String>) -> Self {
        let status = if reasons.is_empty() {
            HealthStatus::Ok
        } else {
            HealthStatus::Unavailable
        };
        Self { status, reasons }
    }
}
