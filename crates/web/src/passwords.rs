//! Hashes passwords with argon2id: slow on purpose, so a few at a time, on threads that serve no request.

use std::fmt;
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use async_trait::async_trait;
use heraldo_domain::password::PasswordHash;
use heraldo_domain::ports::{Entropy, Passwords, PasswordsBusy, random};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// What one hash costs: 19 MiB of memory, twice over it. What was hashed with other costs is still checked,
/// with those.
const MEMORY_KIB: u32 = 19 * 1_024;
const ROUNDS: u32 = 2;
/// Hashes under way together with those that wait; further ones are refused.
const QUEUE_MAX: usize = 32;
/// Hashes under way, however many cores there are.
const AT_ONCE_MAX: usize = 4;
/// What a password is compared with when there is none, so that this takes as long.
const NOTHING: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
                       $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Passwords as this server keeps them. The operating system's threads behind it are the tracker's.
pub struct SlowPasswords {
    entropy: Arc<dyn Entropy>,
    tasks: TaskTracker,
    queue: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl SlowPasswords {
    /// Half of the cores at most compute hashes.
    #[must_use]
    pub fn new(entropy: Arc<dyn Entropy>, tasks: TaskTracker) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            entropy,
            tasks,
            queue: Arc::new(Semaphore::new(QUEUE_MAX)),
            turns: Arc::new(Semaphore::new((cores / 2).clamp(1, AT_ONCE_MAX))),
        }
    }

    /// Waits for a turn, then works beside the requests. Whoever asked may go away: the turn ends with the
    /// work.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Option<T> + Send + 'static,
    ) -> Result<T, PasswordsBusy> {
        let place = Arc::clone(&self.queue).try_acquire_owned();
        let place = place.map_err(|_| PasswordsBusy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| PasswordsBusy)?;
        let work = self.tasks.spawn_blocking(move || {
            let done = work();
            drop((turn, place));
            done
        });
        work.await.ok().flatten().ok_or(PasswordsBusy)
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, ROUNDS, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[async_trait]
impl Passwords for SlowPasswords {
    async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordsBusy> {
        let password = password.to_owned();
        let salt = random::<16>(&*self.entropy);
        self.run(move || {
            let hash = argon2().hash_password_with_salt(password.as_bytes(), &salt);
            hash.ok().map(|hash| PasswordHash(hash.to_string()))
        })
        .await
    }

    async fn matches(
        &self,
        password: &str,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, PasswordsBusy> {
        let password = password.to_owned();
        let is_set = hash.is_some();
        let hash = hash.map_or_else(|| NOTHING.to_owned(), |hash| hash.0.clone());
        let work = move || {
            Some(
                argon2()
                    .verify_password(password.as_bytes(), hash.as_str())
                    .is_ok(),
            )
        };
        Ok(self.run(work).await? && is_set)
    }
}

impl fmt::Debug for SlowPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowPasswords").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[derive(Debug)]
    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn passwords() -> SlowPasswords {
        SlowPasswords::new(Arc::new(Sevens), TaskTracker::new())
    }

    #[tokio::test]
    async fn the_right_password_matches_and_no_other_does() {
        let passwords = passwords();
        let hash = passwords.hash("correct horse battery").await.unwrap();
        assert!(
            hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.0
        );
        let matches = async |password, hash| passwords.matches(password, hash).await.unwrap();
        assert!(matches("correct horse battery", Some(&hash)).await);
        assert!(!matches("correct horse batterY", Some(&hash)).await);
        assert!(!matches("correct horse battery", None).await);
        assert!(!matches("", Some(&PasswordHash("damaged".to_owned()))).await);
    }

    #[test]
    fn what_stands_in_for_a_missing_password_costs_what_a_new_one_costs() {
        let hash = argon2::PasswordHash::new(NOTHING).unwrap();
        assert_eq!(Params::try_from(&hash).unwrap().m_cost(), MEMORY_KIB);
        assert_eq!(Params::try_from(&hash).unwrap().t_cost(), ROUNDS);
        assert_eq!(hash.salt.unwrap().as_ref().len(), 16);
        assert_eq!(
            hash.hash.unwrap().as_bytes().len(),
            Params::DEFAULT_OUTPUT_LEN
        );
    }

    #[tokio::test]
    async fn more_than_fit_into_the_queue_are_refused_at_once() {
        let passwords = passwords();
        let places = passwords.queue.try_acquire_many(QUEUE_MAX as u32).unwrap();
        assert_eq!(
            passwords.hash("correct horse battery").await,
            Err(PasswordsBusy)
        );
        drop(places);
        passwords.hash("correct horse battery").await.unwrap();
    }
}
