//! `GET /v1/notification/statistics`.

use heraldo_domain::ops::problem_of;
use heraldo_domain::statistics::{
    BUCKETS_MAX, Backlog, Figures, Histogram, Statistic, StatisticsQuery, Whose, bucket,
};
use heraldo_wire::api::{self, Resolution, Scope, StatisticsAnswer};
use heraldo_wire::attempt::ErrorClass;
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;

use crate::call::{Call, Outcome};
use crate::reply;

/// So many buckets are read when the query does not say from when.
const BUCKETS: i64 = 24;

/// Counts events and attempts
///
/// Figures by minute, hour or day, of the company or of one webhook, and what is pending now. They are
/// counted when attempts are stored, so that reading them costs the same however many there are.
#[utoipa::path(
    get,
    path = "/v1/notification/statistics",
    operation_id = "readStatistics",
    tag = "deliveries",
    params(api::StatisticsQuery),
    responses((status = 200, description = "The figures", body = StatisticsAnswer)),
    security(("apiKey" = ["webhooks"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Webhooks]).await?;
    let asked: api::StatisticsQuery = call.query()?;
    let query = query(&asked, call.now())?;
    let store = &call.context().store;
    let company = caller.company_id;
    let statistics = store.statistics(company, query).await.map_err(problem_of)?;
    let mut backlog = store.backlog(company).await.map_err(problem_of)?;
    backlog.retain(|of| asked.webhook_id.is_none_or(|asked| asked == of.webhook_id));
    let mut total = Figures::default();
    for statistic in &statistics {
        total.merge(&statistic.figures);
    }
    reply::ok(&StatisticsAnswer {
        resolution: query.resolution,
        data: statistics.iter().map(show_bucket).collect(),
        total: show(&total),
        backlog: backlog.into_iter().map(show_backlog).collect(),
    })
}

fn query(asked: &api::StatisticsQuery, now: Timestamp) -> Result<StatisticsQuery, Problem> {
    let resolution = asked.resolution.unwrap_or(Resolution::Hour);
    let bucket_ms = i64::try_from(bucket(resolution).as_millis()).unwrap_or(i64::MAX);
    let to = asked.to.unwrap_or(now);
    // The last bucket begins before `to`.
    let back = to.as_millis().saturating_sub(1 + (BUCKETS - 1) * bucket_ms);
    let from = asked.from.unwrap_or(Timestamp::from_millis(back));
    let wrong = |what: String| ProblemCode::InvalidParameter.problem(what);
    if from >= to {
        return Err(wrong(
            "`from` must lie before `to`; without `to` it is now".to_owned(),
        ));
    }
    let buckets = to.since(from).as_millis() / bucket(resolution).as_millis();
    if buckets >= u128::from(BUCKETS_MAX) {
        return Err(wrong(format!(
            "from `from` to `to` are {buckets} buckets, and at most {BUCKETS_MAX} are read; choose a longer \
             `resolution` or a shorter time"
        )));
    }
    Ok(StatisticsQuery {
        whose: asked.webhook_id.map_or(Whose::Company, Whose::Webhook),
        resolution,
        from,
        to,
    })
}

fn show_bucket(statistic: &Statistic) -> api::Bucket {
    api::Bucket {
        start: statistic.start,
        figures: show(&statistic.figures),
    }
}

fn show(figures: &Figures) -> api::Figures {
    let mut failed_by_class = api::FailedByClass::default();
    for (class, count) in figures.failed.iter() {
        let place = match class {
            ErrorClass::Dns => &mut failed_by_class.dns,
            ErrorClass::AddressRefused => &mut failed_by_class.address_refused,
            ErrorClass::Connect => &mut failed_by_class.connect,
            ErrorClass::Tls => &mut failed_by_class.tls,
            ErrorClass::Timeout => &mut failed_by_class.timeout,
            ErrorClass::Reset => &mut failed_by_class.reset,
            ErrorClass::Protocol => &mut failed_by_class.protocol,
            ErrorClass::Status => &mut failed_by_class.status,
        };
        *place = count;
    }
    api::Figures {
        events: figures.events,
        delivered: figures.delivered,
        failed: figures.failed(),
        failed_by_class,
        given_up: figures.given_up,
        latency: percentiles(&figures.latency),
        duration: percentiles(&figures.duration),
    }
}

fn percentiles(histogram: &Histogram) -> api::Percentiles {
    api::Percentiles {
        p50_ms: histogram.percentile(50),
        p95_ms: histogram.percentile(95),
        p99_ms: histogram.percentile(99),
    }
}

fn show_backlog(backlog: Backlog) -> api::BacklogItem {
    api::BacklogItem {
        webhook_id: backlog.webhook_id,
        pending: backlog.pending,
        next_due_at: backlog.next_due_at,
    }
}
