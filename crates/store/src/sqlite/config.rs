//! What an embedded store is opened with.

use std::path::PathBuf;
use std::sync::Arc;

use heraldo_domain::ports::{Clock, Entropy, HandOver};

use super::open::MasterKeySource;

/// What an embedded store is opened with.
#[derive(Debug, Clone)]
pub struct SqliteConfig {
    /// Made with mode 0700 if it does not exist.
    pub data_dir: PathBuf,
    pub master_key: MasterKeySource,
    pub hand_over: Arc<dyn HandOver>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// A server's: it takes the folder's lock. Commands open the store beside a running server.
    pub exclusive: bool,
    pub limits: SqliteLimits,
}

/// How much the engine holds in memory at once.
#[derive(Debug, Clone, Copy)]
pub struct SqliteLimits {
    /// Changes waiting to be written; one more is refused as `Overloaded`.
    pub queue_changes_max: usize,
    /// Bytes of all changes waiting to be written.
    pub queue_bytes_max: usize,
    /// Commands in one transaction.
    pub group_commands_max: usize,
    /// About so many bytes in one transaction.
    pub group_bytes_max: usize,
    /// Threads that read, each with a connection.
    pub readers: usize,
    /// Reads waiting for a reader; one more is refused as `Overloaded`.
    pub queue_reads_max: usize,
    /// API keys, companies and webhooks kept in memory, each.
    pub cache_entries_max: usize,
    /// With less than this free on the disk nothing new is accepted, while what was accepted is still
    /// delivered and settled; 0: not looked at.
    pub disk_free_bytes_min: u64,
    /// The database may not grow past this many pages of 4 KiB; `None`: as the disk allows.
    pub database_pages_max: Option<u32>,
}

impl Default for SqliteLimits {
    fn default() -> Self {
        Self {
            queue_changes_max: 16_384,
            queue_bytes_max: 64 * 1024 * 1024,
            group_commands_max: 1_024,
            group_bytes_max: 512 * 1024,
            readers: 2,
            queue_reads_max: 16_384,
            cache_entries_max: 10_000,
            disk_free_bytes_min: 0,
            database_pages_max: None,
        }
    }
}
