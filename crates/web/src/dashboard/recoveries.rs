//! Recover: a time range of a webhook is counted, then sent again; each recovery has a page with its progress.
//!
//! Counting changes nothing, so that it is an address like any other page, and may be linked to. What takes longer
//! than a page may is counted on by a job, and has a page of its own with its progress.

use std::time::Duration;

use askama::Template;
use heraldo_domain::ops::recover_counts::{Looked, count, retrieve_count, stop_count as stop};
use heraldo_domain::ops::recoveries::{
    Asked, cancel_recovery, list_recoveries, recover, retrieve_recovery,
};
use heraldo_domain::query::Page;
use heraldo_domain::recover_count::{RecoverCount, Stage};
use heraldo_domain::recovery::{Range, STATUSES_DEFAULT, total};
use heraldo_domain::statistics::bucket_start;
use heraldo_wire::api::{
    RecoverCounts, RecoverRequest, RecoverStatus, RecoverStatuses, Recovery, Resolution,
    WebhookStatus,
};
use heraldo_wire::id::{RecoverCountId, RecoveryId, WebhookId};
use heraldo_wire::problem::Problem;
use http::StatusCode;
use url::form_urlencoded;

use super::address::Address;
use super::deliveries::{Choice, choices};
use super::moment::{Entry, Moment, read_entry};
use super::visit::{Done, Form, Visit};
use super::wrong::Wrong;
use crate::call::Outcome;
use crate::frame::{Frame, Section};
use crate::pages::asset::LIVE_SCRIPT;

/// Recoveries on one page of the list.
const ROWS: u32 = 20;
/// The range that the form begins with.
const RANGE_DEFAULT: Duration = Duration::from_secs(86_400);

#[derive(Template)]
#[template(path = "dashboard/recover.html")]
struct Recover {
    frame: Frame,
    script: &'static str,
    webhooks: Vec<Choice>,
    fields: Fields,
    wrong: Option<Wrong>,
    count: Option<Count>,
    rows: Vec<Row>,
    /// Where what is older is, from the root on; `None`: there is none.
    older: Option<String>,
}

/// The form as it is filled in.
#[derive(Debug, Default)]
struct Fields {
    webhook: Option<WebhookId>,
    from: Entry,
    to: Entry,
    statuses: Vec<RecoverStatus>,
    before: Option<RecoveryId>,
    /// What it asks for, once it asks for something.
    request: Option<RecoverRequest>,
}

impl Fields {
    /// Reads the form. Without a beginning nothing is asked for yet.
    fn read<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> (Self, Option<Wrong>) {
        let mut fields = Self::default();
        let (mut from, mut to, mut wrong) = (None, None, None);
        for (name, text) in pairs {
            let text = text.trim();
            let read = match name {
                _ if text.is_empty() => Ok(()),
                "webhook" => match text.parse() {
                    Ok(id) => {
                        fields.webhook = Some(id);
                        Ok(())
                    }
                    Err(_) => Err(Wrong::field("webhook", "an id has 24 digits from 0 to f")),
                },
                "from" => {
                    fields.from = Entry::typed(text);
                    read_entry("from", text).map(|at| from = Some(at))
                }
                "to" => {
                    fields.to = Entry::typed(text);
                    read_entry("to", text).map(|at| to = Some(at))
                }
                "status" => match text.parse() {
                    Ok(status) => {
                        fields.statuses.push(status);
                        Ok(())
                    }
                    Err(error) => Err(Wrong::field("statuses", format!("{error}"))),
                },
                "cursor" => match text.parse() {
                    Ok(id) => {
                        fields.before = Some(id);
                        Ok(())
                    }
                    Err(_) => Err(Wrong::field("cursor", "the address was changed by hand")),
                },
                // What somebody added to the address is not ours.
                _ => Ok(()),
            };
            wrong = wrong.or(read.err());
        }
        if from.is_some() {
            fields.from = from.into();
        }
        if to.is_some() {
            fields.to = to.into();
        }
        if let Some(from) = from {
            if fields.webhook.is_none() {
                wrong = wrong.or(Some(Wrong::field("webhook", "`webhook` is missing")));
            }
            if fields.statuses.is_empty() {
                wrong = wrong.or(Some(Wrong::field("statuses", "`status` is empty")));
            }
            fields.request = Some(RecoverRequest {
                from,
                to,
                status: Some(RecoverStatuses::Many(fields.statuses.clone())),
                dry_run: None,
            });
        } else if fields.statuses.is_empty() {
            fields.statuses = STATUSES_DEFAULT.to_vec();
        }
        (fields, wrong)
    }

    fn is_webhook(&self, webhook: &WebhookId) -> bool {
        self.webhook.as_ref() == Some(webhook)
    }

    fn has(&self, status: &RecoverStatus) -> bool {
        self.statuses.contains(status)
    }
}

/// What a recovery would send.
struct Count {
    counted: RecoverCounts,
    total: u64,
    /// As the form that begins it carries them.
    from: String,
    to: String,
    from_at: Moment,
    to_at: Moment,
    /// `None`: everything is counted.
    rest: Option<Rest>,
    webhook: WebhookId,
    endpoint: String,
    status: WebhookStatus,
    /// The one that is under way already.
    under_way: Option<RecoveryId>,
}

/// What is not counted yet.
struct Rest {
    id: RecoverCountId,
    /// It is being counted; otherwise somebody stopped that.
    goes_on: bool,
    /// Everything before is counted.
    until: Option<Moment>,
    permille: u64,
    /// The query that goes on counting.
    query: String,
}

impl Count {
    fn each(&self) -> [(RecoverStatus, u64); 4] {
        let counted = &self.counted;
        [
            (RecoverStatus::Failed, counted.failed),
            (RecoverStatus::Cancelled, counted.cancelled),
            (RecoverStatus::Missing, counted.missing),
            (RecoverStatus::Delivered, counted.delivered),
        ]
    }

    fn goes_on(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.goes_on)
    }
}

/// A recovery as pages show it.
struct Row {
    /// `None`: its webhook was deleted.
    endpoint: Option<String>,
    from: Moment,
    to: Moment,
    made_at: Moment,
    ended_at: Option<Moment>,
    is_over: bool,
    /// What was counted; `None`: it still counts.
    total: Option<u64>,
    of: Recovery,
}

impl Row {
    fn of(visit: &Visit<'_>, recovery: Recovery) -> Self {
        let webhook = visit.company.webhook(recovery.webhook_id);
        let counted = recovery.counted.as_ref();
        Self {
            endpoint: webhook.map(|webhook| webhook.settings.endpoint.clone()),
            from: Moment(recovery.from),
            to: Moment(recovery.to),
            made_at: Moment(recovery.created_at),
            ended_at: recovery.ended_at.map(Moment),
            is_over: recovery.ended_at.is_some(),
            total: counted.map(|counted| {
                counted.failed + counted.cancelled + counted.missing + counted.delivered
            }),
            of: recovery,
        }
    }

    /// How much of how much is enqueued; what found nothing is done.
    fn done(&self) -> Option<(u64, u64)> {
        match self.total? {
            0 => Some((1, 1)),
            total => Some((self.of.enqueued, total)),
        }
    }
}

pub async fn form(visit: &mut Visit<'_>) -> Outcome {
    let query = visit.call.parts.uri.query().unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let pairs = pairs.iter().map(|(name, text)| (&**name, &**text));
    let (mut fields, mut wrong) = Fields::read(pairs);
    let mut counted = None;
    if wrong.is_none()
        && let (Some(webhook), Some(request)) = (fields.webhook, fields.request.clone())
    {
        let looked = count(visit.context(), &visit.caller(), webhook, &request).await;
        match looked {
            Ok(Looked::Whole {
                range,
                counted: all,
            }) => {
                counted = Some(shown(visit, webhook, &range, all, None).await?);
            }
            // It has a page of its own, which stays when this one is asked for again.
            Ok(Looked::GoesOn(id)) => {
                return visit.go(&format!("dashboard/recover/counts/{id}"), None);
            }
            Err(problem) => wrong = Some(Wrong::of(problem)?),
        }
    }
    if fields.request.is_none() && wrong.is_none() {
        let from = visit.call.now().minus(RANGE_DEFAULT);
        fields.from = Some(bucket_start(Resolution::Minute, from)).into();
    }
    page(visit, fields, wrong, counted).await
}

async fn page(
    visit: &mut Visit<'_>,
    fields: Fields,
    wrong: Option<Wrong>,
    count: Option<Count>,
) -> Outcome {
    let asked = Page {
        limit: ROWS + 1,
        before: fields.before,
    };
    let mut found = list_recoveries(visit.context(), &visit.caller(), None, asked).await?;
    let fit = ROWS as usize;
    let has_more = found.len() > fit;
    found.truncate(fit);
    let older = found.last().filter(|_| has_more);
    let older = older.map(|last| format!("dashboard/recover?cursor={}", last.id));
    let status = wrong.as_ref().map_or(StatusCode::OK, |wrong| wrong.status);
    let rows = found.iter().map(|one| Row::of(visit, one.to_wire()));
    visit.page_with(
        status,
        &Recover {
            frame: visit.frame(Section::Deliveries),
            script: &LIVE_SCRIPT.name,
            webhooks: choices(visit, fields.webhook),
            rows: rows.collect(),
            fields,
            wrong,
            count,
            older,
        },
    )
}

/// What is shown of a count of this range.
async fn shown(
    visit: &mut Visit<'_>,
    id: WebhookId,
    range: &Range,
    counted: RecoverCounts,
    rest: Option<Rest>,
) -> Result<Count, Problem> {
    let (context, caller) = (visit.context(), visit.caller());
    let webhook = context.own_webhook(&caller, id).await?;
    let newest = Page {
        limit: 1,
        before: None,
    };
    let newest = list_recoveries(context, &caller, Some(id), newest).await?;
    let under_way = newest.first().filter(|recovery| !recovery.has_ended());
    Ok(Count {
        counted,
        total: total(&counted),
        from: range.from.to_string(),
        to: range.to.to_string(),
        from_at: Moment(range.from),
        to_at: Moment(range.to),
        rest,
        webhook: id,
        endpoint: webhook.settings.endpoint.clone(),
        status: webhook.settings.status,
        under_way: under_way.map(|recovery| recovery.id),
    })
}

/// A count that takes longer than a page may: as far as it has come, and as far as it goes on by itself.
pub async fn show_count(visit: &mut Visit<'_>) -> Outcome {
    let id: RecoverCountId = visit.id().await?;
    let kept = retrieve_count(visit.context(), &visit.caller(), id).await?;
    let fields = Fields {
        webhook: Some(kept.webhook_id),
        from: Some(kept.range.from).into(),
        to: Some(kept.range.to).into(),
        statuses: kept.range.statuses.clone(),
        ..Fields::default()
    };
    let rest = (kept.stage != Stage::Whole).then(|| Rest {
        id,
        goes_on: kept.stage == Stage::Counting,
        until: kept.until().map(Moment),
        permille: kept.permille(),
        query: query(&kept),
    });
    let (webhook, counted) = (kept.webhook_id, kept.tally.counted);
    let count = shown(visit, webhook, &kept.range, counted, rest).await?;
    page(visit, fields, None, Some(count)).await
}

fn query(kept: &RecoverCount) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("webhook", &kept.webhook_id.to_string());
    query.append_pair("from", &kept.range.from.to_string());
    query.append_pair("to", &kept.range.to.to_string());
    for status in &kept.range.statuses {
        query.append_pair("status", status.as_str());
    }
    query.finish()
}

pub async fn stop_count(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: RecoverCountId = visit.id().await?;
    stop(visit.context(), &visit.caller(), id).await?;
    visit.go(&format!("dashboard/recover/counts/{id}"), None)
}

/// The form's page as it is filled in.
fn filled_in(form: &Form) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(form.pairs().filter(|(name, _)| *name != "form"));
    format!("dashboard/recover?{}", query.finish())
}

pub async fn begin(visit: &mut Visit<'_>, form: Form) -> Outcome {
    let (fields, wrong) = Fields::read(form.pairs());
    // Whoever changes the language then comes to the form as it is filled in.
    visit.call.form_page = Some(filled_in(&form));
    let (webhook, request) = match (wrong, fields.webhook, &fields.request) {
        (None, Some(webhook), Some(request)) => (webhook, request.clone()),
        (Some(wrong), _, _) => return page(visit, fields, Some(wrong), None).await,
        (None, _, _) => {
            let wrong = Wrong::field("from", "`from` is missing");
            return page(visit, fields, Some(wrong), None).await;
        }
    };
    match recover(visit.context(), &visit.caller(), webhook, &request).await {
        Ok(Asked::Begun(recovery)) => {
            let path = format!("dashboard/recover/{}", recovery.id);
            visit.go(&path, Some(Done::RecoveryBegun))
        }
        Ok(Asked::Counted(_)) => visit.go("dashboard/recover", None),
        Err(problem) => {
            let wrong = Wrong::of(problem)?;
            page(visit, fields, Some(wrong), None).await
        }
    }
}

#[derive(Template)]
#[template(path = "dashboard/recovery.html")]
struct RecoveryPage {
    frame: Frame,
    row: Row,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let id: RecoveryId = visit.id().await?;
    let recovery = retrieve_recovery(visit.context(), &visit.caller(), id).await?;
    visit.page(&RecoveryPage {
        frame: visit.frame(Section::Deliveries),
        row: Row::of(visit, recovery.to_wire()),
    })
}

pub async fn cancel(visit: &mut Visit<'_>, _form: Form) -> Outcome {
    let id: RecoveryId = visit.id().await?;
    cancel_recovery(visit.context(), &visit.caller(), id).await?;
    let path = format!("dashboard/recover/{id}");
    visit.go(&path, Some(Done::RecoveryCancelled))
}
