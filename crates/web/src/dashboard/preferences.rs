//! Language and look: chosen without signing in, kept by the browser.

use axum::extract::{Request, State};
use axum::response::Response;

use crate::Web;
use crate::browser::{refused, see_other};
use crate::call::{Call, Outcome, bounded};
use crate::frame::{Preferences, root, way_back};

pub const PATH: &str = "/preferences";

/// Answers `POST /preferences`.
pub async fn serve(State(web): State<Web>, request: Request) -> Response {
    let mut call = Call::new(web, "preferences", request);
    let outcome = match call.check_headers() {
        Ok(()) => bounded(call.time_limit(), choose(&mut call)).await,
        Err(failure) => Err(failure),
    };
    call.finish(outcome).await
}

async fn choose(call: &mut Call) -> Outcome {
    let fields = call.fields().await?;
    if let Err(problem) = call.check_own_form() {
        return refused(call, &problem);
    }
    let back = fields.iter().find(|(given, _)| given == "back");
    let back = back.and_then(|(_, text)| way_back(text));
    let back = back.unwrap_or("dashboard");
    let mut response = see_other(&format!("{}{back}", root(call)))?;
    if let Some(chosen) = Preferences::read(&fields) {
        chosen.keep(&mut response)?;
    }
    Ok(response)
}
