//! What holds for any secret, body, duration and id.

use std::time::Duration;

use heraldo_wire::event::{EventType, parse_published, render_published};
use heraldo_wire::id::{EventId, Id};
use heraldo_wire::signature::{
    Envelope, Secret, Signer, StandardError, standard_header, verify_standard,
};
use heraldo_wire::time::{HumanDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

fn secrets() -> impl Strategy<Value = Secret> {
    prop_oneof![
        any::<[u8; 32]>().prop_map(Secret::from_random),
        "\\PC{1,80}".prop_map(|text| Secret::parse(text).unwrap()),
    ]
}

proptest! {
    #[test]
    fn a_signed_body_verifies_and_any_flipped_bit_fails(
        secret in secrets(),
        mut body in vec(any::<u8>(), 1..300),
        at in any::<Index>(),
        bit in 0..8_u32,
    ) {
        let signer = Signer::new(&secret);
        let signature = signer.sign_body(&body);
        prop_assert!(signer.verify_body(&body, signature.as_str()));

        let mut wrong = signature.as_str().as_bytes().to_vec();
        let position = at.index(wrong.len());
        wrong[position] ^= 1 << (bit % 7);
        if let Ok(wrong) = std::str::from_utf8(&wrong) {
            prop_assert!(!signer.verify_body(&body, wrong));
        }

        let position = at.index(body.len());
        body[position] ^= 1 << bit;
        prop_assert!(!signer.verify_body(&body, signature.as_str()));
    }

    #[test]
    fn a_standard_signature_holds_for_its_own_envelope_only(
        secrets in vec(secrets(), 1..3),
        id in any::<[u8; 12]>(),
        sent in 0..4_000_000_000_i64,
        mut body in vec(any::<u8>(), 1..300),
        at in any::<Index>(),
    ) {
        let signers: Vec<Signer> = secrets.iter().map(Signer::new).collect();
        let signers: Vec<&Signer> = signers.iter().collect();
        let id = EventId(Id::from_bytes(id)).to_string();
        let timestamp = sent.to_string();
        let now = Timestamp::from_millis(sent * 1000);
        let header =
            standard_header(&signers, &[], &Envelope { id: &id, timestamp: &timestamp, body: &body });
        let verify = |secret: &Secret, body: &[u8]| {
            let envelope = Envelope { id: &id, timestamp: &timestamp, body };
            verify_standard(secret, &envelope, &header, Duration::ZERO, now)
        };
        for secret in &secrets {
            prop_assert_eq!(verify(secret, &body), Ok(()));
        }
        let position = at.index(body.len());
        body[position] ^= 1;
        for secret in &secrets {
            prop_assert_eq!(verify(secret, &body), Err(StandardError::WrongSignature));
        }
    }

    #[test]
    fn verifying_never_panics(
        secret in secrets(),
        header in "\\PC{0,80}|v1,[A-Za-z0-9+/=]{0,60}",
        timestamp in "\\PC{0,20}|[0-9]{0,25}",
        now in any::<i64>(),
        tolerance in any::<u64>(),
    ) {
        let envelope = Envelope { id: "evt_1", timestamp: &timestamp, body: b"{}" };
        let tolerance = Duration::from_secs(tolerance);
        let outcome =
            verify_standard(&secret, &envelope, &header, tolerance, Timestamp::from_millis(now));
        prop_assert!(outcome.is_err());
    }

    #[test]
    fn a_duration_reads_back_what_it_shows(ms in any::<u64>()) {
        let duration = HumanDuration(Duration::from_millis(ms));
        prop_assert_eq!(duration.to_string().parse(), Ok(duration));
    }

    #[test]
    fn an_instant_reads_back_what_it_shows(ms in -60_000_000_000_000_i64..250_000_000_000_000) {
        let instant = Timestamp::from_millis(ms);
        prop_assert_eq!(instant.to_string().parse(), Ok(instant));
    }

    #[test]
    fn text_that_is_no_duration_is_refused_without_panic(text in "\\PC{0,30}|[0-9dhms]{0,30}") {
        if let Ok(duration) = text.parse::<HumanDuration>() {
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }
    }

    #[test]
    fn an_id_reads_back_what_it_shows(bytes in any::<[u8; 12]>()) {
        let id = Id::from_bytes(bytes);
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        prop_assert_eq!(Id::from_parts(id.key(), id.tail()), id);
    }

    #[test]
    fn reading_a_publish_request_never_panics(body in "\\PC{0,60}|[\\[{]{0,400}[\"a_id:,]{0,20}") {
        prop_assert!(parse_published(body.as_bytes(), 10).is_err());
    }

    #[test]
    fn a_published_payload_stands_in_the_body_as_it_was_given(
        note in "\\PC{0,40}",
        blanks in "[ \t\n]{0,5}",
        event in proptest::sample::select(EventType::ALL.to_vec()),
    ) {
        let note = serde_json::to_string(&note).unwrap();
        let payload =
            format!("{{{blanks}\"note\":{blanks}{note},\"_id\":\"651ae032ff786d198dfa4ce4\"{blanks}}}");
        let request = format!("[{{\"event\":\"{event}\",\"payload\":{blanks}{payload}{blanks}}}]");
        let published = parse_published(request.as_bytes(), 1).unwrap();
        let body = render_published(published[0].event, published[0].payload);
        prop_assert_eq!(
            String::from_utf8(body).unwrap(),
            format!("{{\"event\":\"{event}\",\"payload\":{payload}}}")
        );
    }
}
