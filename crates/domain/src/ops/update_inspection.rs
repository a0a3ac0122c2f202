//! The company says more about an inspection (contract 1.3, E14).

use heraldo_wire::api::{MessageAnswer, UpdateInspectionRequest};
use heraldo_wire::id::InspectionId;
use heraldo_wire::problem::Problem;

use super::Context;
use super::bounds::{check_consumer, check_description, check_metadata};
use super::inputs::{GivenFile, GivenInputs, read_inputs};
use super::problem_of;
use crate::account::Caller;
use crate::inspection::{Command, Description, Inspection};

/// Merges the consumer field by field, the metadata key by key, the inputs by identifier.
///
/// # Errors
/// `not_found`; `unknown_input`; `invalid_input`; `invalid_body`; the store's.
pub async fn update_inspection(
    context: &Context,
    caller: &Caller,
    id: InspectionId,
    request: UpdateInspectionRequest,
    files: Vec<GivenFile>,
) -> Result<MessageAnswer, Problem> {
    let inspection = context.own(caller, id).await?;
    describe_this(context, inspection, request, files).await?;
    Ok(MessageAnswer::new("Inspection updated"))
}

/// Updates an inspection that whoever asks may update.
pub(super) async fn describe_this(
    context: &Context,
    inspection: Inspection,
    request: UpdateInspectionRequest,
    files: Vec<GivenFile>,
) -> Result<(), Problem> {
    check_description(&request)?;
    if let Some(more) = &request.consumer {
        let mut whole = inspection.consumer.clone();
        whole.merge(more.clone());
        check_consumer(&whole)?;
    }
    if let Some(more) = &request.metadata {
        let mut whole = inspection.metadata.clone();
        whole.merge(more.clone());
        check_metadata(&whole)?;
    }
    let template = context.template_of(&inspection).await.map_err(problem_of)?;
    let given = GivenInputs {
        values: request.inputs.unwrap_or_default(),
        files,
    };
    let mut read = read_inputs(context, &template, given, inspection.id)?;
    read.keep_files(context).await?;
    let command = Command::Describe(Box::new(Description {
        consumer: request.consumer,
        metadata: request.metadata,
        inputs: read.inputs,
    }));
    context.carry_out(inspection, &command).await?;
    Ok(())
}
