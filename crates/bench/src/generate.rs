//! The generator, a process of its own: reads one job on standard input, does it, prints what it did.
//!
//! The raw bound and the server get the very same client: the same connections, bodies and loop.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use heraldo_wire::event::EventType;
use heraldo_wire::headers;
use heraldo_wire::id::EventId;
use heraldo_wire::signature::{Envelope, Secret, Signer};
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use serde::{Deserialize, Serialize};
use tokio::sync::{Barrier, Mutex, mpsc};
use tokio::task::JoinSet;

use crate::body::{IdMaker, Template, now_us};
use crate::connection::{Connection, quoted};
use crate::scenario::Call;
use crate::{Outcome, procfs};

/// After that many refusals a connection gives up: the figures mean nothing any more.
const REFUSALS_MAX: u64 = 20;
/// How long the last answers may take once the load has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(60);

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    pub target: SocketAddr,
    pub connections: u32,
    pub call: Call,
    /// At that many fixed instants a second; without it as fast as answered.
    pub per_second: Option<u32>,
    pub duration_ms: u64,
    /// It ends earlier when that many requests were made.
    pub requests_max: Option<u64>,
    /// For calls of the API, used in turn.
    pub api_keys: Vec<String>,
    /// For the raw bound, which signs itself.
    pub secret: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Done {
    /// Requests answered with 2xx.
    pub accepted: u64,
    /// Requests answered otherwise, or not at all.
    pub refused: u64,
    pub first_refusal: Option<String>,
    /// Microseconds since the epoch.
    pub first_sent_us: u64,
    pub last_answered_us: u64,
    /// User and system time of this process.
    pub cpu_us: u64,
    /// Accepted requests of each API key, in their order.
    #[serde(default)]
    pub accepted_by_key: Vec<u64>,
}

/// Does the job on standard input.
pub async fn run() -> Outcome {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| format!("no job: {error}"))?;
    let job: Job = serde_json::from_str(&text).map_err(|error| format!("no job: {error}"))?;
    let mut done = work(job).await?;
    let cpu = procfs::cpu(std::process::id())?;
    done.cpu_us = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
    let line = serde_json::to_string(&done).map_err(|error| error.to_string())?;
    println!("{line}");
    Ok(())
}

async fn work(job: Job) -> Outcome<Done> {
    let maker = Arc::new(RequestMaker::new(&job)?);
    let duration = Duration::from_millis(job.duration_ms);
    // The orchestrator and the driver of each connection are no workers: they wait for nobody.
    let all_open = Arc::new(Barrier::new(usize::try_from(job.connections).unwrap_or(1)));
    let ticks = job
        .per_second
        .map(|per_second| Ticks::new(per_second, duration));
    let left = Arc::new(AtomicU64::new(job.requests_max.unwrap_or(u64::MAX)));
    let mut workers = JoinSet::new();
    for number in 0..job.connections {
        let worker = Worker {
            connection: Connection::open(job.target).await?,
            target: job.target,
            maker: Arc::clone(&maker),
            sent: u64::from(number),
            left: Arc::clone(&left),
            done: Done::default(),
        };
        let all_open = Arc::clone(&all_open);
        match &ticks {
            None => workers.spawn(worker.one_after_the_other(all_open, duration)),
            Some(ticks) => workers.spawn(worker.at_ticks(Arc::clone(&ticks.receiver))),
        };
    }
    let pacer = ticks.map(Ticks::start).transpose()?;
    let mut total = Done::default();
    let limit = tokio::time::sleep(duration + LAST_ANSWERS);
    tokio::pin!(limit);
    loop {
        tokio::select! {
            ended = workers.join_next() => match ended {
                Some(Ok(done)) => total.add(done),
                Some(Err(error)) => return Err(format!("a connection's task failed: {error}")),
                None => break,
            },
            () = &mut limit => {
                return Err(format!(
                    "{} connections still wait for an answer {} s after the load ended",
                    workers.len(),
                    LAST_ANSWERS.as_secs()
                ));
            }
        }
    }
    if let Some(pacer) = pacer {
        let _ = pacer.join();
    }
    Ok(total)
}

impl Done {
    /// Accepted requests of those keys of which `counts` says so.
    pub fn of_keys(&self, counts: impl Fn(usize) -> bool) -> u64 {
        let keys = self.accepted_by_key.iter().enumerate();
        keys.filter(|(number, _)| counts(*number))
            .map(|(_, accepted)| accepted)
            .sum()
    }

    fn count_key(&mut self, key: usize, more: u64) {
        if self.accepted_by_key.len() <= key {
            self.accepted_by_key.resize(key + 1, 0);
        }
        if let Some(accepted) = self.accepted_by_key.get_mut(key) {
            *accepted += more;
        }
    }

    fn add(&mut self, other: Self) {
        for (key, accepted) in other.accepted_by_key.iter().enumerate() {
            self.count_key(key, *accepted);
        }
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.first_refusal = self.first_refusal.take().or(other.first_refusal);
        if self.first_sent_us == 0
            || (other.first_sent_us != 0 && other.first_sent_us < self.first_sent_us)
        {
            self.first_sent_us = other.first_sent_us;
        }
        self.last_answered_us = self.last_answered_us.max(other.last_answered_us);
    }
}

/// The instants of an open loop. A thread of its own sleeps until each, because the runtime's timers are
/// only as fine as a millisecond, which is much of what is measured.
struct Ticks {
    per_second: u32,
    count: u64,
    sender: mpsc::UnboundedSender<u64>,
    receiver: Arc<Mutex<mpsc::UnboundedReceiver<u64>>>,
}

impl Ticks {
    fn new(per_second: u32, duration: Duration) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            per_second,
            count: (duration.as_secs_f64() * f64::from(per_second)) as u64,
            sender,
            receiver: Arc::new(Mutex::new(receiver)),
        }
    }

    fn start(self) -> Outcome<std::thread::JoinHandle<()>> {
        std::thread::Builder::new()
            .name("pacer".to_owned())
            .spawn(move || {
                let start_us = now_us() + 10_000;
                for number in 0..self.count {
                    let due_us = start_us + number * 1_000_000 / u64::from(self.per_second.max(1));
                    std::thread::sleep(Duration::from_micros(due_us.saturating_sub(now_us())));
                    // What is sent is the instant that was due: a stall of the whole machine counts.
                    if self.sender.send(due_us).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| format!("the pacing thread could not be started: {error}"))
    }
}

/// One connection at work.
struct Worker {
    connection: Connection,
    target: SocketAddr,
    maker: Arc<RequestMaker>,
    /// Counts requests; chooses the path of the raw bound and the key.
    sent: u64,
    /// Requests that all workers together may still make.
    left: Arc<AtomicU64>,
    done: Done,
}

impl Worker {
    async fn one_after_the_other(mut self, all_open: Arc<Barrier>, duration: Duration) -> Done {
        all_open.wait().await;
        let start = Instant::now();
        while start.elapsed() < duration && self.may_go_on() {
            if !self.request(now_us()).await {
                break;
            }
        }
        self.done
    }

    async fn at_ticks(mut self, ticks: Arc<Mutex<mpsc::UnboundedReceiver<u64>>>) -> Done {
        loop {
            let tick = ticks.lock().await.recv().await;
            let Some(due_us) = tick else {
                return self.done;
            };
            if !self.request(due_us).await {
                return self.done;
            }
        }
    }

    fn may_go_on(&self) -> bool {
        let one_less = |left: u64| left.checked_sub(1);
        let order = Ordering::Relaxed;
        self.left.fetch_update(order, order, one_less).is_ok()
    }

    /// Makes one request that counts as sent at `sent_at_us`. False when it is time to give up.
    async fn request(&mut self, sent_at_us: u64) -> bool {
        if self.done.first_sent_us == 0 {
            self.done.first_sent_us = sent_at_us;
        }
        let request = self.maker.make(sent_at_us, self.sent);
        let key = self.maker.key_of(self.sent);
        self.sent += 1;
        let outcome = match request {
            Ok(request) => self.connection.send(request).await,
            Err(sentence) => Err(sentence),
        };
        let refusal = match outcome {
            Ok(answer) if answer.status.is_success() => {
                self.done.accepted += 1;
                self.done.count_key(key, 1);
                self.done.last_answered_us = now_us();
                return true;
            }
            Ok(answer) => format!("{}: {}", answer.status, quoted(&answer.body)),
            Err(sentence) => {
                // Without a connection there is nothing more to do; what was refused is told.
                if let Ok(connection) = Connection::open(self.target).await {
                    self.connection = connection;
                }
                sentence
            }
        };
        self.done.refused += 1;
        self.done.first_refusal.get_or_insert(refusal);
        self.done.refused < REFUSALS_MAX
    }
}

/// Makes requests of one kind.
struct RequestMaker {
    template: Template,
    ids: IdMaker,
    paths: Vec<Uri>,
    headers: HeaderMap,
    api_keys: Vec<HeaderValue>,
    signer: Option<Signer>,
}

impl RequestMaker {
    fn new(job: &Job) -> Outcome<Self> {
        let mut fixed = HeaderMap::new();
        fixed.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(headers::CONTENT_TYPE_JSON),
        );
        fixed.insert(USER_AGENT, HeaderValue::from_static("heraldo-bench"));
        let api_keys = job.api_keys.iter().map(|api_key| value(api_key));
        let api_keys = api_keys.collect::<Outcome<Vec<_>>>()?;
        let (template, paths) = match job.call {
            Call::CreateInspection => (
                Template::create_inspection(),
                vec![Uri::from_static("/v1/inspection/car")],
            ),
            Call::Publish { events, event } => (
                if events == 1 {
                    Template::event(event)
                } else {
                    Template::events(event, events)
                },
                vec![Uri::from_static("/v1/notification/event")],
            ),
            Call::Deliver { paths } => (
                Template::event(EventType::InspectionCreated),
                hook_paths(paths)?,
            ),
        };
        let signer = match &job.secret {
            None => None,
            Some(text) => {
                fixed.insert(
                    headers::AUTOINSPECTOR_ATTEMPT,
                    HeaderValue::from_static("1"),
                );
                fixed.insert(
                    headers::AUTOINSPECTOR_SEQUENCE,
                    HeaderValue::from_static("1"),
                );
                let secret = Secret::parse(text.as_str()).map_err(|error| error.to_string())?;
                Some(Signer::new(&secret))
            }
        };
        Ok(Self {
            template,
            ids: IdMaker::new(),
            paths,
            headers: fixed,
            api_keys,
            signer,
        })
    }

    fn make(&self, sent_at_us: u64, number: u64) -> Outcome<Request<Full<Bytes>>> {
        let body = self.template.fill(sent_at_us, &self.ids);
        let mut headers = self.headers.clone();
        if let Some(signer) = &self.signer {
            self.sign(signer, &body, &mut headers)?;
        }
        if let Some(api_key) = self.api_keys.get(self.key_of(number)) {
            headers.insert(HeaderName::from_static(headers::API_KEY), api_key.clone());
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self
            .paths
            .get(turn(number, self.paths.len()))
            .cloned()
            .unwrap_or_default();
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// The place of the key that the request of that number is made with.
    fn key_of(&self, number: u64) -> usize {
        turn(number, self.api_keys.len())
    }

    /// Adds what makes a body a delivery: id, time and both signatures.
    fn sign(&self, signer: &Signer, body: &Bytes, headers: &mut HeaderMap) -> Outcome {
        let id = EventId(self.ids.next()).to_string();
        let timestamp = (now_us() / 1_000_000).to_string();
        let envelope = Envelope {
            id: &id,
            timestamp: &timestamp,
            body,
        };
        headers.insert(
            headers::WEBHOOK_SIGNATURE,
            value(&signer.sign_standard(&envelope))?,
        );
        headers.insert(
            headers::AUTOINSPECTOR_SIGNATURE,
            value(signer.sign_body(body).as_str())?,
        );
        headers.insert(headers::WEBHOOK_ID, value(&id)?);
        headers.insert(headers::WEBHOOK_TIMESTAMP, value(&timestamp)?);
        Ok(())
    }
}

/// Whose turn it is of so many.
fn turn(number: u64, of: usize) -> usize {
    usize::try_from(number).unwrap_or(0) % of.max(1)
}

/// The paths of the sink's webhooks.
fn hook_paths(count: u32) -> Outcome<Vec<Uri>> {
    (0..count.max(1))
        .map(|number| {
            crate::sink::hook_path(number)
                .parse()
                .map_err(|error| format!("no path: {error}"))
        })
        .collect()
}

fn value(text: &str) -> Outcome<HeaderValue> {
    HeaderValue::from_str(text).map_err(|error| format!("not a header value: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_raw_bound_sends_what_a_delivery_is() {
        let secret = Secret::from_random([7; 32]);
        let maker = RequestMaker::new(&Job {
            target: SocketAddr::from(([127, 0, 0, 1], 1)),
            connections: 1,
            call: Call::Deliver { paths: 2 },
            per_second: None,
            duration_ms: 1,
            requests_max: None,
            api_keys: Vec::new(),
            secret: Some(secret.reveal().to_owned()),
        })
        .expect("a job");
        let request = maker.make(1_790_000_000_000_000, 3).expect("a request");
        assert_eq!(request.uri().path(), "/hook/1");
        for name in [
            headers::WEBHOOK_ID,
            headers::WEBHOOK_TIMESTAMP,
            headers::WEBHOOK_SIGNATURE,
            headers::AUTOINSPECTOR_SIGNATURE,
            headers::AUTOINSPECTOR_ATTEMPT,
            headers::AUTOINSPECTOR_SEQUENCE,
        ] {
            assert!(request.headers().contains_key(name), "{name}");
        }
    }

    #[test]
    fn what_was_done_adds_up() {
        let done = |accepted, first_sent_us, last_answered_us| Done {
            accepted,
            first_sent_us,
            last_answered_us,
            ..Done::default()
        };
        let mut total = Done::default();
        total.add(done(2, 0, 0));
        total.add(done(3, 500, 900));
        total.add(done(4, 400, 800));
        assert_eq!(total.accepted, 9);
        assert_eq!((total.first_sent_us, total.last_answered_us), (400, 900));
    }
}
