//! What the model knows of secrets, and whether what goes out is signed with the right ones (contract 8.2).

use std::fmt::Display;
use std::time::Duration;

use heraldo_domain::delivery::Leased;
use heraldo_wire::headers;
use heraldo_wire::signature::{Envelope, Secret, verify_body, verify_standard};
use heraldo_wire::time::Timestamp;
use http::HeaderMap;

use super::outgoing;
use crate::world::{Check, violated};

/// Each secret that a webhook ever had, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets(Vec<Known>);

#[derive(Debug, Clone)]
struct Known {
    secret: Secret,
    /// The turn from which it was the newest.
    since: u64,
    /// When it ended as the one before the newest: it is set by the rotation that made the next.
    until: Timestamp,
}

impl Secrets {
    pub(super) fn new(secret: Secret, turn: u64) -> Self {
        let mut secrets = Self::default();
        secrets.put(secret, turn);
        secrets
    }

    /// A new one is in force; the one before stays valid until then.
    pub(super) fn rotated(&mut self, secret: Secret, until: Timestamp, turn: u64) {
        if let Some(last) = self.0.last_mut() {
            last.until = until;
        }
        self.put(secret, turn);
    }

    fn put(&mut self, secret: Secret, since: u64) {
        let until = Timestamp::from_millis(i64::MAX);
        self.0.push(Known {
            secret,
            since,
            until,
        });
    }

    /// The newest as it was in that turn and, while it is still valid, the one before it.
    fn valid(&self, turn: u64, now: Timestamp) -> Vec<&Secret> {
        let mut newest_first = self.0.iter().rev().skip_while(|known| known.since > turn);
        let newest = newest_first.next();
        let before = newest_first.next().filter(|known| now < known.until);
        newest
            .into_iter()
            .chain(before)
            .map(|known| &known.secret)
            .collect()
    }

    /// What goes out now, by settings that were read in the turn `read`.
    pub(super) fn check(
        &self,
        leased: &Leased,
        sent: &HeaderMap,
        read: u64,
        now: Timestamp,
        name: impl Display,
    ) -> Check {
        let text = |name: &str| outgoing::text(sent, name);
        let valid = self.valid(read, now);
        // The older one signs for receivers that compare one value.
        let Some(signing) = valid.last() else {
            return violated(format!("{name} is sent to a webhook without a secret"));
        };
        if !verify_body(
            signing,
            &leased.body,
            text(headers::AUTOINSPECTOR_SIGNATURE),
        ) {
            return violated(format!(
                "{name} is not signed with the secret that its receiver compares"
            ));
        }
        let event = leased.event_id.to_string();
        let envelope = Envelope {
            id: &event,
            timestamp: text(headers::WEBHOOK_TIMESTAMP),
            body: &leased.body,
        };
        let standard = text(headers::WEBHOOK_SIGNATURE);
        for known in &self.0 {
            let signed =
                verify_standard(&known.secret, &envelope, standard, Duration::ZERO, now).is_ok();
            match (signed, valid.contains(&&known.secret)) {
                (true, true) | (false, false) => {}
                (true, false) => {
                    return violated(format!("{name} is signed with a secret that had ended"));
                }
                (false, true) => {
                    return violated(format!("{name} is not signed with a secret that is valid"));
                }
            }
        }
        if standard.split(' ').count() != valid.len() || text(headers::WEBHOOK_ID) != event {
            return violated(format!(
                "{name} is sent with other signatures or another id than its own"
            ));
        }
        Ok(())
    }
}
