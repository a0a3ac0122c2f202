//! The overview: how deliveries go, and what somebody has to put right. The page after signing in; until
//! anything was sent it shows the steps to the first delivery.

mod figures;

use askama::Template;
use heraldo_domain::ops::overview::{NAMED_MAX, Span, Trouble, overview};
use heraldo_domain::query::CompanyView;
use heraldo_domain::statistics::{Backlog, Figures};
use heraldo_domain::webhook::Webhook;
use heraldo_wire::api::WebhookStatus;
use heraldo_wire::id::WebhookId;
use heraldo_wire::time::Timestamp;
use serde::Deserialize;

use super::account::has_password;
use super::address::Address;
use super::chart::Chart;
use super::moment::Moment;
use super::visit::Visit;
use crate::call::Outcome;
use crate::frame::{Frame, Section};
use crate::words::Words;

/// What the query may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    range: Range,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Range {
    #[default]
    Hour,
    Day,
    Month,
}

impl Range {
    const fn span(self) -> Span {
        match self {
            Self::Hour => Span::Hour,
            Self::Day => Span::Day,
            Self::Month => Span::Month,
        }
    }
}

const fn word(span: Span) -> &'static str {
    match span {
        Span::Hour => "hour",
        Span::Day => "day",
        Span::Month => "month",
    }
}

/// How often the page brings itself up to date, by how often it can change.
const fn again_after_ms(span: Span) -> u32 {
    match span {
        Span::Hour => 10_000,
        Span::Day | Span::Month => 60_000,
    }
}

#[derive(Template)]
#[template(path = "dashboard/overview.html")]
struct OverviewPage<'a> {
    frame: Frame,
    administers: bool,
    /// The webhook that was made last: a test event is sent from its page.
    newest: Option<WebhookId>,
    has_password: bool,
    is_used: bool,
    spans: Vec<SpanLink>,
    again_after_ms: u32,
    notices: Vec<Notice<'a>>,
    tiles: Vec<Tile>,
    /// `None`: there is nothing to draw.
    charts: Option<[Chart<'static>; 2]>,
    rows: Vec<figures::Row>,
    failing: Vec<FailingRow<'a>>,
    backlog: Vec<BacklogRow<'a>>,
}

struct SpanLink {
    word: &'static str,
    name: &'static str,
    is_here: bool,
}

struct Tile {
    name: &'static str,
    value: String,
    note: Option<String>,
}

enum Notice<'a> {
    Server {
        title: &'static str,
        text: &'static str,
    },
    Disabled {
        id: WebhookId,
        endpoint: &'a str,
        at: Moment,
        why: &'static str,
    },
    /// So many more.
    MoreDisabled(usize),
}

struct FailingRow<'a> {
    id: WebhookId,
    /// `None`: it was deleted.
    endpoint: Option<&'a str>,
    failed: String,
    rate: String,
    reason: &'static str,
}

struct BacklogRow<'a> {
    id: WebhookId,
    endpoint: Option<&'a str>,
    status: Option<WebhookStatus>,
    pending: String,
    due: String,
    due_at: Option<Moment>,
}

pub async fn show(visit: &mut Visit<'_>) -> Outcome {
    let asked: Asked = visit.call.query()?;
    let company = visit.company.clone();
    let read = overview(visit.context(), &company, asked.range.span()).await?;
    // Only the first steps ask for it.
    let has_password = read.is_used || has_password(visit).await?;
    let t = visit.t;
    visit.page(&OverviewPage {
        frame: visit.frame(Section::Home),
        administers: visit.administers(),
        newest: company.webhooks.last().map(|webhook| webhook.id),
        has_password,
        is_used: read.is_used,
        spans: spans(t, read.span),
        again_after_ms: again_after_ms(read.span),
        notices: notices(t, &read.troubles),
        tiles: figures::tiles(t, &read),
        charts: figures::charts(t, &read),
        rows: figures::rows(t, &read),
        failing: read
            .failing
            .iter()
            .map(|(id, figures)| failing(t, &company, *id, figures))
            .collect(),
        backlog: read
            .backlog
            .iter()
            .map(|of| backlog(t, &company, of, read.now))
            .collect(),
    })
}

fn spans(t: Words, here: Span) -> Vec<SpanLink> {
    let link = |span: Span| SpanLink {
        word: word(span),
        name: t.span(span),
        is_here: span == here,
    };
    Span::ALL.into_iter().map(link).collect()
}

fn notices(t: Words, troubles: &[Trouble]) -> Vec<Notice<'_>> {
    let mut notices = Vec::new();
    let mut disabled = 0_usize;
    for trouble in troubles {
        match trouble {
            Trouble::DiskNearlyFull => notices.push(Notice::Server {
                title: t.disk_nearly_full(),
                text: t.disk_nearly_full_text(),
            }),
            Trouble::Overloaded => notices.push(Notice::Server {
                title: t.overloaded(),
                text: t.overloaded_text(),
            }),
            Trouble::Disabled(webhook) => {
                disabled += 1;
                if disabled <= NAMED_MAX {
                    notices.extend(disabled_notice(t, webhook));
                }
            }
        }
    }
    if disabled > NAMED_MAX {
        notices.push(Notice::MoreDisabled(disabled - NAMED_MAX));
    }
    notices
}

fn disabled_notice(t: Words, webhook: &Webhook) -> Option<Notice<'_>> {
    let why = webhook.life.disabled.as_ref()?;
    Some(Notice::Disabled {
        id: webhook.id,
        endpoint: &webhook.settings.endpoint,
        at: Moment(why.at),
        why: t.disabled_why(why.reason),
    })
}

fn failing<'a>(
    t: Words,
    company: &'a CompanyView,
    id: WebhookId,
    figures: &Figures,
) -> FailingRow<'a> {
    let most = figures.failed.iter().max_by_key(|(_, count)| *count);
    let all = figures.delivered + figures.failed();
    FailingRow {
        id,
        endpoint: endpoint(company, id),
        failed: t.number(figures.failed()),
        rate: t.percent(figures.delivered, all).unwrap_or_default(),
        reason: most.map_or("", |(class, _)| t.failure_short(&class)),
    }
}

fn backlog<'a>(t: Words, company: &'a CompanyView, of: &Backlog, now: Timestamp) -> BacklogRow<'a> {
    let webhook = company.webhook(of.webhook_id);
    let status = webhook.map(|webhook| webhook.settings.status);
    BacklogRow {
        id: of.webhook_id,
        endpoint: endpoint(company, of.webhook_id),
        status: status.filter(|status| *status != WebhookStatus::Enabled),
        pending: t.number(of.pending),
        due: match of.next_due_at {
            Some(at) => t.due(at, now),
            None => t.tile_under_way().to_owned(),
        },
        due_at: of.next_due_at.map(Moment),
    }
}

fn endpoint(company: &CompanyView, id: WebhookId) -> Option<&str> {
    let endpoint = &company.webhook(id)?.settings.endpoint;
    // What nearly all begin with tells none apart.
    Some(endpoint.strip_prefix("https://").unwrap_or(endpoint))
}
