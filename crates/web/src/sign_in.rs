//! Signing in: with an e-mail address and its password, or by the page behind a sign-in link and its button.
//! Opening the page changes nothing, because programs that preview links open it too; the button spends the
//! link.

/// The token of a link, when a whole link was pasted.
fn token_of(pasted: &str) -> &str {
    let pasted = pasted.trim();
    let token = pasted.split_once("token=").map_or(pasted, |(_, rest)| rest);
    token.split('&').next().unwrap_or_default()
}

pub mod open {
    //! `GET /signin`.

    use askama::Template;
    use heraldo_domain::ops::sign_in::may_sign_in;
    use http::header::RETRY_AFTER;
    use http::{Method, StatusCode};
    use serde::Deserialize;
    use url::form_urlencoded;

    use crate::browser::{Forms, header, page, see_other};
    use crate::call::{Call, Outcome};
    use crate::dashboard::Moment;
    use crate::frame::{Frame, way_back};

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Query {
        token: Option<String>,
        #[serde(rename = "return")]
        way_back: Option<String>,
    }

    /// What the page shows.
    #[derive(Debug, Clone)]
    pub enum Shown {
        /// A link that works: one button.
        Button { token: String },
        /// The companies among which to choose, each with the token of a link.
        Several { choices: Vec<(String, String)> },
        /// Fields for an e-mail address, as it was entered so far, with its password, and for a link.
        Fields { email: String },
        /// A link that does not work (any more), and the fields.
        Spent,
        /// A wrong e-mail address or password, and the fields.
        Wrong { email: String },
        /// Too many others are signing in, and the fields.
        Busy { email: String },
        /// Too many wrong passwords.
        TooMany { seconds: u64, until: Moment },
    }

    #[derive(Template)]
    #[template(path = "sign_in.html")]
    struct SignIn<'a> {
        frame: Frame,
        /// Why the last try did not do it.
        refusal: Option<&'static str>,
        /// When it may be tried again.
        wait: String,
        is_spent: bool,
        email: &'a str,
        shown: &'a Shown,
        way_back: Option<&'a str>,
    }

    /// The page.
    pub fn show(call: &mut Call, shown: &Shown, way_back: Option<&str>) -> Outcome {
        if call.parts.method == Method::POST {
            let mut here = form_urlencoded::Serializer::new("signin?".to_owned());
            let here = here
                .extend_pairs(way_back.map(|back| ("return", back)))
                .finish();
            call.form_page = Some(here.trim_end_matches('?').to_owned());
        }
        let frame = match shown {
            Shown::Fields { .. } | Shown::Spent | Shown::Wrong { .. } | Shown::Busy { .. } => {
                Frame::of(call).keeping()
            }
            Shown::Button { .. } | Shown::Several { .. } | Shown::TooMany { .. } => Frame::of(call),
        };
        let t = frame.t;
        let (status, refusal, email) = match shown {
            Shown::Button { .. } | Shown::Several { .. } => (StatusCode::OK, None, ""),
            Shown::Fields { email } => (StatusCode::OK, None, email.as_str()),
            Shown::Spent => (StatusCode::UNAUTHORIZED, Some(t.link_spent()), ""),
            Shown::Wrong { email } => (
                StatusCode::UNAUTHORIZED,
                Some(t.wrong_login()),
                email.as_str(),
            ),
            Shown::Busy { email } => (
                StatusCode::SERVICE_UNAVAILABLE,
                Some(t.busy_login()),
                email.as_str(),
            ),
            Shown::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, None, ""),
        };
        let wait = match shown {
            Shown::TooMany { seconds, .. } => t.try_again_in(*seconds),
            Shown::Button { .. }
            | Shown::Several { .. }
            | Shown::Fields { .. }
            | Shown::Spent
            | Shown::Wrong { .. }
            | Shown::Busy { .. } => String::new(),
        };
        let template = SignIn {
            frame,
            refusal,
            wait,
            is_spent: matches!(shown, Shown::Spent),
            email,
            shown,
            way_back,
        };
        let mut response = page(status, &template, &Forms::Here)?;
        if let Shown::TooMany { seconds, .. } = shown {
            let seconds = header(&seconds.to_string())?;
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        Ok(response)
    }

    /// The sign-in page, and the page behind a sign-in link
    ///
    /// Opening it changes nothing and uses no link up; its button signs in.
    #[utoipa::path(
        get,
        path = "/signin",
        operation_id = "signInPage",
        tag = "pages",
        params(
            ("token" = Option<String>, Query, description = "The token of the link"),
            ("return" = Option<String>, Query, description = "Where to go afterwards: `oauth/connect?…` or a page of the dashboard"),
        ),
        responses(
            (status = 200, description = "A page in Spanish or English", content_type = "text/html", body = String),
            (status = 303, description = "To the dashboard: somebody is signed in in this browser already"),
            (status = 401, description = "The link was used or is too old", content_type = "text/html", body = String),
        ),
    )]
    pub async fn handle(call: &mut Call) -> Outcome {
        let query: Query = call.query()?;
        let back = query.way_back.as_deref().and_then(way_back);
        let shown = match query.token {
            Some(token) if may_sign_in(call.context(), &token).await? => Shown::Button { token },
            Some(_) if call.session().await?.is_none() => Shown::Spent,
            None if call.session().await?.is_none() => Shown::Fields {
                email: String::new(),
            },
            Some(_) | None => return see_other(back.unwrap_or("dashboard")),
        };
        show(call, &shown, back)
    }
}

pub mod enter {
    //! `POST /signin`.

    use std::time::Duration;

    use heraldo_domain::account::KeyText;
    use heraldo_domain::ops::sign_in::{Entered, sign_in, sign_in_with_password, sign_out};
    use heraldo_wire::problem::ProblemCode;

    use super::open::{Shown, show};
    use super::token_of;
    use crate::browser::{refused, see_other};
    use crate::call::{Call, Outcome};
    use crate::dashboard::Moment;
    use crate::frame::{Preferences, way_back};
    use crate::limits::TooMany;
    use crate::problem::Failure;

    /// Signs in with an e-mail address and its password, or spends a sign-in link, once
    ///
    /// Answers with a session cookie, which is valid for 12 hours. A session that the browser held before
    /// ends.
    #[utoipa::path(
        post,
        path = "/signin",
        operation_id = "signIn",
        tag = "pages",
        request_body(content = SignInForm, content_type = "application/x-www-form-urlencoded"),
        responses(
            (status = 200, description = "The address has this password in several companies: choose one", content_type = "text/html", body = String),
            (status = 303, description = "Signed in"),
            (status = 400, description = "The form came from another site", content_type = "text/html", body = String),
            (status = 401, description = "The e-mail address or the password is wrong, or the link was used or is too old", content_type = "text/html", body = String),
            (status = 429, description = "Too many wrong passwords; `Retry-After` says when to try again", content_type = "text/html", body = String),
            (status = 503, description = "Too many people are signing in at this moment", content_type = "text/html", body = String),
        ),
    )]
    pub async fn handle(call: &mut Call) -> Outcome {
        let fields = call.fields().await?;
        if let Err(problem) = call.check_own_form() {
            return refused(call, &problem);
        }
        let field = |name: &str| {
            let mut fields = fields.iter();
            let found = fields.find(|(given, _)| given == name);
            found.map(|(_, text)| text.as_str())
        };
        let back = field("return").and_then(way_back);
        if let Some(chosen) = Preferences::read(&fields) {
            call.chosen = chosen;
            let email = field("email").unwrap_or_default().to_owned();
            let mut response = show(call, &Shown::Fields { email }, back)?;
            chosen.keep(&mut response)?;
            return Ok(response);
        }
        let entered = match (field("email"), field("token")) {
            (Some(email), None) => {
                with_password(call, email, field("password").unwrap_or_default()).await?
            }
            (None | Some(_), token) => with_link(call, token_of(token.unwrap_or_default())).await?,
        };
        let session = match entered {
            Ok(session) => session,
            Err(shown) => return show(call, &shown, back),
        };
        // Whoever signs in anew has done with what was open in this browser.
        if let Some(old) = call.session().await? {
            sign_out(call.context(), old.text()).await?;
        }
        let mut response = see_other(back.unwrap_or("dashboard"))?;
        call.keep_session(&mut response, session.reveal())?;
        Ok(response)
    }

    async fn with_link(call: &mut Call, token: &str) -> Result<Result<KeyText, Shown>, Failure> {
        match sign_in(call.context(), token).await {
            Ok(session) => Ok(Ok(session)),
            Err(problem) if problem.code == ProblemCode::InvalidCredentials => {
                let failure = call.wrong_credential("sign-in links", &problem.detail);
                match failure.retry_after_s() {
                    None => Ok(Err(Shown::Spent)),
                    Some(retry_after_s) => Ok(Err(too_many(call, TooMany { retry_after_s }))),
                }
            }
            Err(problem) => Err(problem.into()),
        }
    }

    async fn with_password(
        call: &mut Call,
        email: &str,
        password: &str,
    ) -> Result<Result<KeyText, Shown>, Failure> {
        if let Err(refused) = call.try_password(email) {
            return Ok(Err(too_many(call, refused)));
        }
        let email = email.to_owned();
        match sign_in_with_password(call.context(), &email, password).await {
            Ok(None) => Ok(Err(Shown::Wrong { email })),
            Ok(Some(entered)) => {
                call.right_password(&email);
                Ok(match entered {
                    Entered::Session(session) => Ok(session),
                    Entered::Several(choices) => {
                        let reveal = |(company, token): (String, KeyText)| {
                            (company, token.reveal().to_owned())
                        };
                        let choices = choices.into_iter().map(reveal).collect();
                        Err(Shown::Several { choices })
                    }
                })
            }
            Err(problem) if problem.code == ProblemCode::Overloaded => {
                // It was not looked at.
                call.right_password(&email);
                Ok(Err(Shown::Busy { email }))
            }
            Err(problem) => Err(problem.into()),
        }
    }

    fn too_many(call: &Call, refused: TooMany) -> Shown {
        let seconds = refused.retry_after_s;
        let until = call.now().plus(Duration::from_secs(seconds));
        Shown::TooMany {
            seconds,
            until: Moment(until),
        }
    }

    /// The fields of the form: `email` and `password`, or `token`.
    #[derive(utoipa::ToSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct SignInForm {
        email: Option<String>,
        password: Option<String>,
        /// The token of a sign-in link, or the whole link.
        token: Option<String>,
        #[schema(rename = "return")]
        way_back: Option<String>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_link_may_be_pasted() {
        for pasted in [
            "si_1",
            " si_1\n",
            "https://h.example/signin?token=si_1",
            "http://h.example/signin?token=si_1&return=x",
        ] {
            assert_eq!(token_of(pasted), "si_1", "{pasted}");
        }
    }
}
