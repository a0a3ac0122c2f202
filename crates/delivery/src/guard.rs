//! The network guard: which of the addresses that a name resolved to may be connected to.
//!
//! The ranges are a rule of `domain::endpoint`; the connector asks here after resolution and connects to
//! nothing else, so that a name cannot lead inside, whatever it resolved to when the webhook was made.

use std::net::IpAddr;

use ipnet::IpNet;

pub use heraldo_domain::endpoint::{Refused, UrlProblem, check_url, vet};

/// The most addresses of one name that are tried.
pub const ADDRESSES_MAX: usize = 8;

/// Keeps the addresses that may be called, in their order, each once, at most [`ADDRESSES_MAX`].
///
/// A name that also has a refused address is not refused as a whole: `localhost` often is `::1` too,
/// when only `127.0.0.0/8` is allowed. What is refused is never connected to.
///
/// # Errors
///
/// The first refusal, when every address is refused.
pub fn vet_all(addresses: &[IpAddr], allow: &[IpNet]) -> Result<Vec<IpAddr>, Refused> {
    let mut passed = Vec::new();
    let mut refusal = None;
    for address in addresses {
        match vet(*address, allow) {
            Ok(()) if passed.contains(address) || passed.len() >= ADDRESSES_MAX => {}
            Ok(()) => passed.push(*address),
            Err(refused) => {
                refusal.get_or_insert(refused);
            }
        }
    }
    match refusal {
        Some(refused) if passed.is_empty() => Err(refused),
        _ => Ok(passed),
    }
}
