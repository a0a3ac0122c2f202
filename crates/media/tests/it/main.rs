//! What the two ports do on a real disk, against a real S3 server, and with photos whole and broken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod folder;
mod metadata;
mod photos;
mod properties;
mod s3;
mod s3_server;
