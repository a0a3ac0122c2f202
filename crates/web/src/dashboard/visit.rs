//! One request of a person who is signed in, on its way to a page's handler.
//!
//! Nobody but this module makes a [`Form`], so that no handler can act on one that was not looked at.

use std::str::FromStr;
use std::sync::Arc;

use askama::Template;
use axum::extract::Request;
use axum::response::Response;
use heraldo_domain::account::{Authority as _, Caller, Member, Role};
use heraldo_domain::change::Actor;
use heraldo_domain::ops::sign_in::{OpenSession, renew_session};
use heraldo_domain::ops::{Context, problem_of};
use heraldo_domain::query::CompanyView;
use http::StatusCode;
use http::header::SET_COOKIE;
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use crate::Web;
use crate::browser::{Forms, Session, header, page, see_other};
use crate::call::{Call, Outcome, bounded};
use crate::frame::{Frame, Preferences, Section, Viewer, root};
use crate::problem::Failure;
use crate::problem_page::{self, failed, forbidden, form_refused};
use crate::words::Words;

const DONE_COOKIE: &str = "heraldo_done";

/// What a form did, said on the page that follows it.
macro_rules! done {
    ($($variant:ident = $code:literal $word:ident,)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Done { $($variant,)+ }

        impl Done {
            const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            const fn say(self, t: Words) -> &'static str {
                match self { $(Self::$variant => t.$word(),)+ }
            }
        }
    };
}

done! {
    WebhookChanged = "webhook-changed" webhook_changed,
    WebhookCreated = "webhook-created" webhook_created,
    WebhookEnabled = "webhook-enabled" webhook_enabled,
    WebhookPaused = "webhook-paused" webhook_paused,
    WebhookDisabled = "webhook-disabled" webhook_disabled,
    WebhookDeleted = "webhook-deleted" webhook_deleted,
    SecretRotated = "secret-rotated" secret_rotated,
    AppDeleted = "app-deleted" app_deleted,
    KeyRevoked = "key-revoked" key_revoked,
    InspectionReviewed = "inspection-reviewed" inspection_reviewed,
    ChildCreated = "child-created" child_created,
    ReportRequested = "report-requested" report_requested,
    ProfileChanged = "profile-changed" profile_changed,
    PasswordSet = "password-set" password_set,
    InvitationRevoked = "invitation-revoked" invitation_revoked,
    RoleChanged = "role-changed" role_changed,
    MemberRemoved = "member-removed" member_removed,
    Resent = "resent" resent,
    RecoveryBegun = "recovery-begun" recovery_begun,
    RecoveryCancelled = "recovery-cancelled" recovery_cancelled,
}

/// One visit to a page.
pub struct Visit<'c> {
    pub call: &'c mut Call,
    pub session: Session,
    pub company: Arc<CompanyView>,
    pub member: Member,
    pub t: Words,
}

/// The fields of a form that belongs to this session.
#[derive(Debug, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// A field without the blanks around it; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field exactly as it was sent.
    pub fn raw(&self, name: &str) -> &str {
        let mut fields = self.fields.iter();
        let found = fields.find(|(given, _)| given == name);
        found.map_or("", |(_, text)| text)
    }

    /// Every field in the order of the form.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.fields.iter();
        fields.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Every value of a field: of boxes that are ticked.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.fields.iter().filter(|(given, _)| given == name);
        fields.map(|(_, text)| text.as_str()).collect()
    }
}

impl Visit<'_> {
    pub fn context(&self) -> &Context {
        self.call.context()
    }

    /// Who acts, as the use cases know it.
    pub fn caller(&self) -> Caller {
        Caller {
            company_id: self.company.company.id,
            actor: Actor::User(self.member.user_id),
            testing: false,
        }
    }

    /// Whether the viewer may see and change what only owners and administrators may.
    pub fn administers(&self) -> bool {
        self.member.role.includes(Role::Admin)
    }

    /// What stands around a page of this section.
    pub fn frame(&self, section: Section) -> Frame {
        let done = self.call.cookie(DONE_COOKIE).and_then(Done::parse);
        Frame {
            section: Some(section),
            viewer: self.call.viewer.clone(),
            done: done.map(|done| done.say(self.t)),
            ..Frame::of(self.call)
        }
    }

    /// Answers with a page.
    pub fn page(&self, template: &impl Template) -> Outcome {
        self.page_with(StatusCode::OK, template)
    }

    /// Answers with the page of a form that was wrong.
    pub fn page_with(&self, status: StatusCode, template: &impl Template) -> Outcome {
        let mut response = page(status, template, &Forms::Here)?;
        if self.call.cookie(DONE_COOKIE).is_some() {
            keep_done(&mut response, None)?;
        }
        Ok(response)
    }

    /// Sends the browser on to a page, given from the root on, which says what was done.
    pub fn go(&self, path: &str, done: Option<Done>) -> Outcome {
        let mut response = see_other(&format!("{}{path}", root(self.call)))?;
        if done.is_some() {
            keep_done(&mut response, done)?;
        }
        Ok(response)
    }

    /// Gives the session a new text when the viewer may do something else than when it was made; `false` when
    /// it has ended meanwhile.
    async fn renew(&mut self) -> Result<bool, Failure> {
        let (open, role) = (self.session.open, self.member.role);
        if open.role == Some(role) {
            return Ok(true);
        }
        let renewed = renew_session(self.context(), self.session.text(), &open, role).await?;
        let Some(text) = renewed else {
            return Ok(false);
        };
        let open = OpenSession {
            role: Some(role),
            ..open
        };
        self.session = Session::new(text.reveal().to_owned(), open);
        self.call.renewed = Some(self.session.text().to_owned());
        self.call.viewer = Some(viewer(&self.session, &self.member, &self.company));
        Ok(true)
    }

    /// The id in the path.
    pub async fn id<T: FromStr>(&mut self) -> Result<T, Failure> {
        self.call.id().await
    }
}

fn viewer(session: &Session, member: &Member, company: &CompanyView) -> Viewer {
    Viewer::new(session, member, &company.company.name)
}

fn keep_done(response: &mut Response, done: Option<Done>) -> Result<(), Failure> {
    let (value, seconds) = done.map_or(("", 0), |done| (done.code(), 60));
    let cookie =
        format!("{DONE_COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    response.headers_mut().append(SET_COOKIE, header(&cookie)?);
    Ok(())
}

/// Opens a page.
pub async fn open(
    web: Web,
    name: &'static str,
    request: Request,
    needed: Role,
    handler: impl AsyncFnOnce(&mut Visit<'_>) -> Outcome,
) -> Response {
    let mut call = Call::new(web, name, request);
    let outcome = match call.check_headers() {
        Ok(()) => {
            bounded(call.time_limit(), async {
                match enter(&mut call).await? {
                    Some(visit) if !visit.member.role.includes(needed) => forbidden(visit.call),
                    Some(mut visit) => {
                        if !visit.renew().await? {
                            return sign_in_first(visit.call);
                        }
                        handler(&mut visit).await
                    }
                    None => sign_in_first(&call),
                }
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    end(call, outcome).await
}

/// Acts on a form: only on one of this session, sent from a page of this server.
pub async fn send(
    web: Web,
    name: &'static str,
    request: Request,
    (needed, route, page): (Role, &str, &str),
    handler: impl AsyncFnOnce(&mut Visit<'_>, Form) -> Outcome,
    again: impl AsyncFnOnce(&mut Visit<'_>, Form) -> Outcome,
) -> Response {
    let mut call = Call::new(web, name, request);
    call.form_page = Some(page_of_form(page, route, call.parts.uri.path()));
    let outcome = match call.check_headers() {
        Ok(()) => {
            bounded(call.time_limit(), async {
                let bytes_max = call.state.config.body_bytes_max;
                let fields = call.fields_within(bytes_max).await?;
                if call.check_own_form().is_err() {
                    return form_refused(&call);
                }
                let preferences = Preferences::read(&fields);
                call.chosen = preferences.unwrap_or_default();
                let form = Form { fields };
                match enter(&mut call).await? {
                    None => sign_in_first(&call),
                    Some(visit) if !is_of(&form, &visit.session) => form_refused(visit.call),
                    Some(visit) if !visit.member.role.includes(needed) => forbidden(visit.call),
                    Some(mut visit) => match preferences {
                        None => handler(&mut visit, form).await,
                        // The button that was pressed is not the one that acts.
                        Some(chosen) => {
                            let mut response = again(&mut visit, form).await?;
                            chosen.keep(&mut response)?;
                            Ok(response)
                        }
                    },
                }
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    end(call, outcome).await
}

/// Leads back to the page of a form in which there is nothing to type.
pub async fn leave(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let page = visit.call.form_page.clone().unwrap_or_default();
    visit.go(&page, None)
}

/// The page on which a form stands, from the root on, when the form was sent to `path`, which is of `route`.
fn page_of_form(page: &str, route: &str, path: &str) -> String {
    let mut parts = route.split('/').zip(path.split('/'));
    let id = parts.find(|(named, _)| *named == "{id}");
    let id = id.map_or("", |(_, id)| id);
    page.replace("{id}", id).trim_start_matches('/').to_owned()
}

fn is_of(form: &Form, session: &Session) -> bool {
    let expected = session.form_token();
    form.raw("form")
        .as_bytes()
        .ct_eq(expected.as_bytes())
        .into()
}

/// Who is signed in, in which company; `None`: nobody.
async fn enter(call: &mut Call) -> Result<Option<Visit<'_>>, Failure> {
    let Some(session) = call.session().await? else {
        return Ok(None);
    };
    let company = call
        .context()
        .store
        .company(session.open.user.company_id)
        .await;
    let company = company.map_err(problem_of)?;
    let Some(company) = company else {
        return Ok(None);
    };
    let Some(member) = company.member(session.open.user.user_id).cloned() else {
        return Ok(None);
    };
    let t = Words(crate::frame::language(call));
    call.viewer = Some(viewer(&session, &member, &company));
    Ok(Some(Visit {
        call,
        session,
        company,
        member,
        t,
    }))
}

/// Refuses what no route serves: a browser shows why, with the way on that whoever is signed in has on every
/// page.
pub async fn refuse(mut call: Call, failure: Failure) -> Response {
    let outcome = match call.check_headers() {
        Ok(()) if problem_page::is_wanted(&call) => {
            bounded(call.time_limit(), async {
                enter(&mut call).await?;
                Err(failure)
            })
            .await
        }
        Ok(()) => Err(failure),
        Err(too_large) => Err(too_large),
    };
    call.finish(outcome).await
}

/// To the sign-in page, and back afterwards.
fn sign_in_first(call: &Call) -> Outcome {
    let here = Frame::of(call).here;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("return", &here);
    see_other(&format!("{}signin?{}", root(call), query.finish()))
}

/// Ends a visit: a failure is a page, too.
async fn end(mut call: Call, outcome: Outcome) -> Response {
    let outcome = match outcome {
        Ok(response) => Ok(response),
        Err(failure) => {
            call.note(&failure).await;
            failed(&call, &failure)
        }
    };
    // Whatever came of it: the text that the browser held until now opens nothing any more.
    let outcome = outcome.and_then(|mut response| {
        if let Some(text) = &call.renewed {
            call.keep_session(&mut response, text)?;
        }
        Ok(response)
    });
    call.finish(outcome).await
}
