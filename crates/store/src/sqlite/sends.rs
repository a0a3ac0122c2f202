//! New events with their deliveries, and resends: what may be handed over once it is durable.

use heraldo_domain::change::{NewDelivery, NewEvent, Origin};
use heraldo_domain::delivery::{Epoch, Fallback, Leased};
use heraldo_domain::statistics::{Counted, Note};
use heraldo_domain::store::StoreError;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::id::{CompanyId, DeliveryId, EventId};
use heraldo_wire::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::codes::{Code, fallback_code, key_of, tail_of};
use super::fault::{Done, Fault};
use super::group::Group;
use super::rows::{self, Planned};
use super::strict;
use crate::plan::{self, ResendDue, Standing};

pub(super) const INSERT_EVENT: &str =
    "INSERT INTO event (key, tail, company, inspection, sequence, type, origin, created_at, deliveries, body)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub(super) const INSERT_DELIVERY: &str =
    "INSERT INTO delivery (key, tail, company, webhook, event, cause, next_attempt_at, lease, strict, room)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, zeroblob(?10))";

/// Without RETURNING, which would open a table of its own for each event.
pub(super) const COUNT_OWN_EVENT: &str =
    "UPDATE inspection SET event_count = event_count + 1, version = version + 1
     WHERE key = ?1 AND tail = ?2 AND company = ?3";

pub(super) const LAST_SEQUENCE: &str =
    "SELECT sequence, key FROM event WHERE company = ?1 AND inspection = ?2
     ORDER BY sequence DESC LIMIT 1";

/// Writes an event and its deliveries; returns the event's number within its inspection.
pub(super) fn event(group: &mut Group<'_, '_>, event: &NewEvent) -> Done<u32> {
    let sequence = match event.sequence {
        Some(sequence) => sequence,
        None => next_sequence(group, event)?,
    };
    let id = event.id.0;
    let mut keys = Vec::with_capacity(event.deliveries.len() * 8);
    for delivery in &event.deliveries {
        keys.extend_from_slice(&key_of(delivery.id.0).to_be_bytes());
    }
    let mut insert = group.kept.insert_event.borrow_mut();
    insert
        .execute(params![
            key_of(id),
            tail_of(id),
            event.company_id.0.as_bytes(),
            event.inspection_id.0.as_bytes(),
            sequence,
            event.event_type.code(),
            event.origin.code(),
            event.created_at.as_millis(),
            keys,
            &event.body[..],
        ])
        .map_err(|error| Fault::from(error).or_taken(StoreError::Conflict))?;
    drop(insert);
    group.notes.push(Note {
        company_id: event.company_id,
        webhook_id: None,
        at: event.created_at,
        counted: Counted::Event,
    });
    for delivery in &event.deliveries {
        new_delivery(group, event, delivery, sequence)?;
    }
    Ok(sequence)
}

/// The next number of a published event's inspection: its own count where Heraldo runs the inspection,
/// else one more than the company's events naming it.
fn next_sequence(group: &Group<'_, '_>, event: &NewEvent) -> Done<u32> {
    let inspection = event.inspection_id.0;
    let company = event.company_id.0.as_bytes();
    let own = params![key_of(inspection), tail_of(inspection), company];
    if group.kept.count_own_event.borrow_mut().execute(own)? == 1 {
        let mut count = group.statement("SELECT event_count FROM inspection WHERE key = ?1")?;
        let count = count.query_row([key_of(inspection)], |row| row.get(0))?;
        if event.follows_last {
            let mut before = group.statement(
                "SELECT key FROM event WHERE company = ?1 AND inspection = ?2 AND sequence = ?3 - 1",
            )?;
            let before = before
                .query_row(params![company, inspection.as_bytes(), count], |row| {
                    row.get(0)
                })
                .optional()?;
            check_follows(event, before)?;
        }
        return Ok(count);
    }
    let mut last = group.kept.last_sequence.borrow_mut();
    let last: Option<(u32, i64)> = last
        .query_row(params![company, inspection.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let last = match last {
        Some((last, key)) => {
            check_follows(event, Some(key))?;
            last
        }
        // It may have had events that were deleted for their age.
        None => {
            let mut kept = group.kept.kept_sequence.borrow_mut();
            let kept = kept.query_row(params![company, inspection.as_bytes()], |row| row.get(0));
            kept.optional()?.unwrap_or(0)
        }
    };
    Ok(last.saturating_add(1))
}

/// Whether an event that has to was made later than the one before it.
fn check_follows(event: &NewEvent, before: Option<i64>) -> Done<()> {
    if event.follows_last && before.is_some_and(|before| before > key_of(event.id.0)) {
        return Err(StoreError::Conflict.into());
    }
    Ok(())
}

fn new_delivery(
    group: &mut Group<'_, '_>,
    event: &NewEvent,
    delivery: &NewDelivery,
    sequence: u32,
) -> Done<()> {
    let waits = delivery.strict && !strict::enter(group, event, delivery, sequence)?;
    let lease = if waits {
        None
    } else {
        group.reserve(delivery.webhook_id, event.body.len())
    };
    if let Some(lease) = lease {
        // Noted before the row is written, so that undoing gives the room back if writing fails.
        group
            .leased
            .push(first_lease(event, delivery, sequence, lease));
    }
    let id = delivery.id.0;
    let mut insert = group.kept.insert_delivery.borrow_mut();
    insert
        .execute(params![
            key_of(id),
            tail_of(id),
            event.company_id.0.as_bytes(),
            delivery.webhook_id.0.as_bytes(),
            key_of(event.id.0),
            delivery.cause.code(),
            (!waits).then(|| event.id.0.made_at().as_millis()),
            lease.map(|epoch| epoch.0),
            delivery.strict,
            group.kept.outcome_room.borrow().of(delivery.webhook_id),
        ])
        .map_err(|error| Fault::from(error).or_taken(StoreError::Conflict))?;
    drop(insert);
    group.notes.push(Note {
        company_id: event.company_id,
        webhook_id: Some(delivery.webhook_id),
        at: event.created_at,
        counted: Counted::Delivery,
    });
    Ok(())
}

fn first_lease(event: &NewEvent, delivery: &NewDelivery, sequence: u32, lease: Epoch) -> Leased {
    Leased {
        delivery_id: delivery.id,
        webhook_id: delivery.webhook_id,
        company_id: event.company_id,
        event_id: event.id,
        event_type: event.event_type,
        inspection_id: event.inspection_id,
        sequence,
        body: event.body.clone(),
        test: event.origin == Origin::Test,
        lease,
        attempts: 0,
        scheduled_attempts: 0,
        cause: delivery.cause,
        first_attempt_at: None,
        fallback: Fallback::Schedule,
        recovered: false,
        interruptions: 0,
        strict: delivery.strict,
    }
}

/// Makes a delivery of an event that was made before, due at once, handed over if there is room.
pub(super) fn late_delivery(
    group: &mut Group<'_, '_>,
    company: CompanyId,
    event: EventId,
    delivery: &NewDelivery,
    now: Timestamp,
) -> Done<()> {
    let (event_key, id) = (key_of(event.0), delivery.id);
    let keys: Option<Vec<u8>> = group
        .statement("SELECT deliveries FROM event WHERE key = ?1 AND tail = ?2 AND company = ?3")?
        .query_row(
            params![event_key, tail_of(event.0), company.0.as_bytes()],
            |row| row.get(0),
        )
        .optional()?;
    let mut keys = keys.ok_or(StoreError::NotFound)?;
    let webhook = delivery.webhook_id.0.as_bytes();
    for key in delivery_keys(&keys) {
        let mut statement =
            group.statement("SELECT 1 FROM delivery WHERE key = ?1 AND webhook = ?2")?;
        if statement.exists(params![key, webhook])? {
            return Err(StoreError::Conflict.into());
        }
    }
    keys.extend_from_slice(&key_of(id.0).to_be_bytes());
    group.run(
        "UPDATE event SET deliveries = ?2 WHERE key = ?1",
        params![event_key, keys],
    )?;
    let mut insert = group.kept.insert_delivery.borrow_mut();
    insert
        .execute(params![
            key_of(id.0),
            tail_of(id.0),
            company.0.as_bytes(),
            webhook,
            event_key,
            delivery.cause.code(),
            now.as_millis(),
            None::<u32>,
            false,
            group.kept.outcome_room.borrow().of(delivery.webhook_id),
        ])
        .map_err(|error| Fault::from(error).or_taken(StoreError::Conflict))?;
    drop(insert);
    group.notes.push(Note {
        company_id: company,
        webhook_id: Some(delivery.webhook_id),
        at: now,
        counted: Counted::Delivery,
    });
    let planned = rows::planned(group.db, id)?;
    let planned = planned.ok_or_else(|| Fault::unreadable("a delivery that was just written"))?;
    let standing = planned.standing;
    go_on(group, id, &planned, standing)
}

/// The keys of an event's deliveries.
pub(super) fn delivery_keys(list: &[u8]) -> impl Iterator<Item = i64> {
    let chunks = list.as_chunks::<8>().0;
    chunks.iter().map(|key| i64::from_be_bytes(*key))
}

/// Plans one more attempt: at once, or after the attempt that is under way.
pub(super) fn resend(
    group: &mut Group<'_, '_>,
    company: CompanyId,
    id: DeliveryId,
    asked: ResendDue,
) -> Done<()> {
    let Some(planned) =
        rows::planned(group.db, id)?.filter(|planned| planned.company_id == company)
    else {
        return Err(StoreError::NotFound.into());
    };
    if planned.lease.is_some() {
        group.run(
            "UPDATE delivery SET resend_cause = ?3, resend_at = ?4
             WHERE key = ?1 AND tail = ?2 AND lease IS NOT NULL AND resend_cause IS NULL",
            params![
                key_of(id.0),
                tail_of(id.0),
                asked.cause.code(),
                asked.at.as_millis()
            ],
        )?;
        return Ok(());
    }
    let next = plan::resend(planned.standing, planned.attempts, asked);
    if next.next_attempt_at.is_none() {
        // Its turn has not come: its attempt is made then.
        return Ok(());
    }
    go_on(group, id, &planned, next)
}

/// Lets a delivery that is not leased stand as `next` says, handed over at once if there is room.
pub(super) fn go_on(
    group: &mut Group<'_, '_>,
    id: DeliveryId,
    planned: &Planned,
    next: Standing,
) -> Done<()> {
    let body_bytes = rows::event_body_bytes(group.db, planned.event_key)?;
    let lease = group.reserve(planned.webhook_id, body_bytes);
    if let Some(lease) = lease {
        match rows::leased(group.db, id, lease, next) {
            Ok(leased) => group.leased.push(leased),
            Err(fault) => {
                group
                    .around
                    .hand_over
                    .release(planned.webhook_id, body_bytes);
                return Err(fault);
            }
        }
    }
    plan_next(group, id, planned, next, lease)
}

fn plan_next(
    group: &mut Group<'_, '_>,
    id: DeliveryId,
    from: &Planned,
    next: Standing,
    lease: Option<Epoch>,
) -> Done<()> {
    let (fallback, fallback_at) = fallback_code(next.fallback);
    let updated = group.run(
        "UPDATE delivery SET status = ?3, cause = ?4, next_attempt_at = ?5, fallback = ?6,
             fallback_at = ?7, lease = ?8
         WHERE key = ?1 AND tail = ?2 AND lease IS NULL AND status = ?9",
        params![
            key_of(id.0),
            tail_of(id.0),
            next.status.code(),
            next.cause.code(),
            next.next_attempt_at.map(Timestamp::as_millis),
            fallback,
            fallback_at,
            lease.map(|epoch| epoch.0),
            from.standing.status.code(),
        ],
    )?;
    if updated != 1 {
        return Err(Fault::Store(StoreError::Conflict));
    }
    if from.standing.status != DeliveryStatus::Pending && next.status == DeliveryStatus::Pending {
        group.notes.push(Note {
            company_id: from.company_id,
            webhook_id: Some(from.webhook_id),
            at: group.around.clock.now(),
            counted: Counted::Reopened,
        });
    }
    Ok(())
}
