//! API keys (contract 8.2, "Scopes").

pub mod create;
pub mod list;
pub mod revoke;
