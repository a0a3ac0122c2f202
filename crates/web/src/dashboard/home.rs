//! The page after signing in: the steps to the first delivery.

use askama::Template;

use super::account::has_password;
use super::visit::Visit;
use crate::call::Outcome;
use crate::frame::{Frame, Section};

#[derive(Template)]
#[template(path = "dashboard/home.html")]
struct Home {
    frame: Frame,
    administers: bool,
    has_webhook: bool,
    has_password: bool,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let has_password = has_password(visit).await?;
    visit.page(&Home {
        frame: visit.frame(Section::Home),
        administers: visit.administers(),
        has_webhook: !visit.company.webhooks.is_empty(),
        has_password,
    })
}
