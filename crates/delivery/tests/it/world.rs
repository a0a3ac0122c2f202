//! A store on disk, a dispatcher on it, and a company with webhooks at real receivers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heraldo_delivery::callbacks::CallbackSender;
use heraldo_delivery::dispatcher::{Dispatcher, DispatcherConfig, Ports};
use heraldo_delivery::lanes::Limits;
use heraldo_domain::account::Caller;
use heraldo_domain::change::Actor;
use heraldo_domain::links::{LinkKey, Links};
use heraldo_domain::ops::accounts::{Person, create_company};
use heraldo_domain::ops::webhooks::{create_webhook, update_webhook};
use heraldo_domain::ops::{Context, Settings, publish};
use heraldo_domain::ports::{Clock, Entropy, IdMaker};
use heraldo_domain::query::{DeliveryFilter, DeliveryRecord, Page};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::Store;
use heraldo_domain::webhook::Defaults;
use heraldo_store::{MasterKeySource, SqliteConfig, SqliteLimits, SqliteStore};
use heraldo_wire::api::{
    CreateWebhookAnswer, CreateWebhookRequest, UpdateWebhookRequest, WebhookStatus,
};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{ApiKeyId, WebhookId};
use heraldo_wire::time::{HumanDuration, Timestamp};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::receiver::{Bed, PATIENT, Receiver, loopback_allowed, read_request};

#[derive(Debug)]
struct WallClock;

impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the dispatcher's timers run on real time here"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(since.as_millis().try_into().unwrap())
    }
}

/// Not random: a counter is enough to keep ids and secrets apart.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for (byte, from) in bytes.iter_mut().zip(number.iter().cycle()) {
            *byte = *from;
        }
    }
}

pub struct World {
    pub bed: Bed,
    pub context: Context,
    pub dispatcher: Dispatcher,
    pub store: Arc<SqliteStore>,
    pub caller: Caller,
    _folder: TempDir,
}

/// One request as the receiver got it.
pub struct Request {
    text: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.text.split_once("\r\n\r\n").unwrap();
        head.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").unwrap().1
    }
}

pub fn small_limits() -> Limits {
    Limits {
        window_max: 8,
        claim_max: 4,
        concurrency: 4,
        ..Limits::default()
    }
}

impl World {
    pub async fn new(limits: Limits, waits: Vec<Duration>) -> Self {
        let bed = Bed::with(loopback_allowed());
        let folder = TempDir::new().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(WallClock);
        let entropy: Arc<dyn Entropy> = Arc::new(Counter::default());
        let ids = Arc::new(IdMaker::default());
        let ports = Ports {
            clock: clock.clone(),
            entropy: entropy.clone(),
            ids: ids.clone(),
        };
        let retry = RetryPolicy {
            waits,
            ..RetryPolicy::default()
        };
        let defaults = Defaults {
            retry,
            timeout: Duration::from_secs(20),
            ..Defaults::default()
        };
        let config = DispatcherConfig {
            limits,
            defaults: defaults.clone(),
        };
        let (transport, tracker) = (bed.transport.clone(), bed.tracker.clone());
        let dispatcher = Dispatcher::new(config, transport, ports, tracker, Handle::current());
        let store = SqliteStore::open(SqliteConfig {
            data_dir: folder.path().to_owned(),
            master_key: MasterKeySource::File(folder.path().join("master.key")),
            hand_over: Arc::new(dispatcher.clone()),
            clock: clock.clone(),
            entropy: entropy.clone(),
            exclusive: true,
            limits: SqliteLimits::default(),
        });
        let store = Arc::new(store.unwrap());
        let settings = Settings {
            allow_networks: loopback_allowed().allow_networks,
            webhook_defaults: defaults,
            ..Settings::default()
        };
        let links = Links {
            public_url: "http://localhost".to_owned(),
            key: LinkKey([7; 32]),
            file_lifetime: Duration::from_secs(3_600),
        };
        let callbacks = CallbackSender::new(bed.transport.clone(), clock.clone(), PATIENT);
        let mut context = Context::new(store.clone(), clock, entropy, ids, links, settings);
        context.callbacks = Arc::new(callbacks);
        let company = create_company(&context, "A company", Person::default())
            .await
            .unwrap();
        dispatcher.start(store.clone()).await.unwrap();
        let caller = Caller {
            company_id: company.company_id,
            actor: Actor::ApiKey(ApiKeyId::default()),
            testing: false,
        };
        Self {
            bed,
            context,
            dispatcher,
            store,
            caller,
            _folder: folder,
        }
    }

    /// A receiver that answers with the status that `status` gives for each request, from 0, and shows
    /// what it got.
    pub async fn receiver(
        &self,
        status: impl Fn(usize, &Request) -> u16 + Send + Sync + 'static,
    ) -> (Receiver, mpsc::UnboundedReceiver<Request>) {
        let (sender, requests) = mpsc::unbounded_channel();
        let state = Arc::new((status, sender, AtomicU64::new(0)));
        let receiver = self
            .bed
            .receiver(move |_, mut stream| {
                let state = state.clone();
                async move {
                    let (status, sender, count) = &*state;
                    while let Some(text) = read_request(&mut stream).await {
                        let request = Request { text };
                        let number = count.fetch_add(1, Ordering::SeqCst);
                        let status = status(usize::try_from(number).unwrap(), &request);
                        // A test that has seen enough no longer listens.
                        let _ = sender.send(request);
                        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\nok");
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                }
            })
            .await;
        (receiver, requests)
    }

    pub async fn webhook(
        &self,
        endpoint: String,
        change: impl FnOnce(&mut CreateWebhookRequest),
    ) -> WebhookId {
        let mut request = CreateWebhookRequest {
            endpoint,
            events: EventType::ALL
                .iter()
                .map(|event| event.to_string())
                .collect(),
            ..CreateWebhookRequest::default()
        };
        change(&mut request);
        let answer = create_webhook(&self.context, &self.caller, request, None)
            .await
            .unwrap();
        serde_json::from_slice::<CreateWebhookAnswer>(&answer.body)
            .unwrap()
            .id
    }

    pub async fn enable(&self, id: WebhookId) {
        let request = UpdateWebhookRequest {
            status: Some(WebhookStatus::Enabled),
            ..UpdateWebhookRequest::default()
        };
        let webhook = update_webhook(&self.context, &self.caller, id, request).await;
        assert_eq!(webhook.unwrap().life.disabled, None);
    }

    /// Publishes events in one call; each is a type and the number of its inspection.
    pub async fn publish(&self, events: &[(EventType, u64)]) {
        let items: Vec<_> = events
            .iter()
            .map(|(event, inspection)| {
                format!(r#"{{"event":"{event}","payload":{{"_id":"{inspection:024x}"}}}}"#)
            })
            .collect();
        let body = format!("[{}]", items.join(","));
        let answer = publish::publish(&self.context, &self.caller, body.as_bytes(), None).await;
        assert_eq!(answer.unwrap().status, 202);
    }

    /// Lets everything under way end and be written, then lists all deliveries, oldest first.
    pub async fn stop(&self) -> Vec<DeliveryRecord> {
        self.dispatcher.stop(Duration::from_secs(20)).await;
        let page = Page {
            limit: 1_000,
            before: None,
        };
        let listed = self
            .store
            .deliveries(self.caller.company_id, DeliveryFilter::default(), page)
            .await;
        let mut deliveries = listed.unwrap();
        deliveries.reverse();
        deliveries
    }

    /// A delivery with all its attempts.
    pub async fn whole(&self, listed: &DeliveryRecord) -> DeliveryRecord {
        let whole = self.store.delivery(self.caller.company_id, listed.id).await;
        whole.unwrap().unwrap()
    }
}

pub fn human(ms: u64) -> HumanDuration {
    HumanDuration(Duration::from_millis(ms))
}
