//! A request as it goes out, and what must be on it (contract 8, "Headers on every delivery").

use std::fmt::Display;

use bytes::Bytes;
use heraldo_domain::delivery::Leased;
use heraldo_wire::headers;
use heraldo_wire::id::EventId;
use http::HeaderMap;

use crate::world::{Check, violated};

/// What the transport is given.
#[derive(Debug)]
pub struct Outgoing<'a> {
    pub authority: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
}

impl Outgoing<'_> {
    /// The event that it says it is of.
    pub(super) fn event(&self) -> Option<EventId> {
        text(self.headers, headers::WEBHOOK_ID).parse().ok()
    }

    pub(super) fn check_headers(&self, leased: &Leased, name: impl Display) -> Check {
        let says = |header, value: &str| text(self.headers, header) == value;
        let attempt = (leased.attempts + 1).to_string();
        let test = if leased.test { "true" } else { "" };
        let right = says("content-type", "application/json")
            && says(headers::AUTOINSPECTOR_ATTEMPT, &attempt)
            && says(
                headers::AUTOINSPECTOR_SEQUENCE,
                &leased.sequence.to_string(),
            )
            && says(headers::AUTOINSPECTOR_TEST, test);
        if !right {
            return violated(format!("{name} is sent with other headers than its own"));
        }
        Ok(())
    }
}

/// What a header says; nothing when it is not there.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or("")
}
