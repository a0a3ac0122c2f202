//! The people of a company, and invitations.

use heraldo_domain::account::Role;

use super::{Words, words};

words! {
    team: "Equipo", "Team";
    people: "Personas", "People";
    team_text: "Quiénes entran en la empresa y qué puede hacer cada uno.", "Who enters the company, and what each may do.";
    invite_somebody: "Invitar a alguien", "Invite somebody";
    invite_text: "Heraldo no envía correos: te da un enlace, y tú se lo pasas a la persona.",
        "Heraldo sends no e-mail: it gives you a link, and you pass it on to the person.";
    make_invitation: "Crear el enlace", "Make the link";
    invitation_made: "Invitación creada", "Invitation made";
    invitation_link_text: "Pásale este enlace a la persona. Sirve una vez, dentro de 7 días.",
        "Pass this link on to the person. It works once, within 7 days.";
    invitations: "Invitaciones abiertas", "Open invitations";
    no_invitations: "Nadie tiene una invitación abierta. Invita a quien integra los webhooks o crea inspecciones.",
        "Nobody has an open invitation. Invite whoever integrates the webhooks or makes inspections.";
    invited_by: "De parte de", "Invited by";
    expires: "Vence", "Expires";
    revoke_invitation: "Revocar la invitación", "Revoke the invitation";
    revoke_invitation_text: "El enlace deja de servir en el momento.", "The link stops working at once.";
    invitation_revoked: "La invitación ya no sirve.", "The invitation no longer works.";
    member_since: "Desde", "Since";
    it_is_you: "tú", "you";
    change_role: "Cambiar el rol", "Change the role";
    role_changed: "Rol cambiado. Vale desde este momento.", "The role is changed. It holds from this moment on.";
    new_link: "Enlace nuevo para entrar", "New sign-in link";
    new_link_text: "Para quien olvidó la contraseña: su contraseña y sus sesiones terminan, y un enlace que sirve una vez le permite elegir otra.",
        "For whoever forgot the password: the password and all sessions end, and a link that works once lets the person choose another.";
    make_link: "Crear el enlace", "Make the link";
    link_made: "Enlace creado", "Link made";
    link_made_text: "Pásaselo a la persona. Sirve una vez, dentro de 24 horas.", "Pass it on to the person. It works once, within 24 hours.";
    remove_member: "Quitar de la empresa", "Remove from the company";
    remove_member_text: "Sus sesiones terminan en el momento, y las aplicaciones dejan de actuar en su nombre. Sus inspecciones quedan.",
        "All sessions end at once, and applications no longer act in the person's name. The inspections stay.";
    member_removed: "La persona ya no es de la empresa.", "The person is no longer of the company.";
    last_owner: "Es el único dueño: antes nombra a otro.", "This is the only owner: name another one first.";
    back_to_team: "Volver al equipo", "Back to the team";
    accept_title: "Te invitaron a Heraldo", "You are invited to Heraldo";
    accept: "Aceptar y entrar", "Accept and enter";
    accept_text: "Abrir esta página no cambió nada. El botón gasta la invitación.", "Opening this page changed nothing. The button uses the invitation up.";
    invitation_spent_title: "La invitación no sirve", "The invitation does not work";
    invitation_spent: "Ya se usó, se revocó o venció. Pide otra a quien te invitó. Si ya la aceptaste, entra con tu correo y tu contraseña.",
        "It was used or revoked, or is too old. Ask whoever invited you for another. If you accepted it already, sign in with your e-mail address and password.";
    wrong_first_name: "Escribe tu nombre, de hasta 200 caracteres.", "Enter your name, of up to 200 characters.";
    wrong_role: "Elige uno de los roles de la lista.", "Choose one of the roles of the list.";
}

impl Words {
    /// What a role may do.
    pub const fn role_meaning(self, role: &Role) -> &'static str {
        match role {
            Role::Owner => self.say(
                "Todo, también nombrar y quitar dueños.",
                "Everything, naming and removing owners included.",
            ),
            Role::Admin => self.say(
                "Todo, menos lo de los dueños: webhooks, secretos, claves, personas.",
                "Everything but what concerns owners: webhooks, secrets, keys, people.",
            ),
            Role::Producer => self.say(
                "Inspecciones y entregas; no ve secretos, claves ni personas.",
                "Inspections and deliveries; sees no secrets, keys or people.",
            ),
        }
    }

    /// Whom somebody is invited by, where to, and as what.
    pub fn invited_text(self, inviter: &str, company: &str, role: &Role) -> String {
        let role = self.role(role);
        if self.is_spanish() {
            format!("{inviter} te invita a la empresa {company}. Tu rol: {role}.")
        } else {
            format!("{inviter} invites you to the company {company}. Your role: {role}.")
        }
    }

    pub fn remove_person(self, name: &str) -> String {
        let verb = self.say("Quitar a", "Remove");
        format!("{verb} {name}")
    }
}
