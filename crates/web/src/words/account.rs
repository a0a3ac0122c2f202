//! Signing in, and the own account.

use super::{Words, words};

words! {
    sign_in: "Entrar", "Sign in";
    sign_in_title: "Entrar en Heraldo", "Sign in to Heraldo";
    sign_in_button_text: "Abrir esta página no cambió nada. El botón gasta el enlace y abre una sesión de 12 horas en este navegador.",
        "Opening this page changed nothing. The button uses the link up and opens a session of 12 hours in this browser.";
    link_spent: "El enlace ya se usó o venció. Pide otro.", "The link was used already or is too old. Ask for a new one.";
    wrong_login: "El correo o la contraseña no es correcto.", "The e-mail address or the password is wrong.";
    busy_login: "Demasiada gente entra en este momento. Vuelve a intentarlo en unos segundos.",
        "Too many people are signing in at this moment. Try again in a few seconds.";
    too_many_title: "Demasiados intentos", "Too many tries";
    too_many_text: "Hubo demasiadas contraseñas equivocadas desde esta dirección o para este correo.",
        "There were too many wrong passwords from this address or for this e-mail address.";
    choose_company: "¿En qué empresa?", "Which company?";
    choose_company_text: "Tu correo tiene esta contraseña en varias empresas. Elige en cuál entrar.",
        "Your e-mail address has this password in several companies. Choose the one to enter.";
    password: "Contraseña", "Password";
    with_a_link: "Entrar con un enlace", "Sign in with a link";
    your_link: "Tu enlace para entrar", "Your sign-in link";
    email: "Correo electrónico", "E-mail";
    first_name: "Nombre", "First name";
    last_name: "Apellido", "Last name";
    role_name: "Rol", "Role";
    company: "Empresa", "Company";
    profile: "Quién eres", "Who you are";
    profile_changed: "Datos guardados.", "Your details are saved.";
    present_password: "Contraseña actual", "Present password";
    present_for_email: "Solo para cambiar el correo.", "Only to change the e-mail address.";
    new_password: "Contraseña nueva", "New password";
    again: "Repite la contraseña nueva", "Repeat the new password";
    set_password: "Guardar la contraseña", "Save the password";
    no_password_text: "Entraste con un enlace que sirve una sola vez. Con una contraseña vuelves a entrar cuando quieras.",
        "You came in by a link that works once. With a password you come in again whenever you like.";
    change_password_text: "Las demás sesiones terminan en el momento.", "All other sessions end at once.";
    password_set: "Contraseña guardada. Las demás sesiones terminaron.", "The password is saved. All other sessions have ended.";
    sessions: "Sesiones", "Sessions";
    this_session_until: "La sesión de este navegador dura hasta", "The session of this browser lasts until";
    sign_out_everywhere: "Salir en todas partes", "Sign out everywhere";
    sign_out_everywhere_text: "Termina en el momento todas tus sesiones, en todos los navegadores, también en este.",
        "Ends all your sessions at once, in every browser, this one included.";
    step_password: "Elige una contraseña", "Choose a password";
    step_password_text: "entraste con un enlace que sirve una sola vez.", "you came in by a link that works once.";
    link_hint: "Te lo da un administrador de la empresa, o quien administra Heraldo: lo muestran el primer arranque y los comandos",
        "An administrator of the company gives it to you, or whoever runs Heraldo: it is printed by the first start and the commands";
    link_hint_end: "Sirve una vez, dentro de 24 horas.", "It works once, within 24 hours.";
    wrong_email: "Revisa el correo: debe tener una @ y no ser de otra persona de la empresa.",
        "Check the e-mail address: it needs an @ and must be nobody else's in the company.";
    wrong_again: "Las dos contraseñas nuevas no son iguales.", "The two new passwords are not the same.";
    wrong_present: "La contraseña actual no es correcta.", "The present password is wrong.";
}

impl Words {
    pub const fn wrong_new_password(self) -> &'static str {
        self.say(
            "La contraseña debe tener al menos 12 caracteres.",
            "The password must have at least 12 characters.",
        )
    }

    pub fn chars_min(self, chars: &usize) -> String {
        let (begin, end) = (
            self.say("Al menos", "At least"),
            self.say(
                "caracteres; una frase sirve.",
                "characters; a phrase will do.",
            ),
        );
        format!("{begin} {chars} {end}")
    }

    pub fn try_again_in(self, seconds: u64) -> String {
        let begin = self.say("Vuelve a intentarlo en", "Try again in");
        format!("{begin} {seconds} s.")
    }

    pub fn enter(self, company: &str) -> String {
        let verb = self.say("Entrar en", "Enter");
        format!("{verb} {company}")
    }
}
