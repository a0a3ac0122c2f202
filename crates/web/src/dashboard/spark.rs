//! A chart as small as a word: what became of attempts, hour by hour, drawn on the server.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::HtmlSafe;

use crate::words::Words;

/// The picture's own units.
const STEP: usize = 4;
const BAR: usize = 3;
const HEIGHT: u64 = 24;

/// Bars of what was delivered, and on them of what failed.
#[derive(Template)]
#[template(path = "dashboard/spark.html")]
pub struct Spark {
    /// What there is to see, for those who do not see it.
    label: String,
    width: usize,
    good: String,
    bad: String,
    none: String,
}

// The template escapes what it shows.
impl HtmlSafe for Spark {}

/// The chart of these counts of deliveries and failures, oldest first.
pub fn spark(t: Words, values: &[(u64, u64)]) -> Spark {
    let most = values.iter().map(|(good, bad)| good + bad).max();
    let most = most.unwrap_or(0).max(1);
    let (mut good, mut bad, mut none) = (String::new(), String::new(), String::new());
    for (place, (delivered, failed)) in values.iter().enumerate() {
        let x = place * STEP;
        let all = height(delivered + failed, most);
        // What failed is never too little to be seen.
        let failed = height(*failed, most);
        let delivered = all.saturating_sub(failed);
        bar(&mut good, x, HEIGHT - delivered, delivered);
        bar(&mut bad, x, HEIGHT - delivered - failed, failed);
        if all == 0 {
            bar(&mut none, x, HEIGHT - 1, 1);
        }
    }
    let (delivered, failed) = values
        .iter()
        .fold((0, 0), |(all, lost), (good, bad)| (all + good, lost + bad));
    Spark {
        label: t.last_hours(delivered, failed),
        width: values.len() * STEP,
        good,
        bad,
        none,
    }
}

fn height(count: u64, most: u64) -> u64 {
    (count * HEIGHT).div_ceil(most)
}

fn bar(path: &mut String, x: usize, y: u64, height: u64) {
    if height > 0 {
        // Writing into a text cannot fail.
        let _ = write!(path, "M{x} {y}h{BAR}v{height}h-{BAR}z");
    }
}

#[cfg(test)]
mod tests {
    use heraldo_domain::sheet::Language;

    use super::*;

    #[test]
    fn bars_are_as_high_as_their_share_and_a_failure_is_always_seen() {
        let chart = spark(
            Words(Language::English),
            &[(0, 0), (24, 0), (11, 1), (1_199, 1)],
        );
        assert_eq!(chart.width, 16);
        assert_eq!(chart.none, "M0 23h3v1h-3z");
        assert_eq!(chart.bad, "M8 23h3v1h-3zM12 0h3v1h-3z");
        assert_eq!(chart.good, "M4 23h3v1h-3zM12 1h3v23h-3z");
        assert_eq!(
            chart.label,
            "Last 24 hours. Attempts delivered: 1,234; failed: 2"
        );
    }
}
