//! The audit log: who did what, and when; by action, person and time.

use askama::Template;
use heraldo_domain::account::Member;
use heraldo_domain::change::{Actor, AuditAction};
use heraldo_domain::ops::accounts::list_keys;
use heraldo_domain::ops::audit::{AuditFilter, AuditPage, Audited, LOOKED_MAX, audit_log};
use heraldo_domain::query::Page;
use heraldo_wire::id::AuditEntryId;
use http::StatusCode;
use url::form_urlencoded;

use super::address::Address;
use super::moment::{Entry, Moment, read_entry};
use super::visit::Visit;
use super::wrong::Wrong;
use crate::call::Outcome;
use crate::frame::{Frame, Section};
use crate::pages::asset::LIVE_SCRIPT;
use crate::problem::Failure;
use crate::words::Words;

/// Rows of one page.
const ROWS_MAX: usize = 36;
/// So many people and keys, the newest, are offered by the form, so that the page stays light; any other one is
/// chosen by its address.
const PEOPLE_MAX: usize = 30;
const KEYS_MAX: u32 = 20;

/// What the address asks for.
#[derive(Debug, Default)]
struct Asked {
    filter: AuditFilter,
    from: Entry,
    to: Entry,
    before: Option<AuditEntryId>,
}

impl Asked {
    fn read(query: &str) -> (Self, Option<Wrong>) {
        let mut asked = Self::default();
        let mut wrong = None;
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let text = text.trim();
            if !text.is_empty() {
                wrong = wrong.or(asked.set(&name, text).err());
            }
        }
        if wrong.is_none()
            && let (Some(from), Some(to)) = (asked.filter.from, asked.filter.to)
            && from >= to
        {
            wrong = Some(Wrong::field("from", "`from` is not before `to`"));
        }
        (asked, wrong)
    }

    fn set(&mut self, name: &str, text: &str) -> Result<(), Wrong> {
        let none = |field| Wrong::field(field, format!("`{text}` is none of the list"));
        match name {
            "action" => {
                let action = AuditAction::parse(text).ok_or_else(|| none("action"))?;
                self.filter.action = Some(action);
            }
            "who" => self.filter.actor = Some(actor(text).ok_or_else(|| none("who"))?),
            "from" => {
                self.from = Entry::typed(text);
                self.filter.from = Some(read_entry("from", text)?);
                self.from = self.filter.from.into();
            }
            "to" => {
                self.to = Entry::typed(text);
                self.filter.to = Some(read_entry("to", text)?);
                self.to = self.filter.to.into();
            }
            "before" => {
                let id: Result<AuditEntryId, _> = text.parse();
                let wrong = |_| Wrong::field("cursor", "the address was changed by hand");
                self.before = Some(id.map_err(wrong)?);
            }
            // What somebody added to the address is not ours.
            _ => {}
        }
        Ok(())
    }

    fn is_filtered(&self) -> bool {
        self.filter != AuditFilter::default()
    }

    /// The same filters as a query, with another cursor.
    fn query(&self, before: Option<AuditEntryId>) -> String {
        let filter = &self.filter;
        let pairs = [
            ("action", filter.action.map(|of| of.as_str().to_owned())),
            ("who", filter.actor.map(word)),
            ("from", filter.from.map(|at| at.to_string())),
            ("to", filter.to.map(|at| at.to_string())),
            ("before", before.map(|id| id.to_string())),
        ];
        let said = pairs
            .iter()
            .filter_map(|(name, text)| Some((name, text.as_ref()?)));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(said);
        query.finish()
    }
}

/// Who acted, as the address names it.
fn word(actor: Actor) -> String {
    match actor {
        Actor::User(id) => format!("user-{id}"),
        Actor::ApiKey(id) => format!("key-{id}"),
        Actor::CommandLine => "command-line".to_owned(),
        Actor::System => "heraldo".to_owned(),
    }
}

fn actor(word: &str) -> Option<Actor> {
    match (word, word.split_once('-')) {
        ("command-line", _) => Some(Actor::CommandLine),
        ("heraldo", _) => Some(Actor::System),
        (_, Some(("user", id))) => id.parse().ok().map(Actor::User),
        (_, Some(("key", id))) => id.parse().ok().map(Actor::ApiKey),
        (_, Some(_) | None) => None,
    }
}

#[derive(Template)]
#[template(path = "dashboard/audit.html")]
struct AuditLog {
    frame: Frame,
    script: &'static str,
    asked: Asked,
    actions: Vec<Choice>,
    people: Vec<Choice>,
    wrong: Option<Wrong>,
    rows: Vec<Row>,
    /// The query of the page with older ones.
    older: Option<String>,
    /// Looking ended there, so that there may be more.
    looked_to: Option<Moment>,
    /// The query of the first page.
    newest: Option<String>,
}

/// One entry of a list in the form.
struct Choice {
    word: String,
    name: String,
    is_chosen: bool,
}

struct Row {
    at: Moment,
    who: String,
    /// The id of who acted, where the name does not say it all.
    who_id: Option<String>,
    by_system: bool,
    action: &'static str,
    /// The id, and what it is called.
    subject: String,
    name: Option<String>,
    /// Where the subject is shown, below the root.
    path: Option<String>,
    detail: Option<String>,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let (asked, wrong) = Asked::read(visit.call.parts.uri.query().unwrap_or_default());
    let found = match &wrong {
        None => {
            let (context, company) = (visit.context(), &visit.company);
            audit_log(context, company, &asked.filter, asked.before, ROWS_MAX).await?
        }
        Some(_) => AuditPage {
            entries: Vec::new(),
            older: None,
            looked_to: None,
        },
    };
    let status = wrong.as_ref().map_or(StatusCode::OK, |wrong| wrong.status);
    let people = people(visit, asked.filter.actor).await?;
    let t = visit.t;
    visit.page_with(
        status,
        &AuditLog {
            frame: visit.frame(Section::Configuration),
            script: &LIVE_SCRIPT.name,
            actions: actions(t, asked.filter.action),
            people,
            wrong,
            rows: found.entries.into_iter().map(|of| row(t, of)).collect(),
            looked_to: found.looked_to.map(Moment),
            older: found.older.map(|last| asked.query(Some(last))),
            newest: asked.before.map(|_| asked.query(None)),
            asked,
        },
    )
}

/// Every action, by its words.
fn actions(t: Words, chosen: Option<AuditAction>) -> Vec<Choice> {
    let choice = |action: &AuditAction| Choice {
        word: action.as_str().to_owned(),
        name: t.audit_action(*action).to_owned(),
        is_chosen: chosen == Some(*action),
    };
    let mut actions: Vec<_> = AuditAction::ALL.iter().map(choice).collect();
    actions.sort_by(|one, other| one.name.cmp(&other.name));
    actions
}

/// Everybody who may have acted: people, keys, and whatever has no name of its own.
async fn people(visit: &mut Visit<'_>, chosen: Option<Actor>) -> Result<Vec<Choice>, Failure> {
    let page = Page {
        limit: KEYS_MAX,
        before: None,
    };
    let keys = list_keys(visit.context(), visit.company.company.id, page).await?;
    let t = visit.t;
    let choice = |actor: Actor, name: String| Choice {
        word: word(actor),
        name,
        is_chosen: chosen == Some(actor),
    };
    let members = visit.company.members.iter().rev().take(PEOPLE_MAX);
    let members = members.map(|of| choice(Actor::User(of.user_id), Member::shown_name(of)));
    let keys = keys
        .iter()
        .map(|key| choice(Actor::ApiKey(key.id), t.key_called(Some(&key.name))));
    let others = [
        choice(Actor::CommandLine, t.by_command_line().to_owned()),
        choice(Actor::System, t.by_system().to_owned()),
    ];
    let mut all: Vec<_> = members.chain(keys).chain(others).collect();
    // Whoever is no longer there may have acted all the same.
    if let Some(chosen) = chosen.filter(|_| all.iter().all(|of| !of.is_chosen)) {
        all.push(choice(chosen, word(chosen)));
    }
    Ok(all)
}

fn row(t: Words, of: Audited) -> Row {
    let Audited {
        entry,
        name,
        subject_name,
    } = of;
    let (who, who_id) = match entry.actor {
        Actor::ApiKey(id) => (t.key_called(name.as_deref()), Some(id.to_string())),
        Actor::User(id) => match name {
            Some(name) => (name, None),
            None => (t.by_user().to_owned(), Some(id.to_string())),
        },
        Actor::CommandLine => (t.by_command_line().to_owned(), None),
        Actor::System => (t.by_system().to_owned(), None),
    };
    Row {
        at: Moment(entry.at),
        who,
        who_id,
        by_system: entry.actor == Actor::System,
        action: t.audit_action(entry.action),
        path: path(entry.action, &entry.subject),
        subject: entry.subject,
        name: subject_name,
        detail: entry.detail,
    }
}

/// Where what was acted on is shown.
fn path(action: AuditAction, subject: &str) -> Option<String> {
    match action {
        AuditAction::WebhookCreated
        | AuditAction::WebhookChanged
        | AuditAction::WebhookDisabled
        | AuditAction::WebhookTested
        | AuditAction::SecretRevealed
        | AuditAction::SecretRotated => Some(format!("dashboard/webhooks/{subject}")),
        AuditAction::RecoveryBegun | AuditAction::RecoveryCancelled => {
            Some(format!("dashboard/recover/{subject}"))
        }
        AuditAction::InspectionReviewed
        | AuditAction::ChildCreated
        | AuditAction::ReportRequested
        | AuditAction::AccessRevealed => Some(format!("dashboard/inspections/{subject}")),
        AuditAction::DeliveryResent => Some(format!("dashboard/deliveries/{subject}")),
        AuditAction::ApiKeyCreated
        | AuditAction::ApiKeyRevoked
        | AuditAction::OauthAppCreated
        | AuditAction::OauthSecretRotated
        | AuditAction::OauthAuthorised => Some("dashboard/developers".to_owned()),
        AuditAction::WebhookDeleted
        | AuditAction::OauthAppDeleted
        | AuditAction::SignedIn
        | AuditAction::CompanyCreated
        | AuditAction::UserCreated
        | AuditAction::UserChanged
        | AuditAction::RoleChanged
        | AuditAction::UserRemoved
        | AuditAction::PasswordSet
        | AuditAction::AccessReset
        | AuditAction::SessionsEnded
        | AuditAction::InvitationCreated
        | AuditAction::InvitationRevoked
        | AuditAction::InvitationAccepted => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_was_read_from() {
        for query in [
            "",
            "action=signed_in&who=user-651ae032ff786d198dfa4ce4",
            "who=key-651ae032ff786d198dfa4ce4&to=2026-11-20T08%3A30%3A00.000Z",
            "who=command-line&before=651ae032ff786d198dfa4ce4",
            "who=heraldo",
        ] {
            let (asked, wrong) = Asked::read(query);
            assert!(wrong.is_none(), "{query}");
            assert_eq!(asked.query(asked.before), query);
        }
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::parse(action.as_str()), Some(*action));
        }
    }

    #[test]
    fn what_is_wrong_with_a_filter_is_said_at_its_field() {
        for (query, field) in [
            ("action=slept", "action"),
            ("who=ana", "who"),
            ("who=user-1", "who"),
            ("from=yesterday", "from"),
            ("to=2026-13-01T00:00", "to"),
            ("before=x", "cursor"),
            ("from=2026-11-20T08:30&to=2026-11-20T08:30", "from"),
        ] {
            let (_, wrong) = Asked::read(query);
            assert!(wrong.is_some_and(|wrong| wrong.is(field)), "{query}");
        }
    }
}
