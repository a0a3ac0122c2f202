//! What a webhook's settings must hold to, whoever sets them.

use std::time::Duration;

use heraldo_wire::api::DisableAfter;
use heraldo_wire::headers::check_webhook_headers;
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::signature::Secret;
use heraldo_wire::time::HumanDuration;

use super::Context;
use crate::endpoint::{Scheme, check_url};
use crate::retry::{WAIT_MAX, WAITS_MAX};
use crate::webhook::Webhook;

const DESCRIPTION_BYTES_MAX: usize = 1_024;
/// The shortest and the longest deadline of an attempt.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 100..=60_000;
/// The longest text of each part of `tls`: some twenty certificates.
const PEM_BYTES_MAX: usize = 32 * 1_024;
const CONCURRENCY: std::ops::RangeInclusive<u32> = 1..=256;
const RATE_PER_SECOND: std::ops::RangeInclusive<u32> = 1..=10_000;
const DISABLE_ATTEMPTS: std::ops::RangeInclusive<u32> = 1..=100_000;
/// The longest time of nothing but failures that can be asked for: a year.
const DISABLE_AFTER_MAX: Duration = Duration::from_secs(365 * 86_400);

pub(super) fn check(context: &Context, webhook: &Webhook) -> Result<(), Problem> {
    let invalid = |detail: String| Err(ProblemCode::InvalidBody.problem(detail));
    let settings = &webhook.settings;
    let endpoint = check_url(&settings.endpoint, &context.settings.allow_networks)
        .map_err(|problem| ProblemCode::InvalidUrl.problem(format!("`endpoint`: {problem}")))?;
    if settings
        .description
        .as_ref()
        .is_some_and(|text| text.len() > DESCRIPTION_BYTES_MAX)
    {
        return invalid(format!(
            "`description` is longer than {DESCRIPTION_BYTES_MAX} bytes; shorten it"
        ));
    }
    if let Err(refusal) = check_webhook_headers(&settings.headers) {
        return invalid(format!("`headers`: {refusal}"));
    }
    if let Some(waits) = &settings.retry_waits {
        if waits.len() > WAITS_MAX {
            return invalid(format!(
                "`retrySchedule` has more than {WAITS_MAX} waits; send fewer"
            ));
        }
        if waits.iter().any(|wait| *wait > WAIT_MAX) {
            return invalid(format!(
                "`retrySchedule`: no wait is longer than {}; shorten it",
                HumanDuration(WAIT_MAX)
            ));
        }
    }
    if settings
        .timeout_ms
        .is_some_and(|ms| !TIMEOUT_MS.contains(&ms))
    {
        return invalid(format!(
            "`timeoutMs` lies between {} and {}",
            TIMEOUT_MS.start(),
            TIMEOUT_MS.end()
        ));
    }
    if settings
        .concurrency
        .is_some_and(|count| !CONCURRENCY.contains(&count))
    {
        return invalid(format!(
            "`concurrency` lies between {} and {}",
            CONCURRENCY.start(),
            CONCURRENCY.end()
        ));
    }
    if settings
        .rate_per_second
        .is_some_and(|rate| !RATE_PER_SECOND.contains(&rate))
    {
        return invalid(format!(
            "`ratePerSecond` lies between {} and {}",
            RATE_PER_SECOND.start(),
            RATE_PER_SECOND.end()
        ));
    }
    if let Some(DisableAfter::After(time)) = settings.disable_after
        && time.0 > DISABLE_AFTER_MAX
    {
        return invalid(format!(
            "`disableAfter` is at most {}, or `never`; shorten it",
            HumanDuration(DISABLE_AFTER_MAX)
        ));
    }
    if settings
        .disable_attempts_min
        .is_some_and(|count| !DISABLE_ATTEMPTS.contains(&count))
    {
        return invalid(format!(
            "`disableAttemptsMin` lies between {} and {}",
            DISABLE_ATTEMPTS.start(),
            DISABLE_ATTEMPTS.end()
        ));
    }
    check_tls(context, webhook, endpoint.scheme())
}

/// Whether connections can be made with the webhook's certificates; the port reads them.
fn check_tls(context: &Context, webhook: &Webhook, scheme: Scheme) -> Result<(), Problem> {
    let invalid = |detail: String| Err(ProblemCode::InvalidBody.problem(detail));
    let tls = &webhook.settings.tls;
    let key = webhook.secrets.client_key.as_ref();
    let parts = [
        ("ca", tls.ca.as_deref()),
        ("clientCertificate", tls.client_certificate.as_deref()),
        ("clientKey", key.map(Secret::reveal)),
    ];
    if parts.iter().all(|(_, part)| part.is_none()) {
        return Ok(());
    }
    for (name, part) in parts {
        if part.is_some_and(|part| part.len() > PEM_BYTES_MAX) {
            return invalid(format!(
                "`tls.{name}` is longer than {PEM_BYTES_MAX} bytes; send only the certificates that are needed"
            ));
        }
    }
    if scheme == Scheme::Http {
        return invalid(
            "`tls` is for an https endpoint; change the endpoint, or send null for `tls`"
                .to_owned(),
        );
    }
    context
        .tls
        .check(tls, key)
        .map_err(|refused| ProblemCode::InvalidBody.problem(refused.to_string()))
}
