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
use super::pager::Pager;
use super::visit::Visit;
use super::webhooks::{WebhookRow, rows};
use crate::call::Outcome;
use crate::frame::{Frame, Section};

/// Rows of each table on one page.
const WEBHOOKS: usize = 10;
const KEYS: usize = 6;
const APPS: usize = 3;

#[derive(Template)]
#[template(path = "dashboard/developers.html")]
struct Developers {
    frame: Frame,
    administers: bool,
    webhooks: Vec<WebhookRow>,
    webhook_pages: Pager,
    keys: Vec<ApiKey>,
    key_pages: Pager,
    apps: Vec<OauthApp>,
    app_pages: Pager,
}

pub async fn settings(visit: &mut Visit<'_>) -> Outcome {
    visit.go("dashboard/developers", None)
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let company = visit.company.company.id;
    let query = visit.call.parts.uri.query();
    let mut webhook_pages = Pager::read(query, "webhooks", WEBHOOKS);
    let mut key_pages = Pager::read(query, "keys", KEYS);
    let mut app_pages = Pager::read(query, "apps", APPS);
    let (mut keys, mut apps) = (Vec::new(), Vec::new());
    if visit.administers() {
        let found = list_keys(visit.context(), company, first_rows(&key_pages)).await?;
        keys = key_pages.cut(found);
        let found = list_oauth_apps(visit.context(), company, first_rows(&app_pages)).await?;
        apps = app_pages.cut(found);
    }
    let newest: Vec<Arc<Webhook>> = webhook_pages.cut(visit.company.webhooks.iter().rev().cloned());
    let webhooks = rows(visit, &newest).await?;
    visit.page(&Developers {
        frame: visit.frame(Section::Configuration),
        administers: visit.administers(),
        webhooks,
        webhook_pages,
        keys,
        key_pages,
        apps,
        app_pages,
    })
}

fn first_rows<C>(pager: &Pager) -> Page<C> {
    Page {
        limit: u32::try_from(pager.needed()).unwrap_or(u32::MAX),
        before: None,
    }
}
