//! How an attempt stands in the database: a JSON list without names, since one is written for each
//! delivery. Its places are never changed, only added to at the end.

use std::borrow::Cow;

use heraldo_domain::delivery::{AnswerHeaders, Attempt};
use heraldo_wire::attempt::PhaseTimings;
use heraldo_wire::id::AttemptId;
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::fault::{Done, Fault};

#[derive(Serialize, Deserialize)]
struct Places<'a>(
    AttemptId,
    /* number */ u32,
    /* cause */ i64,
    /* started at, ms */ i64,
    /* duration, ms */ u32,
    /* outcome */ i64,
    /* status code */ Option<u16>,
    /* error class */ Option<i64>,
    /* phase */ Option<i64>,
    /* error */ Option<Cow<'a, str>>,
    /* response body */ Cow<'a, str>,
    /* resolve, connect, TLS, first byte and body, ms */ [Option<u32>; 5],
    /* headers of the answer */ #[serde(default)] Cow<'a, AnswerHeaders>,
);

pub(super) fn text_of(attempt: &Attempt) -> Done<String> {
    let PhaseTimings {
        resolve_ms,
        connect_ms,
        tls_ms,
        first_byte_ms,
        body_ms,
    } = attempt.phases;
    let places = Places(
        attempt.id,
        attempt.number,
        attempt.cause.code(),
        attempt.started_at.as_millis(),
        attempt.duration_ms,
        attempt.outcome.code(),
        attempt.status_code,
        attempt.error_class.map(Code::code),
        attempt.phase.map(Code::code),
        attempt.error.as_deref().map(Cow::Borrowed),
        Cow::Borrowed(&attempt.response_body),
        [resolve_ms, connect_ms, tls_ms, first_byte_ms, body_ms],
        Cow::Borrowed(&attempt.response_headers),
    );
    Ok(serde_json::to_string(&places)?)
}

pub(super) fn from_text(text: &[u8]) -> Done<Attempt> {
    let Places(
        id,
        number,
        cause,
        started_at,
        duration_ms,
        outcome,
        status_code,
        error_class,
        phase,
        error,
        response_body,
        [resolve_ms, connect_ms, tls_ms, first_byte_ms, body_ms],
        response_headers,
    ) = serde_json::from_slice(text)?;
    Ok(Attempt {
        id,
        number,
        cause: decoded(cause)?,
        started_at: Timestamp::from_millis(started_at),
        duration_ms,
        outcome: decoded(outcome)?,
        status_code,
        error_class: error_class.map(decoded).transpose()?,
        phase: phase.map(decoded).transpose()?,
        error: error.map(Cow::into_owned),
        response_body: response_body.into_owned(),
        response_headers: response_headers.into_owned(),
        phases: PhaseTimings {
            resolve_ms,
            connect_ms,
            tls_ms,
            first_byte_ms,
            body_ms,
        },
    })
}

fn decoded<T: Code>(code: i64) -> Done<T> {
    T::from_code(code).ok_or_else(|| Fault::unreadable("a number that stands for nothing"))
}

#[cfg(test)]
mod tests {
    use heraldo_wire::attempt::{AttemptOutcome, Cause, ErrorClass, Phase};
    use heraldo_wire::id::Id;

    use super::*;

    #[test]
    fn an_attempt_is_read_as_it_was_written() {
        let failed = Attempt {
            id: AttemptId(Id::from_parts(0x6920_f300_0040_0007, 9)),
            number: 3,
            cause: Cause::Retry,
            started_at: Timestamp::from_millis(1_763_647_402_118),
            duration_ms: 4_000,
            outcome: AttemptOutcome::Failed,
            status_code: Some(200),
            error_class: Some(ErrorClass::Timeout),
            phase: Some(Phase::Body),
            error: Some("the answer's body did not end in time: \"…\"".to_owned()),
            response_body: String::new(),
            response_headers: [("server".to_owned(), "nginx".to_owned())].into(),
            phases: PhaseTimings {
                connect_ms: Some(2),
                body_ms: Some(3_998),
                ..PhaseTimings::default()
            },
        };
        let text = text_of(&failed).expect("a text");
        assert_eq!(
            text,
            "[\"6920f3000040000700000009\",3,1,1763647402118,4000,1,200,4,4,\
             \"the answer's body did not end in time: \\\"…\\\"\",\"\",[null,2,null,null,3998],\
             {\"server\":\"nginx\"}]"
        );
        assert_eq!(from_text(text.as_bytes()).expect("an attempt"), failed);
    }

    #[test]
    fn an_attempt_from_before_headers_were_kept_has_none() {
        let text =
            b"[\"6920f3000040000700000009\",1,0,1763647402118,4,0,200,null,null,null,\"ok\",\
                     [null,null,null,4,0]]";
        let attempt = from_text(text).expect("an attempt");
        assert_eq!((attempt.number, attempt.response_headers.len()), (1, 0));
    }
}
