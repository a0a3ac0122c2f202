//! The figures of the overview as tiles, charts and a table.

use heraldo_domain::ops::overview::{Overview, Span};
use heraldo_domain::statistics::{Figures, Histogram, bucket};
use heraldo_wire::time::Timestamp;

use super::Tile;
use crate::dashboard::chart::{Captions, Chart, Series};
use crate::dashboard::moment::Brief;
use crate::words::Words;

const MINUTE_MS: u64 = 60_000;

/// One line of the table.
pub struct Row {
    pub at: Brief,
    pub delivered: String,
    pub failed: String,
    pub rate: String,
    pub percentiles: [String; 3],
}

const PERCENTILES: [u8; 3] = [50, 95, 99];

pub fn tiles(t: Words, read: &Overview) -> Vec<Tile> {
    let total = &read.total;
    let first = read.buckets.first().map(|(start, _)| *start);
    let per_minute = first.map_or(0.0, |first| per_minute(total.delivered, first, read.now));
    let all = total.delivered + total.failed();
    let [p50, p95, p99] = percentiles(t, &total.latency);
    let none = || "–".to_owned();
    let tile = |name, value| Tile {
        name,
        value,
        note: None,
    };
    let overdue = match read.first_due_at {
        Some(at) => {
            let which = if at <= read.now {
                t.tile_oldest()
            } else {
                t.tile_next()
            };
            format!("{which}: {}", t.due(at, read.now))
        }
        None if read.pending > 0 => t.tile_under_way().to_owned(),
        None => t.tile_nothing_waits().to_owned(),
    };
    vec![
        tile(t.deliveries_per_minute(), t.decimal(per_minute)),
        tile(
            t.tile_success(),
            t.percent(total.delivered, all).unwrap_or_else(none),
        ),
        Tile {
            name: t.tile_latency(),
            value: p50,
            note: Some(format!("p95\u{a0}{p95} · p99\u{a0}{p99}")),
        },
        Tile {
            name: t.tile_waiting(),
            value: t.number(read.pending),
            note: Some(overdue),
        },
        tile(t.tile_given_up(), t.number(total.given_up)),
    ]
}

/// How many that is in a minute, of the time from `start` to `end`; of at least one.
fn per_minute(count: u64, start: Timestamp, end: Timestamp) -> f64 {
    let ms = u64::try_from(end.since(start).as_millis()).unwrap_or(u64::MAX);
    count as f64 * MINUTE_MS as f64 / ms.max(MINUTE_MS) as f64
}

fn percentiles(t: Words, histogram: &Histogram) -> [String; 3] {
    PERCENTILES.map(|percent| {
        let ms = histogram.percentile(percent);
        ms.map_or_else(|| "–".to_owned(), |ms| t.lasting(ms))
    })
}

const fn brief(span: Span, at: Timestamp) -> Brief {
    match span {
        Span::Hour | Span::Day => Brief::Clock(at),
        Span::Month => Brief::Day(at),
    }
}

/// Attempts and latency; `None` when there were no attempts.
pub fn charts(t: Words, read: &Overview) -> Option<[Chart<'static>; 2]> {
    let total = &read.total;
    if total.delivered + total.failed() == 0 {
        return None;
    }
    let first = read.buckets.first().map(|(start, _)| *start)?;
    let each = bucket(read.span.resolution());
    let steps = |count: fn(&Figures) -> u64| {
        let rates = read.buckets.iter().map(|(start, figures)| {
            // The last bucket has not ended.
            let end = start.plus(each).min(read.now);
            Some(per_minute(count(figures), *start, end))
        });
        rates.collect::<Vec<_>>()
    };
    let (delivered, failed) = (steps(|of| of.delivered), steps(Figures::failed));
    let sums = delivered.iter().zip(&failed);
    let sums = sums.map(|(a, b)| a.unwrap_or(0.0) + b.unwrap_or(0.0));
    let highest = sums.fold(0.0, f64::max);
    let captions = |title, description| Captions {
        title,
        description,
        from: brief(read.span, first),
        to: brief(read.span, read.now),
    };
    let attempts = Chart::bars(
        "attempts",
        captions(
            t.attempts_chart(),
            t.attempts_seen(
                &t.decimal(highest),
                &t.number(total.delivered),
                &t.number(total.failed()),
            ),
        ),
        vec![
            Series {
                class: "good",
                name: t.chart_delivered(),
                values: delivered,
            },
            Series {
                class: "bad",
                name: t.chart_failed(),
                values: failed,
            },
        ],
        |value| t.decimal(value),
    );
    let [p50, p95, p99] = percentiles(t, &total.latency);
    let lines = PERCENTILES.into_iter().zip(["p50", "p95", "p99"]);
    let lines = lines.map(|(percent, name)| Series {
        class: name,
        name,
        values: read
            .buckets
            .iter()
            .map(|(_, figures)| figures.latency.percentile(percent).map(|ms| ms as f64))
            .collect(),
    });
    let latency = Chart::lines(
        "latency",
        captions(t.latency_chart(), t.latency_seen(&p50, &p95, &p99)),
        lines.collect(),
        |ms| t.lasting(ms as u64),
    );
    Some([attempts, latency])
}

/// The figures of each bucket in which anything was tried, newest first.
pub fn rows(t: Words, read: &Overview) -> Vec<Row> {
    let tried = read.buckets.iter().rev().filter_map(|(start, figures)| {
        let all = figures.delivered + figures.failed();
        let rate = t.percent(figures.delivered, all)?;
        Some(Row {
            at: brief(read.span, *start),
            delivered: t.number(figures.delivered),
            failed: t.number(figures.failed()),
            rate,
            percentiles: percentiles(t, &figures.latency),
        })
    });
    tried.collect()
}
