//! Reports and links to the detail page (contract 1.3, E16 to E19).

pub mod list;
pub mod presign;
pub mod request;
pub mod retrieve;
