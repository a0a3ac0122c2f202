//! Names to addresses: a resolver behind a trait, one lookup per name at a time.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
    ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;
use hickory_resolver::system_conf::read_system_conf;

/// Resolves names.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of the name, best first.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Where the operating system keeps what a resolver has to know.
const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";
const DNS_PORT: u16 = 53;
/// Questions under way on one TCP connection to a DNS server: as good as none, for a question that nobody
/// answers must not keep others from being asked.
const QUESTIONS_PER_CONNECTION_MAX: usize = 65_536;

/// Asks `/etc/hosts` and DNS without a thread per question, so that names whose DNS is dead, however many,
/// hold up no others. What the two files of the system say is read again when they have changed.
#[derive(Debug)]
pub struct DnsResolver {
    /// Asked instead of those of `/etc/resolv.conf`, if there are any.
    servers: Vec<SocketAddr>,
    current: Mutex<(Stamp, TokioResolver)>,
}

/// When the files were last changed.
type Stamp = [Option<SystemTime>; 2];

impl DnsResolver {
    /// Asks these servers; the system's if there are none.
    ///
    /// # Errors
    /// When a socket cannot be prepared.
    pub fn new(servers: &[SocketAddr]) -> io::Result<Self> {
        let current = (stamp(), build(servers)?);
        Ok(Self {
            servers: servers.to_vec(),
            current: Mutex::new(current),
        })
    }

    fn current(&self) -> io::Result<TokioResolver> {
        let stamp = stamp();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != stamp {
            *current = (stamp, build(&self.servers)?);
        }
        Ok(current.1.clone())
    }
}

#[async_trait]
impl Resolve for DnsResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // Hosts come in ASCII; names with underscores are common inside of networks.
        let name = Name::from_ascii(name).map_err(io::Error::other)?;
        match self.current()?.lookup_ip(name).await {
            Ok(found) => Ok(found.iter().collect()),
            Err(error) if error.is_nx_domain() => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "there is no such name",
            )),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

fn stamp() -> Stamp {
    // The time of a local file: no reason to leave the thread.
    [RESOLV_CONF, HOSTS].map(|path| {
        std::fs::metadata(path)
            .and_then(|file| file.modified())
            .ok()
    })
}

fn build(servers: &[SocketAddr]) -> io::Result<TokioResolver> {
    let (config, mut options) = if servers.is_empty() {
        // Without that file, or a server in it, the system's own resolver asks this machine too.
        let this_machine = || {
            (
                of_servers(&[(Ipv4Addr::LOCALHOST, DNS_PORT).into()]),
                ResolverOpts::default(),
            )
        };
        read_system_conf().unwrap_or_else(|_| this_machine())
    } else {
        (of_servers(servers), ResolverOpts::default())
    };
    // IPv4 first: where there is no IPv6 its addresses may swallow packets, the other way round is rare.
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Always;
    options.cache_size = 0;
    options.max_active_requests = QUESTIONS_PER_CONNECTION_MAX;
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .build()
        .map_err(io::Error::other)
}

fn of_servers(servers: &[SocketAddr]) -> ResolverConfig {
    let servers = servers.iter().map(|server| {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut way| {
            way.port = server.port();
            way
        });
        NameServerConfig::new(server.ip(), true, connections.to_vec())
    });
    ResolverConfig::from_name_servers(servers.collect())
}

type Found = Result<Arc<[IpAddr]>, Arc<io::Error>>;
type Lookup = Shared<BoxFuture<'static, Found>>;
type UnderWay = Mutex<HashMap<String, WeakShared<BoxFuture<'static, Found>>>>;

/// Lookups under way, shared by all who wait for the same name: a name whose DNS is dead holds one, not one
/// per delivery. Nothing is cached.
pub(super) struct Lookups {
    resolver: Arc<dyn Resolve>,
    under_way: UnderWay,
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").finish_non_exhaustive()
    }
}

impl Lookups {
    pub(super) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self {
            resolver,
            under_way: Mutex::default(),
        }
    }

    pub(super) async fn find(&self, name: &str) -> Found {
        let waiting = Waiting {
            lookup: Some(self.join(name)),
            name,
            under_way: &self.under_way,
        };
        match &waiting.lookup {
            Some(lookup) => lookup.clone().await,
            None => Ok(Arc::default()),
        }
    }

    fn join(&self, name: &str) -> Lookup {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = under_way.get(name).and_then(WeakShared::upgrade) {
            return lookup;
        }
        let resolver = Arc::clone(&self.resolver);
        let owned = name.to_owned();
        let lookup = async move {
            resolver
                .resolve(&owned)
                .await
                .map(Arc::from)
                .map_err(Arc::new)
        }
        .boxed()
        .shared();
        if let Some(weak) = lookup.downgrade() {
            under_way.insert(name.to_owned(), weak);
        }
        lookup
    }
}

/// Takes the lookup off the list when it has ended or when its last waiter goes.
struct Waiting<'a> {
    lookup: Option<Lookup>,
    name: &'a str,
    under_way: &'a UnderWay,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.lookup = None;
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_over = under_way
            .get(self.name)
            .is_some_and(|weak| weak.upgrade().is_none_or(|lookup| lookup.peek().is_some()));
        if is_over {
            under_way.remove(self.name);
        }
    }
}
