//! What one attempt at a delivery came to, as the API shows it (contract 8.2, "Delivery and attempt").

use serde::{Deserialize, Serialize};

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The endpoint's name did not resolve.
    Dns,
    /// The endpoint's address lies in a range that Heraldo refuses to call.
    AddressRefused,
    /// No connection could be opened.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The deadline passed; `phase` says where.
    Timeout,
    /// The connection was cut.
    Reset,
    /// The answer was not HTTP.
    Protocol,
    /// The answer's status was not 2XX.
    Status,
}

impl ErrorClass {
    pub const ALL: [Self; 8] = [
        Self::Dns,
        Self::AddressRefused,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Reset,
        Self::Protocol,
        Self::Status,
    ];

    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::AddressRefused => "address_refused",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Status => "status",
        }
    }
}

/// The part of an attempt in which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Resolve,
    Connect,
    Tls,
    /// Sending the request and waiting for the head of the answer.
    FirstByte,
    /// Reading the answer's body.
    Body,
}

/// How long each phase took, in milliseconds. Null means that the phase was not reached, or that a
/// kept-alive connection or an address in the URL spared it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PhaseTimings {
    pub resolve_ms: Option<u32>,
    pub connect_ms: Option<u32>,
    pub tls_ms: Option<u32>,
    pub first_byte_ms: Option<u32>,
    pub body_ms: Option<u32>,
}

/// Why an attempt was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    First,
    Retry,
    /// Somebody asked for it: `resend` or a test event.
    Manual,
    Recover,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    Delivered,
    Failed,
}
