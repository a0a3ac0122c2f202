//! Signing in, and the own account.

use super::words;

words! {
    email: "Correo electrónico", "E-mail";
    role_name: "Rol", "Role";
    company: "Empresa", "Company";
    no_email: "Sin correo", "None";
    this_session: "Esta sesión", "This session";
    this_session_text: "Dura 12 horas en este navegador.", "It lasts 12 hours in this browser.";
}
