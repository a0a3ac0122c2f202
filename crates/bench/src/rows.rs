//! The figures to reach, each the row of a table: by which scenario and figure it is measured, and how far it
//! is from what is wanted.

use std::fmt::Write as _;

use indexmap::IndexMap;

use crate::figures::{Figures, figure};
use crate::report::shown;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    More,
    Less,
}

/// One row.
#[derive(Debug, Clone, Copy)]
struct Row {
    about: &'static str,
    scenario: &'static str,
    figure: &'static str,
    better: Better,
    reach: f64,
    aim: f64,
}

const fn more(
    about: &'static str,
    scenario: &'static str,
    figure: &'static str,
    reach: f64,
    aim: f64,
) -> Row {
    Row {
        about,
        scenario,
        figure,
        better: Better::More,
        reach,
        aim,
    }
}

const fn less(
    about: &'static str,
    scenario: &'static str,
    figure: &'static str,
    reach: f64,
    aim: f64,
) -> Row {
    Row {
        better: Better::Less,
        ..more(about, scenario, figure, reach, aim)
    }
}

const ROWS: [Row; 22] = [
    more(
        "W1 over the raw bound",
        "W1",
        figure::RATIO_TO_RAW,
        0.25,
        0.35,
    ),
    less(
        "W1 server CPU per event, µs",
        "W1",
        figure::SERVER_CPU_US,
        75.0,
        50.0,
    ),
    less(
        "W2 server CPU per event, µs",
        "W2",
        figure::SERVER_CPU_US,
        35.0,
        25.0,
    ),
    more(
        "W2 over the raw bound",
        "W2",
        figure::RATIO_TO_RAW,
        0.50,
        0.65,
    ),
    more(
        "W3 over the raw bound",
        "W3",
        figure::RATIO_TO_RAW,
        0.55,
        0.70,
    ),
    less(
        "latency at 200/s, p50, ms",
        "L200",
        figure::LATENCY_P50_MS,
        2.0,
        1.0,
    ),
    less(
        "latency at 200/s, p99, ms",
        "L200",
        figure::LATENCY_P99_MS,
        6.0,
        3.0,
    ),
    less(
        "latency at 2,000/s, p99, ms",
        "L2000",
        figure::LATENCY_P99_MS,
        15.0,
        6.0,
    ),
    less(
        "peak memory idle, MiB",
        "IDLE",
        figure::RSS_PEAK_MIB,
        30.0,
        20.0,
    ),
    less(
        "peak memory at W1, MiB",
        "W1",
        figure::RSS_PEAK_MIB,
        150.0,
        100.0,
    ),
    less(
        "peak memory with the backlog waiting, MiB",
        "BACKLOG",
        figure::RSS_PEAK_MIB,
        200.0,
        120.0,
    ),
    more(
        "drain of the backlog over that of a hundredth",
        "BACKLOG",
        figure::DRAIN_KEPT,
        0.9,
        1.0,
    ),
    less(
        "restart with the backlog, first delivery, ms",
        "BACKLOG",
        figure::RESTART_MS,
        2_000.0,
        500.0,
    ),
    more(
        "W1 with events stored over empty",
        "STORED",
        figure::STORED_KEPT,
        0.85,
        0.95,
    ),
    less(
        "disk per delivered event, KiB",
        "STORED",
        figure::DISK_KIB,
        1.6,
        1.1,
    ),
    less(
        "first page of the delivery log, any filter, ms",
        "STORED",
        figure::LOG_SLOWEST_MS,
        20.0,
        5.0,
    ),
    less(
        "page of the dashboard, any, ms",
        "STORED",
        figure::PAGES_SLOWEST_MS,
        30.0,
        30.0,
    ),
    more(
        "W2 with 1 in 10 webhooks dead",
        "DEAD",
        figure::HEALTHY_KEPT,
        0.85,
        0.95,
    ),
    more(
        "W1 beside slow receivers",
        "ISO",
        figure::THROUGHPUT_KEPT,
        0.9,
        1.0,
    ),
    less(
        "its p99 over that alone",
        "ISO",
        figure::P99_GROWTH,
        2.0,
        1.0,
    ),
    less(
        "CPU of a photo of 12 megapixels, ms",
        "PHOTO",
        figure::PHOTO_CPU_MS,
        150.0,
        150.0,
    ),
    less(
        "list of inspections, any filter, ms",
        "LISTS",
        figure::LISTS_SLOWEST_MS,
        20.0,
        20.0,
    ),
];

impl Row {
    fn reaches(&self, value: f64, wanted: f64) -> bool {
        match self.better {
            Better::More => value >= wanted,
            Better::Less => value <= wanted,
        }
    }

    fn verdict(&self, value: f64) -> &'static str {
        if self.reaches(value, self.aim) {
            "aim reached"
        } else if self.reaches(value, self.reach) {
            "reached"
        } else {
            "MISSED"
        }
    }
}

/// The rows that were measured, with their verdicts. They hold for full sizes only.
pub fn table(scenarios: &IndexMap<String, Figures>) -> String {
    let mut table = String::from("\nwhat is to be reached (with sizes of --full):\n");
    for row in ROWS {
        let figures = scenarios.get(row.scenario);
        let Some(measured) = figures.and_then(|figures| figures.0.get(row.figure)) else {
            continue;
        };
        let value = measured.median;
        // Writing to a String never fails.
        let _ = writeln!(
            table,
            "  {:<48}{:>10}   reach {:>6}, aim {:>6}   {}",
            row.about,
            shown(value),
            shown(row.reach),
            shown(row.aim),
            row.verdict(value)
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::statistics::Figure;

    #[test]
    fn every_row_names_a_scenario() {
        for row in ROWS {
            assert!(Scenario::named(row.scenario).is_some(), "{}", row.about);
        }
    }

    #[test]
    fn a_row_says_whether_its_figure_is_reached() {
        let check = |name: &str, value, words: &str| {
            let figure = Figure::of(vec![value]).expect("a figure");
            let figures = Figures(IndexMap::from([(figure::RATIO_TO_RAW.to_owned(), figure)]));
            let table = table(&IndexMap::from([(name.to_owned(), figures)]));
            assert!(table.contains(words), "{table}");
        };
        check("W1", 0.36, "aim reached");
        check("W1", 0.30, "   reached");
        check("W1", 0.20, "MISSED");
    }
}
