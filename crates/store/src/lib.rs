//! The store engines: one in memory, one on SQLite, and the conformance suite that each of them passes.
//!
//! Nobody else can name SQL, and no engine decides anything that a rule of the domain could.

pub mod conformance;
mod filter;
pub mod memory;
mod plan;
pub mod seal;
pub mod sqlite;
mod tally;

pub use memory::MemoryStore;
pub use seal::{MasterKey, load_or_create_key_file};
pub use sqlite::{MasterKeySource, OpenError, SqliteConfig, SqliteLimits, SqliteStore};
