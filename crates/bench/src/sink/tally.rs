//! What arrived: which ids, how often, how late, and whether rightly signed.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use heraldo_wire::headers::{
    AUTOINSPECTOR_ATTEMPT, AUTOINSPECTOR_SIGNATURE, CONTENT_TYPE_JSON, WEBHOOK_ID,
    WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP,
};
use heraldo_wire::id::EventId;
use heraldo_wire::signature::{Envelope, Secret, verify_body, verify_standard};
use heraldo_wire::time::Timestamp;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use serde::{Deserialize, Serialize};

use super::HookSecret;
use crate::body::StampFinder;
use crate::statistics::percentile;

/// How far `webhook-timestamp` may be from now, as Standard Webhooks recommends.
const TOLERANCE: Duration = Duration::from_secs(300);

/// One request to a hook.
pub struct Delivery<'a> {
    pub hook: u32,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    /// Microseconds since the epoch.
    pub received_us: u64,
}

/// What is asked often, while waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Pairs of hook and id.
    pub distinct: u64,
    /// Deliveries of a pair that was there already.
    pub duplicates: u64,
}

/// Everything, asked once at the end.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    pub counts: Counts,
    /// When the first pair arrived, in microseconds since the epoch; 0 if none did.
    pub first_new_us: u64,
    /// When the last pair that was new arrived, in microseconds since the epoch; 0 if none did.
    pub last_new_us: u64,
    /// From the instant in the payload to the arrival, of new pairs.
    pub latency_p50_us: Option<u32>,
    pub latency_p99_us: Option<u32>,
    pub latency_max_us: Option<u32>,
    pub body_bytes_mean: f64,
    /// Deliveries whose signatures were looked at.
    pub verified: u64,
    /// Deliveries that are not what they should be; they count nowhere else.
    pub wrong: u64,
    /// What was the matter with the first of them.
    pub first_wrong: Option<String>,
}

/// Counts in memory, 16 bytes for each pair and 4 for each latency.
#[derive(Debug)]
pub struct Tally {
    seen: HashSet<u128>,
    duplicates: u64,
    first_new_us: u64,
    last_new_us: u64,
    latencies_us: Vec<u32>,
    stamps: StampFinder,
    body_bytes: u64,
    received: u64,
    verify_every: u64,
    verified: u64,
    wrong: u64,
    first_wrong: Option<String>,
    secrets: HashMap<u32, Secret>,
}

impl Tally {
    /// Verifies every `verify_every`th delivery, the first among them.
    pub fn new(verify_every: u64) -> Self {
        Self {
            seen: HashSet::new(),
            duplicates: 0,
            first_new_us: 0,
            last_new_us: 0,
            latencies_us: Vec::new(),
            stamps: StampFinder::default(),
            body_bytes: 0,
            received: 0,
            verify_every: verify_every.max(1),
            verified: 0,
            wrong: 0,
            first_wrong: None,
            secrets: HashMap::new(),
        }
    }

    /// Learns the secrets of hooks, which deliveries to them are verified with from now on.
    pub fn learn(&mut self, secrets: Vec<HookSecret>) -> Result<(), String> {
        for HookSecret { hook, secret } in secrets {
            let secret = Secret::parse(secret).map_err(|error| error.to_string())?;
            self.secrets.insert(hook, secret);
        }
        Ok(())
    }

    pub fn count(&mut self, delivery: &Delivery<'_>) {
        if let Err(what) = self.try_count(delivery) {
            self.wrong += 1;
            self.first_wrong.get_or_insert(what);
        }
    }

    fn try_count(&mut self, delivery: &Delivery<'_>) -> Result<(), String> {
        let id = text(delivery.headers, WEBHOOK_ID)?;
        let pair = pair(delivery.hook, id).ok_or_else(|| format!("`{id}` is no event's id"))?;
        if self.received.is_multiple_of(self.verify_every) {
            self.verify(delivery, id)?;
            self.verified += 1;
        }
        let sent_us = self
            .stamps
            .sent_at_us(delivery.body)
            .ok_or("the body does not say when it was sent")?;
        self.received += 1;
        self.body_bytes += u64::try_from(delivery.body.len()).unwrap_or(0);
        if !self.seen.insert(pair) {
            self.duplicates += 1;
            return Ok(());
        }
        if self.first_new_us == 0 {
            self.first_new_us = delivery.received_us;
        }
        self.last_new_us = self.last_new_us.max(delivery.received_us);
        let latency_us = delivery.received_us.saturating_sub(sent_us);
        self.latencies_us
            .push(u32::try_from(latency_us).unwrap_or(u32::MAX));
        Ok(())
    }

    fn verify(&self, delivery: &Delivery<'_>, id: &str) -> Result<(), String> {
        let secret = self
            .secrets
            .get(&delivery.hook)
            .ok_or_else(|| format!("nobody told the secret of hook {}", delivery.hook))?;
        let attempt = text(delivery.headers, AUTOINSPECTOR_ATTEMPT)?;
        if attempt.parse::<u32>().is_err() {
            return Err(format!("{AUTOINSPECTOR_ATTEMPT} is `{attempt}`"));
        }
        if text(delivery.headers, CONTENT_TYPE.as_str())? != CONTENT_TYPE_JSON {
            return Err("the content type is not JSON".to_owned());
        }
        if !verify_body(
            secret,
            delivery.body,
            text(delivery.headers, AUTOINSPECTOR_SIGNATURE)?,
        ) {
            return Err(format!("{AUTOINSPECTOR_SIGNATURE} is not that of the body"));
        }
        let envelope = Envelope {
            id,
            timestamp: text(delivery.headers, WEBHOOK_TIMESTAMP)?,
            body: delivery.body,
        };
        let now_ms = i64::try_from(delivery.received_us / 1000).unwrap_or(i64::MAX);
        let now = Timestamp::from_millis(now_ms);
        let signature = text(delivery.headers, WEBHOOK_SIGNATURE)?;
        verify_standard(secret, &envelope, signature, TOLERANCE, now)
            .map_err(|error| format!("{WEBHOOK_SIGNATURE}: {error}"))
    }

    pub fn counts(&self) -> Counts {
        Counts {
            distinct: u64::try_from(self.seen.len()).unwrap_or(u64::MAX),
            duplicates: self.duplicates,
        }
    }

    pub fn report(&self) -> Report {
        let mut sorted = self.latencies_us.clone();
        sorted.sort_unstable();
        Report {
            counts: self.counts(),
            first_new_us: self.first_new_us,
            last_new_us: self.last_new_us,
            latency_p50_us: percentile(&sorted, 50.0),
            latency_p99_us: percentile(&sorted, 99.0),
            latency_max_us: sorted.last().copied(),
            body_bytes_mean: self.body_bytes as f64 / self.received.max(1) as f64,
            verified: self.verified,
            wrong: self.wrong,
            first_wrong: self.first_wrong.clone(),
        }
    }
}

/// The hook and the 96 bits of the id, side by side: no two pairs share a number.
fn pair(hook: u32, id: &str) -> Option<u128> {
    let EventId(id) = id.parse().ok()?;
    let id = id
        .as_bytes()
        .iter()
        .fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    Some((u128::from(hook) << 96) | id)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| format!("there is no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use heraldo_wire::signature::Signer;
    use hyper::header::HeaderValue;

    const BODY: &[u8] = br#"{"event":"x","payload":{"metadata":{"sentAtUs":"1790000000000000"}}}"#;
    const SENT_US: u64 = 1_790_000_000_000_000;

    fn secret() -> Secret {
        Secret::from_random([9; 32])
    }

    /// Headers of a delivery of that event, signed with `secret`.
    fn headers_of(number: u32, secret: &Secret) -> HeaderMap {
        let signer = Signer::new(secret);
        let id = format!("evt_651ae032ff786d19{number:08x}");
        let envelope = Envelope {
            id: &id,
            timestamp: "1790000000",
            body: BODY,
        };
        let mut headers = HeaderMap::new();
        let mut set = |name, value: &str| {
            headers.insert(name, HeaderValue::from_str(value).expect("a header value"))
        };
        set(WEBHOOK_ID, &id);
        set(WEBHOOK_TIMESTAMP, envelope.timestamp);
        set(WEBHOOK_SIGNATURE, &signer.sign_standard(&envelope));
        set(AUTOINSPECTOR_SIGNATURE, signer.sign_body(BODY).as_str());
        set(AUTOINSPECTOR_ATTEMPT, "1");
        set("content-type", CONTENT_TYPE_JSON);
        headers
    }

    fn tally(verify_every: u64) -> Tally {
        let mut tally = Tally::new(verify_every);
        let known = |hook| HookSecret {
            hook,
            secret: secret().reveal().to_owned(),
        };
        tally.learn(vec![known(0), known(1)]).expect("secrets");
        tally
    }

    fn count(tally: &mut Tally, hook: u32, headers: &HeaderMap, late_us: u64) {
        tally.count(&Delivery {
            hook,
            headers,
            body: BODY,
            received_us: SENT_US + late_us,
        });
    }

    #[test]
    fn an_id_counts_once_for_each_hook() {
        let mut tally = tally(1);
        let (first, second) = (headers_of(1, &secret()), headers_of(2, &secret()));
        count(&mut tally, 0, &first, 100);
        count(&mut tally, 0, &second, 300);
        count(&mut tally, 0, &first, 9_000);
        count(&mut tally, 1, &first, 200);
        let expected = Counts {
            distinct: 3,
            duplicates: 1,
        };
        let report = tally.report();
        assert_eq!(report.counts, expected);
        assert_eq!(report.wrong, 0, "{:?}", report.first_wrong);
        assert_eq!(report.verified, 4);
        // The duplicate neither ends the run later nor counts as late.
        assert_eq!(report.last_new_us, SENT_US + 300);
        assert_eq!(report.latency_p50_us, Some(200));
        assert_eq!(report.latency_max_us, Some(300));
    }

    #[test]
    fn a_forged_delivery_counts_as_wrong_and_nothing_else() {
        let mut tally = tally(1);
        count(
            &mut tally,
            0,
            &headers_of(1, &Secret::from_random([1; 32])),
            1,
        );
        let report = tally.report();
        assert_eq!((report.wrong, report.counts.distinct), (1, 0));
        assert!(
            report
                .first_wrong
                .expect("a reason")
                .contains(AUTOINSPECTOR_SIGNATURE)
        );
    }

    #[test]
    fn a_delivery_that_lacks_something_is_named_by_what_it_lacks() {
        for name in [
            WEBHOOK_ID,
            WEBHOOK_TIMESTAMP,
            WEBHOOK_SIGNATURE,
            AUTOINSPECTOR_SIGNATURE,
            AUTOINSPECTOR_ATTEMPT,
            "content-type",
        ] {
            let mut tally = tally(1);
            let mut headers = headers_of(1, &secret());
            headers.remove(name);
            count(&mut tally, 0, &headers, 1);
            assert!(tally.report().first_wrong.expect("a reason").contains(name));
        }
    }

    #[test]
    fn only_a_sample_is_verified_but_every_id_is_read() {
        let mut tally = tally(10);
        for number in 0..20 {
            count(&mut tally, 0, &headers_of(number, &secret()), 1);
        }
        let mut nameless = headers_of(20, &secret());
        nameless.insert(WEBHOOK_ID, HeaderValue::from_static("evt_of_somebody_else"));
        count(&mut tally, 0, &nameless, 1);
        let report = tally.report();
        assert_eq!(report.verified, 2);
        assert_eq!((report.counts.distinct, report.wrong), (20, 1));
    }
}
