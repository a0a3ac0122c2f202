//! The dashboard as its user asks for it: signed in by a link from the command line, with a cookie.

use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, COOKIE, HeaderName, LOCATION, SET_COOKIE};
use hyper::{Method, Request, StatusCode};
use serde_json::Value;

use super::{DATA, Server, TIMES};
use crate::Outcome;
use crate::body::now_us;
use crate::connection::quoted;
use crate::statistics::median;

/// A session of the dashboard, of an owner of the server's company.
#[derive(Debug)]
pub struct Session {
    cookie: String,
}

impl Server {
    /// Signs a new owner in.
    pub async fn sign_in(&mut self) -> Outcome<Session> {
        let data = self.folder.join(DATA);
        let companies = self.program.answer(&data, &["company", "list"])?;
        let company = text(&companies, "/companies/0/companyId")?;
        let email = format!("bench-{}@example.com", now_us());
        let user = ["user", "create", "--role", "owner", "--company"];
        let user = [&user[..], &[company.as_str(), "--email", email.as_str()]].concat();
        let user = self.program.answer(&data, &user)?;
        let link = text(&user, "/signInLink")?;
        let (_, token) = link
            .rsplit_once('=')
            .ok_or_else(|| format!("no sign-in link: {link}"))?;
        let form = Request::post("/signin")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(format!("token={token}"))))
            .map_err(|error| format!("POST /signin: {error}"))?;
        let answer = self.control.send(form).await?;
        let cookies = answer.headers.get_all(SET_COOKIE).iter();
        let cookies: Vec<&str> = cookies
            .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
            .collect();
        if answer.status != StatusCode::SEE_OTHER || cookies.is_empty() {
            let (status, body) = (answer.status, quoted(&answer.body));
            return Err(format!("POST /signin was answered with {status}: {body}"));
        }
        Ok(Session {
            cookie: cookies.join("; "),
        })
    }

    /// How long a page takes, the median of several, in milliseconds; and the page.
    pub async fn time_page(&mut self, session: &Session, path: &str) -> Outcome<(f64, String)> {
        let (took_ms, page) = self.time_with(path, COOKIE, &session.cookie).await?;
        Ok((took_ms, String::from_utf8_lossy(&page).into_owned()))
    }

    /// How long one look takes that may lead to another page, in milliseconds; and where it leads, from the root
    /// on, or `None` when it is a page itself.
    pub async fn time_look(
        &mut self,
        session: &Session,
        path: &str,
    ) -> Outcome<(f64, Option<String>)> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(path)
            .header(COOKIE, &session.cookie)
            .body(Full::default())
            .map_err(|error| format!("GET {path}: {error}"))?;
        let start = Instant::now();
        let answer = self.control.send(request).await?;
        let took_ms = start.elapsed().as_secs_f64() * 1e3;
        match answer.status {
            StatusCode::OK => Ok((took_ms, None)),
            StatusCode::SEE_OTHER => {
                let location = answer.headers.get(LOCATION);
                let location = location.and_then(|value| value.to_str().ok());
                let location = location.ok_or_else(|| format!("GET {path} leads nowhere"))?;
                let location = location.trim_start_matches("../");
                Ok((took_ms, Some(format!("/{location}"))))
            }
            status => {
                let body = quoted(&answer.body);
                Err(format!("GET {path} was answered with {status}: {body}"))
            }
        }
    }

    /// How long anything takes that is asked with a credential in that header; and what it is.
    pub(super) async fn time_with(
        &mut self,
        path: &str,
        header: HeaderName,
        value: &str,
    ) -> Outcome<(f64, Bytes)> {
        let mut took_ms = Vec::with_capacity(TIMES);
        let mut body = Bytes::new();
        for _ in 0..TIMES {
            let request = Request::builder()
                .method(Method::GET)
                .uri(path)
                .header(header.clone(), value)
                .body(Full::default())
                .map_err(|error| format!("GET {path}: {error}"))?;
            let start = Instant::now();
            let answer = self.control.send(request).await?;
            took_ms.push(start.elapsed().as_secs_f64() * 1e3);
            if answer.status != StatusCode::OK {
                let (status, body) = (answer.status, quoted(&answer.body));
                return Err(format!("GET {path} was answered with {status}: {body}"));
            }
            body = answer.body;
        }
        Ok((median(&took_ms).unwrap_or_default(), body))
    }
}

/// The text at that place of an answer.
pub(super) fn text(answer: &Value, at: &str) -> Outcome<String> {
    let found = answer.pointer(at).and_then(Value::as_str);
    found
        .map(ToOwned::to_owned)
        .ok_or_else(|| format!("an answer has no {at}: {answer}"))
}
