//! Inspections (contract 1.3, E2 to E15, and 8).

pub mod access;
pub mod children;
pub mod create;
pub mod finish;
pub mod list;
pub mod retrieve;
pub mod review;

use heraldo_wire::problem::ProblemCode;

use crate::problem::Failure;

/// The documented path of the create routes; there is one such path for each type.
pub const CREATE: &str = "/v1/inspection/car";
/// The path of the list.
pub const LIST: &str = "/v1/inspection";
/// Words that stand where an id could, and win over ids (contract 1.2, "Router notes").
pub const RESERVED: [&str; 3] = ["me", "all", "template"];

/// A route of the contract that comes with a later version.
pub fn reserved() -> Failure {
    ProblemCode::NotFound
        .problem("this route is not available yet; it comes with a later version")
        .into()
}
