//! `heraldo verify`: checks a signature, and says what is wrong with it as far as can be told.

use std::borrow::Cow;
use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use clap::ArgMatches;
use heraldo_domain::diagnosis::{DIGITS, Diagnosis, Fault, Given, Known, Malformed, diagnose};
use heraldo_domain::ports::Clock;
use heraldo_wire::signature::{
    Envelope, PublicKey, SECRET_PREFIX, Secret, StandardError, verify_asymmetric, verify_standard,
};

use crate::cli::{given, given_all};
use crate::failure::{Failure, Outcome};
use crate::ports::SystemClock;
use crate::terminal::say;

const NEEDS_ID_AND_TIME: &str = "it is a webhook-signature, which also signs webhook-id and webhook-timestamp; give them with --id and \
     --timestamp, or give the value of autoinspector-signature and the secret";

/// More than any event has.
const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub fn run(matches: &ArgMatches) -> Outcome<ExitCode> {
    let secret = given(matches, "secret").unwrap_or_default();
    let signature = given(matches, "signature").unwrap_or_default();
    let mut body = Vec::new();
    std::io::stdin()
        .take(BODY_BYTES_MAX)
        .read_to_end(&mut body)
        .map_err(|error| {
            Failure::new(format!(
                "the body cannot be read from standard input: {error}"
            ))
        })?;
    let keys = given_all(matches, "public-key");
    let trimmed = signature.trim_start();
    let found = if !keys.is_empty() {
        asymmetric(&keys, &signature, &body, matches)
    } else if trimmed.starts_with("v1,") || trimmed.starts_with("v1a,") {
        standard(&secret, &signature, &body, matches)
    } else {
        autoinspector(&secret, &signature, &body)
    };
    match found {
        Ok(()) => {
            say("The signature is right.");
            Ok(ExitCode::SUCCESS)
        }
        Err(reason) => {
            say(&format!("The signature is wrong: {reason}."));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What a `webhook-signature` signs beside the body.
fn id_and_time(matches: &ArgMatches) -> Result<(String, String), String> {
    given(matches, "id")
        .zip(given(matches, "timestamp"))
        .ok_or_else(|| NEEDS_ID_AND_TIME.to_owned())
}

/// Checks the `v1a` signatures of a value of `webhook-signature`; its time may lie anywhere.
fn asymmetric(
    keys: &[String],
    header: &str,
    body: &[u8],
    matches: &ArgMatches,
) -> Result<(), String> {
    let (id, timestamp) = id_and_time(matches)?;
    let keys: Vec<PublicKey> = keys
        .iter()
        .map(|text| text.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the key cannot be read: {error}"))?;
    let envelope = Envelope {
        id: &id,
        timestamp: &timestamp,
        body,
    };
    verify_asymmetric(&keys, &envelope, header, Duration::MAX, SystemClock.now()).map_err(|error| {
        match error {
            StandardError::WrongSignature => {
                "it is not the one for this id, time, body and public key; the body must be the exact \
                 bytes that came, and the key one that the webhook has now"
                    .to_owned()
            }
            other => other.to_string(),
        }
    })
}

/// Checks the `v1` signatures of a value of `webhook-signature`; its time may lie anywhere.
fn standard(secret: &str, header: &str, body: &[u8], matches: &ArgMatches) -> Result<(), String> {
    let (id, timestamp) = id_and_time(matches)?;
    let secret = Secret::parse(secret).map_err(|error| error.to_string())?;
    let envelope = Envelope {
        id: &id,
        timestamp: &timestamp,
        body,
    };
    verify_standard(&secret, &envelope, header, Duration::MAX, SystemClock.now()).map_err(|error| {
        match error {
            StandardError::WrongSignature => {
                "it is not the one for this id, time, body and secret; the body must be the exact bytes \
                 that came"
                    .to_owned()
            }
            other => other.to_string(),
        }
    })
}

/// Checks a value of `autoinspector-signature`, and names what is wrong with it.
fn autoinspector(secret: &str, signature: &str, body: &[u8]) -> Result<(), String> {
    Secret::parse(secret).map_err(|error| error.to_string())?;
    let secrets = secrets(secret).into_iter();
    let known = Known {
        secrets: secrets
            .filter_map(|(text, whose)| Some((Secret::parse(text).ok()?, whose)))
            .collect(),
        public_keys: Vec::new(),
        events: Vec::new(),
    };
    let given = Given {
        signature,
        body,
        id: None,
        timestamp: None,
    };
    match diagnose(&given, &known) {
        Diagnosis::Match { key, faults, .. } => {
            let mut reasons: Vec<String> = faults.iter().map(in_words).collect();
            reasons.extend(key.map(str::to_owned));
            if reasons.is_empty() {
                return Ok(());
            }
            Err(reasons.join("; and "))
        }
        Diagnosis::Malformed(malformed) => Err(match malformed {
            Malformed::Empty => "it is empty".to_owned(),
            Malformed::NotHex => {
                format!("it must be {DIGITS} hex digits, and has other characters")
            }
            Malformed::Length(length) => {
                format!("it must be {DIGITS} hex digits, and has {length}")
            }
            Malformed::NeedsIdAndTime => NEEDS_ID_AND_TIME.to_owned(),
        }),
        Diagnosis::NoMatch { .. } => Err(
            "the secret is another webhook's or was rotated, or the body is not the exact bytes that came \
             (was it parsed and written anew?)"
                .to_owned(),
        ),
    }
}

fn in_words(fault: &Fault) -> String {
    match fault {
        Fault::BlanksAroundSignature => "there are blanks around the signature",
        Fault::Prefix(prefix) => {
            return format!("the signature has the prefix `{prefix}`, it must have none");
        }
        Fault::UpperCase => "the signature is in upper case, it must be in lower case",
        Fault::Base64 => "the signature is in base64, it must be in hex",
        Fault::NewlineAdded => {
            "the body has a trailing newline that was not sent (`printf %s` writes none, `echo` does)"
        }
        Fault::NewlineSigned => {
            "the signature was made over the body with a trailing newline, which is not in it"
        }
        Fault::LineEnds => "the ends of the body's lines were changed",
        Fault::BlanksAroundBody => "the body has blanks around it that were not sent",
        Fault::ByteOrderMark => "the body begins with a byte order mark that was not sent",
        Fault::Rewritten => {
            "the body was parsed and written anew with other blanks; verify the exact bytes that came"
        }
        Fault::KeyOrder => {
            "the body was parsed and written anew with its keys in another order; verify the exact bytes that came"
        }
        Fault::OtherBody => "the signature is another body's",
    }
    .to_owned()
}

type Variant<'a> = (Cow<'a, str>, Option<&'static str>);

fn secrets(secret: &str) -> Vec<Variant<'_>> {
    let mut all: Vec<Variant<'_>> = vec![
        (Cow::Borrowed(secret), None),
        (
            Cow::Borrowed(secret.trim()),
            Some("there are blanks around the secret"),
        ),
    ];
    match secret.trim().strip_prefix(SECRET_PREFIX) {
        None => all.push((
            Cow::Owned(format!("{SECRET_PREFIX}{}", secret.trim())),
            Some("the secret lacks its beginning whsec_, which belongs to it"),
        )),
        Some(rest) => all.push((
            Cow::Borrowed(rest),
            Some("it was made without the secret's beginning whsec_, which belongs to it"),
        )),
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use heraldo_wire::signature::sign_body;

    use super::*;

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const BODY: &[u8] =
        br#"{"event":"inspection_created","payload":{"_id":"651ae032ff786d198dfa4ce4"}}"#;

    fn right() -> String {
        sign_body(&Secret::parse(SECRET).unwrap(), BODY).to_string()
    }

    #[test]
    fn the_right_signature_passes() {
        assert_eq!(autoinspector(SECRET, &right(), BODY), Ok(()));
    }

    #[test]
    fn what_receivers_get_wrong_is_named() {
        let check = |secret: &str, signature: &str, body: &[u8], parts: &[&str]| {
            let reason = autoinspector(secret, signature, body).unwrap_err();
            for part in parts {
                assert!(reason.contains(part), "`{reason}` lacks `{part}`");
            }
        };
        let newline = [BODY, b"\n"].concat();
        let pretty = serde_json::from_slice::<serde_json::Value>(BODY).unwrap();
        let pretty = serde_json::to_vec_pretty(&pretty).unwrap();
        check(SECRET, &right(), &newline, &["trailing newline"]);
        check(SECRET, &right(), &pretty, &["parsed and written anew"]);
        check(SECRET, &right().to_uppercase(), BODY, &["upper case"]);
        check(
            SECRET,
            &format!("sha256={}", right()),
            BODY,
            &["prefix `sha256=`"],
        );
        check(
            SECRET,
            &format!("sha256={}", right()),
            &newline,
            &["prefix", "; and ", "trailing newline"],
        );
        check(
            &format!("{SECRET} "),
            &right(),
            BODY,
            &["blanks around the secret"],
        );
        check(
            &SECRET[6..],
            &right(),
            BODY,
            &["lacks its beginning whsec_"],
        );
        check(
            "whsec_other",
            &right(),
            BODY,
            &["another webhook's or was rotated"],
        );
        check(SECRET, "abc", BODY, &["64 hex digits, and has 3"]);
        check(SECRET, "not hex", BODY, &["other characters"]);
        check(SECRET, "", BODY, &["empty"]);
        check("", &right(), BODY, &["the secret is empty"]);
    }
}
