//! `heraldo listen`: hands a company's events to a receiver on this machine, signed, as they happen.
//!
//! It reads the company's events and makes no webhook: the server needs no way to reach this machine.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::ArgMatches;
use heraldo_delivery::transport::{Outgoing, Target, Transport, TransportConfig};
use heraldo_domain::ports::{Clock, random};
use heraldo_wire::api::{CursorPage, Event, LIMIT_MAX};
use heraldo_wire::attempt::ErrorClass;
use heraldo_wire::event::EventType;
use heraldo_wire::headers;
use heraldo_wire::id::EventId;
use heraldo_wire::signature::{Envelope, Secret, Signer, standard_header};
use heraldo_wire::time::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::given;
use crate::failure::{Failure, Outcome};
use crate::ports::{OsEntropy, SystemClock};
use crate::remote::{CallFailed, Remote};
use crate::settings::Settings;
use crate::terminal::say;

/// How often the server is asked for what is new.
const PAUSE: Duration = Duration::from_millis(300);
/// After the server could not be reached, it is asked again after this long.
const AWAY_PAUSE: Duration = Duration::from_secs(1);
/// An event may become visible this long after one that was made later.
const OVERLAP: Duration = Duration::from_secs(10);
/// How long the receiver may take.
const RECEIVER_MAX: Duration = Duration::from_secs(15);
/// A receiver that cannot be connected to (it may be starting again) is tried this often, a second apart.
const CONNECT_TRIES: u32 = 30;

pub fn run(matches: &ArgMatches, settings: &Settings) -> Outcome<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no runtime can be started: {error}")))?;
    runtime.block_on(listen(matches, settings))
}

async fn listen(matches: &ArgMatches, settings: &Settings) -> Outcome<ExitCode> {
    let mut remote = Remote::find(matches, settings)?;
    let wanted = wanted(given(matches, "events").as_deref())?;
    let receiver = Receiver::new(
        &given(matches, "forward-to").unwrap_or_default(),
        given(matches, "secret").as_deref(),
    )?;
    let mut news = News::default();
    // What is there already is not news; what is wrong with the key or the address shows here.
    news.pass_over(&mut remote).await?;
    say(&format!(
        "Listening to {}; events go to {}, signed with",
        remote.url(),
        receiver.url
    ));
    say(&format!("  {}", receiver.shown_secret()));
    let mut is_away = false;
    loop {
        match news.read(&mut remote).await {
            Ok(events) => {
                if std::mem::take(&mut is_away) {
                    say("The server is back.");
                }
                for event in events {
                    if wanted.is_empty() || wanted.contains(&event.event) {
                        receiver.deliver(&event).await;
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(CallFailed::Refused(why)) => return Err(Failure::new(why)),
            Err(CallFailed::Away(why)) => {
                if !std::mem::replace(&mut is_away, true) {
                    say(&format!("{why}; trying again, nothing is lost."));
                }
                tokio::time::sleep(AWAY_PAUSE).await;
            }
        }
    }
}

fn wanted(names: Option<&str>) -> Outcome<Vec<EventType>> {
    let Some(names) = names else {
        return Ok(Vec::new());
    };
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    EventType::parse_list(&names).map_err(|error| Failure::new(format!("--events: {error}")))
}

/// What is new among a company's events. Ids follow the time they were made, not the time they were stored,
/// so that a stretch of time is read again each time and what was seen in it is remembered.
#[derive(Debug, Default)]
struct News {
    /// All that was seen and is not older than the newest by more than the overlap.
    seen: BTreeSet<EventId>,
}

impl News {
    async fn pass_over(&mut self, remote: &mut Remote) -> Result<(), CallFailed> {
        let newest: CursorPage<Event> = remote.get("/v1/notification/event?limit=1").await?;
        self.seen.extend(newest.data.iter().map(|event| event.id));
        self.read(remote).await.map(drop)
    }

    /// From when on events are asked for; `None`: from the beginning.
    fn since(&self) -> Option<Timestamp> {
        let newest = self.seen.last()?.0.made_at();
        let overlap = i64::try_from(OVERLAP.as_millis()).unwrap_or(i64::MAX);
        Some(Timestamp::from_millis(
            newest.as_millis().saturating_sub(overlap),
        ))
    }

    /// What was not seen before, oldest first. Nothing counts as seen unless all of it was read.
    async fn read(&mut self, remote: &mut Remote) -> Result<Vec<Event>, CallFailed> {
        let since = self
            .since()
            .map_or_else(String::new, |since| format!("&from={since}"));
        let mut cursor = String::new();
        let mut events = Vec::new();
        loop {
            let path = format!("/v1/notification/event?limit={LIMIT_MAX}{since}{cursor}");
            let page: CursorPage<Event> = remote.get(&path).await?;
            let unseen = page.data.into_iter();
            events.extend(unseen.filter(|event| !self.seen.contains(&event.id)));
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        events.reverse();
        self.seen.extend(events.iter().map(|event| event.id));
        if let Some(since) = self.since() {
            self.seen.retain(|id| id.0.made_at() >= since);
        }
        Ok(events)
    }
}

/// The receiver on this machine.
struct Receiver {
    url: String,
    target: Arc<Target>,
    secret: Secret,
    signer: Signer,
    transport: Transport,
}

impl Receiver {
    fn new(url: &str, secret: Option<&str>) -> Outcome<Self> {
        let target = Target::parse(url)
            .map_err(|error| Failure::new(format!("--forward-to `{url}`: {error}")))?;
        let secret = match secret {
            Some(secret) => {
                Secret::parse(secret).map_err(|error| Failure::new(format!("--secret: {error}")))?
            }
            None => Secret::from_random(random(&OsEntropy)),
        };
        let everywhere = ["0.0.0.0/0", "::/0"];
        let config = TransportConfig {
            // The address comes from whoever types the command.
            allow_networks: everywhere
                .iter()
                .filter_map(|net| net.parse().ok())
                .collect(),
            ..TransportConfig::default()
        };
        let transport = Transport::new(config, TaskTracker::new(), CancellationToken::new())
            .map_err(|error| Failure::new(format!("receivers cannot be called: {error}")))?;
        Ok(Self {
            url: url.to_owned(),
            target: Arc::new(target),
            signer: Signer::new(&secret),
            secret,
            transport,
        })
    }

    fn shown_secret(&self) -> &str {
        self.secret.reveal()
    }

    /// Sends an event and says in one line what came of it.
    async fn deliver(&self, event: &Event) {
        let mut tries = 1;
        let report = loop {
            let outgoing = Outgoing {
                url: self.target.clone(),
                headers: self.headers(event, SystemClock.now()),
                body: Bytes::copy_from_slice(event.body.as_bytes()),
                timeout: RECEIVER_MAX,
            };
            let report = self.transport.send(outgoing).await;
            let is_away =
                matches!(&report.outcome, Err(failure) if failure.class == ErrorClass::Connect);
            if !is_away || tries >= CONNECT_TRIES {
                break report;
            }
            if tries == 1 {
                say(&format!(
                    "{} cannot be connected to; waiting for it.",
                    self.url
                ));
            }
            tries += 1;
            tokio::time::sleep(AWAY_PAUSE).await;
        };
        let what = match &report.outcome {
            Ok(answer) => answer.status.to_string(),
            Err(failure) => failure.detail.clone(),
        };
        say(&format!(
            "{} {} {} -> {what} ({} ms)",
            event.created_at,
            event.event,
            event.id,
            report.duration.as_millis()
        ));
    }

    /// Those of a delivery (contract 8, "Headers on every delivery").
    fn headers(&self, event: &Event, now: Timestamp) -> HeaderMap {
        let (id, timestamp) = (event.id.to_string(), now.as_secs().to_string());
        let body = event.body.as_bytes();
        let envelope = Envelope {
            id: &id,
            timestamp: &timestamp,
            body,
        };
        let mut map = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| {
            // Hex digits, base64 and decimals are always valid header values.
            if let Ok(value) = HeaderValue::from_str(value) {
                map.insert(HeaderName::from_static(name), value);
            }
        };
        set("content-type", headers::CONTENT_TYPE_JSON);
        let signature = self.signer.sign_body(body);
        set(headers::AUTOINSPECTOR_SIGNATURE, signature.as_str());
        set(headers::WEBHOOK_ID, &id);
        set(headers::WEBHOOK_TIMESTAMP, &timestamp);
        set(
            headers::WEBHOOK_SIGNATURE,
            &standard_header(&[&self.signer], &[], &envelope),
        );
        set(headers::AUTOINSPECTOR_ATTEMPT, "1");
        set(headers::AUTOINSPECTOR_SEQUENCE, &event.sequence.to_string());
        if event.test {
            set(headers::AUTOINSPECTOR_TEST, "true");
        }
        map
    }
}
