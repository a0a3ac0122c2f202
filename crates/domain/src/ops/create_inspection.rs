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
use super::recorded::first_event;
use super::{Answer, Context, Once, json};
use crate::account::{Caller, Member};
use crate::change::{Change, Write};
use crate::inspection::{Inspection, Product, State, magic_link};
use crate::ports::{Entropy, random};
use crate::query::CompanyView;
use crate::template::{Template, aliases, built_in};

/// Creates an inspection of one type; the answer is 201 with its id, its magic link and its product.
///
/// # Errors
/// `unknown_template`, `unknown_input`, `invalid_body`, `invalid_url`, `idempotency_conflict`, and the store's.
pub async fn create_inspection(
    context: &Context,
    caller: &Caller,
    inspection_type: InspectionType,
    request: CreateInspectionRequest,
    once: Option<&Once>,
) -> Result<Answer, Problem> {
    if let Some(answer) = context.replay(once).await? {
        return Ok(answer);
    }
    let company = context.view(caller.company_id).await?;
    let now = context.now();
    let inspection = decide(context, caller, &company, inspection_type, request, now)?;
    let body = json(&answer_to(&inspection, &context.settings.public_url))?;
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
    inspection_type: InspectionType,
    mut request: CreateInspectionRequest,
    now: Timestamp,
) -> Result<Inspection, Problem> {
    let template = template_for(inspection_type, &request.template_id)?;
    check_inputs(&template, &request)?;
    check_bounds(&request)?;
    let settings = &context.settings;
    let lifetime = template.lifetime.unwrap_or(settings.inspection_lifetime);
    let products = request
        .take_products(inspection_type)
        .into_iter()
        .map(|attributes| Product {
            id: ProductId(context.next_id(now)),
            attributes,
            inputs: Vec::new(),
        })
        .collect();
    Ok(Inspection {
        id: InspectionId(context.next_id(now)),
        company_id: caller.company_id,
        version: 1,
        inspection_type,
        access_attempts_max: template
            .access_attempts_max
            .unwrap_or(settings.access_attempts_max),
        template: template.head,
        producer: producer_for(company, request.producer)?,
        testing: caller.testing,
        locale: request.locale.unwrap_or_else(|| DEFAULT_LOCALE.to_owned()),
        callback_url: request.callback_url,
        delivery: request.delivery.unwrap_or_default(),
        metadata: request.metadata.unwrap_or_default(),
        consumer: request.consumer.unwrap_or_default(),
        products,
        access_code: access_code(&*context.entropy),
        parent_id: None,
        created_at: now,
        updated_at: now,
        expires_at: now.plus(lifetime),
        event_count: 1,
        state: match request.initial_status {
            None | Some(InitialStatus::Created) => State::Created { wrong_codes: 0 },
            Some(InitialStatus::Started) => State::Started { at: now },
        },
    })
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

fn template_for(inspection_type: InspectionType, id_or_alias: &str) -> Result<Template, Problem> {
    built_in(inspection_type, id_or_alias.trim()).ok_or_else(|| {
        let known = aliases(inspection_type);
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        ProblemCode::UnknownTemplate.problem(format!(
            "`templateId` names no template for {inspection_type}; use the id of a template or one of the \
             aliases of the built-in ones: {known}"
        ))
    })
}

fn check_inputs(template: &Template, request: &CreateInspectionRequest) -> Result<(), Problem> {
    let given = request.inputs.as_deref().unwrap_or_default();
    match given
        .iter()
        .find(|input| !template.inputs.contains(&input.identifier))
    {
        None => Ok(()),
        Some(_) if template.inputs.is_empty() => Err(ProblemCode::UnknownInput.problem(format!(
            "the template `{}` has no inputs; leave `inputs` out",
            template.head.name
        ))),
        Some(input) => Err(ProblemCode::UnknownInput.problem(format!(
            "the template has no input `{}`; it has {}",
            input.identifier.chars().take(60).collect::<String>(),
            template.inputs.join(", ")
        ))),
    }
}

/// The key's owner, unless `internalId` names a user of the company (contract U16).
pub(super) fn producer_for(
    company: &CompanyView,
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
    let member: &Member = match (matching, must_match) {
        (Some(member), _) => member,
        (None, true) => {
            return Err(ProblemCode::InvalidBody.problem(
                "`producer.internalId` belongs to no user of the company; give a user that id, or leave \
                 `mustMatchUser` out",
            ));
        }
        (None, false) => owner().ok_or_else(|| {
            ProblemCode::Internal.problem("the company has no owner; see `heraldo doctor`")
        })?,
    };
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
