//! Webhooks: made, looked at, changed, and what is done with one.

mod actions;
mod fields;
mod form;
mod health;
mod page;
mod receiver;
mod test;

pub use actions::{delete, rotate, set_status};
pub use form::{create, form, settings, show_new, show_settings, update};
pub use health::{WebhookRow, rows};
pub use page::{reveal, show};
pub use receiver::{check, receiver, show_check};
pub use test::send_test;

use heraldo_wire::id::WebhookId;

/// The page of a webhook, from the root on.
fn page_of(id: WebhookId) -> String {
    format!("dashboard/webhooks/{id}")
}
