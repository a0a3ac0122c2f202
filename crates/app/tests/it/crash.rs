//! `kill -9` at random moments under load: what was accepted is delivered.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use heraldo_wire::id::EventId;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::client::{Api, Made, text};
use crate::process::{Server, Setup};
use crate::receiver::{Reaction, Receiver};
use crate::waiting::PATIENCE;

const KILLS: u32 = 200;
/// At most so many requests are taken between two kills.
const REQUESTS: u64 = 60;
const CALLERS: usize = 4;
/// Attempts under way at once: what may be repeated after a kill is bounded by it.
const CONCURRENCY: usize = 8;

/// What the callers and the one who kills share.
struct Load {
    /// Where the server of this moment listens; `None` while there is none.
    address: Mutex<Option<SocketAddr>>,
    moved: Condvar,
    accepted: Mutex<Accepted>,
    took: Condvar,
    over: AtomicBool,
}

/// What a server said that it took.
#[derive(Default)]
struct Accepted {
    /// By `webhook-id`.
    events: HashSet<String>,
    /// By inspection, for `inspection_created`.
    inspections: HashSet<String>,
    /// Answers in the present life of the server.
    now: usize,
}

impl Load {
    fn calls(&self, key: &str, publishes: bool) {
        let mut number = 0_u32;
        while !self.over.load(Ordering::Acquire) {
            let Some(address) = self.wait_for_server() else {
                return;
            };
            let api = Api::new(address, key);
            loop {
                number += 1;
                let done = if publishes {
                    self.publish(&api, number)
                } else {
                    self.create(&api)
                };
                if done.is_err() || self.over.load(Ordering::Acquire) {
                    break;
                }
            }
            // This server is dead: the next one has another address.
            let mut now = self.address.lock().unwrap();
            if *now == Some(address) {
                *now = None;
            }
        }
    }

    fn wait_for_server(&self) -> Option<SocketAddr> {
        let guard = self.address.lock().unwrap();
        let waits = |address: &mut Option<SocketAddr>| {
            address.is_none() && !self.over.load(Ordering::Acquire)
        };
        let (guard, _) = self
            .moved
            .wait_timeout_while(guard, PATIENCE, waits)
            .unwrap();
        *guard
    }

    fn publish(&self, api: &Api, number: u32) -> std::io::Result<()> {
        let events: Vec<Value> = (0..2)
            .map(|index| {
                let id = format!("{:024x}", number % 16 * 2 + index);
                json!({ "event": "inspection_started", "payload": { "_id": id } })
            })
            .collect();
        let answer = api.call(
            "POST",
            "/v1/notification/event",
            Some(&Value::Array(events)),
        )?;
        assert_eq!(
            answer.status,
            202,
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
        let data = answer.json()["data"].as_array().unwrap().clone();
        self.note(|accepted| {
            accepted
                .events
                .extend(data.iter().map(|event| text(&event["_id"])))
        });
        Ok(())
    }

    fn create(&self, api: &Api) -> std::io::Result<()> {
        let body = json!({ "templateId": "easy", "car": { "plate": "AB123CD" } });
        let answer = api.call("POST", "/v1/inspection/car", Some(&body))?;
        assert_eq!(
            answer.status,
            201,
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
        let made = Made::from(&answer.json());
        self.note(|accepted| {
            accepted.inspections.insert(made.id);
        });
        Ok(())
    }

    fn note(&self, write: impl FnOnce(&mut Accepted)) {
        let mut accepted = self.accepted.lock().unwrap();
        write(&mut accepted);
        accepted.now += 1;
        self.took.notify_all();
    }

    /// Lets the callers end.
    fn end(&self) {
        let _guard = self.address.lock().unwrap();
        self.over.store(true, Ordering::Release);
        self.moved.notify_all();
    }

    /// Tells the callers of a new server, and waits until it has taken so many requests.
    fn runs(&self, address: SocketAddr, requests: usize) {
        self.accepted.lock().unwrap().now = 0;
        *self.address.lock().unwrap() = Some(address);
        self.moved.notify_all();
        let accepted = self.accepted.lock().unwrap();
        let too_few = |accepted: &mut Accepted| accepted.now < requests;
        let (guard, timeout) = self
            .took
            .wait_timeout_while(accepted, PATIENCE, too_few)
            .unwrap();
        drop(guard);
        assert!(!timeout.timed_out(), "the server takes nothing");
    }
}

/// Numbers without a plan; the first is printed, so that a run can be understood.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        let seed = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_nanos();
        println!("seed {seed}");
        Self(u64::try_from(seed & u128::from(u64::MAX)).unwrap() | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A receiver that holds what it gets until a kill cuts it off, and after that answers nothing that was accepted by
/// the next server before what was cut off has come again. Were anything accepted later sent first, it would soon have
/// every slot, and nothing would go on.
#[derive(Default)]
struct Holding {
    held: Mutex<Held>,
    moved: Condvar,
}

/// What was under way when a server was killed, and how long after the next one listened it came again.
#[derive(Default)]
struct Held {
    /// Between a kill and the next start.
    is_dead: bool,
    /// When the server of this moment was started: what it accepts is younger.
    started_ms: i64,
    seen: HashSet<String>,
    /// Under way now, never to be answered.
    now: HashSet<String>,
    /// Cut off by a kill and not come again.
    cut: HashSet<String>,
    /// Since the server of this moment listens; `None` while it starts.
    ready: Option<Instant>,
    again: Vec<Duration>,
}

impl Holding {
    /// What comes first is held; what comes again is answered. While something that was cut off has not come
    /// again nothing is held for good: it would keep the slots from it.
    fn came(&self, id: &str) -> Reaction {
        let mut held = self.held.lock().unwrap();
        if held.cut.remove(id) {
            let since = held.ready.map_or(Duration::ZERO, |ready| ready.elapsed());
            held.again.push(since);
            self.moved.notify_all();
        }
        if made_ms(id) > held.started_ms {
            let waits = |held: &mut Held| !held.is_dead && !held.cut.is_empty();
            held = self.moved.wait_while(held, waits).unwrap();
            if held.is_dead {
                return Reaction::Reset;
            }
        }
        if held.seen.insert(id.to_owned()) && held.cut.is_empty() {
            held.now.insert(id.to_owned());
            return Reaction::Hang;
        }
        held.now.remove(id);
        Reaction::Status(200)
    }

    fn starts(&self) {
        let mut held = self.held.lock().unwrap();
        held.is_dead = false;
        held.started_ms = now_ms();
    }

    fn listens(&self) {
        self.held.lock().unwrap().ready = Some(Instant::now());
    }

    /// Nothing of this server is waited for any more.
    fn dies(&self) {
        self.held.lock().unwrap().is_dead = true;
        self.moved.notify_all();
    }

    /// Everything that the dead server had sent is read: what of it was not answered is cut off.
    fn is_dead(&self) {
        let mut held = self.held.lock().unwrap();
        let cut = std::mem::take(&mut held.now);
        held.cut.extend(cut);
        held.ready = None;
    }

    fn has_come_again(&self) -> bool {
        self.held.lock().unwrap().cut.is_empty()
    }
}

/// When an event was accepted, by its `webhook-id`.
fn made_ms(id: &str) -> i64 {
    id.parse::<EventId>().unwrap().0.made_at().as_millis()
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis().try_into().unwrap()
}

#[test]
fn two_hundred_kills_under_load_lose_nothing_and_repeat_only_what_was_in_flight() {
    let folder = tempdir().unwrap();
    let setup =
        Setup::serve(folder.path()).env("HERALDO_WEBHOOK_CONCURRENCY", CONCURRENCY.to_string());
    let mut dice = Dice::new();
    let life = Arc::new(AtomicU32::new(0));
    // Which life of the server each request came in.
    let lives: Arc<Mutex<Vec<(String, u32)>>> = Arc::default();
    let receiver = {
        let (life, lives) = (life.clone(), lives.clone());
        Receiver::new(move |received| {
            let id = received.header("webhook-id").to_owned();
            lives
                .lock()
                .unwrap()
                .push((id, life.load(Ordering::Acquire)));
            Reaction::Status(200)
        })
    };
    // Another one holds what it gets until a kill cuts it off: that must come again before anything else.
    let held: Arc<Holding> = Arc::default();
    let holding = {
        let held = held.clone();
        Receiver::new(move |received| held.came(received.header("webhook-id")))
    };
    let mut server = setup.start();
    let key = server.api().key;
    server.api().webhook(&receiver.url());
    // A long deadline, so that none of them ends by itself.
    let patient = json!({ "timeoutMs": 30_000, "ordering": "none" });
    server.api().webhook_with(&holding.url(), patient);
    let load = Arc::new(Load {
        address: Mutex::new(None),
        moved: Condvar::new(),
        accepted: Mutex::default(),
        took: Condvar::new(),
        over: AtomicBool::new(false),
    });
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            let (load, key) = (load.clone(), key.clone());
            std::thread::spawn(move || load.calls(&key, number % 2 == 0))
        })
        .collect();
    for kill in 0..KILLS {
        let came = receiver.count();
        load.runs(
            server.address(),
            usize::try_from(dice.below(REQUESTS)).unwrap(),
        );
        // Sends resume after each start, not only after the last.
        receiver.wait(&format!("something after kill {kill}"), |got| {
            got.len() > came
        });
        // Also what the kill before cut off has come again by then.
        holding.wait(&format!("what kill {kill} cut off"), |_| {
            held.has_come_again()
        });
        let end = |server: Server| {
            server.kill();
            held.dies();
            receiver.wait_until_alone();
            holding.wait_until_alone();
            held.is_dead();
            life.fetch_add(1, Ordering::AcqRel);
        };
        end(server);
        // Now and then it is killed while it starts.
        while dice.below(5) == 0 {
            held.starts();
            let starting = setup.spawn();
            let (_never, silence) = std::sync::mpsc::channel::<()>();
            let _ = silence.recv_timeout(Duration::from_millis(dice.below(60)));
            end(starting);
        }
        held.starts();
        server = setup.start();
        held.listens();
    }
    load.end();
    for caller in callers {
        caller.join().unwrap();
    }
    let accepted = load.accepted.lock().unwrap();
    // Looked at once each, however often it is asked.
    let came = RefCell::new((0, HashSet::new(), HashSet::new()));
    let got = receiver.wait("every accepted event and inspection", |got| {
        let (known, events, inspections) = &mut *came.borrow_mut();
        for received in &got[*known..] {
            events.insert(received.header("webhook-id").to_owned());
            if received.event() == "inspection_created" {
                inspections.insert(received.inspection());
            }
        }
        *known = got.len();
        accepted.events.is_subset(events) && accepted.inspections.is_subset(inspections)
    });
    drop(accepted);
    // An attempt that was cut off is not spent: made again, it has the same number.
    assert!(
        got.iter()
            .all(|received| received.header("autoinspector-attempt") == "1")
    );
    repeated_only_what_was_in_flight(&lives.lock().unwrap());
    holding.wait("what the last kill cut off", |_| held.has_come_again());
    sent_again_at_once(&mut held.held.lock().unwrap().again);
    println!("{} requests, {} kills", got.len(), KILLS);
}

/// Within so long after the server listens, for all but a tenth: that is for a machine that has other work. That it comes
/// before anything younger does not depend on the machine, and the receiver sees to it.
const AGAIN_MAX: Duration = Duration::from_secs(1);

fn sent_again_at_once(again: &mut [Duration]) {
    again.sort_unstable();
    assert!(again.len() > 100, "too little was under way: {again:?}");
    let most = again[again.len() - 1];
    let nearly_all = again[again.len() * 9 / 10];
    println!(
        "{} were under way at a kill; they came again {:?} (median), {nearly_all:?} (9 of 10), {:?} (99 of 100) and \
         {most:?} (all) after the next server listened",
        again.len(),
        again[again.len() / 2],
        again[again.len() * 99 / 100]
    );
    assert!(
        nearly_all < AGAIN_MAX,
        "one of ten came again only after {nearly_all:?} and more"
    );
}

fn repeated_only_what_was_in_flight(lives: &[(String, u32)]) {
    let mut of_event: HashMap<&str, Vec<u32>> = HashMap::new();
    for (id, life) in lives {
        of_event.entry(id).or_default().push(*life);
    }
    let mut cut_off: HashMap<u32, usize> = HashMap::new();
    for (id, lives) in &of_event {
        for pair in lives.windows(2) {
            assert!(
                pair[0] < pair[1],
                "{id} came twice in one life of the server: {lives:?}"
            );
            *cut_off.entry(pair[0]).or_default() += 1;
        }
    }
    let most = cut_off.values().max().copied().unwrap_or(0);
    let all: usize = cut_off.values().sum();
    println!(
        "{} events, {all} repeated, at most {most} by one kill",
        of_event.len()
    );
    // Under way, or answered and not yet written down: far less than a webhook may have in memory.
    assert!(most <= 1_024, "one kill repeated {most}");
}
