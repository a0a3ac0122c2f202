//! `GET /metrics`.

use heraldo_domain::store::Store as _;

use crate::world::World;

/// The value of the only line that begins so.
fn value(text: &str, begins: &str) -> String {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(begins));
    let value = lines
        .next()
        .unwrap_or_else(|| panic!("no {begins} in {text}"));
    assert_eq!(lines.next(), None, "{begins} stands once");
    value.trim().to_owned()
}

#[tokio::test]
async fn metrics_need_no_key_and_count_what_happened() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    world.create_inspection().await;
    let answer = world.bare("GET", "/metrics").send().await;
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let text = answer.text();
    for (begins, expected) in [
        ("heraldo_events_accepted_total ", "1"),
        ("heraldo_deliveries_pending ", "1"),
        ("heraldo_attempts_total{outcome=\"delivered\"} ", "0"),
        (
            "heraldo_attempts_total{outcome=\"failed\",error_class=\"dns\"} ",
            "0",
        ),
        (
            "heraldo_delivery_latency_seconds_bucket{le=\"0.001\"} ",
            "0",
        ),
        (
            "heraldo_delivery_latency_seconds_bucket{le=\"65.536\"} ",
            "0",
        ),
        ("heraldo_delivery_latency_seconds_bucket{le=\"+Inf\"} ", "0"),
        ("heraldo_delivery_latency_seconds_count ", "0"),
        ("heraldo_attempt_duration_seconds_sum ", "0.000"),
        ("heraldo_attempts_in_flight ", "3"),
        ("heraldo_uptime_seconds ", "61"),
    ] {
        assert_eq!(value(text, begins), expected, "{begins}");
    }
    let of_webhook = format!("heraldo_webhook_deliveries_pending{{webhook=\"{webhook}\"}} ");
    assert_eq!(value(text, &of_webhook), "1");
    let pending = world.store.measures().pending;
    assert_eq!(pending.len(), 1);
    // Every figure says what it is before its first line.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(name);
        assert!(
            text.contains(&format!("# TYPE {base} ")) || text.contains(&format!("# TYPE {name} ")),
            "{line}"
        );
    }
}
