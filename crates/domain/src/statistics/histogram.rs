//! Counts of durations in buckets that grow with them: percentiles within 12.5 %, in a few dozen numbers.

use serde::{Deserialize, Serialize};

/// Buckets to each doubling.
const EACH: u64 = 4;
/// The last bucket; it holds everything from 24 days up.
const LAST: u8 = 123;

/// How many durations lay in each bucket. Up to 8 ms a bucket is one millisecond wide, from there on a
/// quarter of a power of two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    sum_ms: u64,
    /// The number of each bucket that is not empty with its count, smallest first.
    counts: Vec<(u8, u64)>,
}

impl Histogram {
    pub fn add(&mut self, ms: u64) {
        self.sum_ms = self.sum_ms.saturating_add(ms);
        self.add_to(number(ms), 1);
    }

    pub fn merge(&mut self, other: &Self) {
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
        for (bucket, count) in &other.counts {
            self.add_to(*bucket, *count);
        }
    }

    fn add_to(&mut self, bucket: u8, count: u64) {
        match self.counts.binary_search_by_key(&bucket, |(of, _)| *of) {
            Ok(place) => {
                if let Some((_, kept)) = self.counts.get_mut(place) {
                    *kept = kept.saturating_add(count);
                }
            }
            Err(place) => self.counts.insert(place, (bucket, count)),
        }
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// All of them together, in milliseconds.
    #[must_use]
    pub const fn sum_ms(&self) -> u64 {
        self.sum_ms
    }

    /// How many were shorter than so many milliseconds, a power of two.
    #[must_use]
    pub fn below(&self, ms: u64) -> u64 {
        let end = number(ms);
        let below = self.counts.iter().take_while(|(of, _)| *of < end);
        below.map(|(_, count)| count).sum()
    }

    /// The duration that `percent` of 100 do not exceed, in milliseconds; `None` when nothing was counted.
    #[must_use]
    pub fn percentile(&self, percent: u8) -> Option<u64> {
        let count = self.count();
        let rank = (u128::from(count) * u128::from(percent.min(100))).div_ceil(100);
        let mut left = u64::try_from(rank).unwrap_or(u64::MAX).max(1);
        for (bucket, held) in &self.counts {
            if left <= *held {
                let (first, width) = bounds(*bucket);
                // As if those of a bucket lay evenly in it.
                let within = u128::from(width - 1) * u128::from(left) / (u128::from(*held) + 1);
                return Some(first + u64::try_from(within).unwrap_or(0));
            }
            left -= held;
        }
        None
    }
}

/// The bucket of a duration.
fn number(ms: u64) -> u8 {
    if ms < EACH {
        return u8::try_from(ms).unwrap_or(LAST);
    }
    let doublings = u64::from(ms.ilog2());
    let quarter = (ms >> (doublings - 2)) & (EACH - 1);
    u8::try_from(EACH * (doublings - 1) + quarter).map_or(LAST, |number| number.min(LAST))
}

/// The shortest duration of a bucket, and how many milliseconds it is wide.
fn bounds(bucket: u8) -> (u64, u64) {
    let number = u64::from(bucket);
    if number < EACH {
        return (number, 1);
    }
    let shift = (number / EACH - 1).min(40);
    ((EACH + number % EACH) << shift, 1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_ends_where_the_next_one_begins() {
        let mut next = 0;
        for bucket in 0..=LAST {
            let (first, width) = bounds(bucket);
            assert_eq!(first, next);
            assert_eq!((number(first), number(first + width - 1)), (bucket, bucket));
            next = first + width;
        }
        assert_eq!(number(u64::MAX), LAST);
    }

    #[test]
    fn percentiles_are_within_an_eighth() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(50), None);
        for ms in 1..=1_000 {
            histogram.add(ms);
        }
        for (percent, exact) in [(1, 10), (50, 500), (95, 950), (99, 990), (100, 1_000)] {
            let read = histogram.percentile(percent).expect("a percentile");
            assert!(read.abs_diff(exact) * 8 <= exact, "{percent}: {read}");
        }
        assert_eq!((histogram.count(), histogram.sum_ms()), (1_000, 500_500));
    }

    #[test]
    fn the_shortest_durations_are_exact() {
        let mut histogram = Histogram::default();
        for ms in [0, 1, 2, 3, 3, 3, 3, 3, 3, 7] {
            histogram.add(ms);
        }
        let read = [1, 10, 20, 50, 90, 100].map(|percent| histogram.percentile(percent));
        assert_eq!(read, [0, 0, 1, 3, 3, 7].map(Some));
        assert_eq!([1, 2, 4, 8].map(|ms| histogram.below(ms)), [1, 2, 9, 10]);
    }

    #[test]
    fn merging_is_counting_in_one_place() {
        let durations = [5, 0, 90_000, 17, 17, u64::from(u32::MAX), 3];
        let mut whole = Histogram::default();
        let mut parts = [Histogram::default(), Histogram::default()];
        for (ms, part) in durations.into_iter().zip([0, 1, 0, 1, 1, 0, 0]) {
            whole.add(ms);
            parts.get_mut(part).expect("a part").add(ms);
        }
        let [mut left, right] = parts;
        left.merge(&right);
        assert_eq!(left, whole);
    }
}
