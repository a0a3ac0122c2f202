//! What the test vectors hold. The expected signatures come from this crate; that they are right is
//! shown by the vector of the contract, by the official examples and by receivers in other languages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use heraldo_wire::event::{EventType, Sample, render, sample};
use heraldo_wire::id::Id;
use heraldo_wire::object::{Producer, TemplateHead, TemplateType};
use heraldo_wire::signature::{
    AsymmetricSigner, Envelope, INVALID_SIGNATURE, Secret, Signer, SigningKey, standard_header,
};
use heraldo_wire::time::Timestamp;
use serde_json::{Value, json};

/// The secret and body of contract 4.1.
const DOCUMENTED_SECRET: &str = "wh_demo_secret_0001";
const DOCUMENTED_BODY: &str = "{\"event\":\"inspection_created\",\"payload\":\
    {\"_id\":\"64f0c0ffee0123456789abcd\",\"metadata\":{\"nota\":\"ñandú\"}}}";
const ID: &str = "evt_651ae032ff786d198dfa4ce4";
const TIMESTAMP: i64 = 1_763_647_402;

/// Each file's name and text.
pub fn files() -> Vec<(&'static str, String)> {
    [
        ("signatures.json", signatures()),
        ("construct_event.json", construct_event()),
        ("standard_webhooks.json", standard_webhooks()),
        ("asymmetric.json", asymmetric()),
        ("events.json", events()),
    ]
    .into_iter()
    .map(|(name, value)| (name, format!("{value:#}\n")))
    .collect()
}

fn secret(text: &str) -> Secret {
    Secret::parse(text).unwrap_or_else(|_| Secret::from_random([0; 32]))
}

/// The secret made of the bytes 0 to 31.
fn counted_secret() -> Secret {
    let mut bytes = [0; 32];
    for (byte, number) in bytes.iter_mut().zip(0..) {
        *byte = number;
    }
    Secret::from_random(bytes)
}

fn long_body() -> Vec<u8> {
    let filler = "los ñandúes corren — 0123456789 ".repeat(200);
    json!({ "event": "inspection_created", "payload": { "metadata": { "filler": filler } } })
        .to_string()
        .into_bytes()
}

/// Bodies and what both schemes say of them.
fn signatures() -> Value {
    let counted = counted_secret();
    let counted = counted.reveal();
    let case = |name: &str, secret_text: &str, body: &[u8]| {
        let signer = Signer::new(&secret(secret_text));
        let timestamp = TIMESTAMP.to_string();
        let envelope = Envelope {
            id: ID,
            timestamp: &timestamp,
            body,
        };
        json!({
            "name": name,
            "secret": secret_text,
            "bodyBase64": STANDARD.encode(body),
            "autoinspectorSignature": signer.sign_body(body).as_str(),
            "webhookId": ID,
            "webhookTimestamp": timestamp,
            "webhookSignature": signer.sign_standard(&envelope),
        })
    };
    let created = DOCUMENTED_BODY.as_bytes();
    json!([
        case("the vector of the contract", DOCUMENTED_SECRET, created),
        case("a secret that Heraldo made", counted, created),
        case("an empty body", counted, b""),
        case(
            "a body beyond ASCII",
            counted,
            "{\"ñ\":\"señal 🚗 — café\"}".as_bytes()
        ),
        case(
            "a body with spaces and a newline at the end",
            counted,
            b"{ \"event\": \"x\" }\n"
        ),
        case(
            "a body that is not UTF-8",
            counted,
            &[0x00, 0xff, 0xfe, 0x80, b'{', b'}']
        ),
        case("a long body", counted, &long_body()),
        case("a secret beyond ASCII", "contraseña-ñandú", created),
        case(
            "a secret with the prefix that is not base64",
            "whsec_not base64!",
            created
        ),
        case("a secret of the prefix alone", "whsec_", created),
        case("a secret longer than a block", &"k".repeat(200), created),
    ])
}

/// What `constructEvent` accepts and how it refuses.
fn construct_event() -> Value {
    let counted = counted_secret();
    let signer = Signer::new(&counted);
    let created = DOCUMENTED_BODY;
    let right = signer.sign_body(created.as_bytes()).to_string();
    let case = |name: &str, body: &[u8], signature: Value, expected: Value| {
        json!({
            "name": name,
            "secret": counted.reveal(),
            "bodyBase64": STANDARD.encode(body),
            "signature": signature,
            "expected": expected,
        })
    };
    let signed = |name: &str, body: &str, expected: Value| {
        case(
            name,
            body.as_bytes(),
            signer.sign_body(body.as_bytes()).as_str().into(),
            expected,
        )
    };
    let accepted = |event: &str| json!({ "accepted": true, "event": event });
    let refused =
        || json!({ "accepted": false, "reason": "signature", "message": INVALID_SIGNATURE });
    let not_json = || json!({ "accepted": false, "reason": "json" });
    let body = created.as_bytes();
    let flipped = created.replace("created", "creatEd");
    let with_newline = format!("{created}\n");
    json!([
        case(
            "the right signature",
            body,
            right.clone().into(),
            accepted("inspection_created")
        ),
        signed(
            "an unknown event",
            r#"{"event":"later_event","payload":{}}"#,
            accepted("later_event")
        ),
        signed(
            "a body with spaces",
            "{ \"event\" : \"image_processed\" }\n",
            accepted("image_processed")
        ),
        case("a missing signature", body, Value::Null, refused()),
        case("an empty signature", body, "".into(), refused()),
        case(
            "an upper-case signature",
            body,
            right.to_uppercase().into(),
            refused()
        ),
        case(
            "a prefixed signature",
            body,
            format!("sha256={right}").into(),
            refused()
        ),
        case(
            "a signature with a blank before it",
            body,
            format!(" {right}").into(),
            refused()
        ),
        case(
            "a signature cut short",
            body,
            right.chars().take(63).collect::<String>().into(),
            refused()
        ),
        case(
            "a signature made with another secret",
            body,
            Signer::new(&secret(DOCUMENTED_SECRET))
                .sign_body(body)
                .as_str()
                .into(),
            refused()
        ),
        case(
            "a changed body",
            flipped.as_bytes(),
            right.clone().into(),
            refused()
        ),
        case(
            "a newline added to the body",
            with_newline.as_bytes(),
            right.into(),
            refused()
        ),
        case(
            "a wrong signature over text that is not JSON",
            b"not json",
            "00".repeat(32).into(),
            refused()
        ),
        signed(
            "a right signature over text that is not JSON",
            "not json",
            not_json()
        ),
        signed("a right signature over nothing", "", not_json()),
    ])
}

/// What a Standard Webhooks receiver accepts and why it refuses.
fn standard_webhooks() -> Value {
    const TOLERANCE_S: i64 = 300;
    let new = counted_secret();
    let signer = Signer::new(&new);
    let old = Signer::new(&secret(DOCUMENTED_SECRET));
    let body = DOCUMENTED_BODY.as_bytes();
    let sent = TIMESTAMP.to_string();
    let envelope = Envelope {
        id: ID,
        timestamp: &sent,
        body,
    };
    let right = signer.sign_standard(&envelope);
    let case = |name: &str, id: &str, timestamp: &str, header: &str, now: i64, expected: &str| {
        json!({
            "name": name,
            "secret": new.reveal(),
            "webhookId": id,
            "webhookTimestamp": timestamp,
            "bodyBase64": STANDARD.encode(body),
            "webhookSignature": header,
            "toleranceSeconds": TOLERANCE_S,
            "now": now,
            "expected": expected,
        })
    };
    let now = TIMESTAMP;
    let both = standard_header(&[&signer, &old], &[], &envelope);
    let both_turned = standard_header(&[&old, &signer], &[], &envelope);
    let other_id = "evt_651ae032ff786d198dfa4ce5";
    let later = (TIMESTAMP + 1).to_string();
    json!([
        case("the right signature", ID, &sent, &right, now, "accepted"),
        case(
            "at the end of the tolerance",
            ID,
            &sent,
            &right,
            now + TOLERANCE_S,
            "accepted"
        ),
        case(
            "at the start of the tolerance",
            ID,
            &sent,
            &right,
            now - TOLERANCE_S,
            "accepted"
        ),
        case(
            "two signatures, ours first",
            ID,
            &sent,
            &both,
            now,
            "accepted"
        ),
        case(
            "two signatures, ours last",
            ID,
            &sent,
            &both_turned,
            now,
            "accepted"
        ),
        case(
            "beside a version to come",
            ID,
            &sent,
            &format!("v2,abc {right}"),
            now,
            "accepted"
        ),
        case(
            "a replay",
            ID,
            &sent,
            &right,
            now + TOLERANCE_S + 1,
            "too_old"
        ),
        case(
            "from the future",
            ID,
            &sent,
            &right,
            now - TOLERANCE_S - 1,
            "too_new"
        ),
        case(
            "no number as time",
            ID,
            "now",
            &right,
            now,
            "invalid_timestamp"
        ),
        case("no time", ID, "", &right, now, "invalid_timestamp"),
        case(
            "a signed time",
            ID,
            &format!("+{sent}"),
            &right,
            now,
            "invalid_timestamp"
        ),
        case("no signature", ID, &sent, "", now, "no_signature"),
        case(
            "only another version",
            ID,
            &sent,
            &right.replace("v1,", "v1a,"),
            now,
            "no_signature"
        ),
        case(
            "another id",
            other_id,
            &sent,
            &right,
            now,
            "wrong_signature"
        ),
        case("another time", ID, &later, &right, now, "wrong_signature"),
        case(
            "only the old secret's",
            ID,
            &sent,
            &old.sign_standard(&envelope),
            now,
            "wrong_signature"
        ),
        case("not base64", ID, &sent, "v1,???", now, "wrong_signature"),
    ])
}

/// What a receiver that holds public keys accepts and why it refuses.
fn asymmetric() -> Value {
    const TOLERANCE_S: i64 = 300;
    let new = AsymmetricSigner::new(&SigningKey::from_random([7; 32]));
    let old = AsymmetricSigner::new(&SigningKey::from_random([8; 32]));
    let secret = Signer::new(&counted_secret());
    let sent = TIMESTAMP.to_string();
    let (created, long) = (DOCUMENTED_BODY.as_bytes(), long_body());
    let envelope = |body| Envelope {
        id: ID,
        timestamp: &sent,
        body,
    };
    let key = new.public_key();
    let case = |name: &str, body: &[u8], header: &str, now: i64, expected: &str| {
        json!({
            "name": name,
            "publicKeys": [key],
            "webhookId": ID,
            "webhookTimestamp": sent,
            "bodyBase64": STANDARD.encode(body),
            "webhookSignature": header,
            "toleranceSeconds": TOLERANCE_S,
            "now": now,
            "expected": expected,
        })
    };
    let now = TIMESTAMP;
    let right = new.sign_standard(&envelope(created));
    let beside = standard_header(&[&secret], &[&new], &envelope(created));
    let both = standard_header(&[&secret], &[&old, &new], &envelope(created));
    let only_secret = secret.sign_standard(&envelope(created));
    json!([
        case("the right signature", created, &right, now, "accepted"),
        case("beside the secret's", created, &beside, now, "accepted"),
        case("during a rotation", created, &both, now, "accepted"),
        case(
            "an empty body",
            b"",
            &new.sign_standard(&envelope(b"")),
            now,
            "accepted"
        ),
        case(
            "a long body",
            &long,
            &new.sign_standard(&envelope(&long)),
            now,
            "accepted"
        ),
        case(
            "a replay",
            created,
            &right,
            now + TOLERANCE_S + 1,
            "too_old"
        ),
        case(
            "from the future",
            created,
            &right,
            now - TOLERANCE_S - 1,
            "too_new"
        ),
        case(
            "only the secret's",
            created,
            &only_secret,
            now,
            "no_signature"
        ),
        case("no signature", created, "", now, "no_signature"),
        case("another body", b"{}", &right, now, "wrong_signature"),
        case(
            "another pair's",
            created,
            &old.sign_standard(&envelope(created)),
            now,
            "wrong_signature"
        ),
        case(
            "the secret's under the wrong version",
            created,
            &only_secret.replace("v1,", "v1a,"),
            now,
            "wrong_signature"
        ),
        case("not base64", created, "v1a,???", now, "wrong_signature"),
    ])
}

/// One body of each event.
fn events() -> Value {
    let id = |text: &str| text.parse::<Id>().unwrap_or_default();
    let from = Sample {
        inspection_id: heraldo_wire::id::InspectionId(id("651ae032ff786d198dfa4ce4")),
        first_part_id: id("651ae033ff786d198dfa4ce4"),
        producer: Producer {
            user_id: Some(heraldo_wire::id::UserId(id("61478404b9a70800551878b6"))),
            membership_id: Some(heraldo_wire::id::MembershipId(id(
                "61c28b777b0c420012bd4a68",
            ))),
            company_id: heraldo_wire::id::CompanyId(id("6147843bb9a70800551878bd")),
            first_name: Some("John".to_owned()),
            last_name: Some("Doe".to_owned()),
            username: Some("johndoe".to_owned()),
            email: Some("johndoe@example.com".to_owned()),
            internal_id: None,
        },
        template: TemplateHead {
            name: "easy".to_owned(),
            kind: TemplateType::BuiltIn,
            id: heraldo_wire::id::TemplateId(id("62be865212ca0918bcabf2a5")),
        },
        metadata: [("my_custom_key", "my_custom_value")].into_iter().collect(),
        at: Timestamp::from_millis(TIMESTAMP * 1000 + 118),
        public_url: "https://app.autoinspector.ai".to_owned(),
        access_code: "5087".to_owned(),
    };
    let signer = Signer::new(&counted_secret());
    EventType::ALL
        .into_iter()
        .map(|event| {
            let body = render(&sample(event, &from));
            json!({
                "event": event,
                "secret": counted_secret().reveal(),
                "body": String::from_utf8_lossy(&body),
                "autoinspectorSignature": signer.sign_body(&body).as_str(),
            })
        })
        .collect()
}
