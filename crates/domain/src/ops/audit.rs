//! Who did what in a company, and when.

use std::collections::HashMap;

use heraldo_wire::id::{AuditEntryId, Id};
use heraldo_wire::problem::Problem;
use heraldo_wire::time::Timestamp;

use super::{Context, problem_of};
use crate::account::Member;
use crate::change::{Actor, AuditAction, AuditEntry};
use crate::invitation::Invitation;
use crate::oauth::OauthApp;
use crate::query::{CompanyView, Page, made_within};

/// Of so many keys, applications and invitations, the newest, the names are looked up.
const NAMES_MAX: u32 = 500;
/// So many entries are read at once, and so often at most for one page.
const SLICE: u32 = 250;
const SLICES_MAX: u32 = 16;
/// So many entries are looked through for one page.
pub const LOOKED_MAX: u32 = SLICE * SLICES_MAX;

/// An entry with the name of who acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    pub entry: AuditEntry,
    /// The name of the user or the key; `None` when there is none, or none any more.
    pub name: Option<String>,
    /// What the thing acted on is called: an address, a name, an e-mail address; `None` as above.
    pub subject_name: Option<String>,
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub action: Option<AuditAction>,
    pub actor: Option<Actor>,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
}

impl AuditFilter {
    fn keeps(&self, entry: &AuditEntry) -> bool {
        self.action.is_none_or(|action| action == entry.action)
            && self.actor.is_none_or(|actor| actor == entry.actor)
    }
}

/// Entries of the audit log, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    pub entries: Vec<Audited>,
    /// The last entry that was looked at, when there are older ones.
    pub older: Option<AuditEntryId>,
    /// Looking ended here, after [`LOOKED_MAX`] entries: what is older was not looked at.
    pub looked_to: Option<Timestamp>,
}

/// One page of the entries of a company's audit log that the filter keeps: up to `limit` of them, fewer when they
/// are so rare that looking for more would take long.
///
/// # Errors
/// The store's.
pub async fn audit_log(
    context: &Context,
    company: &CompanyView,
    filter: &AuditFilter,
    before: Option<AuditEntryId>,
    limit: usize,
) -> Result<AuditPage, Problem> {
    let first_after = |at| AuditEntryId(Id::from_parts(Id::first_key_at(at), 0));
    let end = filter.to.map(first_after);
    let mut cursor = before.into_iter().chain(end).min();
    let mut entries = Vec::new();
    let (mut older, mut looked_to) = (None, None);
    'look: for _ in 0..SLICES_MAX {
        let page = Page {
            limit: SLICE,
            before: cursor,
        };
        let slice = context.store.audit(company.company.id, page).await;
        let slice = slice.map_err(problem_of)?;
        let is_last = slice.len() < many(SLICE);
        (older, looked_to) = (None, None);
        for entry in slice {
            // What follows is older still.
            if !made_within(entry.id.0, filter.from, None) {
                break 'look;
            }
            let is_kept = filter.keeps(&entry);
            if is_kept && entries.len() == limit {
                older = cursor;
                break 'look;
            }
            cursor = Some(entry.id);
            if is_kept {
                entries.push(entry);
            }
        }
        if is_last {
            break;
        }
        older = cursor;
        looked_to = cursor.map(|last| last.0.made_at());
    }
    let names = context.names(company, &entries).await?;
    let named = entries.into_iter().map(|entry| {
        let name = match entry.actor {
            Actor::ApiKey(key) => names.of(&key.to_string()),
            Actor::User(user) => company.member(user).map(Member::shown_name),
            Actor::CommandLine | Actor::System => None,
        };
        let subject_name = match About::of(entry.action) {
            About::Webhook => entry.subject.parse().ok().and_then(|id| {
                let webhook = company.webhook(id)?;
                Some(webhook.settings.endpoint.clone())
            }),
            About::User => {
                let id = entry.subject.parse().ok();
                id.and_then(|id| company.member(id)).map(Member::shown_name)
            }
            About::Key | About::App | About::Invitation => names.of(&entry.subject),
            About::Other => None,
        };
        Audited {
            entry,
            name,
            subject_name,
        }
    });
    Ok(AuditPage {
        entries: named.collect(),
        older,
        looked_to,
    })
}

fn many(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// What kind of thing was acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Webhook,
    User,
    Key,
    App,
    Invitation,
    /// It has no name but its id.
    Other,
}

impl About {
    const fn of(action: AuditAction) -> Self {
        match action {
            AuditAction::WebhookCreated
            | AuditAction::WebhookChanged
            | AuditAction::WebhookDeleted
            | AuditAction::WebhookDisabled
            | AuditAction::WebhookTested
            | AuditAction::SecretRevealed
            | AuditAction::SecretRotated => Self::Webhook,
            AuditAction::UserCreated
            | AuditAction::UserChanged
            | AuditAction::RoleChanged
            | AuditAction::UserRemoved
            | AuditAction::SignedIn
            | AuditAction::PasswordSet
            | AuditAction::AccessReset
            | AuditAction::SessionsEnded => Self::User,
            AuditAction::ApiKeyCreated | AuditAction::ApiKeyRevoked => Self::Key,
            AuditAction::OauthAppCreated
            | AuditAction::OauthSecretRotated
            | AuditAction::OauthAppDeleted
            | AuditAction::OauthAuthorised => Self::App,
            AuditAction::InvitationCreated
            | AuditAction::InvitationRevoked
            | AuditAction::InvitationAccepted => Self::Invitation,
            AuditAction::CompanyCreated
            | AuditAction::DeliveryResent
            | AuditAction::RecoveryBegun
            | AuditAction::RecoveryCancelled
            | AuditAction::InspectionReviewed
            | AuditAction::ChildCreated
            | AuditAction::ReportRequested
            | AuditAction::AccessRevealed => Self::Other,
        }
    }
}

/// Names by the id of what they are names of.
#[derive(Debug, Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn of(&self, id: &str) -> Option<String> {
        self.0.get(id).cloned()
    }
}

impl Context {
    /// The names that these entries need and that the view of the company does not hold.
    async fn names(&self, company: &CompanyView, entries: &[AuditEntry]) -> Result<Names, Problem> {
        let id = company.company.id;
        let needs = |about: About| entries.iter().any(|of| About::of(of.action) == about);
        let by_key = entries.iter().any(|entry| match entry.actor {
            Actor::ApiKey(_) => true,
            Actor::User(_) | Actor::CommandLine | Actor::System => false,
        });
        let mut names = Names::default();
        if by_key || needs(About::Key) {
            let keys = self.store.api_keys(id, newest()).await;
            let keys = keys.map_err(problem_of)?.into_iter();
            names
                .0
                .extend(keys.map(|key| (key.id.to_string(), key.name)));
        }
        if needs(About::App) {
            let apps = self.kept_page::<OauthApp>(id, None, newest()).await;
            let apps = apps.map_err(problem_of)?.into_iter();
            names
                .0
                .extend(apps.map(|app| (app.id.to_string(), app.name)));
        }
        if needs(About::Invitation) {
            let asked = self.kept_page::<Invitation>(id, None, newest()).await;
            let asked = asked.map_err(problem_of)?.into_iter();
            names
                .0
                .extend(asked.map(|of| (of.id.to_string(), of.email)));
        }
        Ok(names)
    }
}

const fn newest<C>() -> Page<C> {
    Page {
        limit: NAMES_MAX,
        before: None,
    }
}
