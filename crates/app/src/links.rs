//! The addresses of pages that people open.

use heraldo_domain::account::KeyText;

/// The dashboard.
pub fn dashboard(public_url: &str) -> String {
    format!("{public_url}/dashboard")
}

/// Signs its holder in, once.
pub fn sign_in(public_url: &str, token: &KeyText) -> String {
    format!("{public_url}/signin?token={}", token.reveal())
}
