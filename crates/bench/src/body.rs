//! Bodies made once, with the few bytes that change from request to request patched in.
//!
//! Every event carries the instant at which it was sent, so that the sink can tell how long it took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use heraldo_wire::event::{EventType, Sample, render, sample};
use heraldo_wire::id::{CompanyId, Id, InspectionId, MembershipId, TemplateId, UserId};
use heraldo_wire::object::{Metadata, Producer, TemplateHead, TemplateType};
use heraldo_wire::time::Timestamp;
use indexmap::IndexMap;
use serde_json::json;

/// The key of an inspection's metadata that holds the instant.
pub const STAMP_KEY: &str = "sentAtUs";
/// Digits of microseconds since the epoch, until the year 2286.
const STAMP_DIGITS: usize = 16;
/// What stands before the digits in a body without blanks.
const STAMP_MARK: &[u8] = b"\"sentAtUs\":\"";
const ID_MARK: &[u8] = b"\"_id\":\"";
const ID_DIGITS: usize = 24;

/// Microseconds since the epoch, by the clock that all processes of the machine share.
pub fn now_us() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_micros()).ok())
        .unwrap_or(0)
}

/// Makes ids that no other maker of this run makes.
#[derive(Debug)]
pub struct IdMaker {
    next_key: AtomicU64,
    tail: u32,
}

impl IdMaker {
    pub fn new() -> Self {
        let now = i64::try_from(now_us() / 1000).unwrap_or(i64::MAX);
        Self {
            next_key: AtomicU64::new(Id::first_key_at(Timestamp::from_millis(now))),
            tail: std::process::id(),
        }
    }

    pub fn next(&self) -> Id {
        Id::from_parts(self.next_key.fetch_add(1, Ordering::Relaxed), self.tail)
    }
}

/// A body with places to patch.
#[derive(Debug, Clone)]
pub struct Template {
    bytes: Vec<u8>,
    /// Where each event's instant begins.
    stamps: Vec<usize>,
    /// Where each event's inspection id begins; empty when the server makes it.
    ids: Vec<usize>,
}

impl Template {
    /// The body of a create as the documentation has it, whose event is about 700 bytes long.
    pub fn create_inspection() -> Self {
        let body = json!({
            "templateId": "easy",
            "delivery": {"disabled": true},
            "locale": "es_AR",
            "car": {
                "plate": "AB123CD",
                "color": "white",
                "milage": 48_000,
                "use": "particular",
                "year": "2021",
                "make": "Fiat",
                "model": "Cronos",
            },
            "metadata": metadata().0,
        });
        let bytes = body.to_string().into_bytes();
        let stamps = find(&bytes, STAMP_MARK).into_iter().collect();
        Self {
            bytes,
            stamps,
            ids: Vec::new(),
        }
    }

    /// The body of one event: what is published, and what the raw bound sends.
    pub fn event(event: EventType) -> Self {
        let bytes = documented_event(event);
        Self {
            stamps: find(&bytes, STAMP_MARK).into_iter().collect(),
            ids: find(&bytes, ID_MARK).into_iter().collect(),
            bytes,
        }
    }

    /// An array of that many events.
    pub fn events(event: EventType, count: u32) -> Self {
        let one = Self::event(event);
        let mut all = Self {
            bytes: vec![b'['],
            stamps: Vec::new(),
            ids: Vec::new(),
        };
        for number in 0..count {
            if number > 0 {
                all.bytes.push(b',');
            }
            let start = all.bytes.len();
            all.stamps.extend(one.stamps.iter().map(|at| start + at));
            all.ids.extend(one.ids.iter().map(|at| start + at));
            all.bytes.extend_from_slice(&one.bytes);
        }
        all.bytes.push(b']');
        all
    }

    /// A body sent at `sent_at_us`, each of its events about an inspection of its own.
    pub fn fill(&self, sent_at_us: u64, ids: &IdMaker) -> Bytes {
        let mut bytes = self.bytes.clone();
        for at in &self.stamps {
            patch_number(&mut bytes, *at, sent_at_us);
        }
        for at in &self.ids {
            patch_id(&mut bytes, *at, ids.next());
        }
        bytes.into()
    }
}

/// Metadata as integrators use it; its length makes the event about as long as documented ones are.
fn metadata() -> Metadata {
    let placeholder = "0".repeat(STAMP_DIGITS);
    let pairs = [
        ("policyId", "POL-2291-000-118-77"),
        ("claimId", "CLM-2026-11-004410"),
        ("branch", "north-7"),
        ("correlationId", "9c1f0a52-6f0e-4d0c-9a55-0d4d8c7f1f3b"),
        (STAMP_KEY, placeholder.as_str()),
    ];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Metadata(IndexMap::from(pairs))
}

/// `inspection_created` with every documented field. Other events have the same payload, so that all are as
/// long.
fn documented_event(named: EventType) -> Vec<u8> {
    let id = |number| Id::from_parts(0x6718_aa01_b2c3_d4e5, number);
    let event = sample(
        EventType::InspectionCreated,
        &Sample {
            inspection_id: InspectionId(id(1)),
            first_part_id: id(2),
            producer: Producer {
                user_id: Some(UserId(id(3))),
                membership_id: Some(MembershipId(id(4))),
                company_id: CompanyId(id(5)),
                first_name: Some(String::new()),
                last_name: Some(String::new()),
                username: Some("owner".to_owned()),
                email: Some(String::new()),
                internal_id: None,
            },
            template: TemplateHead {
                name: "easy".to_owned(),
                kind: TemplateType::BuiltIn,
                id: TemplateId(id(6)),
            },
            metadata: metadata(),
            at: Timestamp::default(),
            public_url: "http://127.0.0.1:8080".to_owned(),
            access_code: "5087".to_owned(),
        },
    );
    let text = String::from_utf8_lossy(&render(&event)).replacen(
        EventType::InspectionCreated.as_str(),
        named.as_str(),
        1,
    );
    text.into_bytes()
}

/// Where what follows `mark` begins.
fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let start = bytes
        .windows(mark.len())
        .position(|window| window == mark)?;
    Some(start + mark.len())
}

fn patch_number(bytes: &mut [u8], at: usize, mut number: u64) {
    if let Some(digits) = bytes.get_mut(at..at + STAMP_DIGITS) {
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
        }
    }
}

fn patch_id(bytes: &mut [u8], at: usize, id: Id) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let Some(digits) = bytes.get_mut(at..at + ID_DIGITS) else {
        return;
    };
    for (pair, byte) in digits.chunks_exact_mut(2).zip(id.as_bytes()) {
        for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
        }
    }
}

/// Finds the instant in a body. Bodies of one run are laid out alike, so it is looked for first where it
/// was the time before.
#[derive(Debug, Default)]
pub struct StampFinder {
    last_at: usize,
}

impl StampFinder {
    /// When the event with this body was sent; `None` when it does not say so.
    pub fn sent_at_us(&mut self, body: &[u8]) -> Option<u64> {
        if let Some(sent_at_us) = stamp_at(body, self.last_at) {
            return Some(sent_at_us);
        }
        self.last_at = find(body, STAMP_MARK)?;
        stamp_at(body, self.last_at)
    }
}

fn stamp_at(body: &[u8], at: usize) -> Option<u64> {
    let mark = body.get(at.checked_sub(STAMP_MARK.len())?..at)?;
    let digits = body.get(at..at + STAMP_DIGITS)?;
    if mark != STAMP_MARK {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use heraldo_wire::api::CreateInspectionRequest;
    use heraldo_wire::event::parse_published;

    const SENT_AT_US: u64 = 1_790_000_000_123_456;

    #[test]
    fn an_event_is_about_700_bytes_long() {
        let length = Template::event(EventType::InspectionCreated)
            .fill(SENT_AT_US, &IdMaker::new())
            .len();
        assert!((650..=750).contains(&length), "{length} bytes");
    }

    #[test]
    fn a_create_is_a_request_that_the_api_knows() {
        let body = Template::create_inspection().fill(SENT_AT_US, &IdMaker::new());
        let request: CreateInspectionRequest =
            serde_json::from_slice(&body).expect("a documented create");
        assert_eq!(request.template_id, "easy");
        let metadata = request.metadata.expect("it has metadata").0;
        assert_eq!(metadata.get(STAMP_KEY), Some(&SENT_AT_US.to_string()));
    }

    #[test]
    fn an_array_holds_events_about_inspections_of_their_own() {
        let body =
            Template::events(EventType::InspectionCreated, 100).fill(SENT_AT_US, &IdMaker::new());
        let events = parse_published(&body, 100).expect("a publish request");
        let mut inspections: Vec<_> = events.iter().map(|event| event.inspection_id).collect();
        inspections.sort_unstable();
        inspections.dedup();
        assert_eq!(inspections.len(), 100);
        for event in events {
            let payload = event.payload.get().as_bytes();
            assert_eq!(StampFinder::default().sent_at_us(payload), Some(SENT_AT_US));
        }
    }

    #[test]
    fn the_instant_is_found_where_it_was_and_where_it_moved_to() {
        let mut finder = StampFinder::default();
        let body = |head: &str, us: &str| format!("{{{head}\"sentAtUs\":\"{us}\"}}").into_bytes();
        let mut check = |body: Vec<u8>, expected| assert_eq!(finder.sent_at_us(&body), expected);
        check(body("", "1790000000000001"), Some(1_790_000_000_000_001));
        check(body("", "1790000000000002"), Some(1_790_000_000_000_002));
        check(
            body("\"a\":1,", "1790000000000003"),
            Some(1_790_000_000_000_003),
        );
        check(body("", "1790000000000004"), Some(1_790_000_000_000_004));
        check(body("", "179000000000000x"), None);
        check(body("", "17"), None);
        check(b"{}".to_vec(), None);
        check(Vec::new(), None);
    }

    #[test]
    fn two_ids_are_never_the_same() {
        let maker = IdMaker::new();
        assert_ne!(maker.next(), maker.next());
    }
}
