//! `heraldo verify`: checks a signature, and says what is wrong with it as far as can be told.

use std::borrow::Cow;
use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use clap::ArgMatches;
use heraldo_domain::ports::Clock;
use heraldo_wire::signature::{
    BodySignature, Envelope, PublicKey, SECRET_PREFIX, Secret, StandardError, sign_body,
    verify_asymmetric, verify_body, verify_standard,
};

use crate::cli::{given, given_all};
use crate::failure::{Failure, Outcome};
use crate::ports::SystemClock;
use crate::terminal::say;

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
        .ok_or_else(|| {
            "it is a webhook-signature, which also signs webhook-id and webhook-timestamp; give \
             them with --id and --timestamp, or give the value of autoinspector-signature and the \
             secret"
                .to_owned()
        })
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

/// Checks a value of `autoinspector-signature`. If it is wrong, tries what receivers get wrong, alone
/// and together, and names it.
fn autoinspector(secret: &str, signature: &str, body: &[u8]) -> Result<(), String> {
    let given = Secret::parse(secret).map_err(|error| error.to_string())?;
    if verify_body(&given, body, signature) {
        return Ok(());
    }
    let (digits, mut reasons) = plain(signature);
    for (body, about_body) in bodies(body) {
        for (secret, about_secret) in secrets(secret) {
            let Ok(secret) = Secret::parse(secret) else {
                continue;
            };
            if sign_body(&secret, &body).as_str() == digits {
                reasons.extend(
                    about_body
                        .into_iter()
                        .chain(about_secret)
                        .map(str::to_owned),
                );
                return Err(reasons.join("; and "));
            }
        }
    }
    // Nothing matches: the form may say more than the content.
    Err(match form(&digits) {
        Some(about_form) => about_form,
        None => "the secret is another webhook's or was rotated, or the body is not the exact bytes that \
                 came (was it parsed and written anew?)"
            .to_owned(),
    })
}

/// The signature without what does not belong to it, and what that was.
fn plain(signature: &str) -> (String, Vec<String>) {
    let mut reasons = Vec::new();
    let mut digits = signature.trim();
    if digits.len() != signature.len() {
        reasons.push("there are blanks around the signature".to_owned());
    }
    for prefix in ["sha256=", "SHA256=", "sha256:"] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            reasons.push(format!(
                "the signature has the prefix `{prefix}`, it must have none"
            ));
            digits = rest;
        }
    }
    if digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
        reasons.push("the signature is in upper case, it must be in lower case".to_owned());
    }
    (digits.to_ascii_lowercase(), reasons)
}

type Variant<'a, T> = (Cow<'a, T>, Option<&'static str>);

fn bodies(body: &[u8]) -> Vec<Variant<'_, [u8]>> {
    let mut all: Vec<Variant<'_, [u8]>> = vec![(Cow::Borrowed(body), None)];
    let newline =
        "the body has a trailing newline that was not sent (`printf %s` writes none, `echo` does)";
    for end in [&b"\r\n"[..], b"\n"] {
        if let Some(rest) = body.strip_suffix(end) {
            all.push((Cow::Borrowed(rest), Some(newline)));
        }
    }
    let trimmed = body.trim_ascii();
    all.push((
        Cow::Borrowed(trimmed),
        Some("the body has blanks around it that were not sent"),
    ));
    if let Some(rest) = body.strip_prefix("\u{feff}".as_bytes()) {
        all.push((
            Cow::Borrowed(rest),
            Some("the body begins with a byte order mark that was not sent"),
        ));
    }
    // Key order survives, so that a pretty-printed body is brought back to what was sent.
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) {
        let compact = value.to_string().into_bytes();
        let reason = "the body was parsed and written anew with other blanks; verify the exact bytes that came";
        all.push((Cow::Owned(compact), Some(reason)));
    }
    all
}

fn secrets(secret: &str) -> Vec<Variant<'_, str>> {
    let mut all: Vec<Variant<'_, str>> = vec![
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

fn form(digits: &str) -> Option<String> {
    const DIGITS: usize = std::mem::size_of::<BodySignature>();
    if digits.is_empty() {
        return Some("it is empty".to_owned());
    }
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(format!(
            "it must be {DIGITS} hex digits, and has other characters"
        ));
    }
    let length = digits.len();
    (length != DIGITS).then(|| format!("it must be {DIGITS} hex digits, and has {length}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

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
