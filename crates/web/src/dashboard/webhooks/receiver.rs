//! The receiver's side of a webhook: code to copy, and what is wrong with a signature.

use askama::Template;
use heraldo_domain::diagnosis::{Diagnosis, Given};
use heraldo_domain::ops::check_signature::{KeyOf, check_signature};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::headers::{
    AUTOINSPECTOR_SIGNATURE, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP,
};
use heraldo_wire::id::{EventId, WebhookId};
use heraldo_wire::time::Timestamp;
use http::StatusCode;
use url::form_urlencoded;

use crate::call::Outcome;
use crate::dashboard::address::Address;
use crate::dashboard::moment::Moment;
use crate::dashboard::visit::{Form, Visit};
use crate::frame::{Frame, Section};

/// Where the examples listen; the webhook's own path takes its place.
const EXAMPLE_PATH: &str = "/webhook";

/// A language that there is a receiver in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Node,
    Php,
    Python,
    Rust,
}

impl Language {
    const ALL: [Self; 4] = [Self::Node, Self::Php, Self::Python, Self::Rust];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Php => "php",
            Self::Python => "python",
            Self::Rust => "rust",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Node => "Node.js",
            Self::Php => "PHP",
            Self::Python => "Python",
            Self::Rust => "Rust",
        }
    }

    /// The example, which the tests run.
    const fn code(self) -> &'static str {
        match self {
            Self::Node => include_str!("../../../../../examples/receiver-node/receiver.mjs"),
            Self::Php => include_str!("../../../../../examples/receiver-php/receiver.php"),
            Self::Python => include_str!("../../../../../examples/receiver-python/receiver.py"),
            Self::Rust => include_str!("../../../../../examples/receiver-rust/src/main.rs"),
        }
    }

    /// What verifies a v1a signature, which the tests run, too.
    const fn verifier(self) -> &'static str {
        match self {
            Self::Node => include_str!("../../../../../examples/verify-ed25519/verify.mjs"),
            Self::Php => include_str!("../../../../../examples/verify-ed25519/verify.php"),
            Self::Python => include_str!("../../../../../examples/verify-ed25519/verify.py"),
            Self::Rust => {
                include_str!("../../../../../examples/receiver-rust/src/bin/verify-v1a.rs")
            }
        }
    }

    const fn verifier_file(self) -> &'static str {
        match self {
            Self::Node => "verify.mjs",
            Self::Php => "verify.php",
            Self::Python => "verify.py",
            Self::Rust => "src/bin/verify-v1a.rs",
        }
    }

    const fn file(self) -> &'static str {
        match self {
            Self::Node => "receiver.mjs",
            Self::Php => "receiver.php",
            Self::Python => "receiver.py",
            Self::Rust => "src/main.rs",
        }
    }
}

#[derive(Template)]
#[template(path = "dashboard/webhook_receiver.html")]
struct ReceiverPage<'a> {
    frame: Frame,
    administers: bool,
    webhook: &'a Webhook,
    language: Language,
    code: String,
    /// The public keys of a webhook that also signs with Ed25519, with blanks between them.
    public_keys: Option<String>,
    /// What was typed into the check.
    signature: &'a str,
    body: &'a str,
    found: Option<Found>,
}

impl ReceiverPage<'_> {
    fn languages(&self) -> [Language; 4] {
        Language::ALL
    }

    fn is_shown(&self, language: &Language) -> bool {
        self.language == *language
    }

    fn is_rust(&self) -> bool {
        self.language == Language::Rust
    }
}

/// What the check came to, in words.
struct Found {
    tone: &'static str,
    title: &'static str,
    points: Vec<Point>,
    event: Option<EventId>,
}

struct Point {
    text: String,
    until: Option<Moment>,
}

pub async fn receiver(visit: &mut Visit<'_>) -> Outcome {
    let id: WebhookId = visit.id().await?;
    answer(visit, id, "", "", None).await
}

/// Shows what was typed with what it came to; nothing, when nothing was typed yet.
pub async fn show_check(visit: &mut Visit<'_>, form: Form) -> Outcome {
    if !form.raw("signature").is_empty() || !form.raw("body").is_empty() {
        return check(visit, form).await;
    }
    receiver(visit).await
}

/// Checks a signature; nothing that was typed is kept.
pub async fn check(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let id: WebhookId = visit.id().await?;
    // Browsers send the lines of a text apart by two characters.
    let body = form.raw("body").replace("\r\n", "\n");
    let typed = form.raw("signature");
    let pasted = Pasted::read(typed);
    let given = Given {
        signature: pasted.signature,
        body: body.as_bytes(),
        id: pasted.id,
        timestamp: pasted.timestamp,
    };
    let diagnosis = check_signature(visit.context(), &visit.caller(), id, &given).await?;
    let found = say(visit, &diagnosis);
    answer(visit, id, typed, &body, Some(found)).await
}

async fn answer(
    visit: &mut Visit<'_>,
    id: WebhookId,
    signature: &str,
    body: &str,
    found: Option<Found>,
) -> Outcome {
    let webhook = visit.context().own_webhook(&visit.caller(), id).await?;
    let query = visit.call.parts.uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let asked = pairs.find(|(name, _)| name == "in");
    let language = asked.and_then(|(_, word)| {
        let mut all = Language::ALL.into_iter();
        all.find(|language| language.as_str() == word)
    });
    let language = language.unwrap_or(Language::Node);
    let template = ReceiverPage {
        // Whoever may not check has no form there.
        frame: if visit.administers() {
            visit.frame(Section::Configuration).keeping()
        } else {
            visit.frame(Section::Configuration)
        },
        administers: visit.administers(),
        code: code(language, &webhook.settings.endpoint),
        public_keys: public_keys(&webhook, visit.call.now()),
        webhook: &webhook,
        language,
        signature,
        body,
        found,
    };
    visit.page_with(StatusCode::OK, &template)
}

fn public_keys(webhook: &Webhook, now: Timestamp) -> Option<String> {
    let keys = webhook.secrets.public_keys(now);
    let keys: Vec<String> = keys.map(|(key, _)| key.to_string()).collect();
    (!keys.is_empty()).then(|| keys.join(" "))
}

/// The example with the path of this endpoint, unless it has signs that mean something in code.
fn code(language: Language, endpoint: &str) -> String {
    let example = language.code();
    let url = url::Url::parse(endpoint).ok();
    let path = url.as_ref().map_or(EXAMPLE_PATH, |url| url.path());
    let is_plain = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~%".contains(&byte));
    if is_plain {
        example.replace(EXAMPLE_PATH, path)
    } else {
        example.to_owned()
    }
}

/// A signature as it was pasted: alone, or among the headers that came with it.
#[derive(Debug, PartialEq, Eq)]
struct Pasted<'a> {
    signature: &'a str,
    id: Option<&'a str>,
    timestamp: Option<&'a str>,
}

impl<'a> Pasted<'a> {
    fn read(text: &'a str) -> Self {
        let mut pasted = Self {
            signature: text,
            id: None,
            timestamp: None,
        };
        let (mut plain, mut standard) = (None, None);
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            // Logs put quotes and commas around.
            let bare = |text: &'a str| {
                text.trim_matches(|sign: char| sign.is_whitespace() || "'\",".contains(sign))
            };
            let value = bare(value);
            match bare(name).to_ascii_lowercase().as_str() {
                AUTOINSPECTOR_SIGNATURE => plain = Some(value),
                WEBHOOK_SIGNATURE => standard = Some(value),
                WEBHOOK_ID => pasted.id = Some(value),
                WEBHOOK_TIMESTAMP => pasted.timestamp = Some(value),
                _ => {}
            }
        }
        if let Some(signature) = plain.or(standard) {
            pasted.signature = signature;
        }
        pasted
    }
}

fn say(visit: &Visit<'_>, diagnosis: &Diagnosis<KeyOf>) -> Found {
    let t = visit.t;
    match diagnosis {
        Diagnosis::Match { key, faults, event } => {
            let whose = whose(visit, key);
            let is_right = faults.is_empty() && is_valid(key);
            let faults = faults.iter().map(|fault| Point::of(t.fault(fault)));
            Found {
                tone: if is_right { "good" } else { "bad" },
                title: if is_right {
                    t.signature_right()
                } else {
                    t.signature_wrong()
                },
                points: faults.chain(whose).collect(),
                event: *event,
            }
        }
        Diagnosis::Malformed(malformed) => Found {
            tone: "bad",
            title: t.signature_malformed(),
            points: vec![Point::of(t.malformed(*malformed))],
            event: None,
        },
        Diagnosis::NoMatch { event: None } => Found {
            tone: "bad",
            title: t.signature_unknown(),
            points: vec![Point::of(t.signature_unknown_advice().to_owned())],
            event: None,
        },
        Diagnosis::NoMatch {
            event: Some((id, faults)),
        } => Found {
            tone: "bad",
            title: t.secret_wrong(),
            points: std::iter::once(Point::of(t.secret_wrong_advice().to_owned()))
                .chain(faults.iter().map(|fault| Point::of(t.fault(fault))))
                .collect(),
            event: Some(*id),
        },
    }
}

impl Point {
    const fn of(text: String) -> Self {
        Self { text, until: None }
    }
}

const fn is_valid(key: &KeyOf) -> bool {
    match key {
        KeyOf::Current | KeyOf::Previous { .. } => true,
        KeyOf::Ended { .. } | KeyOf::WithoutPrefix | KeyOf::Other(_) => false,
    }
}

/// What there is to say about the key.
fn whose(visit: &Visit<'_>, key: &KeyOf) -> Option<Point> {
    let t = visit.t;
    let with = |text: &str, until| Point {
        text: text.to_owned(),
        until: Some(Moment(until)),
    };
    match key {
        KeyOf::Current => None,
        KeyOf::Previous { valid_until } => Some(with(t.made_with_previous(), *valid_until)),
        KeyOf::Ended { at } => Some(with(t.made_with_ended(), *at)),
        KeyOf::WithoutPrefix => Some(Point::of(t.made_without_prefix().to_owned())),
        KeyOf::Other(id) => {
            let other = visit.company.webhook(*id);
            let endpoint = other.map_or(String::new(), |it| it.settings.endpoint.clone());
            Some(Point::of(format!("{} {endpoint}", t.made_with_other())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_found_alone_and_among_headers() {
        let check = |text, signature, id| {
            let pasted = Pasted::read(text);
            assert_eq!((pasted.signature, pasted.id), (signature, id), "{text}");
        };
        check("abc", "abc", None);
        check("sha256:abc", "sha256:abc", None);
        check("Autoinspector-Signature: abc", "abc", None);
        check(
            "webhook-id: evt_1\nwebhook-signature: v1,x=\nautoinspector-signature: abc",
            "abc",
            Some("evt_1"),
        );
        check(
            "  'webhook-id': 'evt_1',\n  'webhook-signature': 'v1,x= v1,y=',\n",
            "v1,x= v1,y=",
            Some("evt_1"),
        );
    }

    #[test]
    fn the_code_listens_where_the_endpoint_is_and_takes_no_code_from_it() {
        let node = |endpoint| code(Language::Node, endpoint);
        let own = node("https://x.example/hooks/inspections?a=1");
        assert!(own.contains("!== '/hooks/inspections'") && !own.contains("/webhook"));
        assert!(node("https://x.example").contains("!== '/')"));
        assert_eq!(
            node("https://x.example/'+process.exit()+'"),
            Language::Node.code()
        );
        for language in Language::ALL {
            assert!(language.code().contains(EXAMPLE_PATH), "{language:?}");
        }
    }
}
