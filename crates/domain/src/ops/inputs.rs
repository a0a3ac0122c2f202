//! Reads the inputs of a request: each must be one that the template asks for (contract 2.8, 8.2
//! "Inputs").

use bytes::Bytes;
use heraldo_wire::id::{FileId, InspectionId};
use heraldo_wire::object::{Input, InputType, InputValue, TemplateInput};
use heraldo_wire::problem::{Problem, ProblemCode};
use serde_json::Value;

use super::Context;
use super::images::problem_of_file;
use crate::inspection::file::InputFile;
use crate::template::Template;

/// One file of all that a request brings.
#[derive(Debug, Clone)]
pub struct GivenFile {
    /// Names the input.
    pub identifier: String,
    pub filename: Option<String>,
    pub content_type: Option<String>,
    pub bytes: Bytes,
}

/// The inputs of a request, plain ones and files.
#[derive(Debug, Clone, Default)]
pub struct GivenInputs {
    pub values: Vec<InputValue>,
    pub files: Vec<GivenFile>,
}

/// What was read: the inputs to keep, and the files to put away before they are kept.
#[derive(Debug, Default)]
pub(super) struct ReadInputs {
    pub inputs: Vec<Input>,
    files: Vec<(InputFile, Bytes)>,
}

/// Reads what was given for an inspection.
///
/// # Errors
/// `unknown_input` with the identifiers that the template has; `invalid_body` for a value of the wrong
/// kind.
pub(super) fn read_inputs(
    context: &Context,
    template: &Template,
    given: GivenInputs,
    inspection_id: InspectionId,
) -> Result<ReadInputs, Problem> {
    let mut read = ReadInputs::default();
    for InputValue {
        identifier,
        value,
        filename,
        content_type,
    } in given.values
    {
        let asked = find(template, &identifier)?;
        match (asked.kind, buffer(&value)) {
            (InputType::File, Some(bytes)) => {
                let file = GivenFile {
                    identifier,
                    filename,
                    content_type,
                    bytes,
                };
                read.file(context, asked, file, inspection_id)?;
            }
            (InputType::File, None) => {
                return Err(invalid(
                    &identifier,
                    "takes a file, sent as a part of a multipart body",
                ));
            }
            (_, _) => read.inputs.push(Input {
                identifier,
                label: asked.label.clone(),
                kind: asked.kind,
                value: Some(value),
            }),
        }
    }
    for file in given.files {
        let asked = find(template, &file.identifier)?;
        if asked.kind != InputType::File {
            return Err(invalid(&file.identifier, "takes a value, not a file"));
        }
        read.file(context, asked, file, inspection_id)?;
    }
    Ok(read)
}

impl ReadInputs {
    fn file(
        &mut self,
        context: &Context,
        asked: &TemplateInput,
        given: GivenFile,
        inspection_id: InspectionId,
    ) -> Result<(), Problem> {
        let file = InputFile {
            inspection_id,
            file_id: FileId(context.next_id(context.now())),
            filename: given.filename,
            content_type: given.content_type,
            size_bytes: given.bytes.len() as u64,
        };
        let value = serde_json::to_value(&file)
            .map_err(|error| ProblemCode::Internal.problem(error.to_string()))?;
        self.inputs.push(Input {
            identifier: given.identifier,
            label: asked.label.clone(),
            kind: asked.kind,
            value: Some(value),
        });
        self.files.push((file, given.bytes));
        Ok(())
    }

    /// Puts the files away; done before the inputs are kept, so that no input names a file that is not
    /// there.
    pub(super) async fn keep_files(&mut self, context: &Context) -> Result<(), Problem> {
        for (file, bytes) in std::mem::take(&mut self.files) {
            let kept = context.files.put(&file.file_name(), bytes).await;
            kept.map_err(problem_of_file)?;
        }
        Ok(())
    }
}

/// Every input that a template asks for, those of its photos included.
pub(super) fn asked(template: &Template) -> impl Iterator<Item = &TemplateInput> {
    let of_images = template.images.iter().flat_map(|image| &image.inputs);
    template.inputs.iter().chain(of_images)
}

fn find<'a>(template: &'a Template, identifier: &str) -> Result<&'a TemplateInput, Problem> {
    let is_it = |input: &&TemplateInput| input.identifier.as_deref() == Some(identifier);
    if let Some(input) = asked(template).find(is_it) {
        return Ok(input);
    }
    let known: Vec<&str> = asked(template)
        .filter_map(|input| input.identifier.as_deref())
        .collect();
    Err(ProblemCode::UnknownInput.problem(if known.is_empty() {
        format!(
            "the template `{}` has no inputs; leave `inputs` out",
            template.name
        )
    } else {
        format!(
            "the template has no input `{}`; it has {}",
            identifier.chars().take(60).collect::<String>(),
            known.join(", ")
        )
    }))
}

/// A file as Node writes a `Buffer` in JSON (contract 1.3, E2).
fn buffer(value: &Value) -> Option<Bytes> {
    let object = value.as_object()?;
    if object.get("type")? != "Buffer" {
        return None;
    }
    let bytes = object.get("data")?.as_array()?.iter();
    bytes
        .map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()))
        .collect()
}

fn invalid(identifier: &str, what: &str) -> Problem {
    ProblemCode::InvalidBody.problem(format!("the input `{identifier}` {what}"))
}
