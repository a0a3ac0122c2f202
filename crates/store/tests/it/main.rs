//! Both engines pass the conformance suite; then what only the embedded one can get wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first thing that is wrong"
)]

mod memory;
mod sqlite;
