//! Both engines pass the conformance suite; then what only the embedded one can get wrong.

mod memory;
mod sqlite;
