//! What is counted, merged and cut into buckets.

use super::*;

fn attempt(error_class: Option<ErrorClass>) -> Counted {
    Counted::Attempt(Attempted {
        error_class,
        duration_ms: 20,
        latency_ms: Some(25),
        given_up: error_class.is_some(),
        ended: true,
    })
}

#[test]
fn figures_count_by_class_and_merge() {
    let mut figures = Figures::default();
    let mut other = Figures::default();
    for counted in [Counted::Event, attempt(None), Counted::Reopened] {
        figures.count(&counted);
    }
    for class in ErrorClass::ALL {
        other.count(&attempt(Some(class)));
    }
    other.count(&Counted::Delivery);
    other.count(&attempt(Some(ErrorClass::Dns)));
    figures.merge_attempts(&other);
    assert_eq!(
        (figures.events, figures.delivered, figures.given_up),
        (1, 1, 9)
    );
    assert_eq!(figures.failed(), 9);
    let dns = figures
        .failed
        .iter()
        .find(|(class, _)| *class == ErrorClass::Dns);
    assert_eq!(dns, Some((ErrorClass::Dns, 2)));
    assert_eq!(
        (figures.latency.count(), figures.duration.sum_ms()),
        (10, 200)
    );
    figures.merge(&other);
    assert_eq!(figures.events, 2);
}

#[test]
fn a_query_names_each_bucket_that_it_touches() {
    let query = |from, to| StatisticsQuery {
        whose: Whose::Company,
        resolution: Resolution::Minute,
        from: Timestamp::from_millis(from),
        to: Timestamp::from_millis(to),
    };
    let starts = |from, to| {
        let starts = query(from, to).starts();
        starts.map(Timestamp::as_millis).collect::<Vec<_>>()
    };
    assert_eq!(starts(59_999, 60_001), [0, 60_000]);
    assert_eq!(starts(60_000, 120_000), [60_000]);
    assert_eq!(starts(60_001, 60_000), [] as [i64; 0]);
    assert_eq!(starts(0, i64::MAX).len(), 1_500);
}

#[test]
fn days_are_cut_in_utc() {
    let at = Timestamp::from_millis(1_763_647_402_118);
    let start = bucket_start(Resolution::Day, at);
    assert_eq!(start.to_string(), "2025-11-20T00:00:00.000Z");
    let start = bucket_start(Resolution::Hour, at);
    assert_eq!(start.to_string(), "2025-11-20T14:00:00.000Z");
}
