//! OAuth tokens (contract 1.3, E26 and E27). The application says who it is in the body; no key is needed, and
//! one that comes along is not looked at.

pub mod exchange_code;
pub mod refresh_token;

use heraldo_wire::problem::{Problem, ProblemCode};

use crate::call::Call;
use crate::problem::Failure;

/// Wrong applications, secrets, codes and tokens count like wrong keys.
fn counted(call: &Call, problem: Problem) -> Failure {
    match problem.code {
        ProblemCode::InvalidCredentials => call.wrong_credential("credentials", &problem.detail),
        _ => problem.into(),
    }
}
