//! Signing in: the page behind a sign-in link, and its button. Opening the page changes nothing, because
//! programs that preview links open it too; the button spends the link.

/// Where a browser may be led after signing in: to the consent page, which is all that asks for it.
fn way_back(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.starts_with("oauth/connect?"))
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
}

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

    use super::way_back;
    use crate::browser::{Forms, Language, STYLE, page};
    use crate::call::{Call, Outcome};

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
        Button {
            token: String,
        },
        /// No link: a field for one.
        Field,
        /// A link that does not work (any more), and a field for another.
        Spent,
        SignedIn,
    }

    #[derive(Template)]
    #[template(path = "sign_in.html")]
    struct SignIn<'a> {
        language: Language,
        style: &'a str,
        is_spent: bool,
        shown: Shown,
        way_back: Option<&'a str>,
    }

    /// The page.
    pub fn show(call: &Call, shown: Shown, way_back: Option<&str>) -> Outcome {
        let status = match shown {
            Shown::Button { .. } | Shown::Field | Shown::SignedIn => StatusCode::OK,
            Shown::Spent => StatusCode::UNAUTHORIZED,
        };
        let template = SignIn {
            language: Language::of(call),
            style: STYLE,
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
            ("return" = Option<String>, Query, description = "Where to go afterwards: `oauth/connect?…`"),
        ),
        responses(
            (status = 200, description = "A page in Spanish or English", content_type = "text/html", body = String),
            (status = 401, description = "The link was used or is too old", content_type = "text/html", body = String),
        ),
    )]
    pub async fn handle(call: &mut Call) -> Outcome {
        let query: Query = call.query()?;
        let shown = match query.token {
            Some(token) if may_sign_in(call.context(), &token).await? => Shown::Button { token },
            Some(_) if call.session().await?.is_none() => Shown::Spent,
            None if call.session().await?.is_none() => Shown::Field,
            Some(_) | None => Shown::SignedIn,
        };
        show(call, shown, way_back(query.way_back.as_deref()))
    }
}

pub mod enter {
    //! `POST /signin`.

    use heraldo_domain::ops::sign_in::sign_in;
    use heraldo_wire::problem::ProblemCode;

    use super::open::{Shown, show};
    use super::{token_of, way_back};
    use crate::browser::{Language, refused, see_other};
    use crate::call::{Call, Outcome};

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
            return refused(Language::of(call), &problem);
        }
        let field = |name: &str| {
            let mut fields = fields.iter();
            let found = fields.find(|(given, _)| given == name);
            found.map(|(_, text)| text.as_str())
        };
        let back = way_back(field("return"));
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
        let mut response = see_other(back.unwrap_or("signin"))?;
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
    fn a_browser_is_led_to_the_consent_page_and_nowhere_else() {
        let good = "oauth/connect?client_app_id=1&scopes=account";
        assert_eq!(way_back(Some(good)), Some(good));
        for bad in [
            "https://evil.example",
            "//evil.example",
            "/oauth/connect?",
            "oauth/connect",
            "oauth/connect?a=1\r\nx: y",
        ] {
            assert_eq!(way_back(Some(bad)), None, "{bad}");
        }
    }

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
