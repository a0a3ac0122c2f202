//! Headers and bodies as receivers verify them. The parts of an input are separated by zero bytes.
#![no_main]

use std::time::Duration;

use heraldo_wire::signature::{
    AsymmetricSigner, Envelope, PublicKey, Secret, Signer, SigningKey, construct_event,
    verify_asymmetric, verify_standard,
};
use heraldo_wire::time::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(5, |byte| *byte == 0);
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (secret, id, timestamp, header) = (text(), text(), text(), text());
    let body = parts.next().unwrap_or_default();
    if let Ok(key) = secret.parse::<PublicKey>() {
        assert_eq!(key.to_string(), secret);
    }
    let Ok(secret) = Secret::parse(secret) else {
        return;
    };
    let envelope = Envelope {
        id: &id,
        timestamp: &timestamp,
        body,
    };
    let (now, tolerance) = (Timestamp::from_millis(0), Duration::MAX);
    let signer = Signer::new(&secret);
    let right = signer.sign_standard(&envelope);
    let is_right = header.split(' ').any(|given| given == right);
    let verified = verify_standard(&secret, &envelope, &header, tolerance, now);
    // Base64 has one form for 32 bytes, so that only this text is right.
    assert!(verified.is_err() || is_right, "{header}");

    let pair = AsymmetricSigner::new(&SigningKey::from_random([7; 32]));
    let right = pair.sign_standard(&envelope);
    let keys = [pair.public_key()];
    let is_right = header.split(' ').any(|given| given == right);
    let verified = verify_asymmetric(&keys, &envelope, &header, tolerance, now);
    assert!(verified.is_err() || is_right, "{header}");

    let right = signer.sign_body(body);
    let constructed = construct_event(body, Some(&header), &secret);
    assert!(constructed.is_err() || header == right.as_str());
    if let Ok(event) = construct_event(body, Some(right.as_str()), &secret) {
        // Whatever was signed is read, known or not.
        let _ = (event.event_type(), event.payload(), event.to_event());
    }
});
