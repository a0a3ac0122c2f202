//! Calls the API of a server that runs somewhere, for the commands that need one.

use std::time::Duration;

use bytes::Bytes;
use clap::ArgMatches;
use heraldo_delivery::api_client::ApiClient;
use heraldo_wire::headers::{API_KEY, CONTENT_TYPE_JSON};
use heraldo_wire::problem::Problem;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use url::Url;

use crate::cli::given;
use crate::engine::extra_authorities;
use crate::failure::{Failure, Outcome};
use crate::settings::{Settings, reachable};

/// Where the server is, for commands that call one.
const URL_ENV: &str = "HERALDO_URL";
const API_KEY_ENV: &str = "HERALDO_API_KEY";

const CALL_MAX: Duration = Duration::from_secs(30);

/// A server, as one company's key sees it.
pub struct Remote(ApiClient);

/// Why a call got no answer that helps.
#[derive(Debug)]
pub enum CallFailed {
    /// Nobody answered, or not for long enough, or the server cannot now: trying again may help.
    Away(String),
    /// The server refused it.
    Refused(String),
}

impl From<CallFailed> for Failure {
    fn from(failed: CallFailed) -> Self {
        match failed {
            CallFailed::Away(why) | CallFailed::Refused(why) => Self::new(why),
        }
    }
}

impl Remote {
    /// The server that the flags, the environment or the data folder name.
    ///
    /// # Errors
    /// When none is named, or without a key.
    pub fn find(matches: &ArgMatches, settings: &Settings) -> Outcome<Self> {
        let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let url = match given(matches, "url").or_else(|| variable(URL_ENV)) {
            Some(url) => parse(&url)?,
            None => local(settings)?,
        };
        let key = given(matches, "api-key").or_else(|| variable(API_KEY_ENV));
        let key = key.ok_or_else(|| {
            Failure::new(format!(
                "name an API key with --api-key or in {API_KEY_ENV}; `heraldo key create` makes one"
            ))
        })?;
        let mut key = HeaderValue::from_str(&key)
            .map_err(|_| Failure::new("the API key holds characters that no key has"))?;
        key.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(API_KEY, key);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE_JSON));
        let ourselves = concat!("heraldo/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(ourselves));
        let extra = extra_authorities(settings)?;
        let client = ApiClient::new(url, headers, extra.as_deref())
            .map_err(|error| Failure::new(format!("TLS cannot be set up: {error}")))?;
        Ok(Self(client))
    }

    /// Without a slash at the end.
    pub fn url(&self) -> &str {
        self.0.url().as_str().trim_end_matches('/')
    }

    /// Reads what is at a path.
    pub async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, CallFailed> {
        self.call(Method::GET, path, Bytes::new()).await
    }

    /// Sends a JSON body to a path.
    pub async fn post<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: Bytes,
    ) -> Result<T, CallFailed> {
        self.call(Method::POST, path, body).await
    }

    async fn call<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, CallFailed> {
        let answered = match timeout(CALL_MAX, self.0.call(method, path, body)).await {
            Ok(answered) => answered,
            Err(_) => Err(format!("no answer within {} s", CALL_MAX.as_secs())),
        };
        let (status, body) = answered
            .map_err(|why| CallFailed::Away(format!("{} cannot be reached: {why}", self.url())))?;
        if (200..300).contains(&status) {
            return serde_json::from_slice(&body).map_err(|error| {
                CallFailed::Refused(format!(
                    "{} answers what no Heraldo does ({error}); check the address",
                    self.url()
                ))
            });
        }
        let why = serde_json::from_slice::<Problem>(&body).map_or_else(
            |_| format!("it answered {status}"),
            |problem| problem.detail,
        );
        let why = format!("{}: {why}", self.url());
        Err(if status >= 500 || status == 429 {
            CallFailed::Away(why)
        } else {
            CallFailed::Refused(why)
        })
    }
}

fn parse(url: &str) -> Outcome<Url> {
    let parsed = Url::parse(url).ok();
    let is_one = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    parsed.filter(is_one).ok_or_else(|| {
        Failure::new(format!(
            "`{url}` is no address of a server; name one such as https://heraldo.example.com"
        ))
    })
}

/// The server that runs on this machine's data folder.
fn local(settings: &Settings) -> Outcome<Url> {
    let none = || {
        Failure::new(format!(
            "no server runs on the data folder {}; start one with `heraldo dev`, or name another with --url \
             or in {URL_ENV}",
            settings.data_dir.display()
        ))
    };
    let address = crate::address::read(&settings.data_dir).ok_or_else(none)?;
    Url::parse(&format!("http://{}", reachable(address))).map_err(|_| none())
}
