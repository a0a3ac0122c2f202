//! The result: as JSON for programs, as a table for people.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::figures::Figures;
use crate::machine::Machine;
use crate::scenario::Scenario;
use crate::sizes::Sizes;

/// Everything that was measured, and under which conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// When it ended.
    pub date: String,
    pub machine: Machine,
    pub runs: u32,
    pub seconds: f64,
    pub paced_seconds: f64,
    pub connections: u32,
    pub sizes: Sizes,
    pub scenarios: IndexMap<String, Figures>,
}

impl Report {
    pub fn read(path: &Path) -> Outcome<Self> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub fn write(&self, path: &Path) -> Outcome {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| told(&error))?;
        }
        let mut text = serde_json::to_string_pretty(self).map_err(|error| told(&error))?;
        text.push('\n');
        fs::write(path, text).map_err(|error| told(&error))
    }

    /// One block for each scenario: a figure a line, its median and its range.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for (name, figures) in &self.scenarios {
            let about = Scenario::named(name).map_or("", |scenario| scenario.about);
            // Writing to a String never fails.
            let _ = writeln!(table, "\n{name}: {about}");
            for (figure, values) in &figures.0 {
                let range = format!("{} to {}", shown(values.min), shown(values.max));
                let median = shown(values.median);
                let _ = writeln!(table, "  {figure:<32}{median:>12}   ({range})");
            }
        }
        table
    }
}

/// A number with as many digits as mean something, thousands set apart.
pub fn shown(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude < 10.0 && value.fract() != 0.0 {
        return format!("{value:.3}");
    }
    if magnitude < 1000.0 {
        return format!("{value:.1}").trim_end_matches(".0").to_owned();
    }
    let digits = format!("{magnitude:.0}");
    let mut text = String::new();
    if value < 0.0 {
        text.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::statistics::Figure;

    /// A report with one scenario and one figure.
    pub fn report(scenario: &str, figure: &str, runs: Vec<f64>) -> Report {
        let figure = (figure.to_owned(), Figure::of(runs).expect("runs"));
        Report {
            date: "2026-11-20T14:03:22.118Z".to_owned(),
            machine: Machine::default(),
            runs: 3,
            seconds: 3.0,
            paced_seconds: 10.0,
            connections: 32,
            sizes: Sizes::QUICK,
            scenarios: IndexMap::from([(scenario.to_owned(), Figures(IndexMap::from([figure])))]),
        }
    }

    #[test]
    fn the_json_has_an_object_for_each_figure_of_each_scenario() {
        let report = report("W1", "ratio_to_raw", vec![0.25, 0.125, 0.5]);
        let json = serde_json::to_value(&report).expect("it serialises");
        assert_eq!(
            json.pointer("/scenarios/W1/ratio_to_raw"),
            Some(&serde_json::json!({
                "median": 0.25, "min": 0.125, "max": 0.5, "runs": [0.25, 0.125, 0.5],
            }))
        );
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bench/latest.json");
        let report = report("W3", "lost", vec![0.0, 0.0]);
        report.write(&path).expect("it is written");
        assert_eq!(Report::read(&path), Ok(report));
    }

    #[test]
    fn the_table_says_what_was_done_and_shows_medians_and_ranges() {
        let table = report("W2", "delivered_per_s", vec![31_000.4, 36_012.0, 35_000.0]).table();
        assert!(
            table.contains("W2: events published in arrays of 100"),
            "{table}"
        );
        assert!(table.contains("35,000   (31,000 to 36,012)"), "{table}");
    }

    #[test]
    fn numbers_are_shown_with_as_many_digits_as_mean_something() {
        let check = |value, expected: &str| assert_eq!(shown(value), expected);
        check(0.0, "0");
        check(0.256_789, "0.257");
        check(7.0, "7");
        check(75.26, "75.3");
        check(999.0, "999");
        check(1_234_567.8, "1,234,568");
        check(-1_234.0, "-1,234");
    }
}
