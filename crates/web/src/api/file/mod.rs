//! Photos and documents, served by signed addresses (contract 8.2 "Image `src`").

pub mod retrieve;
