//! How fast one lane may go: a bucket of tokens for its rate, and a brake that slows it while its receiver
//! does not answer in time.

use std::collections::VecDeque;
use std::time::Duration;

use heraldo_wire::time::Timestamp;

/// A token that was spent comes back after this long.
const TOKEN_RETURN: Duration = Duration::from_secs(1);

/// A lane's rate: each attempt takes a token, which comes back a second after the attempt was sent. So in
/// no second more attempts are sent than there are tokens, wherever the second begins.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    tokens: u32,
    /// Taken for attempts that have not been sent yet.
    taken: u32,
    /// None is there before, however many there are meanwhile: nobody knows how many were sent before the bucket was.
    empty_until: Timestamp,
    /// When others were spent, oldest first; one entry for each millisecond.
    spent: VecDeque<(Timestamp, u32)>,
    /// The sum of those.
    spent_count: u32,
}

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    /// The next one comes back then.
    Until(Timestamp),
    /// Each is taken for an attempt that has not been sent yet.
    Taken,
}

impl Bucket {
    /// A bucket of `tokens` of which none was left at `empty_at`: what was sent up to then counts, whoever
    /// sent it.
    pub(super) fn new(tokens: u32, empty_at: Timestamp) -> Self {
        Self {
            tokens: tokens.max(1),
            taken: 0,
            empty_until: empty_at.plus(TOKEN_RETURN),
            spent: VecDeque::new(),
            spent_count: 0,
        }
    }

    pub(super) fn set_tokens(&mut self, tokens: u32) {
        self.tokens = tokens.max(1);
    }

    /// Takes a token for an attempt that is about to be sent.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Empty> {
        while let Some((at, count)) = self.spent.front().copied() {
            if at.plus(TOKEN_RETURN) > now {
                break;
            }
            self.spent_count -= count;
            self.spent.pop_front();
        }
        if now < self.empty_until {
            return Err(Empty::Until(self.empty_until));
        }
        if self.taken.saturating_add(self.spent_count) < self.tokens {
            self.taken += 1;
            return Ok(());
        }
        Err(self.first_return().map_or(Empty::Taken, Empty::Until))
    }

    /// When the oldest spent token comes back.
    fn first_return(&self) -> Option<Timestamp> {
        self.spent.front().map(|(at, _)| at.plus(TOKEN_RETURN))
    }

    /// When all tokens are back.
    pub(super) fn last_return(&self) -> Timestamp {
        let last = self.spent.back().map(|(at, _)| at.plus(TOKEN_RETURN));
        last.map_or(self.empty_until, |last| last.max(self.empty_until))
    }

    /// The attempt that a token was taken for is sent now.
    pub(super) fn spend(&mut self, now: Timestamp) {
        self.taken = self.taken.saturating_sub(1);
        self.spent_count += 1;
        match self.spent.back_mut() {
            Some((at, count)) if *at == now => *count += 1,
            Some(_) | None => self.spent.push_back((now, 1)),
        }
    }

    /// The attempt that a token was taken for is not sent.
    pub(super) fn give_back(&mut self) {
        self.taken = self.taken.saturating_sub(1);
    }

    /// The clock was set back by so much.
    pub(super) fn set_back(&mut self, step_ms: i64) {
        let earlier = |at: Timestamp| Timestamp::from_millis(at.as_millis() - step_ms);
        self.empty_until = earlier(self.empty_until);
        for (at, _) in &mut self.spent {
            *at = earlier(*at);
        }
    }
}

/// Fewer attempts at once while attempts time out, and one more again for each round of successes.
#[derive(Debug, Clone, Default)]
pub(super) struct Brake {
    /// `None`: it is not on.
    allowed: Option<usize>,
    /// Since the last change.
    successes: usize,
}

impl Brake {
    /// Attempts that may be under way at once, of the `most` that are set.
    pub(super) fn allowed(&self, most: usize) -> usize {
        self.allowed
            .map_or(most, |allowed| allowed.min(most))
            .max(1)
    }

    pub(super) fn timed_out(&mut self, most: usize) {
        self.allowed = Some((self.allowed(most) / 2).max(1));
        self.successes = 0;
    }

    pub(super) fn delivered(&mut self, most: usize) {
        let Some(allowed) = self.allowed else { return };
        self.successes += 1;
        if self.successes >= allowed {
            self.successes = 0;
            self.allowed = Some(allowed + 1).filter(|allowed| *allowed < most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// The times at which a bucket lets attempts go that are asked for in every millisecond.
    fn sent(bucket: &mut Bucket, ms: std::ops::Range<i64>) -> Vec<i64> {
        ms.filter(|ms| {
            let taken = bucket.take(at(*ms)).is_ok();
            if taken {
                bucket.spend(at(*ms));
            }
            taken
        })
        .collect()
    }

    #[test]
    fn no_second_has_more_attempts_than_there_are_tokens_and_no_fewer_than_could_be() {
        let mut bucket = Bucket::new(3, at(-1_000));
        let sent = sent(&mut bucket, 0..5_000);
        assert_eq!(sent.len(), 15);
        for window in sent.windows(4) {
            assert!(window[3] - window[0] >= 1_000, "{window:?}");
        }
    }

    #[test]
    fn a_new_bucket_waits_a_second_from_when_it_was_empty() {
        let mut bucket = Bucket::new(2, at(400));
        assert_eq!(bucket.take(at(500)), Err(Empty::Until(at(1_400))));
        bucket.set_tokens(5);
        assert_eq!(
            bucket.take(at(1_399)),
            Err(Empty::Until(at(1_400))),
            "more of them are as empty"
        );
        assert_eq!(sent(&mut bucket, 1_400..1_500).len(), 5);
    }

    #[test]
    fn a_token_comes_back_a_second_after_its_attempt_was_sent_not_taken() {
        let mut bucket = Bucket::new(1, at(-1_000));
        bucket.take(at(0)).unwrap();
        assert_eq!(bucket.take(at(5_000)), Err(Empty::Taken));
        bucket.spend(at(5_000));
        assert_eq!(bucket.take(at(5_999)), Err(Empty::Until(at(6_000))));
        bucket.take(at(6_000)).unwrap();
        bucket.give_back();
        assert_eq!(bucket.take(at(6_000)), Ok(()), "it was not sent");
    }

    #[test]
    fn a_lower_rate_counts_what_was_sent_at_the_higher_one() {
        let mut bucket = Bucket::new(10, at(-1_000));
        assert_eq!(sent(&mut bucket, 0..10).len(), 10);
        bucket.set_tokens(2);
        assert!(sent(&mut bucket, 10..1_000).is_empty());
        assert_eq!(sent(&mut bucket, 1_000..1_999), [1_008, 1_009]);
    }

    #[test]
    fn what_is_remembered_is_bounded_however_high_the_rate() {
        let mut bucket = Bucket::new(10_000, at(-1_000));
        for ms in 0..3_000 {
            for _ in 0..20 {
                if bucket.take(at(ms)).is_ok() {
                    bucket.spend(at(ms));
                }
            }
        }
        assert!(bucket.spent.len() <= 1_001, "{}", bucket.spent.len());
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_no_token_for_longer() {
        let mut bucket = Bucket::new(1, at(-1_000));
        bucket.take(at(10_000)).unwrap();
        bucket.spend(at(10_000));
        bucket.set_back(9_000);
        assert_eq!(bucket.take(at(1_999)), Err(Empty::Until(at(2_000))));
        assert_eq!(bucket.take(at(2_000)), Ok(()));
    }

    #[test]
    fn timeouts_halve_and_rounds_of_successes_add_one_up_to_what_is_set() {
        let mut brake = Brake::default();
        let mut allowed = vec![brake.allowed(8)];
        for _ in 0..4 {
            brake.timed_out(8);
            allowed.push(brake.allowed(8));
        }
        assert_eq!(allowed, [8, 4, 2, 1, 1]);
        let mut successes = 0;
        while brake.allowed.is_some() {
            brake.delivered(8);
            successes += 1;
        }
        assert_eq!(successes, 1 + 2 + 3 + 4 + 5 + 6 + 7);
        assert_eq!(brake.allowed(8), 8);
    }

    #[test]
    fn a_brake_never_allows_more_than_is_set_nor_less_than_one() {
        let mut brake = Brake::default();
        brake.timed_out(32);
        assert_eq!((brake.allowed(4), brake.allowed(0)), (4, 1));
    }
}
