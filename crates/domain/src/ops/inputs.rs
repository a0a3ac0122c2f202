//! Reads the inputs of a request: each must be one that the template asks for and hold to its rules, and
//! none that is required may be missing (contract 2.8, 2.9, 8.2 "Inputs").

use bytes::Bytes;
use heraldo_wire::api::CreateInspectionRequest;
use heraldo_wire::id::{FileId, InspectionId};
use heraldo_wire::object::{Input, InputType, InputValue, TemplateInput};
use heraldo_wire::problem::{Problem, ProblemCode};
use serde_json::{Value, json};

use super::Context;
use super::images::problem_of_file;
use crate::inspection::file::InputFile;
use crate::inspection::{Inspection, missing_answers};
use crate::template::{Template, Violation, check, check_value, due_at_create, is_empty, schema};

const NO_FILE: &str = "takes a file, sent as a part of a multipart body";

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
/// `unknown_input` with the identifiers that the template has; `invalid_input` for a value that does not
/// hold to its rules, and for a picture that is damaged or of a format that is not taken.
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
            (InputType::File, None) if is_empty(&value) && !asked.validation_schema.required => {
                read.inputs.push(Input {
                    identifier,
                    label: asked.label.clone(),
                    kind: asked.kind,
                    value: None,
                });
            }
            (InputType::File, None) => {
                return Err(invalid(&identifier, NO_FILE));
            }
            (_, _) => {
                check_value(asked, &value).map_err(|what| invalid(&identifier, &what))?;
                read.inputs.push(Input {
                    identifier,
                    label: asked.label.clone(),
                    kind: asked.kind,
                    value: Some(value),
                });
            }
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
        // What could not be handed on without the place in it is refused while somebody can send another.
        if let Err(refused) = context.photos.is_picture(&given.bytes) {
            let refused = format!("`{}`: {refused}", given.identifier);
            return Err(ProblemCode::InvalidInput.problem(refused));
        }
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

/// Checks a create against the schema of its template, as the schema stands in the template's own answer.
/// The request is written out again as it was read, so that all spellings that readers take pass.
///
/// # Errors
/// `unknown_input` and `invalid_input` with the input, `invalid_body` with the field; each names the rule of the schema.
pub(super) fn check_schema(
    template: &Template,
    request: &CreateInspectionRequest,
    files: &[GivenFile],
) -> Result<(), Problem> {
    let wrong = |what: String| ProblemCode::InvalidBody.problem(what);
    let written = serde_json::to_value(request).map_err(|error| wrong(error.to_string()))?;
    let Value::Object(mut document) = written else {
        return Err(wrong("the body must be a JSON object".to_owned()));
    };
    document.insert("templateId".to_owned(), json!(template.id));
    if !files.is_empty() {
        let inputs = document.entry("inputs").or_insert_with(|| json!([]));
        if let Value::Array(inputs) = inputs {
            inputs.extend(
                files.iter().map(
                    |file| json!({"identifier": file.identifier, "value": {"type": "Buffer"}}),
                ),
            );
        }
    }
    let document = Value::Object(document);
    check(&schema(template), &document).map_err(|violation| {
        match in_words(template, &document, &violation) {
            Some(mut problem) => {
                problem.detail = format!("{}; {violation}", problem.detail);
                problem
            }
            None => wrong(violation.to_string()),
        }
    })
}

/// What a violation of the schema says of an input, if it is one of an input.
fn in_words(template: &Template, document: &Value, violation: &Violation) -> Option<Problem> {
    let given = document.get("inputs").and_then(Value::as_array);
    let named = |input: &Value| Some(input.get("identifier")?.as_str()?.to_owned());
    let mut steps = violation.place.split('/').skip(1);
    match (steps.next(), steps.next()) {
        // Nothing is wrong with what is there: something is not there.
        (None, _) | (Some("inputs"), None) => {
            let given: Vec<_> = given.into_iter().flatten().filter_map(named).collect();
            let missing = due_at_create(template).filter(|asked| {
                let identifier = asked.identifier.as_ref();
                identifier.is_none_or(|identifier| !given.contains(identifier))
            });
            none_missing("the inspection can be created", missing).err()
        }
        (Some("inputs"), Some(index)) => {
            let input = given?.get(index.parse::<usize>().ok()?)?;
            let identifier = named(input)?;
            let asked = match find(template, &identifier) {
                Ok(asked) => asked,
                Err(unknown) => return Some(unknown),
            };
            let value = input.get("value").unwrap_or(&Value::Null);
            let fault = match asked.kind {
                InputType::File => NO_FILE.to_owned(),
                InputType::Text
                | InputType::Textare
                | InputType::Numeric
                | InputType::Date
                | InputType::Select
                | InputType::Check => check_value(asked, value).err()?,
            };
            Some(invalid(&identifier, &fault))
        }
        (Some(_), _) => None,
    }
}

/// Checks that no answer is missing that the template requires before the end.
///
/// # Errors
/// `invalid_input` with the identifiers.
pub(super) fn check_finish(template: &Template, inspection: &Inspection) -> Result<(), Problem> {
    let missing = missing_answers(inspection, template).map(|asked| asked.input);
    none_missing("the inspection can be finished", missing)
}

fn none_missing<'a>(
    before: &str,
    missing: impl Iterator<Item = &'a TemplateInput>,
) -> Result<(), Problem> {
    let missing: Vec<String> = missing
        .map(|asked| {
            let identifier = asked.identifier.as_deref().unwrap_or_default();
            format!("`{identifier}` ({})", asked.label)
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(ProblemCode::InvalidInput.problem(format!(
        "these inputs are required before {before}: {}",
        missing.join(", ")
    )))
}

fn find<'a>(template: &'a Template, identifier: &str) -> Result<&'a TemplateInput, Problem> {
    let is_it = |input: &&TemplateInput| input.identifier.as_deref() == Some(identifier);
    if let Some(input) = template.asked().find(is_it) {
        return Ok(input);
    }
    let known: Vec<&str> = template
        .asked()
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
    ProblemCode::InvalidInput.problem(format!("the input `{identifier}` {what}"))
}
