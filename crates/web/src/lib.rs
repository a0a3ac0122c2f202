//! The HTTP server: the API of the contract, its pages, authentication, problems and limits.
//!
//! It calls the use cases of the domain and decides nothing itself. It cannot send a delivery, and it
//! cannot name SQL.

mod api;
mod auth;
mod browser;
mod call;
mod config;
mod connect;
mod dashboard;
mod extract;
mod forwarded;
mod frame;
mod intake;
mod invitation;
mod limits;
mod multipart;
mod openapi;
mod pages;
mod passwords;
mod problem;
mod problem_page;
mod reply;
mod routes;
mod serve;
mod sign_in;
mod streams;
mod unparsed;
mod words;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use heraldo_domain::ops::Context;
use heraldo_domain::ports::Announcer;

pub use config::WebConfig;
pub use dashboard::{PageRoute, dashboard_routes, open_forms};
pub use openapi::{openapi, openapi_json};
pub use passwords::SlowPasswords;
pub use routes::every_route;
pub use serve::serve;

use intake::Intake;
use limits::WrongTries;
use streams::{StreamLimits, Streams};

/// What `GET /health/ready` asks (contract 8.2, "Ready").
#[async_trait]
pub trait Health: Send + Sync {
    /// Why the server cannot serve now, a sentence each; empty when it can.
    async fn reasons_not_ready(&self) -> Vec<String>;

    /// What `GET /metrics` shows that the store does not know.
    fn gauges(&self) -> Gauges;
}

/// What the server measures of itself now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauges {
    /// Attempts under way.
    pub in_flight: usize,
    /// Since the server began to serve.
    pub uptime: Duration,
}

/// The HTTP API over one context. Cloning it is cheap: clones share everything.
#[derive(Clone)]
pub struct Web {
    state: Arc<State>,
}

/// What every request works with.
struct State {
    context: Context,
    health: Arc<dyn Health>,
    config: WebConfig,
    wrong_keys: WrongTries,
    wrong_codes: WrongTries,
    /// By address and by login.
    wrong_passwords: WrongTries,
    /// Where multipart bodies come in.
    intake: Intake,
    streams: Arc<Streams>,
    /// Rendered when it is first asked for.
    openapi: OnceLock<Bytes>,
}

impl Web {
    /// The API over `context`, within the limits of `config`.
    #[must_use]
    pub fn new(context: Context, health: Arc<dyn Health>, config: WebConfig) -> Self {
        let state = State {
            wrong_keys: WrongTries::new(config.wrong_keys_per_minute),
            wrong_codes: WrongTries::new(config.wrong_codes_per_minute),
            wrong_passwords: WrongTries::new(config.wrong_passwords_per_minute),
            intake: Intake::new(&config),
            streams: Arc::new(Streams::new(StreamLimits {
                per_company_max: config.streams_per_company_max,
                backlog_max: config.stream_backlog_max,
            })),
            openapi: OnceLock::new(),
            context,
            health,
            config,
        };
        Self {
            state: Arc::new(state),
        }
    }

    /// Where attempts that ended are told of, for those who listen.
    #[must_use]
    pub fn announcer(&self) -> Arc<dyn Announcer> {
        self.state.streams.clone()
    }

    /// Every route, ready to be served. The peer's address is read from an
    /// `axum::extract::ConnectInfo<SocketAddr>` extension, which [`serve()`] sets.
    pub fn router(&self) -> axum::Router {
        routes::router(self)
    }
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web")
            .field("config", &self.state.config)
            .finish_non_exhaustive()
    }
}
