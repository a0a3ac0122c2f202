//! Names to addresses: the system's resolver behind a trait, one lookup per name at a time.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

/// Resolves names.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of the name, best first.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system: `/etc/hosts`, search domains and DNS as configured there.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let addresses = tokio::net::lookup_host((name, 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    }
}

type Found = Result<Arc<[IpAddr]>, Arc<io::Error>>;
type Lookup = Shared<BoxFuture<'static, Found>>;
type UnderWay = Mutex<HashMap<String, WeakShared<BoxFuture<'static, Found>>>>;

/// Lookups under way, shared by all who wait for the same name: the system's resolver holds a thread per
/// lookup, so a name whose DNS is dead may hold one, not one per delivery. Nothing is cached.
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
