//! Creates an inspection (contract 1.3, E2 to E9).

use heraldo_wire::api::{CreateInspectionAnswer, CreateInspectionRequest};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{InspectionId, ProductId};
use heraldo_wire::object::{
    DEFAULT_LOCALE, InitialStatus, InspectionType, Producer, ProducerRequest,
};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;

use super::bounds::check_bounds;
use super::inputs::{GivenFile, GivenInputs, check_schema, read_inputs};
use super::recorded::first_event;
use super::{Answer, Context, Once, json};
use crate::account::{Caller, Member};
use crate::change::{Change, Write};
use crate::inspection::machine::PRODUCTS_MAX;
use crate::inspection::{Inspection, Product, State, magic_link};
use crate::ports::{Entropy, random};
use crate::query::CompanyView;
use crate::template::Template;

/// Creates an inspection of one type; the answer is 201 with its id, its magic link and its product.
///
/// # Errors
/// `unknown_template`, `unknown_input`, `invalid_input`, `invalid_body`, `invalid_url`, `idempotency_conflict`, and the store's.
pub async fn create_inspection(
    context: &Context,
    caller: &Caller,
    inspection_type: InspectionType,
    mut request: CreateInspectionRequest,
    files: Vec<GivenFile>,
    once: Option<&Once>,
) -> Result<Answer, Problem> {
    if let Some(answer) = context.replay(once).await? {
        return Ok(answer);
    }
    let company = context.view(caller.company_id).await?;
    let now = context.now();
    check_bounds(&request)?;
    let template = context
        .template_named(caller.company_id, inspection_type, &request.template_id)
        .await?;
    // Without inputs of its own the schema says no more than the reader of the request has checked, and
    // this is the busiest path.
    if template.asked().next().is_some() {
        request.access_token = None;
        check_schema(&template, &request, &files)?;
    }
    let given = GivenInputs {
        values: request.inputs.take().unwrap_or_default(),
        files,
    };
    let id = InspectionId(context.next_id(now));
    let mut read = read_inputs(context, &template, given, id)?;
    let mut inspection = decide(context, caller, &company, &template, id, request, now)?;
    read.keep_files(context).await?;
    inspection.take_inputs(read.inputs);
    let body = json(&answer_to(&inspection, &context.links.public_url))?;
    let event = first_event(EventType::InspectionCreated);
    let change = Change {
        events: vec![context.event_of(&company, &inspection, event, now)],
        writes: vec![Write::CreateInspection(Box::new(inspection))],
        ..Change::default()
    };
    context.commit_once(once, now, change, 201, body).await
}

/// What a create answers; making a child answers the same.
pub(super) fn answer_to(inspection: &Inspection, public_url: &str) -> CreateInspectionAnswer {
    let goods = inspection.inspection_type == InspectionType::Goods;
    let ids = inspection.products.iter().map(|product| product.id);
    CreateInspectionAnswer {
        message: "Inspection created".to_owned(),
        inspection_id: inspection.id,
        magic_link: magic_link(inspection, public_url),
        product_id: if goods { None } else { ids.clone().next() },
        product_ids: goods.then(|| ids.collect()),
    }
}

fn decide(
    context: &Context,
    caller: &Caller,
    company: &CompanyView,
    template: &Template,
    id: InspectionId,
    mut request: CreateInspectionRequest,
    now: Timestamp,
) -> Result<Inspection, Problem> {
    let settings = &context.settings;
    let lifetime = template.lifetime().unwrap_or(settings.inspection_lifetime);
    let declared = request.take_products(template.inspection_type);
    if declared.len() > PRODUCTS_MAX {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`goods` has more than {PRODUCTS_MAX} entries; make several inspections"
        )));
    }
    let mut inspection = Inspection {
        id,
        company_id: caller.company_id,
        version: 1,
        inspection_type: template.inspection_type,
        access_attempts_max: template
            .parameters
            .max_attempts
            .unwrap_or(settings.access_attempts_max),
        template: template.head(),
        template_revision: template.revision,
        producer: producer_for(company, caller, request.producer)?,
        testing: caller.testing,
        locale: request.locale.unwrap_or_else(|| DEFAULT_LOCALE.to_owned()),
        callback_url: request.callback_url,
        delivery: request.delivery.unwrap_or_default(),
        metadata: request.metadata.unwrap_or_default(),
        consumer: request.consumer.unwrap_or_default(),
        products: Vec::with_capacity(declared.len()),
        inputs: Vec::new(),
        part_count: 0,
        access_code: access_code(&*context.entropy),
        parent_id: None,
        created_at: now,
        updated_at: now,
        expires_at: now.plus(lifetime),
        event_count: 1,
        state: match request.initial_status {
            None | Some(InitialStatus::Created) => State::Created { wrong_codes: 0 },
            Some(InitialStatus::Started) => State::started(now),
        },
    };
    for attributes in declared {
        let id = ProductId(inspection.next_part());
        inspection.products.push(Product::new(id, attributes));
    }
    Ok(inspection)
}

/// Four digits, each code equally likely.
pub(super) fn access_code(entropy: &dyn Entropy) -> String {
    // 60,000 is the largest multiple of 10,000 below 2^16: what lies above is drawn again.
    loop {
        let drawn = u16::from_be_bytes(random(entropy));
        if drawn < 60_000 {
            return format!("{:04}", drawn % 10_000);
        }
    }
}

/// The user who calls. For a key its owner, unless `internalId` names a user of the company (contract U16).
pub(super) fn producer_for(
    company: &CompanyView,
    caller: &Caller,
    request: Option<ProducerRequest>,
) -> Result<Producer, Problem> {
    let internal_id = request
        .as_ref()
        .and_then(|request| request.internal_id.clone());
    let must_match = request
        .and_then(|request| request.must_match_user)
        .unwrap_or(false);
    let matching = company
        .members
        .iter()
        .find(|member| internal_id.is_some() && member.internal_id == internal_id);
    let owner = || company.member(company.company.owner);
    let calling = caller.user().and_then(|user| company.member(user));
    if must_match && matching.is_none() {
        return Err(ProblemCode::InvalidBody.problem(
            "`producer.internalId` belongs to no user of the company; give a user that id, or leave \
             `mustMatchUser` out",
        ));
    }
    let member: &Member = calling.or(matching).or_else(owner).ok_or_else(|| {
        ProblemCode::Internal.problem("the company has no owner; see `heraldo doctor`")
    })?;
    Ok(Producer {
        user_id: Some(member.user_id),
        membership_id: Some(member.membership_id),
        company_id: company.company.id,
        first_name: Some(member.first_name.clone()),
        last_name: Some(member.last_name.clone()),
        username: Some(member.username.clone()),
        email: Some(member.email.clone()),
        internal_id,
    })
}
