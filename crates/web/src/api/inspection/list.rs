//! `GET /v1/inspection` (contract 1.3, E13).

use heraldo_domain::inspection::to_wire;
use heraldo_domain::ops::problem_of;
use heraldo_domain::query::InspectionFilter;
use heraldo_wire::api::{InspectionListAnswer, InspectionListQuery, Scope};
use heraldo_wire::problem::ProblemCode;

use crate::call::{Call, Outcome};
use crate::extract::limit;
use crate::reply;

/// Lists inspections, newest first
#[utoipa::path(
    get,
    path = "/v1/inspection",
    operation_id = "listInspections",
    tag = "inspections",
    params(InspectionListQuery),
    responses((status = 200, description = "One page", body = InspectionListAnswer)),
    security(("apiKey" = ["inspections"])),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let caller = call.caller(&[Scope::Inspections]).await?;
    let query: InspectionListQuery = call.query()?;
    let limit = limit(query.limit)?;
    let page = query.page.unwrap_or(1);
    let Some(pages_before) = page.checked_sub(1) else {
        return Err(ProblemCode::InvalidParameter
            .problem("`page` counts from 1")
            .into());
    };
    let offset = u64::from(pages_before) * u64::from(limit);
    let filter = InspectionFilter {
        status: query.status,
        inspection_type: query.kind,
        veredict: query.veredict,
        plate: query.plate,
        consumer_identification: query.consumer_identification,
        template_id: query.template_id,
        ..InspectionFilter::default()
    };
    let context = call.context();
    let found = context
        .store
        .inspections(caller.company_id, filter, offset, limit)
        .await;
    let (inspections, total) = found.map_err(problem_of)?;
    let now = context.clock.now();
    let inspections = inspections
        .iter()
        .map(|inspection| to_wire(inspection, &context.links, now));
    reply::ok(&InspectionListAnswer::new(
        inspections.collect(),
        total,
        page,
        limit,
    ))
}
