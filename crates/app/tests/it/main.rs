//! The real binary as a real process: what it prints, accepts, sends, survives and refuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests: a broken expectation is the result, and real processes need real sockets and time"
)]

mod browser;
mod client;
mod photos;
mod process;
mod receiver;
mod strace;
mod tls;
mod tools;
mod traffic;
mod waiting;

mod administration;
mod certificates;
mod concurrency;
mod consumer_page;
mod crash;
mod cut_off;
mod dashboard_views;
mod examples;
mod failing_disk;
mod faults;
mod first_run;
mod full_disk;
mod fuzzing;
mod hostile;
mod idempotency;
mod keeping;
mod keyboard_and_clock;
mod life;
mod lifecycle;
mod limits;
mod listening;
mod live_pages;
mod logs;
mod looks;
mod names;
mod oauth;
mod overrides;
mod people;
mod power;
mod receivers;
mod recovering;
mod reports;
mod retries;
mod secrets;
mod slow_disk;
mod starting;
mod stopping;
mod types;
mod webhook_pages;
