//! The figures of a scenario: their names, and how single measurements become medians and ranges.

use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};

use crate::statistics::Figure;

/// Names as they stand in the JSON.
pub mod figure {
    /// Deliveries a second through the server over those of the raw bound, of the same repetition.
    pub const RATIO_TO_RAW: &str = "ratio_to_raw";
    /// Distinct deliveries received, over the time from the first request to the last of them.
    pub const DELIVERED_PER_S: &str = "delivered_per_s";
    /// Requests answered a second when the same client calls the sink itself.
    pub const RAW_PER_S: &str = "raw_per_s";
    /// Events accepted a second while the load lasted.
    pub const ACCEPTED_PER_S: &str = "accepted_per_s";
    /// The server's user and system time for each delivered event, from the first request until every
    /// outcome was recorded; where an event has many webhooks, for each delivery.
    pub const SERVER_CPU_US: &str = "server_cpu_us_per_event";
    pub const GENERATOR_CPU_US: &str = "generator_cpu_us_per_event";
    pub const SINK_CPU_US: &str = "sink_cpu_us_per_event";
    pub const RAW_CLIENT_CPU_US: &str = "raw_client_cpu_us_per_request";
    pub const RAW_SINK_CPU_US: &str = "raw_sink_cpu_us_per_request";
    /// From the instant in the payload to its arrival at the sink.
    pub const LATENCY_P50_MS: &str = "latency_p50_ms";
    pub const LATENCY_P99_MS: &str = "latency_p99_ms";
    pub const LATENCY_MAX_MS: &str = "latency_max_ms";
    pub const RAW_LATENCY_P50_MS: &str = "raw_latency_p50_ms";
    pub const RAW_LATENCY_P99_MS: &str = "raw_latency_p99_ms";
    /// The most memory the server ever had resident.
    pub const RSS_PEAK_MIB: &str = "rss_peak_mib";
    /// Of all the machine's CPU time during the server's measurement, the share that neither generator nor
    /// server nor sink used. Where it is large, the figures say little.
    pub const OTHER_CPU_SHARE: &str = "other_cpu_share";
    pub const BODY_BYTES: &str = "body_bytes";
    /// Of the healthy webhook, without and with a queue for slow receivers beside it.
    pub const ALONE_PER_S: &str = "alone_per_s";
    pub const BESIDE_PER_S: &str = "beside_per_s";
    /// The second over the first.
    pub const THROUGHPUT_KEPT: &str = "throughput_kept";
    /// The measurement alone after the queue over the one before it: how much the machine drifted.
    pub const ALONE_DRIFT: &str = "alone_drift";
    /// At a fixed pace.
    pub const ALONE_P99_MS: &str = "alone_p99_ms";
    pub const BESIDE_P99_MS: &str = "beside_p99_ms";
    pub const P99_GROWTH: &str = "p99_growth";
    /// Deliveries that the slow receivers had got when the measurement beside them ended.
    pub const SLOW_STARTED: &str = "slow_started";
    /// The server's share of the CPU time that the machine spent.
    pub const SERVER_CPU_SHARE: &str = "server_cpu_share";
    /// The share of its CPU time that the machine spent at all.
    pub const BUSY_SHARE: &str = "busy_share";
    /// CPU that a server takes to which nothing happens, in percent of one core.
    pub const IDLE_CORE_PERCENT: &str = "idle_core_percent";
    /// W1 with very many events stored over W1 on an empty store, of the same repetition.
    pub const STORED_KEPT: &str = "stored_kept";
    /// What the files of the store grew by for each delivered event, all rows and indexes.
    pub const DISK_KIB: &str = "disk_kib_per_event";
    /// The slowest first page of the delivery log, of all filters, each the median of several.
    pub const LOG_SLOWEST_MS: &str = "log_slowest_ms";
    /// The slowest page of the dashboard, each the median of several.
    pub const PAGES_SLOWEST_MS: &str = "pages_slowest_ms";
    /// The slowest list of inspections, of all filters.
    pub const LISTS_SLOWEST_MS: &str = "lists_slowest_ms";
    /// Deliveries a second of a small and of a large backlog, each from its first to its last arrival.
    pub const DRAIN_SMALL_PER_S: &str = "drain_small_per_s";
    pub const DRAIN_LARGE_PER_S: &str = "drain_large_per_s";
    /// The second over the first.
    pub const DRAIN_KEPT: &str = "drain_kept";
    /// From the start of a server that was killed with a backlog until the first delivery of it arrives.
    pub const RESTART_MS: &str = "restart_first_delivery_ms";
    /// Until it says that it is ready.
    pub const RESTART_READY_MS: &str = "restart_ready_ms";
    /// Deliveries a second to those webhooks that are healthy in both measurements.
    pub const HEALTHY_ALONE_PER_S: &str = "healthy_alone_per_s";
    pub const HEALTHY_BESIDE_PER_S: &str = "healthy_beside_dead_per_s";
    /// The second over the first.
    pub const HEALTHY_KEPT: &str = "healthy_kept";
    pub const LIVES_PER_S: &str = "inspections_per_s";
    /// Of all steps of one inspection, with what follows from each.
    pub const LIFE_CPU_MS: &str = "server_cpu_ms_per_inspection";
    /// From the upload to the end of what follows from it.
    pub const PHOTO_CPU_MS: &str = "server_cpu_ms_per_photo";
    /// Accepted but not received.
    pub const LOST: &str = "lost";
    /// Received more than once.
    pub const DUPLICATES: &str = "duplicates";

    /// The order in which they are shown.
    pub const ORDER: [&str; 46] = [
        RATIO_TO_RAW,
        DELIVERED_PER_S,
        RAW_PER_S,
        ACCEPTED_PER_S,
        SERVER_CPU_US,
        GENERATOR_CPU_US,
        SINK_CPU_US,
        RAW_CLIENT_CPU_US,
        RAW_SINK_CPU_US,
        LATENCY_P50_MS,
        LATENCY_P99_MS,
        LATENCY_MAX_MS,
        RAW_LATENCY_P50_MS,
        RAW_LATENCY_P99_MS,
        ALONE_PER_S,
        BESIDE_PER_S,
        THROUGHPUT_KEPT,
        ALONE_DRIFT,
        ALONE_P99_MS,
        BESIDE_P99_MS,
        P99_GROWTH,
        SLOW_STARTED,
        SERVER_CPU_SHARE,
        BUSY_SHARE,
        IDLE_CORE_PERCENT,
        STORED_KEPT,
        DISK_KIB,
        LOG_SLOWEST_MS,
        PAGES_SLOWEST_MS,
        LISTS_SLOWEST_MS,
        DRAIN_SMALL_PER_S,
        DRAIN_LARGE_PER_S,
        DRAIN_KEPT,
        RESTART_READY_MS,
        RESTART_MS,
        HEALTHY_ALONE_PER_S,
        HEALTHY_BESIDE_PER_S,
        HEALTHY_KEPT,
        LIVES_PER_S,
        LIFE_CPU_MS,
        PHOTO_CPU_MS,
        RSS_PEAK_MIB,
        OTHER_CPU_SHARE,
        BODY_BYTES,
        LOST,
        DUPLICATES,
    ];
}

/// Figures of one measurement, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Numbers(IndexMap<String, f64>);

impl Numbers {
    /// What is not a number, such as the share of nothing, is left out.
    pub fn set(&mut self, name: &str, value: f64) {
        if value.is_finite() {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Microseconds, as milliseconds; absent when nothing was timed.
    pub fn set_ms(&mut self, name: &str, us: Option<u32>) {
        if let Some(us) = us {
            self.set(name, f64::from(us) / 1000.0);
        }
    }

    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// The numbers of the raw bound and of the server in one repetition. A ratio only makes sense where
    /// both went as fast as they could.
    pub fn of_repetition(raw: &Self, server: &Self, with_ratio: bool) -> Self {
        let mut both = raw.clone();
        both.0.extend(server.0.clone());
        if let (true, Some(delivered), Some(bound)) = (
            with_ratio,
            server.get(figure::DELIVERED_PER_S),
            raw.get(figure::RAW_PER_S),
        ) {
            both.set(figure::RATIO_TO_RAW, delivered / bound);
        }
        both
    }
}

/// Figures of one scenario over all repetitions, by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Figures(pub IndexMap<String, Figure>);

impl Figures {
    pub fn of(repetitions: &[Numbers]) -> Self {
        let names: IndexSet<&str> = repetitions
            .iter()
            .flat_map(|numbers| numbers.0.keys().map(String::as_str))
            .collect();
        let place = |name: &str| {
            let place = figure::ORDER.iter().position(|known| *known == name);
            place.unwrap_or(figure::ORDER.len())
        };
        let mut names: Vec<&str> = names.into_iter().collect();
        // Stable: those without a place stay in the order in which they were measured, and come last.
        names.sort_by_key(|name| place(name));
        let named = names.into_iter().filter_map(|name| {
            let runs = repetitions.iter().filter_map(|numbers| numbers.get(name));
            Some((name.to_owned(), Figure::of(runs.collect())?))
        });
        Self(named.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(pairs: &[(&'static str, f64)]) -> Numbers {
        let mut numbers = Numbers::default();
        for (name, value) in pairs {
            numbers.set(name, *value);
        }
        numbers
    }

    #[test]
    fn the_ratio_is_taken_within_each_repetition() {
        let repetition = |delivered, bound| {
            Numbers::of_repetition(
                &numbers(&[(figure::RAW_PER_S, bound)]),
                &numbers(&[(figure::DELIVERED_PER_S, delivered)]),
                true,
            )
        };
        let figures = Figures::of(&[
            repetition(10.0, 100.0),
            repetition(30.0, 100.0),
            repetition(40.0, 200.0),
        ]);
        let ratio = figures.0.get(figure::RATIO_TO_RAW).expect("a ratio");
        assert_eq!(ratio.runs, [0.1, 0.3, 0.2]);
        assert_eq!(ratio.median, 0.2);
    }

    #[test]
    fn a_fixed_pace_has_no_ratio() {
        let raw = numbers(&[(figure::RAW_PER_S, 200.0)]);
        let server = numbers(&[(figure::DELIVERED_PER_S, 200.0)]);
        let both = Numbers::of_repetition(&raw, &server, false);
        assert_eq!(both.get(figure::RATIO_TO_RAW), None);
    }

    #[test]
    fn what_is_not_a_number_is_left_out() {
        assert_eq!(numbers(&[(figure::LOST, f64::NAN)]), Numbers::default());
    }

    #[test]
    fn every_figure_has_its_place_once() {
        let mut names = figure::ORDER.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), figure::ORDER.len());
    }
}
