//! What an answer, or its absence, means: an outcome, when to come back, and what to say about it.

use std::time::Duration;

use heraldo_wire::attempt::{AttemptOutcome, ErrorClass, Phase};
use heraldo_wire::time::Timestamp;

use super::{AnswerHeaders, AttemptResult, Received};

pub(super) const TOO_MANY_REQUESTS: u16 = 429;
pub(super) const GONE: u16 = 410;
const SERVICE_UNAVAILABLE: u16 = 503;

/// What is recorded of an attempt's result.
pub(super) struct Seen {
    pub outcome: AttemptOutcome,
    pub status_code: Option<u16>,
    pub error_class: Option<ErrorClass>,
    pub phase: Option<Phase>,
    pub error: Option<String>,
    pub response_body: String,
    pub response_headers: AnswerHeaders,
    retry_after: Option<String>,
}

impl Seen {
    pub(super) fn of(result: AttemptResult) -> Self {
        match result {
            AttemptResult::Answered(received) => {
                let delivered = (200..300).contains(&received.status);
                let outcome = if delivered {
                    AttemptOutcome::Delivered
                } else {
                    AttemptOutcome::Failed
                };
                Self {
                    outcome,
                    status_code: Some(received.status),
                    error_class: (!delivered).then_some(ErrorClass::Status),
                    phase: None,
                    error: (!delivered).then(|| in_words(received.status)),
                    response_body: received.body,
                    response_headers: received.headers,
                    retry_after: received.retry_after,
                }
            }
            AttemptResult::Failed {
                class,
                phase,
                error,
                status,
                part,
            } => {
                let part = part.map_or_else(Received::default, |part| *part);
                Self {
                    outcome: AttemptOutcome::Failed,
                    status_code: status,
                    error_class: Some(class),
                    phase,
                    error: Some(error),
                    response_body: part.body,
                    response_headers: part.headers,
                    retry_after: part.retry_after,
                }
            }
        }
    }

    /// Until when the receiver wants to be left alone: what it says with a 429 or a 503, but at most `max`.
    pub(super) fn not_before(&self, max: Duration, now: Timestamp) -> Option<Timestamp> {
        let status = self.status_code?;
        if !matches!(status, TOO_MANY_REQUESTS | SERVICE_UNAVAILABLE) {
            return None;
        }
        let asked = retry_after(self.retry_after.as_deref()?, now)?;
        Some(asked.min(now.plus(max)))
    }
}

/// The instant that a `retry-after` names: whole seconds from now, or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // What is too long for a number is longer than any limit.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(now.plus(Duration::from_secs(seconds)));
    }
    Timestamp::from_http_date(text)
}

fn in_words(status: u16) -> String {
    let what = match status {
        100..=199 => "which ends no exchange; answer 2XX",
        300..=399 => {
            "a redirect; redirects are not followed, so set the webhook's endpoint to the final address"
        }
        400 | 422 => {
            "it refuses what it got; see whether it checks the signature with the newest secret, and its own logs"
        }
        401 | 403 => {
            "it does not let Heraldo in; check the webhook's `headers`, and the receiver's firewall"
        }
        404 | 405 => "check the path of the webhook's endpoint, and that it takes POST",
        408 => "it waited for the request in vain; see what stands between it and Heraldo",
        GONE => {
            "it says that this endpoint is gone, so the webhook is disabled; set its endpoint to the one that took its place and enable it"
        }
        413 => "the event is too large for it; let it take bodies of this size",
        415 => "it does not take JSON; let it take `application/json`",
        TOO_MANY_REQUESTS => "it asks for fewer requests; set the webhook's `ratePerSecond`",
        SERVICE_UNAVAILABLE => "it is not available now; see its own logs",
        502 | 504 => "what stands before the receiver did not reach it; see whether it runs",
        500..=599 => "it failed; see its own logs",
        _ => "only a 2XX counts as received",
    };
    format!("the receiver answered {status}: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(784_111_777_250);
    const HOUR: Duration = Duration::from_secs(3_600);

    /// How many milliseconds from now the receiver is left alone.
    fn wait(status: u16, retry_after: &str) -> Option<i64> {
        let received = Received {
            status,
            retry_after: Some(retry_after.to_owned()),
            ..Received::default()
        };
        let until = Seen::of(AttemptResult::Answered(received)).not_before(HOUR, NOW);
        until.map(|until| until.as_millis() - NOW.as_millis())
    }

    #[test]
    fn seconds_and_dates_are_heeded_with_a_429_and_a_503_and_nothing_else() {
        assert_eq!(wait(429, "7"), Some(7_000));
        assert_eq!(wait(503, " 0 "), Some(0));
        // The same second in each of the three forms, 250 ms before its end.
        for date in [
            "Sun, 06 Nov 1994 08:49:47 GMT",
            "Sunday, 06-Nov-94 08:49:47 GMT",
            "Sun Nov  6 08:49:47 1994",
        ] {
            assert_eq!(wait(429, date), Some(9_750), "{date}");
        }
        for status in [200, 301, 404, 410, 500, 502, 504] {
            assert_eq!(wait(status, "7"), None, "{status}");
        }
    }

    #[test]
    fn what_is_asked_for_is_limited_and_what_is_no_time_is_not_heeded() {
        assert_eq!(wait(429, "3601"), Some(3_600_000));
        assert_eq!(wait(429, "99999999999999999999999999"), Some(3_600_000));
        assert_eq!(wait(503, "Tue, 31 Dec 2999 23:59:59 GMT"), Some(3_600_000));
        assert!(wait(503, "Thu, 01 Jan 1970 00:00:00 GMT").is_some_and(|wait| wait < 0));
        for nonsense in ["", "soon", "-5", "+5", "1.5", "7 s", "Sun, 06 Nov 1994"] {
            assert_eq!(wait(429, nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn an_answer_that_breaks_off_is_kept_and_heeded_as_far_as_it_came() {
        let part = Received {
            status: 503,
            body: "back in".to_owned(),
            headers: [("server".to_owned(), "nginx".to_owned())].into(),
            retry_after: Some("7".to_owned()),
        };
        let seen = Seen::of(AttemptResult::Failed {
            class: ErrorClass::Timeout,
            phase: Some(Phase::Body),
            error: "too slow".to_owned(),
            status: Some(503),
            part: Some(Box::new(part.clone())),
        });
        assert_eq!(
            seen.not_before(HOUR, NOW),
            Some(NOW.plus(Duration::from_secs(7)))
        );
        assert_eq!(
            (seen.response_body, seen.response_headers),
            (part.body, part.headers)
        );
    }

    #[test]
    fn every_status_is_explained_with_what_to_do() {
        for status in 100..=999 {
            let words = in_words(status);
            assert!(
                words.contains(&status.to_string()) && words.len() > 40,
                "{words}"
            );
        }
    }
}
