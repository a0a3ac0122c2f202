//! That each thing that receivers get wrong is named.

use std::str::FromStr;

use heraldo_wire::signature::{AsymmetricSigner, SigningKey, sign_body, standard_header};

use super::*;

const BODY: &[u8] = br#"{"event":"inspection_created","payload":{"_id":"651ae032ff786d198dfa4ce4","url":"https://x.example/a","note":"\u00f1and\u00fa","score":1.0}}"#;

fn secret(byte: u8) -> Secret {
    Secret::from_random([byte; 32])
}

fn event(number: u8) -> EventId {
    EventId::from_str(&format!("evt_651ae032ff786d198dfa4c{number:02x}")).unwrap()
}

fn right(body: &[u8]) -> String {
    sign_body(&secret(1), body).to_string()
}

fn known<'a>(events: Vec<(EventId, &'a [u8])>) -> Known<'a, u8> {
    Known {
        secrets: vec![(secret(1), 1), (secret(2), 2)],
        public_keys: vec![(SigningKey::from_random([3; 32]).public_key(), 3)],
        events,
    }
}

fn plain_of<'a>(signature: &'a str, body: &'a [u8]) -> Given<'a> {
    Given {
        signature,
        body,
        id: None,
        timestamp: None,
    }
}

/// What is found without knowing any event.
fn check(signature: &str, body: &[u8], key: u8, faults: &[Fault]) {
    let found = diagnose(&plain_of(signature, body), &known(Vec::new()));
    let expected = Diagnosis::Match {
        key,
        faults: faults.to_vec(),
        event: None,
    };
    assert_eq!(found, expected, "{}", String::from_utf8_lossy(body));
}

#[test]
fn the_right_signature_has_no_fault() {
    check(&right(BODY), BODY, 1, &[]);
}

#[test]
fn the_form_of_a_signature_is_named() {
    let right = right(BODY);
    check(&right.to_uppercase(), BODY, 1, &[Fault::UpperCase]);
    check(
        &format!("sha256={right}"),
        BODY,
        1,
        &[Fault::Prefix("sha256=")],
    );
    check(
        &format!(" sha256={right}\n"),
        BODY,
        1,
        &[Fault::BlanksAroundSignature, Fault::Prefix("sha256=")],
    );
    let bytes = hex::decode(&right).unwrap();
    let base64 = BASE64.encode(&bytes);
    check(&base64, BODY, 1, &[Fault::Base64]);
    check(base64.trim_end_matches('='), BODY, 1, &[Fault::Base64]);
    let url = base64.replace('+', "-").replace('/', "_");
    check(&url, BODY, 1, &[Fault::Base64]);
    for (text, malformed) in [
        ("", Malformed::Empty),
        ("sha256=", Malformed::Empty),
        ("abc", Malformed::Length(3)),
        (&"a".repeat(128), Malformed::Length(128)),
        ("not hex", Malformed::NotHex),
        (&"g".repeat(64), Malformed::NotHex),
    ] {
        let found = diagnose(&plain_of(text, BODY), &known(Vec::new()));
        assert_eq!(found, Diagnosis::Malformed(malformed), "{text}");
    }
}

#[test]
fn another_known_secret_is_recognised() {
    let other = sign_body(&secret(2), BODY).to_string();
    check(&other, BODY, 2, &[]);
}

#[test]
fn what_became_of_the_body_is_named() {
    let compact: &[u8] = br#"{"b":{"y":1,"x":"a/\u00f1"},"a":[1,2]}"#;
    let value: serde_json::Value = serde_json::from_slice(compact).unwrap();
    let compact = value.to_string().into_bytes();
    let signature = right(&compact);
    let pretty = serde_json::to_vec_pretty(&value).unwrap();
    let seen = |body: &[u8], fault: Fault| check(&signature, body, 1, &[fault]);
    seen(&[&compact, &b"\n"[..]].concat(), Fault::NewlineAdded);
    seen(&[&compact, &b"\r\n"[..]].concat(), Fault::NewlineAdded);
    seen(
        &[&b"  "[..], &compact, b" "].concat(),
        Fault::BlanksAroundBody,
    );
    seen(
        &["\u{feff}".as_bytes(), &compact].concat(),
        Fault::ByteOrderMark,
    );
    seen(&pretty, Fault::Rewritten);
    seen(
        br#"{"b": {"y": 1, "x": "a\/\u00f1"}, "a": [1, 2]}"#,
        Fault::Rewritten,
    );
    // And what the signature was made over, when the body is the one that came.
    let made = |over: &[u8], fault: Fault| check(&right(over), &compact, 1, &[fault]);
    made(&[&compact, &b"\n"[..]].concat(), Fault::NewlineSigned);
    made(&pretty, Fault::Rewritten);
    made(
        br#"{"b": {"y": 1, "x": "a/\u00f1"}, "a": [1, 2]}"#.as_slice(),
        Fault::Rewritten,
    );
    made(
        br#"{"b":{"y":1,"x":"a\/\u00f1"},"a":[1,2]}"#,
        Fault::Rewritten,
    );
    made(
        "{\"a\":[1,2],\"b\":{\"x\":\"a/ñ\",\"y\":1}}".as_bytes(),
        Fault::KeyOrder,
    );
}

#[test]
fn a_body_whose_order_is_lost_is_recognised_by_the_event_that_was_sent() {
    let sent = [(event(1), &b"{}"[..]), (event(2), BODY)];
    let signature = right(BODY);
    let found = |body: &[u8]| diagnose(&plain_of(&signature, body), &known(sent.to_vec()));
    let sorted = br#"{"payload":{"_id":"651ae032ff786d198dfa4ce4","note":"\u00f1and\u00fa","score":1,"url":"https://x.example/a"},"event":"inspection_created"}"#;
    let expected = |fault| Diagnosis::Match {
        key: 1,
        faults: vec![fault],
        event: Some(event(2)),
    };
    assert_eq!(found(sorted), expected(Fault::KeyOrder));
    let number = String::from_utf8(BODY.to_vec())
        .unwrap()
        .replace("1.0", "1");
    assert_eq!(found(number.as_bytes()), expected(Fault::Rewritten));
    assert_eq!(found(b"{}"), expected(Fault::OtherBody));
}

#[test]
fn a_known_body_with_a_foreign_signature_says_that_the_key_is_wrong() {
    let foreign = sign_body(&secret(9), BODY).to_string();
    let found = |body: &[u8], events| diagnose(&plain_of(&foreign, body), &known(events));
    let no_match = |event| Diagnosis::NoMatch { event };
    assert_eq!(found(BODY, Vec::new()), no_match(None));
    let sent = vec![(event(2), BODY)];
    assert_eq!(
        found(BODY, sent.clone()),
        no_match(Some((event(2), vec![])))
    );
    let spaced = String::from_utf8(BODY.to_vec()).unwrap().replace(':', ": ");
    let spaced = spaced.replace("https: ", "https:");
    let expected = no_match(Some((event(2), vec![Fault::Rewritten])));
    assert_eq!(found(spaced.as_bytes(), sent.clone()), expected);
    assert_eq!(found(b"[]", sent), no_match(None));
}

#[test]
fn a_webhook_signature_is_checked_with_its_id_and_time() {
    let envelope = Envelope {
        id: "evt_1",
        timestamp: "1700000000",
        body: BODY,
    };
    let signers = [Signer::new(&secret(2)), Signer::new(&secret(1))];
    let header = standard_header(&[&signers[0], &signers[1]], &[], &envelope);
    let given = Given {
        signature: &header,
        body: BODY,
        id: Some("evt_1"),
        timestamp: Some("1700000000"),
    };
    let right = |key| Diagnosis::Match {
        key,
        faults: Vec::new(),
        event: None,
    };
    assert_eq!(diagnose(&given, &known(Vec::new())), right(1));
    let pair = AsymmetricSigner::new(&SigningKey::from_random([3; 32]));
    let header = standard_header(&[], &[&pair], &envelope);
    let asymmetric = Given {
        signature: &header,
        ..given
    };
    assert_eq!(diagnose(&asymmetric, &known(Vec::new())), right(3));
    let later = Given {
        timestamp: Some("1700000001"),
        ..given
    };
    let none = Diagnosis::NoMatch { event: None };
    assert_eq!(diagnose(&later, &known(Vec::new())), none);
    let alone = Given { id: None, ..given };
    let needs = Diagnosis::Malformed(Malformed::NeedsIdAndTime);
    assert_eq!(diagnose(&alone, &known(Vec::new())), needs);
}
