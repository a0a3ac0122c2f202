//! Counts wrong keys, wrong access codes and wrong passwords per address, and wrong passwords per login, in
//! bounded memory (contract 8.2, "Limits that protect").

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use heraldo_domain::account::{KeyHash, email_key};
use heraldo_wire::time::Timestamp;
use tokio::sync::{Notify, Semaphore};

const WINDOW: Duration = Duration::from_secs(60);
/// Two generations of this many addresses are remembered.
const ADDRESSES_MAX: usize = 8_192;
/// Tries, of all sources, that may wait until others were looked at.
const WAITING_MAX: usize = 256;

/// Wrong tries of the last minute, by address.
#[derive(Debug)]
pub struct WrongTries {
    per_minute: u32,
    table: Mutex<Table>,
    waiting: Semaphore,
    looked_at: Notify,
}

/// An address is in `young` once it tried since the last turn. A turn drops `old`, so that the table
/// never holds more than two generations and is never searched.
#[derive(Debug, Default)]
struct Table {
    turned_at: Timestamp,
    young: HashMap<Source, Window>,
    old: HashMap<Source, Window>,
}

/// Who is counted as one: an IPv4 address, an IPv6 network of 64 bits, which one household holds, or an e-mail
/// address, whether anybody has it or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    V4(u32),
    V6(u64),
    Login(KeyHash),
}

#[derive(Debug, Clone, Copy)]
struct Window {
    started_at: Timestamp,
    tries: u32,
    /// Those of which nobody knows yet whether they are wrong.
    looking: u32,
}

/// The address tried wrongly too often; it may try again after `retry_after_s` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    pub retry_after_s: u64,
}

impl WrongTries {
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            table: Mutex::new(Table::default()),
            waiting: Semaphore::new(WAITING_MAX),
            looked_at: Notify::new(),
        }
    }

    /// Lets a try be looked at. Never are more looked at than might still be wrong: what comes while others are
    /// waits until it is known what they were, so that right ones are not refused, however many come at once.
    ///
    /// # Errors
    /// When the source has used up its minute, or too many wait already.
    pub async fn look(
        &self,
        source: impl Into<Source>,
        now: Timestamp,
    ) -> Result<Look<'_>, TooMany> {
        let source = source.into();
        let mut place = None;
        loop {
            // Listens before it asks, so that nothing ends unheard in between.
            let mut looked_at = std::pin::pin!(self.looked_at.notified());
            looked_at.as_mut().enable();
            if let Some(look) = self.try_look(source, now)? {
                return Ok(look);
            }
            if place.is_none() {
                let free = self.waiting.try_acquire();
                place = Some(free.map_err(|_| TooMany { retry_after_s: 1 })?);
            }
            looked_at.await;
        }
    }

    /// `None` while too many are looked at.
    fn try_look(&self, source: Source, now: Timestamp) -> Result<Option<Look<'_>>, TooMany> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let window = table.window(source, now);
        if window.tries >= self.per_minute {
            return Err(window.too_many(now));
        }
        let is_free = window.tries.saturating_add(window.looking) < self.per_minute;
        Ok(is_free.then(|| {
            window.looking += 1;
            Look {
                tries: self,
                source,
                began_at: now,
                is_wrong: true,
            }
        }))
    }

    /// Counts one wrong try; refuses it when its source has used up its minute.
    pub fn count(&self, source: impl Into<Source>, now: Timestamp) -> Result<(), TooMany> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let window = table.window(source.into(), now);
        window.tries = window.tries.saturating_add(1);
        if window.tries > self.per_minute {
            return Err(window.too_many(now));
        }
        Ok(())
    }

    /// Takes back one try that was counted before it was known to be right.
    pub fn forgive(&self, source: impl Into<Source>, now: Timestamp) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let window = table.window(source.into(), now);
        window.tries = window.tries.saturating_sub(1);
    }
}

/// A try that is being looked at. It counts as wrong unless it is said not to be: so does one that is cut off.
#[must_use]
#[derive(Debug)]
pub struct Look<'t> {
    tries: &'t WrongTries,
    source: Source,
    began_at: Timestamp,
    is_wrong: bool,
}

impl Look<'_> {
    pub fn forgive(mut self) {
        self.is_wrong = false;
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        let table = self.tries.table.lock();
        let mut table = table.unwrap_or_else(PoisonError::into_inner);
        let window = table.window(self.source, self.began_at);
        window.looking = window.looking.saturating_sub(1);
        window.tries = window.tries.saturating_add(self.is_wrong.into());
        drop(table);
        self.tries.looked_at.notify_waiters();
    }
}

impl Table {
    fn window(&mut self, source: Source, now: Timestamp) -> &mut Window {
        if now.since(self.turned_at) >= WINDOW || self.young.len() >= ADDRESSES_MAX {
            self.turned_at = now;
            self.old = std::mem::take(&mut self.young);
        }
        let fresh = Window {
            started_at: now,
            tries: 0,
            looking: 0,
        };
        let before = self.old.remove(&source);
        let window = self.young.entry(source).or_insert(before.unwrap_or(fresh));
        if !window.is_open(now) {
            *window = Window {
                looking: window.looking,
                ..fresh
            };
        }
        window
    }
}

impl Window {
    fn is_open(&self, now: Timestamp) -> bool {
        now.since(self.started_at) < WINDOW
    }

    fn too_many(&self, now: Timestamp) -> TooMany {
        let left = WINDOW.saturating_sub(now.since(self.started_at));
        TooMany {
            retry_after_s: left.as_secs().max(1),
        }
    }
}

impl Source {
    /// Whoever signs in with this e-mail address.
    pub fn login(email: &str) -> Self {
        Self::Login(KeyHash::of(&email_key(email)))
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                let [a, b, c, d] = [a, b, c, d].map(u64::from);
                Self::V6(a << 48 | b << 32 | c << 16 | d)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn at(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_try_after_the_limit_is_refused_until_the_minute_is_over() {
        let tries = WrongTries::new(2);
        let from = address("192.0.2.7");
        assert_eq!(tries.count(from, at(0)), Ok(()));
        assert_eq!(tries.count(from, at(10)), Ok(()));
        let refused = Err(TooMany { retry_after_s: 40 });
        assert_eq!(tries.count(from, at(20)), refused);
        assert_eq!(tries.count(address("192.0.2.8"), at(20)), Ok(()));
        assert_eq!(tries.count(from, at(60)), Ok(()));
    }

    #[test]
    fn a_login_counts_for_itself_and_a_right_try_is_taken_back() {
        let tries = WrongTries::new(2);
        for _ in 0..5 {
            assert_eq!(tries.count(Source::login("Ana@example.com"), NOW), Ok(()));
            tries.forgive(Source::login("ana@example.com "), NOW);
        }
        for _ in 0..2 {
            assert_eq!(tries.count(Source::login("ana@example.com"), NOW), Ok(()));
        }
        assert!(tries.count(Source::login("ANA@example.com"), NOW).is_err());
        assert_eq!(tries.count(Source::login("eva@example.com"), NOW), Ok(()));
    }

    #[tokio::test]
    async fn right_tries_that_come_at_once_wait_for_each_other_and_none_is_refused() {
        let tries = WrongTries::new(3);
        let most = std::sync::atomic::AtomicU32::new(0);
        let one = async || {
            let look = tries.look(address("192.0.2.7"), NOW).await.unwrap();
            let looking = tries
                .table
                .lock()
                .unwrap()
                .young
                .values()
                .next()
                .unwrap()
                .looking;
            most.fetch_max(looking, std::sync::atomic::Ordering::Relaxed);
            tokio::task::yield_now().await;
            look.forgive();
        };
        futures_util::future::join_all((0..100).map(|_| one())).await;
        assert_eq!(most.into_inner(), 3);
        // None of them counts.
        for _ in 0..3 {
            drop(tries.look(address("192.0.2.7"), NOW).await.unwrap());
        }
        let refused = tries.look(address("192.0.2.7"), at(10)).await.unwrap_err();
        assert_eq!(refused, TooMany { retry_after_s: 50 });
    }

    #[tokio::test]
    async fn what_waits_is_refused_once_as_many_were_wrong_as_may_be() {
        let tries = WrongTries::new(3);
        let one = async |number: usize| {
            let look = tries.look(address("192.0.2.7"), NOW).await;
            tokio::task::yield_now().await;
            match look {
                // One of them is right, and gives its place to another.
                Ok(look) if number == 1 => look.forgive(),
                // The others are wrong, or cut off.
                Ok(look) => drop(look),
                Err(_) => return false,
            }
            true
        };
        let looked_at = futures_util::future::join_all((0..100).map(one)).await;
        assert_eq!(looked_at.iter().filter(|looked_at| **looked_at).count(), 4);
    }

    #[tokio::test]
    async fn no_more_wait_than_there_is_room_for() {
        let tries = WrongTries::new(1);
        let first = tries.look(address("192.0.2.7"), NOW).await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING_MAX)
            .map(|_| Box::pin(tries.look(address("192.0.2.7"), NOW)))
            .collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one).is_pending());
        }
        let one_more = tries.look(address("192.0.2.7"), NOW).await;
        assert_eq!(one_more.unwrap_err(), TooMany { retry_after_s: 1 });
        // Another address need not wait, and whoever goes away makes room.
        drop(tries.look(address("192.0.2.8"), NOW).await.unwrap());
        waiting.pop();
        first.forgive();
        let look = tries.look(address("192.0.2.7"), NOW).await.unwrap();
        look.forgive();
    }

    #[test]
    fn a_turn_of_the_table_does_not_forget_an_open_minute() {
        let tries = WrongTries::new(1);
        let from = address("192.0.2.7");
        assert_eq!(tries.count(address("192.0.2.9"), at(0)), Ok(()));
        assert_eq!(tries.count(from, at(50)), Ok(()));
        assert!(tries.count(from, at(61)).is_err());
        assert!(tries.count(from, at(62)).is_err());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let tries = WrongTries::new(1);
        assert_eq!(tries.count(address("2001:db8:1:2::1"), NOW), Ok(()));
        assert!(tries.count(address("2001:db8:1:2:ffff::9"), NOW).is_err());
        assert_eq!(tries.count(address("2001:db8:1:3::1"), NOW), Ok(()));
        assert_eq!(tries.count(address("192.0.2.1"), NOW), Ok(()));
        assert!(tries.count(address("::ffff:192.0.2.1"), NOW).is_err());
    }

    #[test]
    fn the_table_stays_bounded_under_a_flood_of_addresses() {
        let tries = WrongTries::new(1);
        for number in 0..50_000_u32 {
            let _ = tries.count(IpAddr::from(number.to_be_bytes()), NOW);
        }
        let table = tries.table.lock().unwrap();
        assert!(table.young.len() + table.old.len() <= 2 * ADDRESSES_MAX);
    }
}
