//! Looks into the store: whether it opens with this key, whether it is sound, whether people can sign in.

use std::sync::Arc;

use heraldo_domain::ports::NoHandOver;
use heraldo_domain::query::Page;
use heraldo_domain::store::Store;
use heraldo_store::SqliteStore;
use heraldo_store::sqlite::DATABASE_FILE;

use super::Finding;
use crate::engine;
use crate::failure::{Failure, Outcome};
use crate::settings::Settings;

const WHAT: &str = "database";
/// Companies looked at; what is wrong with one is usually wrong with all.
const COMPANIES_MAX: u32 = 1_000;

pub fn findings(settings: &Settings) -> Outcome<Vec<Finding>> {
    if !settings.data_dir.join(DATABASE_FILE).exists() {
        return Ok(vec![Finding::ok(
            WHAT,
            "there is none yet; the first start makes it",
        )]);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the doctor cannot be started: {error}")))?;
    Ok(runtime.block_on(look(settings)))
}

async fn look(settings: &Settings) -> Vec<Finding> {
    let store = match SqliteStore::open(engine::store_config(settings, Arc::new(NoHandOver), false))
    {
        Ok(store) => store,
        Err(error) => return vec![Finding::error(WHAT, error.to_string())],
    };
    let mut findings = vec![Finding::ok(
        WHAT,
        "it opens, and the master key is the right one",
    )];
    findings.push(match store.damage().await {
        Ok(damage) if damage.is_empty() => Finding::ok(
            WHAT,
            "its pages are sound, and every inspection can be read",
        ),
        Ok(damage) => Finding::error(
            WHAT,
            format!("it is damaged, restore a backup: {}", damage.join("; ")),
        ),
        Err(error) => Finding::error(WHAT, format!("it cannot be checked: {error}")),
    });
    findings.push(owners(&store).await);
    if let Err(error) = store.close().await {
        findings.push(Finding::warning(
            WHAT,
            format!("it did not close as it should: {error}"),
        ));
    }
    findings
}

async fn owners(store: &SqliteStore) -> Finding {
    const WHAT: &str = "companies";
    let mut without = Vec::new();
    let companies = match store
        .companies(Page {
            limit: COMPANIES_MAX,
            before: None,
        })
        .await
    {
        Ok(companies) => companies,
        Err(error) => return Finding::error(WHAT, format!("they cannot be read: {error}")),
    };
    for company in &companies {
        match store.company(company.id).await {
            Ok(Some(view)) if view.member(company.owner).is_some() => {}
            Ok(_) => without.push(company.id.to_string()),
            Err(error) => return Finding::error(WHAT, format!("they cannot be read: {error}")),
        }
    }
    if companies.is_empty() {
        Finding::warning(
            WHAT,
            "there is none; `heraldo company create --name NAME` makes one",
        )
    } else if without.is_empty() {
        Finding::ok(
            WHAT,
            format!("{} of them, each with its owner", companies.len()),
        )
    } else {
        Finding::error(WHAT, format!("these have no owner: {}", without.join(", ")))
    }
}
