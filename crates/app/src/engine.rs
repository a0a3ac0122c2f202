//! Wires the concrete parts together: store, dispatcher, transport, web, and what runs beside them.
//!
//! No global state: two engines fit in one process.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use heraldo_delivery::callbacks::CallbackSender;
use heraldo_delivery::dispatcher::{Dispatcher, DispatcherConfig, Ports};
use heraldo_delivery::lanes::Limits;
use heraldo_delivery::transport::{Transport, TransportConfig};
use heraldo_domain::links::{LinkKey, Links};
use heraldo_domain::ops::{self, accounts::write_key_uses};
use heraldo_domain::ports::{Clock, Entropy, HandOver, IdMaker};
use heraldo_store::{MasterKeySource, SqliteConfig, SqliteLimits, SqliteStore};
use heraldo_wire::signature::Secret;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address::AddressFile;
use crate::failure::{Failure, Outcome};
use crate::health::Readiness;
use crate::jobs::{self, Bell};
use crate::photos;
use crate::ports::{OsEntropy, SystemClock};
use crate::settings::Settings;
use crate::threads::DeliveryThreads;
use crate::upkeep::{self, Kept};

/// What is left of the grace for attempts under way, however long the last requests took.
const ATTEMPTS_GRACE_MIN: Duration = Duration::from_millis(250);
/// How long tasks that were told to end may take to do so.
const TASKS_END_MAX: Duration = Duration::from_secs(2);

/// A server whose store is open and whose address is bound, but which serves and delivers nothing yet.
pub struct Engine {
    settings: Settings,
    context: ops::Context,
    bell: Arc<Bell>,
    dispatcher: Dispatcher,
    delivery_threads: DeliveryThreads,
    listener: TcpListener,
    address: SocketAddr,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

/// A server at work.
pub struct Running {
    pub address: SocketAddr,
    context: ops::Context,
    dispatcher: Dispatcher,
    /// Ends after everything else of the server.
    _delivery_threads: DeliveryThreads,
    readiness: Arc<Readiness>,
    web: JoinHandle<()>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    grace: Duration,
    address_file: AddressFile,
}

/// What the use cases work with, on this store; a server adds who keeps files, reads photos and calls
/// others.
///
/// # Errors
/// When the processor's secret cannot be read.
pub fn context(
    store: Arc<SqliteStore>,
    ids: Arc<IdMaker>,
    settings: &Settings,
    public_url: String,
) -> Outcome<ops::Context> {
    let links = Links {
        public_url,
        key: LinkKey(*store.derive_key("links")),
        file_lifetime: settings.image_url_lifetime,
    };
    let rules = ops::Settings {
        inspection_lifetime: settings.inspection_lifetime,
        access_attempts_max: settings.max_access_attempts,
        allow_networks: settings.allow_networks.clone(),
        webhook_defaults: settings.webhook_defaults.clone(),
        webhook_challenge: settings.webhook_challenge,
        webhooks_per_company_max: settings.webhooks_per_company_max,
        distance_max_metres: f64::from(settings.image_distance_max_metres),
        processor: processor(settings)?,
        processor_timeout: settings.image_processor_timeout,
        ..ops::Settings::default()
    };
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    Ok(ops::Context::new(store, clock, entropy, ids, links, rules))
}

fn processor(settings: &Settings) -> Outcome<Option<ops::Processor>> {
    let Some(url) = settings.image_processor_url.clone() else {
        return Ok(None);
    };
    let secret = settings.image_processor_secret_file.as_ref().map(|path| {
        let wrong = |why: String| {
            let path = path.display();
            Failure::new(format!(
                "the setting image_processor_secret_file names {path}, which {why}"
            ))
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("cannot be read: {error}")))?;
        Secret::parse(text.trim()).map_err(|_| wrong("is empty; put the secret in it".to_owned()))
    });
    Ok(Some(ops::Processor {
        url,
        secret: secret.transpose()?,
    }))
}

/// How the embedded store is opened.
pub fn store_config(
    settings: &Settings,
    hand_over: Arc<dyn HandOver>,
    exclusive: bool,
) -> SqliteConfig {
    SqliteConfig {
        data_dir: settings.data_dir.clone(),
        master_key: MasterKeySource::File(settings.master_key_file()),
        hand_over,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        exclusive,
        limits: SqliteLimits {
            disk_free_bytes_min: u64::try_from(settings.disk_free_min).unwrap_or(u64::MAX),
            ..SqliteLimits::default()
        },
    }
}

impl Engine {
    /// Opens the store for this process alone, brings it up to date, and binds the address.
    ///
    /// # Errors
    /// Each says what to change; nothing was accepted or sent.
    pub async fn open(settings: Settings) -> Outcome<Self> {
        let tasks = TaskTracker::new();
        let stopping = CancellationToken::new();
        let transport = transport(&settings, &tasks, &stopping)?;
        let ids = Arc::new(IdMaker::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let ports = Ports {
            clock,
            entropy,
            ids: ids.clone(),
        };
        let config = DispatcherConfig {
            limits: Limits {
                concurrency: concurrency(&settings),
                ..Limits::default()
            },
            defaults: settings.webhook_defaults.clone(),
        };
        let callbacks = CallbackSender::new(
            transport.clone(),
            Arc::new(SystemClock),
            settings.webhook_defaults.timeout,
        );
        let tls = Arc::new(transport.clone());
        let delivery_threads = DeliveryThreads::start()?;
        let runtime = delivery_threads.handle.clone();
        let dispatcher = Dispatcher::new(config, transport, ports, tasks.clone(), runtime);
        let hand_over: Arc<dyn HandOver> = Arc::new(dispatcher.clone());
        let config = store_config(&settings, hand_over, true);
        // Migrations and a recovery after a crash may read and write much.
        let store = tokio::task::spawn_blocking(|| SqliteStore::open(config))
            .await
            .map_err(|_| Failure::new("the store broke an invariant while it was opened"))??;
        let store = Arc::new(store);
        // After the store, which makes the data folder and says best what is wrong with it.
        let files = photos::files(&settings)?;
        let reader = photos::reader(&settings)?;
        let documents = photos::documents()?;
        let listener = TcpListener::bind(settings.listen).await;
        let listener = listener.map_err(|error| cannot_listen(settings.listen, &error))?;
        let address = listener
            .local_addr()
            .map_err(|error| cannot_listen(settings.listen, &error))?;
        let mut context = context(store, ids, &settings, settings.public_url(address))?;
        let bell = Arc::new(Bell::default());
        context.bell = bell.clone();
        context.lulls = Arc::new(dispatcher.clone());
        context.passwords = Arc::new(heraldo_web::SlowPasswords::new(
            context.entropy.clone(),
            tasks.clone(),
        ));
        context.callbacks = Arc::new(callbacks);
        context.tls = tls;
        context.files = files;
        context.photos = reader;
        context.documents = documents;
        Ok(Self {
            settings,
            context,
            bell,
            dispatcher,
            delivery_threads,
            listener,
            address,
            tasks,
            stopping,
        })
    }

    pub const fn context(&self) -> &ops::Context {
        &self.context
    }

    /// What runs until the server stops, runs under this.
    pub const fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    pub const fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Begins to serve and to deliver, first what earlier runs left.
    ///
    /// # Errors
    /// When the store fails, or the address cannot be written down for others.
    pub async fn start(self) -> Outcome<Running> {
        let Self {
            settings,
            context,
            bell,
            dispatcher,
            delivery_threads,
            listener,
            address,
            tasks,
            stopping,
        } = self;
        dispatcher.start(context.store.clone()).await?;
        let readiness = Readiness::new(
            context.store.clone(),
            dispatcher.clone(),
            context.clock.clone(),
        );
        let config = web_config(&settings);
        let web = heraldo_web::Web::new(context.clone(), readiness.clone(), config);
        dispatcher.announce_to(web.announcer());
        let grace = settings.shutdown_grace;
        let serving = heraldo_web::serve(listener, web, stopping.clone(), tasks.clone(), grace);
        let web = tasks.spawn(serving);
        tasks.spawn(upkeep::sweep(
            context.clone(),
            settings.sweep_interval,
            stopping.clone(),
        ));
        tasks.spawn(upkeep::forget(context.clone(), stopping.clone()));
        tasks.spawn(upkeep::note_key_uses(context.clone(), stopping.clone()));
        tasks.spawn(upkeep::delete_old(
            context.clone(),
            Kept {
                events: settings.retention,
                audit: settings.audit_retention,
            },
            stopping.clone(),
        ));
        tasks.spawn(jobs::run(context.clone(), bell, stopping.clone()));
        let address_file = AddressFile::write(&settings.data_dir, address)?;
        Ok(Running {
            address,
            context,
            dispatcher,
            _delivery_threads: delivery_threads,
            readiness,
            web,
            tasks,
            stopping,
            grace,
            address_file,
        })
    }
}

impl Running {
    pub const fn context(&self) -> &ops::Context {
        &self.context
    }

    /// Stops accepting, lets requests and attempts under way end within the grace, has their outcomes
    /// written, closes the store.
    pub async fn stop(self) {
        let deadline = Instant::now() + self.grace;
        self.readiness.stop();
        self.stopping.cancel();
        if self.web.await.is_err() {
            tracing::error!("serving ended with a broken invariant");
        }
        let left = deadline.saturating_duration_since(Instant::now());
        self.dispatcher.stop(left.max(ATTEMPTS_GRACE_MIN)).await;
        self.tasks.close();
        if tokio::time::timeout(TASKS_END_MAX, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(tasks = self.tasks.len(), "some tasks did not end in time");
        }
        // Requests used keys until a moment ago.
        if let Err(problem) = write_key_uses(&self.context).await {
            tracing::warn!(%problem, "when keys were last used could not be written");
        }
        if let Err(error) = self.context.store.close().await {
            tracing::warn!(%error, "the store did not close as it should; nothing that was accepted is lost");
        }
        self.address_file.remove();
        tracing::info!("stopped");
    }
}

fn concurrency(settings: &Settings) -> usize {
    usize::try_from(settings.webhook_defaults.concurrency).unwrap_or(usize::MAX)
}

fn transport(
    settings: &Settings,
    tasks: &TaskTracker,
    stopping: &CancellationToken,
) -> Outcome<Transport> {
    let extra_ca_pem = extra_authorities(settings)?;
    let config = TransportConfig {
        allow_networks: settings.allow_networks.clone(),
        answer_headers_kept: settings.answer_headers.clone(),
        extra_ca_pem,
        dns_servers: settings.dns_servers.clone(),
        proxy: settings.egress_proxy.clone(),
        idle_connections_per_authority_max: concurrency(settings).max(64),
        ..TransportConfig::default()
    };
    Transport::new(config, tasks.clone(), stopping.clone())
        .map_err(|error| Failure::new(format!("receivers cannot be called: {error}")))
}

/// The certificate authorities (PEM) that are trusted beside the public ones, by every client of this process.
pub fn extra_authorities(settings: &Settings) -> Outcome<Option<Vec<u8>>> {
    let Some(path) = &settings.tls_extra_ca_file else {
        return Ok(None);
    };
    std::fs::read(path).map(Some).map_err(|error| {
        let path = path.display();
        Failure::new(format!(
            "the setting tls_extra_ca_file names {path}, which cannot be read: {error}"
        ))
    })
}

fn web_config(settings: &Settings) -> heraldo_web::WebConfig {
    heraldo_web::WebConfig {
        body_bytes_max: settings.body_bytes_max,
        upload_bytes_max: settings.upload_bytes_max,
        upload_timeout: settings.upload_timeout,
        upload_idle_timeout: settings.upload_idle_timeout,
        upload_folder: settings.data_dir.clone(),
        publish_bytes_max: settings.publish_bytes_max,
        request_timeout: settings.request_timeout,
        connections_max: settings.connections_max,
        wrong_keys_per_minute: settings.wrong_keys_per_minute,
        wrong_codes_per_minute: settings.wrong_codes_per_minute,
        wrong_passwords_per_minute: settings.wrong_passwords_per_minute,
        trusted_proxies: settings.trusted_proxies.clone(),
        ..heraldo_web::WebConfig::default()
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    let why = match error.kind() {
        ErrorKind::AddrInUse => {
            "another program listens there; stop it, or name another address with --listen"
                .to_owned()
        }
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address; name one that it has with --listen".to_owned()
        }
        ErrorKind::PermissionDenied => {
            "this user may not; name a port from 1024 up with --listen".to_owned()
        }
        _ => format!("{error}; name another address with --listen"),
    };
    Failure::new(format!("cannot listen on {address}: {why}"))
}
