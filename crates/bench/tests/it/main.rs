//! The bench itself, tried on its stand-in for a server: what it must notice, it notices.
#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A short run against a stand-in with this fault. What is missing on purpose is not waited for long.
fn bench(fault: &str, more: &[&str]) -> (Output, Option<Value>) {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("latest.json");
    let patience = match fault {
        "none" | "repeat" => "60",
        _ => "0.2",
    };
    let output = Command::new(env!("CARGO_BIN_EXE_heraldo-bench"))
        .args(["--stand-in", fault, "--patience", patience])
        .args(["--runs", "1", "--seconds", "0.2", "--paced-seconds", "0.2"])
        .args(["--connections", "4", "--work-dir"])
        .arg(folder.path())
        .arg("--out")
        .arg(&out)
        .args(more)
        .output()
        .expect("the bench starts");
    let report = std::fs::read(&out).ok();
    let report = report.map(|bytes| serde_json::from_slice(&bytes).expect("a JSON report"));
    (output, report)
}

/// Wants the run to fail and to say these words.
fn check_complaint(fault: &str, words: &str) -> Value {
    let (output, report) = bench(fault, &["--scenario", "W1"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(words), "{said} should say `{words}`");
    report.expect("a report is written all the same")
}

fn number(report: &Value, pointer: &str) -> f64 {
    let value = report.pointer(pointer).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("{pointer} is missing in {report:#}"))
}

#[test]
fn every_scenario_has_all_its_figures() {
    // Beside slow receivers only a real server is measured: the stand-in has one queue for all.
    let (output, report) = bench("none", &["--scenario", "W1,W2,W3,L200"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let report = report.expect("a report");
    for name in ["W1", "W2", "W3", "L200"] {
        for figure in [
            "delivered_per_s",
            "raw_per_s",
            "server_cpu_us_per_event",
            "generator_cpu_us_per_event",
            "sink_cpu_us_per_event",
            "latency_p50_ms",
            "latency_p99_ms",
            "raw_latency_p99_ms",
            "other_cpu_share",
            "rss_peak_mib",
        ] {
            for of in ["median", "min", "max", "runs/0"] {
                let pointer = format!("/scenarios/{name}/{figure}/{of}");
                assert!(number(&report, &pointer) >= 0.0, "{pointer}");
            }
        }
        assert!(number(&report, &format!("/scenarios/{name}/delivered_per_s/min")) > 0.0);
        assert_eq!(number(&report, &format!("/scenarios/{name}/lost/max")), 0.0);
        assert_eq!(
            number(&report, &format!("/scenarios/{name}/duplicates/max")),
            0.0
        );
    }
    assert!(number(&report, "/scenarios/W2/ratio_to_raw/median") > 0.0);
    assert_eq!(report.pointer("/scenarios/L200/ratio_to_raw"), None);
}

#[test]
fn a_missing_delivery_fails_the_run() {
    let report = check_complaint("lose", "deliveries are missing");
    assert!(number(&report, "/scenarios/W1/lost/median") > 0.0);
}

#[test]
fn a_delivery_that_comes_twice_is_counted_but_fails_nothing() {
    let (output, report) = bench("repeat", &["--scenario", "W1"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report = report.expect("a report");
    assert!(number(&report, "/scenarios/W1/duplicates/median") > 0.0);
    assert_eq!(number(&report, "/scenarios/W1/lost/median"), 0.0);
}

#[test]
fn a_wrong_signature_fails_the_run() {
    check_complaint("forge", "autoinspector-signature is not that of the body");
}

#[test]
fn an_outcome_that_is_never_recorded_fails_the_run() {
    check_complaint("forget", "still calls deliveries pending");
}

#[test]
fn a_server_that_does_not_start_is_told_with_its_own_words() {
    let folder = TempDir::new().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_heraldo-bench"))
        .args(["--server-bin", "/bin/false", "--work-dir"])
        .arg(folder.path())
        .output()
        .expect("the bench starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("`company create --name Bench`: exit status: 1"),
        "{said}"
    );
}
