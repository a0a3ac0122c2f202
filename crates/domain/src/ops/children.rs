//! Makes a new inspection from one that the system ended (contract 5.4, 8.2 "`/children`").

use heraldo_wire::api::ChildrenRequest;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{CompanyId, Id, InspectionId, ProductId};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::accounts::entry;
use super::bounds::{check_child_bounds, check_metadata};
use super::create_inspection::{access_code, answer_to};
use super::recorded::first_event;
use super::{Answer, Context, Once, json, problem_of};
use crate::account::Caller;
use crate::change::{AuditAction, AuditEntry, Change, Write};
use crate::inspection::{Command, Inspection, Product, State};
use crate::record::{Kept, Record, RecordKind};

/// What a parent's children are found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChildLink {
    pub(super) id: InspectionId,
    pub(super) parent_id: InspectionId,
    pub(super) company_id: CompanyId,
}

impl Kept for ChildLink {
    const KIND: RecordKind = RecordKind::Child;

    fn id(&self) -> Id {
        self.id.0
    }

    fn company_id(&self) -> CompanyId {
        self.company_id
    }

    fn version(&self) -> u64 {
        1
    }

    fn subject(&self) -> Option<Id> {
        Some(self.parent_id.0)
    }
}

/// Makes a child: the same content, new ids, a new access code, no photos. The answer is that of a create.
///
/// # Errors
/// `not_found`; `conflict` when the parent did not expire; `invalid_body` for more than an inspection may
/// hold; `idempotency_conflict`; the store's.
pub async fn create_child(
    context: &Context,
    caller: &Caller,
    parent: InspectionId,
    request: ChildrenRequest,
    once: Option<&Once>,
) -> Result<Answer, Problem> {
    if let Some(answer) = context.replay(once).await? {
        return Ok(answer);
    }
    let mut parent = context.own(caller, parent).await?;
    let now = context.now();
    if parent.has_lapsed(now) {
        // The sweep has not come by yet: its time is over all the same.
        (parent, _) = context.carry_out(parent, &Command::Expire).await?;
    }
    if !parent.has_expired() {
        return Err(ProblemCode::Conflict
            .problem("only an inspection that expired can have a child; this one did not expire"));
    }
    check_child_bounds(&request)?;
    let company = context.view(caller.company_id).await?;
    let child = child_of(context, &parent, caller, request, now);
    // Merged: a line of children must not gather more than one inspection may have.
    check_metadata(&child.metadata)?;
    let body = json(&answer_to(&child, &context.links.public_url))?;
    let event = first_event(EventType::ChildrenInspectionCreated);
    let (company_id, action) = (child.company_id, AuditAction::ChildCreated);
    let audit = entry(context, company_id, caller.actor, action, child.id, now);
    let link = Record::of(&ChildLink {
        id: child.id,
        parent_id: parent.id,
        company_id: child.company_id,
    });
    let change = Change {
        events: vec![context.event_of(&company, &child, event, now)],
        writes: vec![
            Write::CreateRecord(link.map_err(problem_of)?),
            Write::CreateInspection(Box::new(child)),
        ],
        audit: Some(AuditEntry {
            detail: Some(format!("a child of {}", parent.id)),
            ..audit
        }),
        ..Change::default()
    };
    context.commit_once(once, now, change, 201, body).await
}

fn child_of(
    context: &Context,
    parent: &Inspection,
    caller: &Caller,
    request: ChildrenRequest,
    now: Timestamp,
) -> Inspection {
    let mut metadata = parent.metadata.clone();
    if let Some(more) = request.metadata {
        metadata.merge(more);
    }
    // A child lives as long as its parent was meant to: its template and the server's setting may both
    // have changed since.
    let lifetime = parent.expires_at.since(parent.created_at);
    let mut child = Inspection {
        id: InspectionId(context.next_id(now)),
        part_count: 0,
        version: 1,
        testing: parent.testing || caller.testing,
        delivery: request.delivery.unwrap_or_else(|| parent.delivery.clone()),
        metadata,
        products: Vec::new(),
        access_code: access_code(&*context.entropy),
        parent_id: Some(parent.id),
        created_at: now,
        updated_at: now,
        expires_at: now.plus(lifetime),
        event_count: 1,
        state: State::Created { wrong_codes: 0 },
        ..parent.clone()
    };
    for product in &parent.products {
        let id = ProductId(child.next_part());
        child.products.push(Product {
            inputs: product.inputs.clone(),
            ..Product::new(id, product.attributes.clone())
        });
    }
    child
}
