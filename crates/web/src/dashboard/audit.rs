//! The audit log: who did what, and when.

use askama::Template;
use heraldo_domain::change::{Actor, AuditAction};
use heraldo_domain::ops::audit::{Audited, audit_log};
use heraldo_domain::query::Page;
use heraldo_wire::id::AuditEntryId;
use serde::Deserialize;

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
    subject: String,
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
    let Audited { entry, name } = of;
    let who = |kind: &str, id: String| match &name {
        Some(name) => format!("{kind} {name}"),
        None => format!("{kind} {id}"),
    };
    let (who, by_system) = match entry.actor {
        Actor::ApiKey(id) => (who(t.by_key(), id.to_string()), false),
        Actor::User(id) => (
            name.clone()
                .unwrap_or_else(|| format!("{} {id}", t.by_user())),
            false,
        ),
        Actor::CommandLine => (t.by_command_line().to_owned(), false),
        Actor::System => (t.by_system().to_owned(), true),
    };
    Row {
        at: Moment(entry.at),
        who,
        by_system,
        action: t.audit_action(entry.action),
        path: path(entry.action, &entry.subject),
        subject: entry.subject,
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
