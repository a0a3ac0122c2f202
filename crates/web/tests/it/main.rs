//! The HTTP API from the outside: requests go in, answers come out, over the engine in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod any_body;
mod bad_input;
mod bad_photos;
mod complaints;
mod credentials;
mod dashboard;
mod deliveries;
mod description;
mod events;
mod expiry;
mod explain;
mod foreign;
mod idempotency;
mod images;
mod input_files;
mod inspections;
mod keys;
mod metrics;
mod multipart;
mod oauth;
mod oauth_end;
mod oauth_lists;
mod oauth_pages;
mod photo_checks;
mod products;
mod recoveries;
mod reports;
mod routes_of_sdks;
mod rules;
mod server;
mod sizes;
mod socket;
mod stream;
mod templates;
mod uploads;
mod visits;
mod webhooks;
mod world;
mod wrong_codes;
