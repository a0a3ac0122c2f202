//! What callers ask of the writer.

use heraldo_domain::change::{Committed, Write};
use heraldo_domain::delivery::{Claim, Claimed, Epoch, Settlement};
use heraldo_domain::retention::{Forgotten, Slice};
use heraldo_domain::store::{SettledGroup, StoreError};
use heraldo_wire::id::{DeliveryId, WebhookId};
use heraldo_wire::time::Timestamp;

use super::apply::{self, Prepared};
use super::fault::{Done, Fault};
use super::group::{Group, Reply};
use super::{retention, settle};

/// One command, carried out whole or not at all, with the place where its caller waits.
#[derive(Debug)]
pub(super) enum Command {
    Commit(Box<Prepared>, Reply<Committed>),
    OpenEpoch(Reply<Epoch>),
    Claim(Claim, Reply<Claimed>),
    MarkStarted(Epoch, Vec<DeliveryId>, Reply<Vec<DeliveryId>>),
    Settle(Vec<Settlement>, Reply<SettledGroup>),
    Release(Epoch, Vec<DeliveryId>, Reply<()>),
    CancelWaiting(WebhookId, u32, Reply<u32>),
    BringForward(WebhookId, Timestamp, u32, Reply<u32>),
    ForgetExpired(Timestamp, u32, Reply<u32>),
    ForgetEvents(Slice, Reply<Forgotten>),
    ForgetAudit(Timestamp, u32, Reply<u32>),
    /// Writes the figures gathered so far.
    WriteFigures(Reply<()>),
    /// Writes the sheets that are due.
    WriteLists(Reply<()>),
    Check(Reply<()>),
    /// Limits the database to so many pages; tests fill the disk with it.
    LimitPages(u32, Reply<()>),
}

impl Command {
    /// Carries the command out inside the group's transaction and keeps its answer for later. On
    /// failure a part of it may be written, which the caller undoes before he calls [`Command::fail`].
    pub(super) fn carry_out(&mut self, group: &mut Group<'_, '_>) -> Done<()> {
        match self {
            Self::Commit(prepared, reply) => {
                apply::change(group, prepared).map(|answer| reply.stage(Ok(answer)))
            }
            Self::OpenEpoch(reply) => {
                settle::open_epoch(group).map(|answer| reply.stage(Ok(answer)))
            }
            Self::Claim(claim, reply) => {
                settle::claim(group, claim).map(|answer| reply.stage(Ok(answer)))
            }
            Self::MarkStarted(lease, ids, reply) => {
                settle::mark_started(group, *lease, ids).map(|answer| reply.stage(Ok(answer)))
            }
            Self::Settle(settlements, reply) => {
                settle::settle(group, settlements).map(|answer| reply.stage(Ok(answer)))
            }
            Self::Release(lease, ids, reply) => {
                settle::release(group, *lease, ids).map(|answer| reply.stage(Ok(answer)))
            }
            Self::CancelWaiting(webhook, limit, reply) => {
                settle::cancel_waiting(group, *webhook, *limit)
                    .map(|answer| reply.stage(Ok(answer)))
            }
            Self::BringForward(webhook, now, limit, reply) => {
                settle::bring_forward(group, *webhook, *now, *limit)
                    .map(|answer| reply.stage(Ok(answer)))
            }
            Self::ForgetExpired(now, limit, reply) => {
                settle::forget_expired(group, *now, *limit).map(|answer| reply.stage(Ok(answer)))
            }
            Self::ForgetEvents(slice, reply) => {
                retention::forget_events(group, slice).map(|answer| reply.stage(Ok(answer)))
            }
            Self::ForgetAudit(before, limit, reply) => {
                retention::forget_audit(group, *before, *limit)
                    .map(|answer| reply.stage(Ok(answer)))
            }
            Self::WriteFigures(reply) => {
                group.figures_asked = true;
                reply.stage(Ok(()));
                Ok(())
            }
            Self::WriteLists(reply) => {
                group.lists_asked = true;
                reply.stage(Ok(()));
                Ok(())
            }
            Self::Check(reply) => check(group).map(|answer| reply.stage(Ok(answer))),
            Self::LimitPages(pages, reply) => {
                limit_pages(group, *pages).map(|answer| reply.stage(Ok(answer)))
            }
        }
    }

    /// Keeps a failure of this command alone for its caller.
    pub(super) fn fail(&mut self, error: StoreError) {
        match self {
            Self::Commit(_, reply) => reply.stage(Err(error)),
            Self::OpenEpoch(reply) => reply.stage(Err(error)),
            Self::Claim(_, reply) => reply.stage(Err(error)),
            Self::MarkStarted(_, _, reply) => reply.stage(Err(error)),
            Self::Settle(_, reply) => reply.stage(Err(error)),
            Self::Release(_, _, reply)
            | Self::WriteFigures(reply)
            | Self::WriteLists(reply)
            | Self::Check(reply)
            | Self::LimitPages(_, reply) => {
                reply.stage(Err(error));
            }
            Self::ForgetEvents(_, reply) => reply.stage(Err(error)),
            Self::CancelWaiting(_, _, reply)
            | Self::BringForward(_, _, _, reply)
            | Self::ForgetExpired(_, _, reply)
            | Self::ForgetAudit(_, _, reply) => reply.stage(Err(error)),
        }
    }

    /// Tells the caller what was kept, or that the whole group failed.
    pub(super) fn answer(self, group: &Result<(), StoreError>) {
        match self {
            Self::Commit(_, reply) => reply.send(group),
            Self::OpenEpoch(reply) => reply.send(group),
            Self::Claim(_, reply) => reply.send(group),
            Self::MarkStarted(_, _, reply) => reply.send(group),
            Self::Settle(_, reply) => reply.send(group),
            Self::Release(_, _, reply)
            | Self::WriteFigures(reply)
            | Self::WriteLists(reply)
            | Self::Check(reply)
            | Self::LimitPages(_, reply) => reply.send(group),
            Self::ForgetEvents(_, reply) => reply.send(group),
            Self::CancelWaiting(_, _, reply)
            | Self::BringForward(_, _, _, reply)
            | Self::ForgetExpired(_, _, reply)
            | Self::ForgetAudit(_, _, reply) => reply.send(group),
        }
    }

    /// Whether its caller is answered only once it is durable. Outcomes may be lost with the power: then the
    /// attempt is made again. So may figures, and that something expired was deleted.
    ///
    /// A lease that is given back could be lost as well, but it must not be told before what an earlier group
    /// hands over: what comes after it in its lane would start before it is claimed again.
    pub(super) const fn must_be_durable(&self) -> bool {
        match self {
            Self::Settle(..)
            | Self::ForgetExpired(..)
            | Self::WriteFigures(_)
            | Self::WriteLists(_) => false,
            Self::Commit(..)
            | Self::OpenEpoch(_)
            | Self::Claim(..)
            | Self::MarkStarted(..)
            | Self::Release(..)
            | Self::CancelWaiting(..)
            | Self::BringForward(..)
            | Self::ForgetEvents(..)
            | Self::ForgetAudit(..)
            | Self::Check(_)
            | Self::LimitPages(..) => true,
        }
    }

    /// Whether its answer waits until the log is mended when its group was not synced. What was claimed is
    /// leased, what was settled has no lease any more: told of a failure, the dispatcher would ask again and
    /// learn neither what it has to send nor when it is due. What was given back keeps its place in the order.
    pub(super) const fn outlasts_a_failed_sync(&self) -> bool {
        match self {
            Self::Claim(..) | Self::Settle(..) | Self::Release(..) => true,
            Self::Commit(..)
            | Self::OpenEpoch(_)
            | Self::MarkStarted(..)
            | Self::CancelWaiting(..)
            | Self::BringForward(..)
            | Self::ForgetExpired(..)
            | Self::ForgetEvents(..)
            | Self::ForgetAudit(..)
            | Self::WriteFigures(_)
            | Self::WriteLists(_)
            | Self::Check(_)
            | Self::LimitPages(..) => false,
        }
    }

    /// About how many bytes it holds in memory.
    pub(super) fn bytes(&self) -> usize {
        const EACH: usize = 512;
        match self {
            Self::Commit(prepared, _) => {
                let change = &prepared.change;
                let events = change.events.iter().map(|event| {
                    event.body.len() + std::mem::size_of_val(&event.deliveries[..]) + EACH
                });
                let writes = change
                    .writes
                    .iter()
                    .map(|write| 4 * EACH + doc_bytes(write));
                EACH + events.sum::<usize>() + writes.sum::<usize>()
            }
            Self::Settle(settlements, _) => settlements.len() * EACH,
            Self::MarkStarted(..)
            | Self::Release(..)
            | Self::OpenEpoch(_)
            | Self::Claim(..)
            | Self::CancelWaiting(..)
            | Self::BringForward(..)
            | Self::ForgetExpired(..)
            | Self::ForgetEvents(..)
            | Self::ForgetAudit(..)
            | Self::WriteFigures(_)
            | Self::WriteLists(_)
            | Self::Check(_)
            | Self::LimitPages(..) => EACH,
        }
    }

    /// Changes come from outside and are refused when too much waits. The dispatcher's windows bound what
    /// it asks, and refusing outcomes would only keep their deliveries open for longer.
    pub(super) const fn is_bounded_by_sender(&self) -> bool {
        !matches!(self, Self::Commit(..))
    }
}

/// A record's document may be far longer than everything else that a change writes.
fn doc_bytes(write: &Write) -> usize {
    if let Write::CreateRecord(record) | Write::UpdateRecord(record) = write {
        record.doc.len()
    } else {
        0
    }
}

/// Writes about as much as a usual change: where only a single page still fits, the store does not work.
fn check(group: &Group<'_, '_>) -> Done<()> {
    group.run(
        "INSERT INTO meta (name, value) VALUES ('checked', zeroblob(131072))
         ON CONFLICT (name) DO UPDATE SET value = zeroblob(131072)",
        [],
    )?;
    Ok(())
}

fn limit_pages(group: &Group<'_, '_>, pages: u32) -> Done<()> {
    group
        .db
        .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        .map_err(Fault::from)
}
