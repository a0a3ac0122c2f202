//! Products: more goods, and more about one product (contract 1.3, E10 and E11).

use heraldo_wire::api::{CreateInspectionAnswer, MessageAnswer};
use heraldo_wire::complaint::complaint;
use heraldo_wire::id::{InspectionId, ProductId};
use heraldo_wire::object::{InputValue, InspectionType, ProductAttributes};
use heraldo_wire::problem::{Problem, ProblemCode};
use serde_json::{Map, Value};

use super::bounds::check_attributes;
use super::inputs::{GivenFile, GivenInputs, read_inputs};
use super::{Context, not_found, problem_of};
use crate::account::Caller;
use crate::inspection::{Command, Inspection, Reply, magic_link};

/// Keys of an update that are no attributes, also where the attributes come bare.
const NOT_ATTRIBUTES: [&str; 2] = ["productId", "inputs"];
/// What goods keep for good (contract 1.3, E11).
const FIXED_OF_GOODS: [&str; 2] = ["type", "category"];

/// Adds goods; the answer names the new ones, in the order of the request.
///
/// # Errors
/// `not_found`; `conflict` once it has ended or when it is no inspection of goods; `limit_reached`; the
/// store's.
pub async fn add_goods(
    context: &Context,
    caller: &Caller,
    id: InspectionId,
    goods: Vec<ProductAttributes>,
) -> Result<CreateInspectionAnswer, Problem> {
    let inspection = context.own(caller, id).await?;
    if inspection.inspection_type != InspectionType::Goods {
        return Err(not_found());
    }
    for good in &goods {
        check_attributes("goods", good)?;
    }
    let command = Command::AddProducts(goods);
    let (after, reply) = context.carry_out(inspection, &command).await?;
    let first = match reply {
        Reply::ProductsAdded { first } => first,
        _ => after.products.len(),
    };
    let ids = after.products.iter().skip(first).map(|product| product.id);
    let ids = ids.collect();
    Ok(answer(context, &after, "Goods added", ids))
}

/// Changes one of the goods; its `type` and `category` stay.
///
/// # Errors
/// As [`update_product`].
pub async fn update_good(
    context: &Context,
    caller: &Caller,
    product_id: ProductId,
    mut good: ProductAttributes,
) -> Result<CreateInspectionAnswer, Problem> {
    good.0
        .retain(|key, _| !FIXED_OF_GOODS.contains(&key.as_str()));
    let after = describe(
        context,
        caller,
        InspectionType::Goods,
        product_id,
        good,
        GivenInputs::default(),
    )
    .await?;
    Ok(answer(context, &after, "Product updated", vec![product_id]))
}

/// Changes one product of the other types. The body holds the attributes under the type's name, and `inputs`;
/// those of machinery may come bare, as one SDK sends them.
///
/// # Errors
/// `not_found`; `conflict` once it has ended; `unknown_input`; `invalid_input`; `invalid_body`; the store's.
pub async fn update_product(
    context: &Context,
    caller: &Caller,
    inspection_type: InspectionType,
    product_id: ProductId,
    mut body: Map<String, Value>,
    files: Vec<GivenFile>,
) -> Result<MessageAnswer, Problem> {
    let wrapped = body.remove(inspection_type.as_str());
    let values: Option<Vec<InputValue>> = match body.remove("inputs") {
        None | Some(Value::Null) => None,
        Some(inputs) => Some(serde_json::from_value(inputs).map_err(|error| {
            ProblemCode::InvalidBody.problem(complaint("", "inputs", &error.to_string()))
        })?),
    };
    let attributes = match wrapped {
        Some(Value::Object(attributes)) => attributes,
        // PHP writes an empty object so.
        Some(Value::Array(nothing)) if nothing.is_empty() => Map::new(),
        Some(_) => {
            return Err(ProblemCode::InvalidBody.problem(format!(
                "`{inspection_type}` must be an object of attributes"
            )));
        }
        None if inspection_type == InspectionType::Machinery => {
            body.retain(|key, _| !NOT_ATTRIBUTES.contains(&key.as_str()));
            body
        }
        None if values.is_some() || !files.is_empty() => Map::new(),
        None => {
            return Err(ProblemCode::InvalidBody.problem(format!(
                "send what changes as `{{\"{inspection_type}\": {{…}}}}`"
            )));
        }
    };
    let given = GivenInputs {
        values: values.unwrap_or_default(),
        files,
    };
    let attributes = attributes.into_iter().collect();
    describe(
        context,
        caller,
        inspection_type,
        product_id,
        attributes,
        given,
    )
    .await?;
    Ok(MessageAnswer::new("Product updated"))
}

async fn describe(
    context: &Context,
    caller: &Caller,
    inspection_type: InspectionType,
    product_id: ProductId,
    attributes: ProductAttributes,
    given: GivenInputs,
) -> Result<Inspection, Problem> {
    let inspection = context.with_part(product_id.0).await?;
    let own = inspection.company_id == caller.company_id;
    if !own
        || inspection.inspection_type != inspection_type
        || inspection.product(product_id).is_none()
    {
        return Err(not_found());
    }
    check_attributes(inspection_type.as_str(), &attributes)?;
    let template = context.template_of(&inspection).await.map_err(problem_of)?;
    let mut read = read_inputs(context, &template, given, inspection.id)?;
    read.keep_files(context).await?;
    let command = Command::DescribeProduct {
        product_id,
        attributes,
        inputs: read.inputs,
    };
    let (after, _) = context.carry_out(inspection, &command).await?;
    Ok(after)
}

fn answer(
    context: &Context,
    inspection: &Inspection,
    message: &str,
    ids: Vec<ProductId>,
) -> CreateInspectionAnswer {
    CreateInspectionAnswer {
        message: message.to_owned(),
        inspection_id: inspection.id,
        magic_link: magic_link(inspection, &context.links.public_url),
        product_id: None,
        product_ids: Some(ids),
    }
}
