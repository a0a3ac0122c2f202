//! Facts about secrets and signatures that no vector shows.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[test]
fn a_secret_is_its_prefix_and_the_base64_of_its_bytes() {
    let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    let secret = Secret::from_random(bytes);
    assert_eq!(secret.reveal(), SECRET);
    assert_eq!(*secret.standard_key(), bytes);
    assert_eq!(Secret::parse(SECRET), Ok(secret));
}

#[test]
fn a_secret_of_another_form_is_its_own_standard_key() {
    for text in [
        "wh_demo_secret_0001",
        "whsec_not base64!",
        "whsec_",
        "AAECAwQF",
    ] {
        assert_eq!(
            *Secret::parse(text).unwrap().standard_key(),
            text.as_bytes()
        );
    }
    assert_eq!(Secret::parse(""), Err(EmptySecret));
}

#[test]
fn nothing_that_holds_a_secret_shows_it() {
    let secret = Secret::parse(SECRET).unwrap();
    let signer = Signer::new(&secret);
    let signature = signer.sign_body(b"x");
    let key = SigningKey::from_random(std::array::from_fn(|index| u8::try_from(index).unwrap()));
    for shown in [
        format!("{secret:?}{secret}"),
        format!("{signer:?}"),
        format!("{signature:?}"),
        format!("{key:?}{:?}", AsymmetricSigner::new(&key)),
    ] {
        assert!(
            !shown.contains("AAEC")
                && !shown.contains("1, 2, 3")
                && !shown.contains(signature.as_str()),
            "{shown}"
        );
    }
}

#[test]
fn a_signer_signs_again_and_again_the_same() {
    let signer = Signer::new(&Secret::parse(SECRET).unwrap());
    assert_eq!(signer.sign_body(b"one"), signer.sign_body(b"one"));
    assert_ne!(signer.sign_body(b"one"), signer.sign_body(b"two"));
    let envelope = Envelope {
        id: "evt_1",
        timestamp: "1",
        body: b"one",
    };
    assert_eq!(
        signer.sign_standard(&envelope),
        signer.sign_standard(&envelope)
    );
}

#[test]
fn the_error_sentence_is_the_one_of_the_official_sdk() {
    assert_eq!(
        ConstructError::InvalidSignature.to_string(),
        INVALID_SIGNATURE
    );
}
