//! Signing in: the page behind a sign-in link, and its button. Opening the page changes nothing, because
//! programs that preview links open it too; the button spends the link.

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
    use http::StatusCode;
    use serde::Deserialize;

    use crate::browser::{Forms, page, see_other};
    use crate::call::{Call, Outcome};
    use crate::frame::{Frame, way_back};

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Query {
        token: Option<String>,
        #[serde(rename = "return")]
        way_back: Option<String>,
    }

    /// What the page shows.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Shown {
        /// A link that works: one button.
        Button { token: String },
        /// No link: a field for one.
        Field,
        /// A link that does not work (any more), and a field for another.
        Spent,
    }

    #[derive(Template)]
    #[template(path = "sign_in.html")]
    struct SignIn<'a> {
        frame: Frame,
        is_spent: bool,
        shown: Shown,
        way_back: Option<&'a str>,
    }

    /// The page.
    pub fn show(call: &Call, shown: Shown, way_back: Option<&str>) -> Outcome {
        let status = match shown {
            Shown::Button { .. } | Shown::Field => StatusCode::OK,
            Shown::Spent => StatusCode::UNAUTHORIZED,
        };
        let template = SignIn {
            frame: Frame::of(call),
            is_spent: shown == Shown::Spent,
            shown,
            way_back,
        };
        page(status, &template, &Forms::Here)
    }

    /// The page behind a sign-in link
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
            None if call.session().await?.is_none() => Shown::Field,
            Some(_) | None => return see_other(back.unwrap_or("dashboard")),
        };
        show(call, shown, back)
    }
}

pub mod enter {
    //! `POST /signin`.

    use heraldo_domain::ops::sign_in::sign_in;
    use heraldo_wire::problem::ProblemCode;

    use super::open::{Shown, show};
    use super::token_of;
    use crate::browser::{refused, see_other};
    use crate::call::{Call, Outcome};
    use crate::frame::way_back;

    /// Spends a sign-in link, once
    ///
    /// Answers with a session cookie, which is valid for 12 hours.
    #[utoipa::path(
        post,
        path = "/signin",
        operation_id = "signIn",
        tag = "pages",
        request_body(content = SignInForm, content_type = "application/x-www-form-urlencoded"),
        responses(
            (status = 303, description = "Signed in"),
            (status = 400, description = "The form came from another site", content_type = "text/html", body = String),
            (status = 401, description = "The link was used or is too old", content_type = "text/html", body = String),
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
        let token = token_of(field("token").unwrap_or_default());
        let session = match sign_in(call.context(), token).await {
            Ok(session) => session,
            Err(problem) if problem.code == ProblemCode::InvalidCredentials => {
                let failure = call.wrong_credential("sign-in links", &problem.detail);
                if failure.problem.code == ProblemCode::InvalidCredentials {
                    return show(call, Shown::Spent, back);
                }
                return Err(failure);
            }
            Err(problem) => return Err(problem.into()),
        };
        let mut response = see_other(back.unwrap_or("dashboard"))?;
        call.keep_session(&mut response, session.reveal())?;
        Ok(response)
    }

    /// The fields of the form.
    #[derive(utoipa::ToSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct SignInForm {
        /// The token of the link, or the whole link.
        token: String,
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
