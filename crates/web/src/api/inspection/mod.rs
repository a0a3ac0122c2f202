//! Inspections (contract 1.3, E2 to E15, and 8).

pub mod access;
pub mod all;
pub mod children;
pub mod create;
pub mod finish;
pub mod goods;
pub mod list;
pub mod me;
pub mod retrieve;
pub mod review;
pub mod update;
pub mod update_product;

use heraldo_wire::object::InspectionType;
use heraldo_wire::problem::ProblemCode;

use crate::problem::Failure;

/// The documented path of the create routes; there is one such path for each type.
pub const CREATE: &str = "/v1/inspection/car";
/// The documented path of the product updates; there is one such path for each type but goods and those
/// without a product.
pub const UPDATE_PRODUCT: &str = "/v1/inspection/car/{id}";
/// The types whose product can be changed under its own path (contract 1.2, E10).
pub const UPDATABLE: [InspectionType; 5] = [
    InspectionType::Car,
    InspectionType::Moto,
    InspectionType::Bike,
    InspectionType::Machinery,
    InspectionType::Cellphone,
];
/// The path of the list.
pub const LIST: &str = "/v1/inspection";
/// The path of one inspection; a word that is no id may stand there, too.
pub const ONE: &str = "/v1/inspection/{id}";
/// What stands where a type or an id could is neither.
pub fn unknown_type() -> Failure {
    let types: Vec<_> = InspectionType::ALL
        .iter()
        .map(ToString::to_string)
        .collect();
    ProblemCode::NotFound
        .problem(format!(
            "there is no such route; what follows `/v1/inspection/` is an id or, to create, one of {}",
            types.join(", ")
        ))
        .into()
}
