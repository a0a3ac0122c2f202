//! `GET /metrics`: figures in the text form of Prometheus. Written by hand: a few dozen lines, and no library
//! would know the store's histograms.

use std::fmt::{self, Write as _};

use bytes::Bytes;
use heraldo_domain::statistics::{Histogram, Measures};
use heraldo_wire::problem::ProblemCode;
use http::StatusCode;

use crate::call::{Call, Outcome};
use crate::{Gauges, reply};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The webhooks with the longest backlogs have a line of their own, so many of them.
const WEBHOOKS_MAX: usize = 100;
/// Histograms are shown in powers of two, from 1 ms to 65.536 s.
const LONGEST_POWER: u32 = 16;

/// Shows figures for Prometheus
///
/// Counters begin with the process; what is pending is read from the store.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "readMetrics",
    tag = "server",
    responses((
        status = 200,
        description = "Lines of the Prometheus text format, version 0.0.4",
        body = String,
        content_type = "text/plain",
    )),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let measures = call.context().store.measures();
    let gauges = call.state.health.gauges();
    let text = written(&measures, gauges)
        .map_err(|error| ProblemCode::Internal.problem(format!("cannot write metrics: {error}")))?;
    Ok(reply::bytes(
        StatusCode::OK,
        CONTENT_TYPE,
        Bytes::from(text),
    ))
}

fn written(measures: &Measures, gauges: Gauges) -> Result<String, fmt::Error> {
    let mut page = Page(String::with_capacity(8 * 1024));
    let version = env!("CARGO_PKG_VERSION");
    page.head("heraldo_build_info", "gauge", "The version that runs.")?;
    page.line("heraldo_build_info", &format!("version=\"{version}\""), 1)?;
    let uptime = gauges.uptime.as_secs();
    page.one(
        "heraldo_uptime_seconds",
        "gauge",
        "Since the server began to serve.",
        uptime,
    )?;
    let totals = &measures.totals;
    let name = "heraldo_events_accepted_total";
    page.one(
        name,
        "counter",
        "Events that were stored durably.",
        totals.events,
    )?;

    let name = "heraldo_attempts_total";
    page.head(name, "counter", "Attempts whose outcome was stored.")?;
    page.line(name, "outcome=\"delivered\"", totals.delivered)?;
    for (class, count) in totals.failed.iter() {
        let labels = format!("outcome=\"failed\",error_class=\"{}\"", class.as_str());
        page.line(name, &labels, count)?;
    }
    let name = "heraldo_deliveries_given_up_total";
    page.one(
        name,
        "counter",
        "Deliveries whose retries were used up.",
        totals.given_up,
    )?;

    let pending: u64 = measures.pending.iter().map(|(_, count)| count).sum();
    let name = "heraldo_deliveries_pending";
    page.one(name, "gauge", "Deliveries that have not ended.", pending)?;
    let mut longest = measures.pending.clone();
    longest.sort_unstable_by_key(|(webhook, count)| (std::cmp::Reverse(*count), *webhook));
    let name = "heraldo_webhook_deliveries_pending";
    page.head(
        name,
        "gauge",
        "Those of the webhooks that have the most, 100 at most.",
    )?;
    for (webhook, count) in longest.into_iter().take(WEBHOOKS_MAX) {
        page.line(name, &format!("webhook=\"{webhook}\""), count)?;
    }
    let name = "heraldo_attempts_in_flight";
    page.one(name, "gauge", "Attempts under way.", gauges.in_flight)?;

    let name = "heraldo_delivery_latency_seconds";
    let help = "From accepting an event to the end of its first attempt.";
    page.histogram(name, help, &totals.latency)?;
    let name = "heraldo_attempt_duration_seconds";
    page.histogram(name, "How long attempts took.", &totals.duration)?;

    let name = "heraldo_store_queued_writes";
    page.one(
        name,
        "gauge",
        "Writes that wait for the store.",
        measures.queued_writes,
    )?;
    let name = "heraldo_store_queued_bytes";
    page.one(
        name,
        "gauge",
        "About how many bytes those hold.",
        measures.queued_bytes,
    )?;
    Ok(page.0)
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) -> fmt::Result {
        write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n")
    }

    fn line(&mut self, name: &str, labels: &str, value: impl fmt::Display) -> fmt::Result {
        writeln!(self.0, "{name}{{{labels}}} {value}")
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl fmt::Display) -> fmt::Result {
        self.head(name, kind, help)?;
        writeln!(self.0, "{name} {value}")
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) -> fmt::Result {
        self.head(name, "histogram", help)?;
        let bucket = format!("{name}_bucket");
        for power in 0..=LONGEST_POWER {
            let ms = 1_u64 << power;
            let bound = format!("le=\"{}.{:03}\"", ms / 1_000, ms % 1_000);
            self.line(&bucket, &bound, histogram.below(ms))?;
        }
        let (count, ms) = (histogram.count(), histogram.sum_ms());
        self.line(&bucket, "le=\"+Inf\"", count)?;
        writeln!(self.0, "{name}_sum {}.{:03}", ms / 1_000, ms % 1_000)?;
        writeln!(self.0, "{name}_count {count}")
    }
}
