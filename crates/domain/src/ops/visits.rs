//! The consumer's visit: the access code opens it for one browser, and within it the consumer answers the
//! template's questions and finishes (contract 5.3, 8.2 "Image `src`"). Photos come in by
//! [`images`](super::images).

use std::sync::Arc;
use std::time::Duration;

use heraldo_wire::api::UpdateInspectionRequest;
use heraldo_wire::id::InspectionId;
use heraldo_wire::object::{InputStage, InputValue};
use heraldo_wire::problem::{Problem, ProblemCode};

use super::enter_access_code::{Access, enter_access_code};
use super::finish::finish_this;
use super::inputs::GivenFile;
use super::update_inspection::describe_this;
use super::{Context, not_found, problem_of};
use crate::inspection::{AskedInput, Inspection, State, answer, asked_inputs};
use crate::links::Target;
use crate::template::Template;

/// A browser stays let in for at most this long.
const VISIT_LIFETIME_MAX: Duration = Duration::from_secs(24 * 3_600);

/// What the consumer's page shows.
#[derive(Debug, Clone)]
pub struct Visited {
    pub inspection: Inspection,
    pub template: Arc<Template>,
}

/// What entering a code on the page came to.
#[derive(Debug, Clone)]
pub enum Entry {
    /// The text that lets this browser in again, and for how long.
    Granted { session: String, lifetime: Duration },
    /// The caller's address is to be counted.
    Wrong(Problem),
}

/// The inspection behind a magic link; changes nothing.
///
/// # Errors
/// `not_found`; the store's.
pub async fn visited(context: &Context, id: InspectionId) -> Result<Visited, Problem> {
    let found = context.store.inspection(id).await.map_err(problem_of)?;
    let inspection = found.ok_or_else(not_found)?;
    let template = context.template_of(&inspection).await.map_err(problem_of)?;
    Ok(Visited {
        inspection,
        template,
    })
}

/// Enters a code. The right one opens a visit that lasts until the inspection expires, at most a day.
///
/// # Errors
/// Those of [`enter_access_code`].
pub async fn enter_visit(
    context: &Context,
    id: InspectionId,
    code: &str,
) -> Result<Entry, Problem> {
    match enter_access_code(context, id, code).await? {
        Access::Wrong(problem) => Ok(Entry::Wrong(problem)),
        Access::Granted(_) => {
            let now = context.now();
            let expires_at = visited(context, id).await?.inspection.expires_at;
            let lifetime = expires_at.since(now).min(VISIT_LIFETIME_MAX);
            let target = Target::Visit { inspection_id: id };
            Ok(Entry::Granted {
                session: context.links.sign(target, now.plus(lifetime)),
                lifetime,
            })
        }
    }
}

/// Whether a text was given to a browser for a visit of this inspection, and still counts.
#[must_use]
pub fn is_visitor(context: &Context, id: InspectionId, session: &str) -> bool {
    let target = context.links.open(session, context.now());
    target == Some(Target::Visit { inspection_id: id })
}

/// The inputs that the consumer is asked for: those of the stage `update`, and what a create should have
/// brought and is missing all the same, because its photo need not be taken or the template was another then.
pub fn questions<'a>(
    inspection: &'a Inspection,
    template: &'a Template,
) -> impl Iterator<Item = AskedInput<'a>> {
    asked_inputs(inspection, template).filter(move |asked| match asked.input.stages {
        InputStage::Update => true,
        InputStage::Create => asked.is_due && answer(asked.input, inspection.inputs()).is_none(),
    })
}

/// Takes the consumer's answers to the template's questions.
///
/// # Errors
/// `conflict` unless the inspection is started, `inspection_expired` when it lapsed; `unknown_input` for
/// what the consumer is not asked; those of updates.
pub async fn answer_questions(
    context: &Context,
    id: InspectionId,
    mut values: Vec<InputValue>,
    files: Vec<GivenFile>,
) -> Result<(), Problem> {
    let Visited {
        inspection,
        template,
    } = visited(context, id).await?;
    if inspection.has_lapsed(context.now()) {
        return Err(ProblemCode::InspectionExpired.problem("the inspection has expired"));
    }
    if !matches!(inspection.state, State::Started { .. }) {
        return Err(ProblemCode::Conflict.problem("the inspection takes no answers now"));
    }
    let is_asked = |identifier: &str| {
        questions(&inspection, &template)
            .any(|asked| asked.input.identifier.as_deref() == Some(identifier))
    };
    // A form that is sent twice answers again what is not asked any more.
    let is_known = |given: &InputValue| {
        inspection.inputs().any(|known| {
            known.identifier == given.identifier && known.value.as_ref() == Some(&given.value)
        })
    };
    values.retain(|given| is_asked(&given.identifier) || !is_known(given));
    let given = values.iter().map(|value| &value.identifier);
    let mut given = given.chain(files.iter().map(|file| &file.identifier));
    if !given.all(|identifier| is_asked(identifier)) {
        return Err(ProblemCode::UnknownInput.problem("the consumer is not asked for this input"));
    }
    let request = UpdateInspectionRequest {
        inputs: Some(values),
        ..UpdateInspectionRequest::default()
    };
    describe_this(context, inspection, request, files).await
}

/// The consumer says that no more photos come.
///
/// # Errors
/// Those of [`finish`](super::finish::finish).
pub async fn finish_visit(context: &Context, id: InspectionId) -> Result<(), Problem> {
    let inspection = visited(context, id).await?.inspection;
    finish_this(context, inspection).await
}
