//! What the dispatcher writes: claims, outcomes, starts, and leases given back.

use heraldo_domain::delivery::{Claim, Claimed, Epoch, Settlement};
use heraldo_domain::statistics::{Counted, Note};
use heraldo_domain::store::{Settled, SettledGroup};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::attempt::Cause;
use heraldo_wire::id::{CompanyId, DeliveryId, WebhookId};
use heraldo_wire::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::attempts;
use super::codes::{Code, fallback_code, key_of, tail_of};
use super::failing;
use super::fault::Done;
use super::group::Group;
use super::records;
use super::rows::{self, LEASED, Planned};
use super::statistics;
use super::strict;
use crate::plan;

/// One attempt of a delivery that had none, of which nobody asked anything meanwhile.
pub(super) const SETTLE_FIRST: &str =
    "UPDATE delivery SET status = ?4, cause = ?5, next_attempt_at = ?6, lease = NULL, attempts = ?7,
         scheduled_attempts = ?8, first_attempt_at = ?9, fallback = 0, fallback_at = NULL, recovered = 0,
         interruptions = 0, started = 0, last_attempt = ?10,
         room = zeroblob(length(room) - ?11)
     WHERE key = ?1 AND tail = ?2 AND lease = ?3 AND resend_cause IS NULL AND last_attempt IS NULL";

/// Opens the next epoch: older leases are void, and cut-off starts are counted.
pub(super) fn open_epoch(group: &mut Group<'_, '_>) -> Done<Epoch> {
    let epoch: u32 = group
        .statement(
            "INSERT INTO meta (name, value) VALUES ('epoch', 1)
             ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        )?
        .query_row([], |row| row.get(0))?;
    group.run(
        "UPDATE delivery SET lease = NULL, recovered = 1, interruptions = interruptions + started, started = 0
         WHERE lease IS NOT NULL",
        [],
    )?;
    group.epoch = Some(Epoch(epoch));
    Ok(Epoch(epoch))
}

/// Leases due deliveries of one webhook, oldest first.
pub(super) fn claim(group: &Group<'_, '_>, claim: &Claim) -> Done<Claimed> {
    let webhook = claim.webhook_id.0.as_bytes();
    let now = claim.now.max(group.around.clock.now());
    let deferred_mark = group.around.hand_over.deferred(claim.webhook_id);
    let mut leased = Vec::new();
    let mut exhausted = true;
    {
        let sql = format!(
            "SELECT {LEASED} FROM delivery d INDEXED BY delivery_waiting JOIN event e ON e.key = d.event
             WHERE d.webhook = ?1 AND d.status = 0 AND d.lease IS NULL AND d.next_attempt_at <= ?2
             ORDER BY d.next_attempt_at, d.key LIMIT ?3"
        );
        let mut statement = group.statement(&sql)?;
        // One more than asked for tells whether anything else is due.
        let limit = i64::from(claim.limit) + 1;
        let mut found = statement.query(params![webhook, now.as_millis(), limit])?;
        let mut bytes = 0_usize;
        let limit = usize::try_from(claim.limit).unwrap_or(usize::MAX);
        while let Some(row) = found.next()? {
            if leased.len() >= limit || (bytes >= claim.body_bytes_max && !leased.is_empty()) {
                exhausted = false;
                break;
            }
            let one = rows::leased_from(row, claim.lease)?;
            bytes = bytes.saturating_add(one.body.len());
            leased.push(one);
        }
    }
    {
        let mut take = group.statement(
            "UPDATE delivery SET lease = ?2 WHERE key = ?1 AND lease IS NULL AND status = 0",
        )?;
        for one in &leased {
            take.execute(params![key_of(one.delivery_id.0), claim.lease.0])?;
        }
    }
    let next_due_at: Option<i64> = group
        .statement(
            // What has no time waits for another delivery: it is passed over by its place in the index.
            "SELECT next_attempt_at FROM delivery INDEXED BY delivery_waiting
             WHERE webhook = ?1 AND status = 0 AND lease IS NULL AND next_attempt_at >= ?2
             ORDER BY next_attempt_at LIMIT 1",
        )?
        .query_row(params![webhook, i64::MIN], |row| row.get(0))
        .optional()?;
    let next_due_at = next_due_at.map(Timestamp::from_millis);
    Ok(Claimed {
        leased,
        exhausted,
        next_due_at,
        deferred_mark,
    })
}

/// Records that the attempts of these start; returns those still leased.
pub(super) fn mark_started(
    group: &Group<'_, '_>,
    lease: Epoch,
    ids: &[DeliveryId],
) -> Done<Vec<DeliveryId>> {
    let mut mark = group
        .statement("UPDATE delivery SET started = 1 WHERE key = ?1 AND tail = ?2 AND lease = ?3")?;
    let mut held = Vec::with_capacity(ids.len());
    for id in ids {
        if mark.execute(params![key_of(id.0), tail_of(id.0), lease.0])? == 1 {
            held.push(*id);
        }
    }
    Ok(held)
}

/// Gives leases back: the rows wait as they did before.
pub(super) fn release(group: &Group<'_, '_>, lease: Epoch, ids: &[DeliveryId]) -> Done<()> {
    let mut back = group.statement(
        "UPDATE delivery SET lease = NULL, started = 0 WHERE key = ?1 AND tail = ?2 AND lease = ?3",
    )?;
    for id in ids {
        back.execute(params![key_of(id.0), tail_of(id.0), lease.0])?;
    }
    Ok(())
}

/// Writes outcomes, and what they tell of their webhooks.
pub(super) fn settle(group: &mut Group<'_, '_>, settlements: &[Settlement]) -> Done<SettledGroup> {
    let mut each = Vec::with_capacity(settlements.len());
    for settlement in settlements {
        let one = settle_one(group, settlement)?;
        if let Some((inspection, sequence)) = settlement.strict
            && settlement.is_over()
            && one != Settled::LeaseLost
        {
            strict::leave(group, settlement.webhook_id, inspection, sequence)?;
        }
        each.push(one);
    }
    let turns = failing::note(group, settlements, &each)?;
    Ok(SettledGroup { each, turns })
}

/// Nearly always one statement: a first attempt whose row nobody asked anything of.
fn settle_one(group: &mut Group<'_, '_>, settlement: &Settlement) -> Done<Settled> {
    let id = settlement.delivery_id;
    let doc = attempts::text_of(&settlement.attempt)?;
    let next = plan::settled(settlement.attempt.cause, settlement.next, None);
    let needed =
        group
            .kept
            .outcome_room
            .borrow_mut()
            .note(settlement.webhook_id, &doc, settlement.lease);
    let written = group.kept.settle_first.borrow_mut().execute(params![
        key_of(id.0),
        tail_of(id.0),
        settlement.lease.0,
        next.status.code(),
        next.cause.code(),
        next.next_attempt_at.map(Timestamp::as_millis),
        settlement.attempt.number,
        settlement.scheduled_attempts,
        settlement.first_attempt_at.as_millis(),
        doc,
        needed,
    ])?;
    if written == 1 {
        let ended = next.status != DeliveryStatus::Pending;
        group.notes.push(settlement.note(ended));
        return Ok(Settled::Written);
    }
    match rows::planned(group.db, id)?.filter(|planned| planned.lease == Some(settlement.lease)) {
        Some(planned) => settle_again(group, settlement, &planned, &doc),
        None => Ok(Settled::LeaseLost),
    }
}

/// A row with an earlier attempt, which moves out, or with a resend that comes due.
fn settle_again(
    group: &mut Group<'_, '_>,
    settlement: &Settlement,
    planned: &Planned,
    doc: &str,
) -> Done<Settled> {
    let id = settlement.delivery_id;
    if let Some(earlier) = &planned.last_attempt {
        group.run(
            "INSERT INTO attempt (delivery, number, doc) VALUES (?1, ?2, ?3)",
            params![key_of(id.0), planned.attempts, earlier],
        )?;
    }
    let next = plan::settled(
        settlement.attempt.cause,
        settlement.next,
        planned.resend_due,
    );
    let (fallback, fallback_at) = fallback_code(next.fallback);
    group.run(
        "UPDATE delivery SET status = ?4, cause = ?5, next_attempt_at = ?6, lease = NULL, attempts = ?7,
             scheduled_attempts = ?8, first_attempt_at = ?9, last_attempt = ?10, fallback = ?11,
             fallback_at = ?12, recovered = 0, interruptions = 0, started = 0, resend_cause = NULL,
             resend_at = NULL
         WHERE key = ?1 AND tail = ?2 AND lease = ?3",
        params![
            key_of(id.0),
            tail_of(id.0),
            settlement.lease.0,
            next.status.code(),
            next.cause.code(),
            next.next_attempt_at.map(Timestamp::as_millis),
            settlement.attempt.number,
            settlement.scheduled_attempts,
            settlement.first_attempt_at.as_millis(),
            doc,
            fallback,
            fallback_at,
        ],
    )?;
    let ended = next.status != DeliveryStatus::Pending;
    group.notes.push(settlement.note(ended));
    Ok(if planned.resend_due.is_some() {
        Settled::WrittenResendDue
    } else {
        Settled::Written
    })
}

/// Nothing may be cancelled for a webhook of which this finds something.
const STILL_THERE: &str =
    "SELECT 1 FROM webhook WHERE key = ?1 AND tail = ?2 AND settings ->> 'status' <> 'disabled'";

/// Cancels deliveries that wait; one whose end was only to be repeated goes back to that end. Nothing is
/// cancelled for a webhook that was enabled again meanwhile.
pub(super) fn cancel_waiting(
    group: &mut Group<'_, '_>,
    webhook: WebhookId,
    limit: u32,
) -> Done<u32> {
    if group
        .statement(STILL_THERE)?
        .exists(params![key_of(webhook.0), tail_of(webhook.0)])?
    {
        return Ok(0);
    }
    strict::forget_next_cancelled(group, webhook, limit)?;
    let cancelled = group.run(
        "UPDATE delivery SET status = CASE fallback WHEN 2 THEN 1 WHEN 3 THEN 2 ELSE 3 END,
             next_attempt_at = NULL, fallback = 0, fallback_at = NULL, recovered = 0, interruptions = 0,
             resend_cause = NULL, resend_at = NULL
         WHERE key IN (SELECT key FROM delivery INDEXED BY delivery_waiting
                       WHERE webhook = ?1 AND status = 0 AND lease IS NULL
                       ORDER BY next_attempt_at LIMIT ?2)
           AND status = 0 AND lease IS NULL",
        params![webhook.0.as_bytes(), limit],
    )?;
    let cancelled = u32::try_from(cancelled).unwrap_or(u32::MAX);
    group.notes.push(Note {
        // Which company's does not matter: it changes no figures.
        company_id: CompanyId::default(),
        webhook_id: Some(webhook),
        at: group.around.clock.now(),
        counted: Counted::Cancelled(cancelled),
    });
    Ok(cancelled)
}

/// Plans waiting retries for now that were planned for later.
pub(super) fn bring_forward(
    group: &Group<'_, '_>,
    webhook: WebhookId,
    now: Timestamp,
    limit: u32,
) -> Done<u32> {
    let planned = group.run(
        "UPDATE delivery SET next_attempt_at = ?2
         WHERE key IN (SELECT key FROM delivery INDEXED BY delivery_waiting
                       WHERE webhook = ?1 AND status = 0 AND lease IS NULL AND next_attempt_at > ?2
                         AND cause = ?3
                       ORDER BY next_attempt_at LIMIT ?4)
           AND status = 0 AND lease IS NULL",
        params![
            webhook.0.as_bytes(),
            now.as_millis(),
            Cause::Retry.code(),
            limit
        ],
    )?;
    Ok(u32::try_from(planned).unwrap_or(u32::MAX))
}

/// Answers, then as many tokens, then as many rows of figures.
pub(super) fn forget_expired(group: &Group<'_, '_>, now: Timestamp, limit: u32) -> Done<u32> {
    let gone = group.run(
        "DELETE FROM answer WHERE rowid IN
             (SELECT rowid FROM answer WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        params![now.as_millis(), limit],
    )?;
    let answers = u32::try_from(gone).unwrap_or(u32::MAX);
    let tokens = records::forget_tokens(group, now, limit)?;
    let figures = statistics::forget(group, now, limit)?;
    Ok(answers.saturating_add(tokens).saturating_add(figures))
}
