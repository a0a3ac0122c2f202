//! What an application asks in a user's name: with an access token that the command line's code was exchanged for.

use bytes::Bytes;
use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::pages::text;
use super::{DATA, Server};
use crate::Outcome;

/// A user and what acts in the user's name.
#[derive(Debug)]
pub struct User {
    pub membership_id: String,
    bearer: String,
}

impl Server {
    /// The user who produces the inspections of the key.
    pub async fn owner(&mut self) -> Outcome<User> {
        let api_key = self.api_key.clone();
        let path = "/v1/inspection?limit=1";
        let list: Value = self.call(&api_key, Method::GET, path, "").await?;
        let company = text(&list, "/inspections/0/producer/companyId")?;
        let user = text(&list, "/inspections/0/producer/userId")?;
        let data = self.folder.join(DATA);
        let app = ["oauth", "app", "create", "--name", "Bench", "--company"];
        let redirect = ["--redirect", "https://app.example.com/back"];
        let app = [&app[..], &[company.as_str()], &redirect].concat();
        let app = self.program.answer(&data, &app)?;
        let app_id = text(&app, "/client_app_id")?;
        let code = ["oauth", "code", "--scopes", "memberships,inspections"];
        let code = [
            &code[..],
            &["--app", app_id.as_str(), "--user", user.as_str()],
        ]
        .concat();
        let code = self.program.answer(&data, &code)?;
        let body = json!({
            "code": text(&code, "/code")?,
            "client_app_id": app_id,
            "client_secret": text(&app, "/client_secret")?,
        });
        let path = "/v1/account/oauth/exchange_code";
        let tokens: Value = self
            .call(&api_key, Method::POST, path, &body.to_string())
            .await?;
        let mut owner = User {
            membership_id: String::new(),
            bearer: format!("Bearer {}", text(&tokens, "/access_token")?),
        };
        let path = "/v1/account/membership/authenticated";
        let (_, memberships) = self.time_as(&owner, path).await?;
        owner.membership_id = text(&memberships, "/0/_id")?;
        Ok(owner)
    }

    /// How long a path's answer takes a user, the median of several, in milliseconds; and the last answer.
    pub async fn time_as(&mut self, user: &User, path: &str) -> Outcome<(f64, Value)> {
        let (took_ms, answer): (f64, Bytes) =
            self.time_with(path, AUTHORIZATION, &user.bearer).await?;
        let answer =
            serde_json::from_slice(&answer).map_err(|error| format!("GET {path}: {error}"))?;
        Ok((took_ms, answer))
    }

    /// The id of a built-in template.
    pub async fn template(&mut self, kind: &str, name: &str) -> Outcome<String> {
        let path = format!("/v1/inspection/template?type=built-in&inspectionType={kind}");
        let all: Vec<Value> = self
            .call(&self.api_key.clone(), Method::GET, &path, "")
            .await?;
        let found = all
            .iter()
            .find(|template| template.get("name").and_then(Value::as_str) == Some(name));
        found
            .ok_or_else(|| format!("there is no template `{name}` for {kind}"))
            .and_then(|template| text(template, "/_id"))
    }
}
