//! The audit log: who did what, and when.

use askama::Template;
use heraldo_domain::change::{Actor, AuditAction};
use heraldo_domain::ops::audit::{Audited, audit_log};
use heraldo_domain::query::Page;
use heraldo_wire::id::AuditEntryId;
use serde::Deserialize;

use super::address::Address;
use super::moment::Moment;
use super::visit::Visit;
use crate::call::Outcome;
use crate::frame::{Frame, Section};
use crate::words::Words;

/// Rows of one page.
const ROWS_MAX: u32 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    before: Option<AuditEntryId>,
}

#[derive(Template)]
#[template(path = "dashboard/audit.html")]
struct AuditPage {
    frame: Frame,
    rows: Vec<Row>,
    older: Option<AuditEntryId>,
    is_first: bool,
}

struct Row {
    at: Moment,
    who: String,
    by_system: bool,
    action: &'static str,
    /// The id, and what it is called.
    subject: String,
    name: Option<String>,
    /// The id of who acted, where the name does not say it all.
    who_id: Option<String>,
    /// Where the subject is shown, below the root.
    path: Option<String>,
    detail: Option<String>,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let asked: Asked = visit.call.query()?;
    let page = Page {
        limit: ROWS_MAX + 1,
        before: asked.before,
    };
    let mut entries = audit_log(visit.context(), &visit.company, page).await?;
    let fit = ROWS_MAX as usize;
    let more = entries.len() > fit;
    entries.truncate(fit);
    let last = entries.last().filter(|_| more);
    visit.page(&AuditPage {
        frame: visit.frame(Section::Configuration),
        older: last.map(|last| last.entry.id),
        is_first: asked.before.is_none(),
        rows: entries.into_iter().map(|of| row(visit.t, of)).collect(),
    })
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
        | AuditAction::SecretRevealed
        | AuditAction::SecretRotated => Some(format!("dashboard/webhooks/{subject}")),
        AuditAction::RecoveryBegun | AuditAction::RecoveryCancelled => {
            Some(format!("dashboard/recover/{subject}"))
        }
        AuditAction::AccessRevealed => Some(format!("dashboard/inspections/{subject}")),
        AuditAction::DeliveryResent => Some(format!("dashboard/deliveries/{subject}")),
        AuditAction::ApiKeyCreated
        | AuditAction::ApiKeyRevoked
        | AuditAction::OauthAppCreated
        | AuditAction::OauthSecretRotated
        | AuditAction::OauthAuthorised => Some("dashboard/developers".to_owned()),
        AuditAction::WebhookDeleted
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
