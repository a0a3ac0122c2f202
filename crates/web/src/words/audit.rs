//! The audit log.

use heraldo_domain::change::AuditAction;

use super::{Words, words};

words! {
    audit: "Auditoría", "Audit log";
    audit_text: "Quién hizo qué y cuándo, también lo que hizo Heraldo por su cuenta.",
        "Who did what and when, also what Heraldo did by itself.";
    audit_empty: "Todavía no hay nada. Crear un webhook o una clave, ver un secreto o reenviar una entrega deja aquí una línea.",
        "There is nothing yet. Making a webhook or a key, revealing a secret or resending a delivery leaves a line here.";
    audit_none_match: "Nada cumple los filtros. Quita alguno.", "Nothing matches the filters. Clear one of them.";
    audit_looked_none: "Nada cumple los filtros hasta aquí. Lo anterior no se ha mirado todavía.",
        "Nothing matches the filters so far. What is older has not been looked at yet.";
    audit_look_on: "Seguir buscando", "Look further back";
    audit_when: "Cuándo", "When";
    audit_who: "Quién", "Who";
    audit_what: "Qué", "What";
    audit_about: "Sobre", "About";
    audit_newer: "Lo más reciente", "Newest";
    audit_older: "Anterior", "Older";
    by_system: "Heraldo", "Heraldo";
    by_command_line: "La línea de comandos del servidor", "The server's command line";
    by_key: "Clave de API", "API key";
    by_user: "Usuario", "User";
}

impl Words {
    /// How far a page looked; the instant follows.
    pub fn audit_looked(self, entries: u32) -> String {
        let entries = self.number(u64::from(entries));
        if self.is_spanish() {
            format!("Se miraron {entries} entradas, hasta")
        } else {
            format!("{entries} entries were looked through, back to")
        }
    }

    /// An API key by its name, if it still has one.
    pub fn key_called(self, name: Option<&str>) -> String {
        let kind = self.by_key();
        match (name, self.is_spanish()) {
            (Some(name), true) => format!("{kind} «{name}»"),
            (Some(name), false) => format!("{kind} “{name}”"),
            (None, _) => kind.to_owned(),
        }
    }

    pub const fn audit_action(self, action: AuditAction) -> &'static str {
        match action {
            AuditAction::CompanyCreated => self.say("creó la empresa", "created the company"),
            AuditAction::UserCreated => self.say("agregó un usuario", "added a user"),
            AuditAction::UserChanged => self.say("cambió datos de un usuario", "changed a user"),
            AuditAction::RoleChanged => self.say("cambió un rol", "changed a role"),
            AuditAction::UserRemoved => self.say("quitó un usuario", "removed a user"),
            AuditAction::SignedIn => self.say("entró", "signed in"),
            AuditAction::PasswordSet => self.say("eligió una contraseña", "set a password"),
            AuditAction::AccessReset => self.say(
                "quitó la contraseña y las sesiones de un usuario",
                "took a user's password and sessions away",
            ),
            AuditAction::SessionsEnded => {
                self.say("cerró todas sus sesiones", "signed out everywhere")
            }
            AuditAction::InvitationCreated => self.say("invitó a alguien", "invited somebody"),
            AuditAction::InvitationRevoked => {
                self.say("anuló una invitación", "revoked an invitation")
            }
            AuditAction::InvitationAccepted => {
                self.say("aceptó una invitación", "accepted an invitation")
            }
            AuditAction::ApiKeyCreated => self.say("creó una clave de API", "made an API key"),
            AuditAction::ApiKeyRevoked => self.say("revocó una clave de API", "revoked an API key"),
            AuditAction::WebhookCreated => self.say("creó un webhook", "made a webhook"),
            AuditAction::WebhookChanged => self.say("cambió un webhook", "changed a webhook"),
            AuditAction::WebhookDeleted => self.say("borró un webhook", "deleted a webhook"),
            AuditAction::WebhookDisabled => self.say("desactivó un webhook", "disabled a webhook"),
            AuditAction::WebhookTested => {
                self.say("envió un evento de prueba", "sent a test event")
            }
            AuditAction::SecretRevealed => self.say("vio un secreto", "revealed a secret"),
            AuditAction::SecretRotated => self.say("regeneró un secreto", "regenerated a secret"),
            AuditAction::DeliveryResent => self.say("reenvió una entrega", "resent a delivery"),
            AuditAction::RecoveryBegun => self.say("inició una recuperación", "began a recovery"),
            AuditAction::RecoveryCancelled => {
                self.say("canceló una recuperación", "cancelled a recovery")
            }
            AuditAction::InspectionReviewed => {
                self.say("revisó una inspección", "reviewed an inspection")
            }
            AuditAction::ChildCreated => {
                self.say("creó una inspección hija", "made a child inspection")
            }
            AuditAction::ReportRequested => self.say("pidió un informe", "asked for a report"),
            AuditAction::AccessRevealed => self.say(
                "vio el enlace y el código de una inspección",
                "saw the link and the code of an inspection",
            ),
            AuditAction::OauthAppCreated => {
                self.say("creó una aplicación OAuth", "made an OAuth application")
            }
            AuditAction::OauthSecretRotated => self.say(
                "regeneró el secreto de una aplicación OAuth",
                "regenerated the secret of an OAuth application",
            ),
            AuditAction::OauthAppDeleted => self.say(
                "eliminó una aplicación OAuth",
                "deleted an OAuth application",
            ),
            AuditAction::OauthAuthorised => self.say(
                "dio acceso a una aplicación OAuth",
                "gave an OAuth application access",
            ),
        }
    }
}
