//! Power loss: what a server wrote and synced is recorded, and read again as a disk that lost power at any
//! moment would give it back. Each event whose acceptance had been answered is there.
//!
//! In two of the lives the disk also refuses syncs, and loses what they were to cover although the system takes
//! it for written.
//!
//! `strace` records the real binary on a real disk: every write with its bytes, every sync, every change of
//! a name, and every answer to a client, in one order. `disk` holds what a disk must keep; of the rest it
//! keeps nothing, all, some, or some sectors of some, as the seed says.

mod disk;
mod record;

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use heraldo_domain::delivery::Leased;
use heraldo_domain::ports::{Clock, Entropy, HandOver};
use heraldo_domain::query::{DeliveryFilter, Page};
use heraldo_domain::store::Store;
use heraldo_store::{MasterKeySource, SqliteConfig, SqliteLimits, SqliteStore};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::id::{CompanyId, WebhookId};
use heraldo_wire::time::Timestamp;
use serde_json::{Value, json};
use tempfile::tempdir;

use self::disk::{Disk, Mercy, put_down};
use self::record::{Act, CALLS, Edge, Record};
use crate::client::Api;
use crate::crash::Dice;
use crate::process::{Server, Setup};
use crate::receiver::Receiver;
use crate::waiting::eventually;

/// How often the power is lost.
const CUTS: usize = 240;
/// So many more between a refused sync of the log and the next thing that is accepted, half of them just when
/// something is copied into the database.
const CUTS_WHILE_REFUSED: usize = 80;
/// After some of them the real server goes on with what is left.
const GOES_ON_EVERY: usize = 40;
const CALLERS: usize = 3;

#[test]
fn a_power_loss_at_any_moment_loses_no_accepted_event() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let receiver = Receiver::ok();
    let mut dice = Dice::new();
    let mut record = Record::default();
    let mut key = String::new();
    // A life that is killed, one that stops and copies its log, one that copies it under load, one in which
    // syncs are refused (of each thread the 20th and each 15th after it, which is after the start), and one in
    // which that happens while the log is copied, because the disk is slow.
    let refused = "-e inject=fdatasync:error=EIO:when=20+15";
    let refused_and_slow =
        "-e inject=fdatasync:error=EIO:when=9+6 -e inject=pwrite64:delay_exit=100";
    for (number, requests, events, faults) in [
        (0, 40, 3, None),
        (1, 40, 3, None),
        (2, 60, 100, None),
        (3, 90, 3, Some(refused)),
        (4, 60, 100, Some(refused_and_slow)),
    ] {
        let log = folder.path().join(format!("life-{number}"));
        let mut server = recorded(&data, &log, faults).start();
        if number == 0 {
            let api = server.api();
            key.clone_from(&api.key);
            api.webhook(&receiver.url());
        }
        load(&server, &key, requests, events, faults.is_some());
        let pid = server.pid();
        if number == 1 {
            server.signal("TERM");
            assert!(server.end().success());
        } else {
            server.kill();
        }
        receiver.wait_until_alone();
        // The one who writes the record ends after the one whose calls it writes down.
        eventually(&format!("the record of life {number} is whole"), || {
            has_ended(&log, pid).then_some(())
        });
        let text = std::fs::read_to_string(&log).unwrap();
        record.read(&text, &data);
    }
    let facts = Facts::of(&record, &data);
    assert!(facts.checkpoints >= 2, "{facts:?}");
    assert!(
        folder_is_certain(&record, folder.path()),
        "the data folder itself may be lost"
    );
    assert!(facts.refused >= 2, "{facts:?}");
    let refusals = Refusals::of(&record, &data);
    assert!(!refusals.spans.is_empty(), "{facts:?}");
    assert!(!refusals.copied.is_empty(), "{facts:?}");
    let cuts = cuts(&record, &refusals, &mut dice);
    let mut disk = Disk::new(&data);
    let mut accepted = Accepted::default();
    let (mut done, mut most_uncertain) = (0, 0);
    for (number, cut) in cuts.iter().enumerate() {
        for edge in &record.edges[done..*cut] {
            disk.apply(&record, *edge);
            accepted.note(&record, *edge);
        }
        done = *cut;
        most_uncertain = most_uncertain.max(disk.uncertain());
        let mercy = [Mercy::Nothing, Mercy::Some, Mercy::Torn, Mercy::Everything][number % 4];
        let left = disk.after_power_loss(mercy, &mut |limit| dice.below(limit));
        let place = tempdir().unwrap();
        put_down(&left, &data, place.path());
        let what = format!("cut {number} at {cut} of {}, {mercy:?}", record.edges.len());
        check(place.path(), &accepted, Settled::Perhaps, &what);
        if number % GOES_ON_EVERY == GOES_ON_EVERY - 1 {
            goes_on(place.path(), &key, &what);
            check(place.path(), &accepted, Settled::Surely, &what);
        }
    }
    println!(
        "{} events accepted in {} calls, {} cuts, at most {most_uncertain} writes uncertain at one, none \
         lost; {facts:?}, {} pages copied while a sync stood refused",
        accepted.events.len(),
        record.acts.len(),
        cuts.len(),
        refusals.copied.len()
    );
}

/// A server whose calls are written down. It keeps its own process id.
fn recorded<'a>(data: &'a Path, log: &Path, faults: Option<&str>) -> Setup<'a> {
    let mut setup = Setup::serve(data);
    setup.before = Some(format!(
        "exec strace -D -f --seccomp-bpf -y -xx -s 16000000 -e trace={CALLS} {} -o '{}' \
         \"$0\" \"$@\"",
        faults.unwrap_or_default(),
        log.display()
    ));
    setup
}

/// Whether the end of that process is the last thing on record.
fn has_ended(log: &Path, pid: u32) -> bool {
    let mut file = File::open(log).unwrap();
    let len = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(len.saturating_sub(4_096)))
        .unwrap();
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).unwrap();
    let tail = String::from_utf8_lossy(&tail);
    let end = tail.lines().rfind(|line| line.contains(" +++ "));
    end.is_some_and(|line| line.split_whitespace().next() == Some(&pid.to_string()))
}

/// Publishes and creates from several sides; each request is answered, and accepted unless some may be refused.
fn load(server: &Server, key: &str, requests: usize, events: usize, may_be_refused: bool) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let api = Api::new(server.address(), key);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= requests {
                        return;
                    }
                    let post = |path, body, accepted| {
                        let answer = api.call("POST", path, Some(&body)).unwrap();
                        let refused = may_be_refused && answer.status == 503;
                        assert!(answer.status == accepted || refused, "{answer:?}");
                    };
                    if number % 8 == 7 {
                        post("/v1/inspection/car", json!({ "templateId": "easy" }), 201);
                        continue;
                    }
                    let events: Vec<Value> = (0..events)
                        .map(|event| {
                            let id = format!("{:024x}", number * 1_000 + event);
                            json!({ "event": "inspection_started", "payload": { "_id": id } })
                        })
                        .collect();
                    post("/v1/notification/event", Value::Array(events), 202);
                }
            });
        }
    });
}

/// What a record holds, for the reader.
#[derive(Debug, Default)]
struct Facts {
    writes: usize,
    syncs: usize,
    /// Syncs of the database file itself: the log was copied into it.
    checkpoints: usize,
    /// Syncs of the log that were refused.
    refused: usize,
}

impl Facts {
    fn of(record: &Record, data: &Path) -> Self {
        let database = data.join("heraldo.db");
        let mut facts = Self::default();
        for act in &record.acts {
            match act {
                Act::Write { .. } => facts.writes += 1,
                Act::Sync { path } => {
                    facts.syncs += 1;
                    facts.checkpoints += usize::from(*path == database);
                }
                Act::FailedSync { .. } => facts.refused += 1,
                _ => {}
            }
        }
        facts
    }
}

/// Whether the folder that holds the data folder is synced before anything is answered.
fn folder_is_certain(record: &Record, parent: &Path) -> bool {
    let first = record.edges.iter().find_map(|edge| match edge {
        Edge::Begin(call) if matches!(record.acts[*call], Act::Answer(_)) => Some(false),
        Edge::End(call) => match &record.acts[*call] {
            Act::Sync { path } if path == parent => Some(true),
            _ => None,
        },
        Edge::Begin(_) => None,
    });
    first == Some(true)
}

/// Where in the record a sync of the log stood refused: nothing is accepted until the log is mended.
#[derive(Debug, Default)]
struct Refusals {
    /// From the refusal to the next answer that something was accepted.
    spans: Vec<Range<usize>>,
    /// Where in them a page of the database was being written.
    copied: Vec<usize>,
}

impl Refusals {
    fn of(record: &Record, data: &Path) -> Self {
        let (log, database) = (data.join("heraldo.db-wal"), data.join("heraldo.db"));
        let mut refusals = Self::default();
        let mut refused_at = None;
        let mut copied = Vec::new();
        for (at, edge) in record.edges.iter().enumerate() {
            match edge {
                Edge::End(call) => {
                    if matches!(&record.acts[*call], Act::FailedSync { path } if *path == log) {
                        refused_at = refused_at.or(Some(at));
                    }
                }
                Edge::Begin(call) => match &record.acts[*call] {
                    Act::Write { path, .. } if *path == database && refused_at.is_some() => {
                        copied.push(at + 1);
                    }
                    Act::Answer(bytes) if bytes.starts_with(b"HTTP/1.1 20") => {
                        if let Some(refused) = refused_at.take() {
                            refusals.spans.push(refused..at + 1);
                            refusals.copied.append(&mut copied);
                        }
                    }
                    _ => {}
                },
            }
        }
        refusals
    }
}

/// Half of them lie where an answer has just begun to go out, the others anywhere; some more lie where a sync
/// stood refused.
fn cuts(record: &Record, refusals: &Refusals, dice: &mut Dice) -> Vec<usize> {
    let answers: Vec<usize> = record
        .edges
        .iter()
        .enumerate()
        .filter(|(_, edge)| matches!(edge, Edge::Begin(call) if matches!(record.acts[*call], Act::Answer(_))))
        .map(|(at, _)| at + 1)
        .collect();
    let mut below = |limit: usize| usize::try_from(dice.below(limit as u64)).unwrap();
    let first = *answers.first().expect("something was answered");
    let mut cuts: Vec<usize> = (0..CUTS)
        .map(|number| match number % 2 {
            0 => answers[below(answers.len())],
            _ => first + below(record.edges.len() - first),
        })
        .collect();
    cuts.extend((0..CUTS_WHILE_REFUSED).map(|number| match number % 2 {
        0 => refusals.copied[below(refusals.copied.len())],
        _ => {
            let span = &refusals.spans[number / 2 % refusals.spans.len()];
            span.start + below(span.len())
        }
    }));
    cuts.sort_unstable();
    cuts
}

/// What clients were told so far.
#[derive(Debug, Default)]
struct Accepted {
    events: HashSet<String>,
    inspections: HashSet<String>,
}

impl Accepted {
    /// An answer counts from the moment in which it begins to go out.
    fn note(&mut self, record: &Record, edge: Edge) {
        let Edge::Begin(call) = edge else { return };
        let Act::Answer(bytes) = &record.acts[call] else {
            return;
        };
        let text = String::from_utf8_lossy(bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return;
        };
        let all = |name: &str| -> Vec<String> {
            let parts = body.split(name).skip(1);
            parts
                .filter_map(|part| part.split('"').nth(1))
                .map(str::to_owned)
                .collect()
        };
        if head.starts_with("HTTP/1.1 202 ") {
            self.events.extend(all("\"_id\":"));
        } else if head.starts_with("HTTP/1.1 201 ") {
            self.inspections.extend(all("\"inspectionId\":"));
        }
    }
}

/// Whether what is stored must have reached its receiver.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Perhaps,
    Surely,
}

/// Opens the store and looks for all that was accepted.
fn check(place: &Path, accepted: &Accepted, settled: Settled, what: &str) {
    let store = SqliteStore::open(config(place)).unwrap_or_else(|error| panic!("{what}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (mut events, mut inspections) = (HashSet::new(), HashSet::new());
    runtime.block_on(async {
        let damage = store.damage().await.unwrap();
        assert!(damage.is_empty(), "{what}: {damage:?}");
        let companies = store.companies(all::<CompanyId>()).await.unwrap();
        let company = companies.first().map(|company| company.id);
        let Some(company) = company else { return };
        let deliveries = store
            .deliveries(company, DeliveryFilter::default(), all())
            .await;
        for delivery in deliveries.unwrap() {
            let event = store.event(company, delivery.event_id).await.unwrap();
            assert!(event.is_some(), "{what}: a delivery without its event");
            let delivered = delivery.status == DeliveryStatus::Delivered;
            assert!(
                delivered || settled == Settled::Perhaps,
                "{what}: {delivery:?}"
            );
            events.insert(delivery.event_id.to_string());
            inspections.insert(delivery.inspection_id.to_string());
        }
        store.close().await.unwrap();
    });
    let lost: Vec<_> = accepted.events.difference(&events).collect();
    assert!(
        lost.is_empty(),
        "{what}: {} events are lost: {lost:?}",
        lost.len()
    );
    let lost: Vec<_> = accepted.inspections.difference(&inspections).collect();
    assert!(
        lost.is_empty(),
        "{what}: {} inspections are lost: {lost:?}",
        lost.len()
    );
}

/// The real server on what is left: in the end nothing waits any more.
fn goes_on(place: &Path, key: &str, what: &str) {
    let mut server = Setup::serve(place).start();
    let api = server.api_with(key);
    eventually(&format!("{what}: everything is delivered"), || {
        api.deliveries("status=pending").is_empty().then_some(())
    });
    server.signal("TERM");
    assert!(server.end().success(), "{what}");
}

fn all<C>() -> Page<C> {
    Page {
        limit: 1_000_000,
        before: None,
    }
}

fn config(place: &Path) -> SqliteConfig {
    SqliteConfig {
        data_dir: place.to_owned(),
        master_key: MasterKeySource::File(place.join("master.key")),
        hand_over: Arc::new(Nobody),
        clock: Arc::new(Nobody),
        entropy: Arc::new(Nobody),
        exclusive: true,
        limits: SqliteLimits::default(),
    }
}

/// Looks into a store and changes nothing in it.
#[derive(Debug)]
struct Nobody;

impl HandOver for Nobody {
    fn reserve(&self, _: WebhookId, _: usize) -> bool {
        false
    }
    fn release(&self, _: WebhookId, _: usize) {}
    fn deferred(&self, _: WebhookId) -> u64 {
        0
    }
    fn hand_over(&self, _: Vec<Leased>) {}
    fn webhook_changed(&self, _: Option<WebhookId>) {}
}

impl Clock for Nobody {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap())
    }
}

impl Entropy for Nobody {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}
