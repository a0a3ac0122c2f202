//! Photos (contract 1.3, E20 and E21, and 8).

pub mod result;
pub mod token;
pub mod upload;
