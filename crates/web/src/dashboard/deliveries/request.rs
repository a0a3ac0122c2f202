//! What was sent: the body as it is and laid out, the headers, and the same as a command.
//!
//! Headers are not stored with each attempt. All but the signatures follow from what is stored; a signature is
//! never computed for a page: it would be made with today's secret, which need not be the one that signed, and
//! whoever read it there could send the receiver what it takes for genuine. The command computes it where the
//! secret is.

use std::fmt::Write as _;

use heraldo_domain::change::Origin;
use heraldo_domain::delivery::Attempt;
use heraldo_domain::ops::Context;
use heraldo_domain::query::EventRecord;
use heraldo_domain::webhook::Webhook;
use heraldo_wire::headers::{
    AUTOINSPECTOR_ATTEMPT, AUTOINSPECTOR_SEQUENCE, AUTOINSPECTOR_SIGNATURE, AUTOINSPECTOR_TEST,
    CONTENT_TYPE_JSON, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP,
};

const USER_AGENT: &str = concat!("heraldo/", env!("CARGO_PKG_VERSION"));
/// A body is shown up to this many bytes; the whole of it is a download.
pub const BODY_BYTES_MAX: usize = 4 * 1024;

/// A header of a request.
pub struct Header {
    pub name: String,
    pub value: Value,
    /// It may have been another one then: it is shown as it is now.
    pub is_as_now: bool,
}

/// What is shown as its value.
pub enum Value {
    Plain(String),
    /// HMAC-SHA256 of the body, in hex.
    BodySignature,
    /// Standard Webhooks over id, time and body.
    StandardSignature,
}

/// The beginning of a text, and whether that is all of it.
pub struct Part {
    pub text: String,
    pub bytes: usize,
    pub is_whole: bool,
}

/// As much of a text as `bytes_max` holds.
pub fn shown_part(text: &str, bytes_max: usize) -> Part {
    let end = text.floor_char_boundary(bytes_max);
    Part {
        text: text.get(..end).unwrap_or_default().to_owned(),
        bytes: text.len(),
        is_whole: end == text.len(),
    }
}

/// The headers of an attempt, as far as they follow from what is stored. Those of the webhook's own settings are
/// certain when it has not been changed since. Without an attempt, those of the first one but for its time.
pub fn headers(
    context: &Context,
    webhook: &Webhook,
    event: &EventRecord,
    attempt: Option<&Attempt>,
) -> Vec<Header> {
    let plain = |name: &str, value: String| Header {
        name: name.to_owned(),
        value: Value::Plain(value),
        is_as_now: false,
    };
    let was_changed = attempt.is_some_and(|attempt| webhook.updated_at > attempt.started_at);
    let mut headers = vec![
        plain("content-type", CONTENT_TYPE_JSON.to_owned()),
        plain("content-length", event.body.len().to_string()),
        plain("user-agent", USER_AGENT.to_owned()),
    ];
    let own = webhook.headers(&context.settings.webhook_defaults);
    headers.extend(own.map(|(name, value)| Header {
        is_as_now: was_changed,
        ..plain(name, value.to_owned())
    }));
    headers.push(plain(WEBHOOK_ID, event.id.to_string()));
    if let Some(attempt) = attempt {
        let seconds = attempt.started_at.as_secs();
        headers.push(plain(WEBHOOK_TIMESTAMP, seconds.to_string()));
    }
    let number = attempt.map_or(1, |attempt| attempt.number);
    headers.push(plain(AUTOINSPECTOR_ATTEMPT, number.to_string()));
    headers.push(plain(AUTOINSPECTOR_SEQUENCE, event.sequence.to_string()));
    if event.origin == Origin::Test {
        headers.push(plain(AUTOINSPECTOR_TEST, "true".to_owned()));
    }
    headers.push(Header {
        name: AUTOINSPECTOR_SIGNATURE.to_owned(),
        value: Value::BodySignature,
        is_as_now: false,
    });
    headers.push(Header {
        name: WEBHOOK_SIGNATURE.to_owned(),
        value: Value::StandardSignature,
        is_as_now: false,
    });
    headers
}

/// A script for a shell that sends the same again, signed with the secret that is put into its first line.
/// `body`: `None` when it is too long, and is to be saved as `body.json` before.
pub fn command(endpoint: &str, body: Option<&str>, event_id: &str, headers: &[Header]) -> String {
    let mut script = String::from("SECRET='whsec_…'\n");
    if let Some(body) = body {
        // Writing to a string never fails.
        let _ = writeln!(script, "printf %s {} > body.json", quoted(body));
    }
    script.push_str(
        "KEY=$(printf %s \"${SECRET#whsec_}\" | base64 -d | od -An -v -tx1 | tr -d ' \\n')\n\
         TIME=$(date +%s)\n\
         SIGNATURE=$(openssl dgst -sha256 -hmac \"$SECRET\" -r < body.json | cut -d' ' -f1)\n",
    );
    let _ = writeln!(
        script,
        "STANDARD=$({{ printf '{event_id}.%s.' \"$TIME\"; cat body.json; }} |\n  \
         openssl dgst -sha256 -mac HMAC -macopt \"hexkey:$KEY\" -binary | base64)"
    );
    let _ = write!(
        script,
        "curl -i {} --data-binary @body.json",
        quoted(endpoint)
    );
    for Header { name, value, .. } in headers {
        let line = match value {
            // What curl says itself.
            Value::Plain(_) if name == "content-length" || name == "user-agent" => continue,
            Value::Plain(_) if name == WEBHOOK_TIMESTAMP => format!("\"{name}: $TIME\""),
            Value::Plain(value) => quoted(&format!("{name}: {value}")),
            Value::BodySignature => format!("\"{name}: $SIGNATURE\""),
            Value::StandardSignature => format!("\"{name}: v1,$STANDARD\""),
        };
        let _ = write!(script, " \\\n  -H {line}");
    }
    script.push('\n');
    script
}

/// One word of a shell's command.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// JSON laid out over lines, each value just as it was written: numbers keep their digits, keys their order.
pub fn formatted(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut chars = json.chars().peekable();
    let mut is_text = false;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(char) = chars.next() {
        if is_text {
            out.push(char);
            match char {
                '\\' => out.extend(chars.next()),
                '"' => is_text = false,
                _ => {}
            }
            continue;
        }
        match char {
            '"' => {
                is_text = true;
                out.push(char);
            }
            '{' | '[' => {
                out.push(char);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(char);
            }
            ',' => {
                out.push(char);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_with_every_value_as_it_was_written() {
        let check = |json: &str, expected: &str| assert_eq!(formatted(json), expected);
        check("{}", "{}");
        check("{ \"a\" : [ ] }", "{\n  \"a\": []\n}");
        check(
            r#"{"b":1.50,"a":[12345678901234567890,"x, {\"y\": 1}\\"],"c":{"d":null}}"#,
            "{\n  \"b\": 1.50,\n  \"a\": [\n    12345678901234567890,\n    \"x, {\\\"y\\\": 1}\\\\\"\n  ],\n  \
             \"c\": {\n    \"d\": null\n  }\n}",
        );
        check("\"", "\"");
        check("}", "\n}");
    }

    #[test]
    fn nothing_in_a_body_or_an_address_is_a_command() {
        let script = command(
            "https://x/'$(id)",
            Some("{\"a\":\"it's $(id)\"}"),
            "evt_1",
            &[],
        );
        assert!(
            script.contains(r#"printf %s '{"a":"it'\''s $(id)"}' > body.json"#),
            "{script}"
        );
        assert!(
            script.contains(r"curl -i 'https://x/'\''$(id)'"),
            "{script}"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_its_characters() {
        let part = shown_part("añb", 2);
        assert_eq!((&*part.text, part.bytes, part.is_whole), ("a", 4, false));
        assert!(shown_part("añb", 4).is_whole);
    }
}
