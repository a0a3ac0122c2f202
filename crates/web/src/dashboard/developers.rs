//! Configuración → Developers: webhooks, API keys and OAuth applications (contract 6).

use std::sync::Arc;

use askama::Template;
use heraldo_domain::account::ApiKey;
use heraldo_domain::oauth::OauthApp;
use heraldo_domain::ops::accounts::list_keys;
use heraldo_domain::ops::oauth_apps::list_oauth_apps;
use heraldo_domain::query::Page;
use heraldo_domain::webhook::Webhook;

use super::address::Address;
use super::moment::Moment;
use super::visit::Visit;
use super::webhooks::{WebhookRow, rows};
use crate::call::Outcome;
use crate::frame::{Frame, Section};

/// Rows of each table.
const ROWS_MAX: u32 = 100;

#[derive(Template)]
#[template(path = "dashboard/developers.html")]
struct Developers {
    frame: Frame,
    administers: bool,
    webhooks: Vec<WebhookRow>,
    keys: Vec<ApiKey>,
    apps: Vec<OauthApp>,
    /// Not all fit.
    has_more: bool,
}

pub async fn settings(visit: &mut Visit<'_>) -> Outcome {
    visit.go("dashboard/developers", None)
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let company = visit.company.company.id;
    let (mut keys, mut apps) = (Vec::new(), Vec::new());
    if visit.administers() {
        let limit = ROWS_MAX + 1;
        let page = Page {
            limit,
            before: None,
        };
        keys = list_keys(visit.context(), company, page).await?;
        let page = Page {
            limit,
            before: None,
        };
        apps = list_oauth_apps(visit.context(), company, page).await?;
    }
    let rows_max = ROWS_MAX as usize;
    let webhooks = &visit.company.webhooks;
    let has_more = keys.len() > rows_max || apps.len() > rows_max || webhooks.len() > rows_max;
    keys.truncate(rows_max);
    apps.truncate(rows_max);
    let newest: Vec<Arc<Webhook>> = webhooks.iter().rev().take(rows_max).cloned().collect();
    let webhooks = rows(visit, &newest).await?;
    visit.page(&Developers {
        frame: visit.frame(Section::Configuration),
        administers: visit.administers(),
        webhooks,
        keys,
        apps,
        has_more,
    })
}
