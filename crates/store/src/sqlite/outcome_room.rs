//! Room in a delivery's row for its first outcome.
//!
//! A row that grows moves its neighbours, and what no longer fits on its page goes to others. SQLite puts the
//! numbers of these pages in order, and after that the next commit walks the whole page cache. A row that keeps its
//! length is overwritten where it stands. So a row is written with as many zeroes as its outcome will need, by
//! what the webhook's last one needed, and gives them up for it. Where the guess is wrong the row grows or
//! stays a little too long, and nothing else.

use std::collections::HashMap;

use heraldo_domain::delivery::Epoch;
use heraldo_wire::id::WebhookId;

/// An outcome may be so much longer than the one before: its times have more digits.
const SLACK_BYTES: u32 = 6;
/// For outcomes that need more no room is kept: the next may need little.
const BYTES_MAX: u32 = 512;
/// Of so many webhooks it is remembered; past this all are forgotten.
const WEBHOOKS_MAX: usize = 10_000;

/// What the last outcome of each webhook needed.
#[derive(Debug, Default)]
pub(super) struct OutcomeRoom(HashMap<WebhookId, u32>);

impl OutcomeRoom {
    /// Bytes to keep in a new delivery's row.
    pub(super) fn of(&self, webhook: WebhookId) -> u32 {
        self.0.get(&webhook).copied().unwrap_or(0)
    }

    /// Takes note of what an outcome needed; gives how many bytes fewer its row is to keep.
    pub(super) fn note(&mut self, webhook: WebhookId, doc: &str, lease: Epoch) -> u32 {
        let doc_bytes = u32::try_from(doc.len()).unwrap_or(BYTES_MAX);
        let needed = needed(doc_bytes, lease);
        if self.0.len() >= WEBHOOKS_MAX {
            self.0.clear();
        }
        let room = needed + SLACK_BYTES;
        self.0
            .insert(webhook, if room > BYTES_MAX { 0 } else { room });
        needed
    }
}

/// How much longer a record becomes when it loses its lease and gets such a document, less the byte by which
/// the length of a small blob is shorter than that of a large one
/// (`https://sqlite.org/fileformat2.html#record_format`).
fn needed(doc_bytes: u32, Epoch(lease): Epoch) -> u32 {
    let lease_bytes = match lease {
        0 | 1 => 0,
        2..=0x7f => 1,
        0x80..=0x7fff => 2,
        0x8000..=0x7f_ffff => 3,
        _ => 4,
    };
    (doc_bytes + length_bytes(doc_bytes)).saturating_sub(1 + lease_bytes + 1)
}

/// Bytes of the number that says how long a text is.
const fn length_bytes(bytes: u32) -> u32 {
    match bytes {
        0..=57 => 1,
        58..=8_185 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use heraldo_wire::id::Id;
    use rusqlite::types::Value;
    use rusqlite::{Connection, params};

    use super::super::migrations;
    use super::super::sends::INSERT_DELIVERY;
    use super::super::settle::SETTLE_FIRST;
    use super::*;

    const MADE_AT: i64 = 1_795_803_532_729;

    fn webhook() -> WebhookId {
        WebhookId(Id::from_parts(7, 1))
    }

    /// The bytes of the one row's record without those that say how long its head is.
    fn record_bytes(db: &Connection) -> usize {
        let row = db.query_row("SELECT * FROM delivery", [], |row| {
            let columns = 1..row.as_ref().column_count();
            columns.map(|column| row.get(column)).collect()
        });
        let values: Vec<Value> = row.unwrap();
        let of_length = |bytes: usize| bytes + if bytes < 58 { 1 } else { 2 };
        let sizes = values.into_iter().map(|value| match value {
            Value::Null | Value::Integer(0 | 1) => 1,
            Value::Integer(number) => {
                let bits = i64::BITS + 1 - number.unsigned_abs().leading_zeros();
                let widths = [1, 2, 3, 4, 6, 8].into_iter();
                1 + widths.clone().find(|bytes| bits <= 8 * bytes).unwrap() as usize
            }
            Value::Real(_) => unreachable!("a table without such a column"),
            Value::Text(text) => of_length(text.len()),
            Value::Blob(blob) => of_length(blob.len()),
        });
        sizes.sum()
    }

    /// The length of a new row, and its length after its outcome.
    fn lengths(room: &mut OutcomeRoom, lease: u32, doc_bytes: usize) -> (usize, usize) {
        let mut db = Connection::open_in_memory().unwrap();
        migrations::all().to_latest(&mut db).unwrap();
        let id = webhook().0;
        let (key, tail, event) = (-3, 2, -4);
        let bytes = room.of(webhook());
        let (company, webhook_id) = (id.as_bytes(), id.as_bytes());
        let new = params![
            key, tail, company, webhook_id, event, 0, MADE_AT, lease, false, bytes
        ];
        db.execute(INSERT_DELIVERY, new).unwrap();
        let before = record_bytes(&db);
        let doc = "x".repeat(doc_bytes);
        let needed = room.note(webhook(), &doc, Epoch(lease));
        let outcome = params![
            key,
            tail,
            lease,
            1,
            0,
            None::<i64>,
            1,
            1,
            MADE_AT,
            doc,
            needed
        ];
        assert_eq!(db.execute(SETTLE_FIRST, outcome).unwrap(), 1);
        (before, record_bytes(&db))
    }

    #[test]
    fn a_row_keeps_its_length_if_its_outcome_is_about_as_long_as_the_last_one() {
        for lease in [1, 2, 127, 128, 32_767, 32_768, 8_388_607, 8_388_608] {
            let mut room = OutcomeRoom::default();
            let (before, after) = lengths(&mut room, lease, 125);
            assert!(after > before + 100, "no outcome was known");
            for doc_bytes in [125, 131, 125, 90, 96] {
                let (before, after) = lengths(&mut room, lease, doc_bytes);
                assert_eq!(before, after, "lease {lease}, {doc_bytes} bytes");
            }
        }
    }

    #[test]
    fn an_outcome_of_another_length_is_written_all_the_same() {
        let mut room = OutcomeRoom::default();
        for doc_bytes in [0, 20, 57, 58, 500, 60, 9_000, 60] {
            let (_, after) = lengths(&mut room, 1, doc_bytes);
            assert!(after > doc_bytes);
        }
        room.note(webhook(), &"x".repeat(9_000), Epoch(1));
        assert_eq!(room.of(webhook()), 0, "the next may need little");
    }

    #[test]
    fn a_row_of_before_there_was_room_takes_its_outcome() {
        let mut db = Connection::open_in_memory().unwrap();
        migrations::all().to_version(&mut db, 12).unwrap();
        let id = webhook().0;
        db.execute(
            "INSERT INTO delivery (key, tail, company, webhook, event, cause, next_attempt_at, lease)
             VALUES (1, 2, ?1, ?1, 1, 0, ?2, 3)",
            params![id.as_bytes(), MADE_AT],
        )
        .unwrap();
        migrations::all().to_latest(&mut db).unwrap();
        let outcome = params![1, 2, 3, 1, 0, None::<i64>, 1, 1, MADE_AT, "{}", 90];
        assert_eq!(db.execute(SETTLE_FIRST, outcome).unwrap(), 1);
    }
}
