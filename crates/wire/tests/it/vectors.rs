//! The committed vectors, which the receiver libraries of all languages read too.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use heraldo_wire::event::{Event, render};
use heraldo_wire::signature::{
    ConstructError, Envelope, PublicKey, Secret, Signer, SigningKey, StandardError,
    construct_event, sign_body, verify_asymmetric, verify_body, verify_standard,
};
use heraldo_wire::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::make;

#[test]
fn the_committed_vectors_are_the_ones_that_the_generator_makes() {
    let committed = [
        (
            "signatures.json",
            include_str!("../../vectors/signatures.json"),
        ),
        (
            "construct_event.json",
            include_str!("../../vectors/construct_event.json"),
        ),
        (
            "standard_webhooks.json",
            include_str!("../../vectors/standard_webhooks.json"),
        ),
        (
            "asymmetric.json",
            include_str!("../../vectors/asymmetric.json"),
        ),
        ("events.json", include_str!("../../vectors/events.json")),
    ];
    for ((name, text), (made_name, made)) in committed.into_iter().zip(make::files()) {
        assert_eq!(name, made_name);
        assert!(
            text == made,
            "{name} is stale; run `cargo run -p heraldo-wire --example vectors`"
        );
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureCase {
    name: String,
    secret: String,
    body_base64: String,
    autoinspector_signature: String,
    webhook_id: String,
    webhook_timestamp: String,
    webhook_signature: String,
}

#[test]
fn both_schemes_sign_and_verify_every_body() {
    let cases: Vec<SignatureCase> =
        serde_json::from_str(include_str!("../../vectors/signatures.json")).unwrap();
    for case in cases {
        let secret = Secret::parse(case.secret).unwrap();
        let body = STANDARD.decode(case.body_base64).unwrap();
        assert_eq!(
            sign_body(&secret, &body).as_str(),
            case.autoinspector_signature,
            "{}",
            case.name
        );
        assert!(
            verify_body(&secret, &body, &case.autoinspector_signature),
            "{}",
            case.name
        );
        let envelope = Envelope {
            id: &case.webhook_id,
            timestamp: &case.webhook_timestamp,
            body: &body,
        };
        assert_eq!(
            Signer::new(&secret).sign_standard(&envelope),
            case.webhook_signature,
            "{}",
            case.name
        );
        let now = Timestamp::from_millis(case.webhook_timestamp.parse::<i64>().unwrap() * 1000);
        let verified = verify_standard(
            &secret,
            &envelope,
            &case.webhook_signature,
            Duration::ZERO,
            now,
        );
        assert_eq!(verified, Ok(()), "{}", case.name);
    }
}

#[test]
fn the_first_vector_is_the_one_of_the_contract() {
    let cases: Vec<SignatureCase> =
        serde_json::from_str(include_str!("../../vectors/signatures.json")).unwrap();
    let body = STANDARD.decode(&cases[0].body_base64).unwrap();
    assert_eq!(cases[0].secret, "wh_demo_secret_0001");
    assert_eq!(body.len(), 105);
    assert_eq!(
        cases[0].autoinspector_signature,
        "825ec06215b8948e0984fcbfe359f85e59794acc472990a116afc9f920fe86b4"
    );
}

/// The example of the Standard Webhooks specification.
#[test]
fn the_example_of_standard_webhooks_verifies() {
    let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let envelope = Envelope {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        body: br#"{"test": 2432232314}"#,
    };
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(Signer::new(&secret).sign_standard(&envelope), signature);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConstructCase {
    name: String,
    secret: String,
    body_base64: String,
    signature: Option<String>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    accepted: bool,
    event: Option<String>,
    reason: Option<String>,
    message: Option<String>,
}

#[test]
fn construct_event_accepts_and_refuses_as_the_official_sdk_does() {
    let cases: Vec<ConstructCase> =
        serde_json::from_str(include_str!("../../vectors/construct_event.json")).unwrap();
    for case in cases {
        let secret = Secret::parse(case.secret).unwrap();
        let body = STANDARD.decode(case.body_base64).unwrap();
        let name = case.name;
        match construct_event(&body, case.signature.as_deref(), &secret) {
            Ok(event) => {
                assert!(case.expected.accepted, "{name}");
                assert_eq!(event.name(), case.expected.event.as_deref(), "{name}");
                assert_eq!(
                    event.0,
                    serde_json::from_slice::<Value>(&body).unwrap(),
                    "{name}"
                );
            }
            Err(error) => {
                assert!(!case.expected.accepted, "{name}: {error}");
                let reason = match error {
                    ConstructError::InvalidSignature => "signature",
                    ConstructError::InvalidJson(_) => "json",
                };
                assert_eq!(Some(reason), case.expected.reason.as_deref(), "{name}");
                if let Some(message) = case.expected.message {
                    assert_eq!(error.to_string(), message, "{name}");
                }
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StandardCase {
    name: String,
    secret: String,
    webhook_id: String,
    webhook_timestamp: String,
    body_base64: String,
    webhook_signature: String,
    tolerance_seconds: u64,
    now: i64,
    expected: String,
}

#[test]
fn a_standard_receiver_accepts_and_refuses_every_case() {
    let cases: Vec<StandardCase> =
        serde_json::from_str(include_str!("../../vectors/standard_webhooks.json")).unwrap();
    for case in cases {
        let body = STANDARD.decode(case.body_base64).unwrap();
        let outcome = verify_standard(
            &Secret::parse(case.secret).unwrap(),
            &Envelope {
                id: &case.webhook_id,
                timestamp: &case.webhook_timestamp,
                body: &body,
            },
            &case.webhook_signature,
            Duration::from_secs(case.tolerance_seconds),
            Timestamp::from_millis(case.now * 1000),
        );
        assert_eq!(word(outcome), case.expected, "{}", case.name);
    }
}

/// An outcome as the vectors name it.
fn word(outcome: Result<(), StandardError>) -> &'static str {
    match outcome {
        Ok(()) => "accepted",
        Err(StandardError::InvalidTimestamp) => "invalid_timestamp",
        Err(StandardError::TooOld) => "too_old",
        Err(StandardError::TooNew) => "too_new",
        Err(StandardError::NoSignature | StandardError::NoAsymmetricSignature) => "no_signature",
        Err(StandardError::WrongSignature) => "wrong_signature",
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AsymmetricCase {
    name: String,
    public_keys: Vec<PublicKey>,
    webhook_id: String,
    webhook_timestamp: String,
    body_base64: String,
    webhook_signature: String,
    tolerance_seconds: u64,
    now: i64,
    expected: String,
}

#[test]
fn a_receiver_with_public_keys_accepts_and_refuses_every_case() {
    let cases: Vec<AsymmetricCase> =
        serde_json::from_str(include_str!("../../vectors/asymmetric.json")).unwrap();
    for case in cases {
        let body = STANDARD.decode(case.body_base64).unwrap();
        let outcome = verify_asymmetric(
            &case.public_keys,
            &Envelope {
                id: &case.webhook_id,
                timestamp: &case.webhook_timestamp,
                body: &body,
            },
            &case.webhook_signature,
            Duration::from_secs(case.tolerance_seconds),
            Timestamp::from_millis(case.now * 1000),
        );
        assert_eq!(word(outcome), case.expected, "{}", case.name);
    }
}

/// The first test of RFC 8032, section 7.1: its private and its public key.
#[test]
fn a_public_key_is_the_one_of_the_standard() {
    let bytes = |hex: &str| <[u8; 32]>::try_from(hex::decode(hex).unwrap()).unwrap();
    let private = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let public = bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let key = SigningKey::from_random(private).public_key();
    assert_eq!(key.to_string(), format!("whpk_{}", STANDARD.encode(public)));
    assert_eq!(key.to_string().parse(), Ok(key));
    for text in [
        "",
        "whpk_",
        "whpk_AAAA",
        "whsec_AAAA",
        &key.to_string()[5..],
    ] {
        assert!(text.parse::<PublicKey>().is_err(), "{text}");
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventCase {
    event: String,
    secret: String,
    body: String,
    autoinspector_signature: String,
}

#[test]
fn every_event_body_is_accepted_and_renders_to_the_same_bytes() {
    let cases: Vec<EventCase> =
        serde_json::from_str(include_str!("../../vectors/events.json")).unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let secret = Secret::parse(case.secret).unwrap();
        let constructed = construct_event(
            case.body.as_bytes(),
            Some(&case.autoinspector_signature),
            &secret,
        )
        .unwrap();
        let event: Event = constructed.to_event().unwrap();
        assert_eq!(constructed.event_type(), Some(event.event_type()));
        assert_eq!(event.event_type().as_str(), case.event);
        assert_eq!(
            constructed.payload()["_id"],
            event.inspection_id().to_string()
        );
        assert_eq!(String::from_utf8(render(&event)).unwrap(), case.body);
    }
}
