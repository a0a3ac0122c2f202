//! Deletes what was kept long enough, by its key alone: keys are in the order of time.

use heraldo_domain::change::Origin;
use heraldo_domain::retention::{Forgotten, Slice};
use heraldo_wire::id::{EventId, Id};
use heraldo_wire::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::codes::{code_at, id_at, id_blob_at, key_of, signed, tail_of};
use super::fault::Done;
use super::group::Group;
use super::rows;

/// An event that is old enough.
struct Old {
    id: Id,
    company: Id,
    inspection: Id,
    sequence: u32,
    origin: Origin,
    body_bytes: u64,
    /// The keys of its deliveries.
    deliveries: Vec<i64>,
}

/// Deletes events whose deliveries have all ended, with those and their attempts. One with very many goes in
/// several slices, its newest deliveries first.
pub(super) fn forget_events(group: &Group<'_, '_>, slice: &Slice) -> Done<Forgotten> {
    let mut forgotten = Forgotten {
        after: slice.after,
        ..Forgotten::default()
    };
    let mut rows_left = slice.rows_max.max(1);
    let mut body_bytes = 0_u64;
    let old = old_events(group.db, slice)?;
    forgotten.more = old.len() >= usize::try_from(slice.rows_max).unwrap_or(usize::MAX);
    for (id, event) in old {
        let event = match event {
            Some(event) if !is_pending(group.db, &event.deliveries)? => Some(event),
            Some(_) | None => None,
        };
        if let Some(event) = event {
            if !forget_deliveries(group, &event, &mut rows_left)? {
                forgotten.more = true;
                break;
            }
            keep_sequence(group, &event)?;
            group.run("DELETE FROM event WHERE key = ?1", [key_of(event.id)])?;
            rows_left = rows_left.saturating_sub(1);
            body_bytes = body_bytes.saturating_add(event.body_bytes);
            forgotten.events += 1;
        }
        forgotten.after = Some(id);
        if rows_left == 0 || body_bytes >= slice.body_bytes_max.max(1) {
            forgotten.more = true;
            break;
        }
    }
    Ok(forgotten)
}

/// Those that are old enough, the oldest first. A damaged one is passed over: it stays, and hurts no other.
fn old_events(db: &Connection, slice: &Slice) -> Done<Vec<(EventId, Option<Old>)>> {
    let after = slice.after.map_or(i64::MIN, |event| key_of(event.0));
    let end = signed(Id::first_key_at(slice.before));
    rows::many(
        db,
        // The body stands last in a row and is not read: how long it is stands before it.
        "SELECT key, tail, company, inspection, sequence, origin, deliveries, length(body) FROM event
         WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT ?3",
        params![after, end, slice.rows_max],
        |row| Ok((EventId(id_at(row, 0)?), old_event(row).ok())),
    )
}

fn old_event(row: &Row<'_>) -> Done<Old> {
    let keys: Vec<u8> = row.get(6)?;
    let (keys, _) = keys.as_chunks::<8>();
    Ok(Old {
        id: id_at(row, 0)?,
        company: id_blob_at(row, 2)?,
        inspection: id_blob_at(row, 3)?,
        sequence: row.get(4)?,
        origin: code_at(row, 5)?,
        body_bytes: row.get::<_, i64>(7)?.unsigned_abs(),
        deliveries: keys.iter().map(|key| i64::from_be_bytes(*key)).collect(),
    })
}

/// Whether any of these deliveries has not ended.
fn is_pending(db: &Connection, deliveries: &[i64]) -> Done<bool> {
    let mut pending = db.prepare_cached("SELECT 1 FROM delivery WHERE key = ?1 AND status = 0")?;
    for key in deliveries {
        if pending.exists([key])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deletes an event's deliveries; `false`: there were more than there is room for in this slice.
fn forget_deliveries(group: &Group<'_, '_>, event: &Old, rows_left: &mut u32) -> Done<bool> {
    let mut left = &event.deliveries[..];
    while let [others @ .., last] = left {
        if *rows_left == 0 {
            let keys: Vec<u8> = left.iter().flat_map(|key| key.to_be_bytes()).collect();
            group.run(
                "UPDATE event SET deliveries = ?2 WHERE key = ?1",
                params![key_of(event.id), keys],
            )?;
            return Ok(false);
        }
        let attempts = group.run("DELETE FROM attempt WHERE delivery = ?1", [last])?;
        group.run("DELETE FROM delivery WHERE key = ?1", [last])?;
        let gone = u32::try_from(attempts + 1).unwrap_or(u32::MAX);
        *rows_left = rows_left.saturating_sub(gone);
        left = others;
    }
    Ok(true)
}

/// The numbers of an inspection that runs elsewhere go on where they ended, also when none of its events is
/// there any more.
fn keep_sequence(group: &Group<'_, '_>, event: &Old) -> Done<()> {
    match event.origin {
        Origin::Inspection | Origin::Test => return Ok(()),
        Origin::Published | Origin::Webhook => {}
    }
    let (company, inspection) = (event.company.as_bytes(), event.inspection.as_bytes());
    let later = group
        .statement("SELECT 1 FROM event WHERE company = ?1 AND inspection = ?2 AND sequence > ?3")?
        .exists(params![company, inspection, event.sequence])?;
    let own = group
        .statement("SELECT 1 FROM inspection WHERE key = ?1 AND tail = ?2")?
        .exists(params![key_of(event.inspection), tail_of(event.inspection)])?;
    if !later && !own {
        group.run(
            "INSERT OR REPLACE INTO last_sequence (company, inspection, sequence) VALUES (?1, ?2, ?3)",
            params![company, inspection, event.sequence],
        )?;
    }
    Ok(())
}

/// The last number of an inspection none of whose events is there any more.
pub(super) const KEPT_SEQUENCE: &str =
    "SELECT sequence FROM last_sequence WHERE company = ?1 AND inspection = ?2";

/// Deletes up to `limit` audit entries that were made before an instant.
pub(super) fn forget_audit(group: &Group<'_, '_>, before: Timestamp, limit: u32) -> Done<u32> {
    let end = signed(Id::first_key_at(before));
    let gone = group.run(
        "DELETE FROM audit WHERE key IN (SELECT key FROM audit WHERE key < ?1 ORDER BY key LIMIT ?2)",
        params![end, limit],
    )?;
    Ok(u32::try_from(gone).unwrap_or(u32::MAX))
}
