//! What the company says about an inspection beside its photos (contract 1.3, E10, E11, E14).

use heraldo_wire::id::ProductId;
use heraldo_wire::object::{Input, InspectionType, ProductAttributes};
use heraldo_wire::time::Timestamp;

use super::{Description, Refused, Reply, Step, refused_by_block, step};
use crate::inspection::{Inspection, Product, State, merge_inputs};

/// Products of one inspection.
pub const PRODUCTS_MAX: usize = 50;

/// Merges what is said, in every state: it is the company's own account of things.
pub(super) fn describe(inspection: &Inspection, said: &Description, now: Timestamp) -> Step {
    let mut next = inspection.clone();
    if let Some(consumer) = &said.consumer {
        next.consumer.merge(consumer.clone());
    }
    if let Some(metadata) = &said.metadata {
        next.metadata.merge(metadata.clone());
    }
    next.take_inputs(said.inputs.clone());
    step(next, None, Reply::Described, now)
}

/// Adds goods; only before the end.
pub(super) fn add_products(
    inspection: &Inspection,
    products: &[ProductAttributes],
    now: Timestamp,
) -> Result<Step, Refused> {
    is_open(inspection, now)?;
    if inspection.inspection_type != InspectionType::Goods {
        return Err(Refused::NotGoods);
    }
    let first = inspection.products.len();
    if first + products.len() > PRODUCTS_MAX {
        return Err(Refused::TooManyProducts(PRODUCTS_MAX));
    }
    let mut next = inspection.clone();
    for attributes in products {
        let id = ProductId(next.next_part());
        next.products.push(Product::new(id, attributes.clone()));
    }
    Ok(step(next, None, Reply::ProductsAdded { first }, now))
}

/// Merges what is said of one product; only before the end.
pub(super) fn describe_product(
    inspection: &Inspection,
    product_id: ProductId,
    attributes: &ProductAttributes,
    inputs: &[Input],
    now: Timestamp,
) -> Result<Step, Refused> {
    is_open(inspection, now)?;
    let mut next = inspection.clone();
    let product = next
        .products
        .iter_mut()
        .find(|product| product.id == product_id)
        .ok_or(Refused::NoSuchProduct)?;
    product.attributes.merge(attributes.clone());
    merge_inputs(&mut product.inputs, inputs.to_vec());
    Ok(step(next, None, Reply::Described, now))
}

/// What is inspected may be described until the photos are judged.
fn is_open(inspection: &Inspection, now: Timestamp) -> Result<(), Refused> {
    match &inspection.state {
        _ if inspection.has_lapsed(now) => Err(Refused::Expired),
        State::Created { .. } | State::Started { .. } => Ok(()),
        State::Processing { .. } | State::Completed { .. } => Err(Refused::Ended),
        State::Blocked { reason, .. } => Err(refused_by_block(*reason)),
    }
}
