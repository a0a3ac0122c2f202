//! Reads what a company asks of a template: bounds, names that are told apart, ids for its parts
//! (contract 8.2 "Templates").

use std::collections::HashSet;
use std::time::Duration;

use heraldo_wire::id::{Id, TemplatePartId};
use heraldo_wire::object::{
    TemplateFeature, TemplateImage, TemplateImageRequest, TemplateInput, TemplateParameters,
    TemplateRequest, TemplateValidation, TemplateValidationRequest, TemplateVariable,
};
use heraldo_wire::problem::{Problem, ProblemCode};

use super::Template;
use super::input_rules::check_input;
use crate::ports::{Entropy, random};

/// Photos of one template.
const IMAGES_MAX: usize = 100;
/// Checks of one photo.
const VALIDATIONS_MAX: usize = 30;
/// Inputs of one template, those of its photos included.
const INPUTS_MAX: usize = 200;
/// Features, of the template and of each photo; variables.
const FEATURES_MAX: usize = 50;
/// A name, a label, a side.
const TEXT_CHARS_MAX: usize = 200;
/// The initial value of a variable, as JSON.
const INITIAL_VALUE_BYTES_MAX: usize = 4_096;
/// As the server's own setting.
const ATTEMPTS: std::ops::RangeInclusive<u32> = 1..=1_000;
/// As the server's own setting.
const LIFETIME_MAX: Duration = Duration::from_secs(3_650 * 86_400);

/// Where new parts get their names from.
pub struct NewParts<'a> {
    pub next_id: &'a dyn Fn() -> Id,
    pub entropy: &'a dyn Entropy,
}

/// Everything about a template that its company decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    pub name: String,
    pub parameters: TemplateParameters,
    pub images: Vec<TemplateImage>,
    pub inputs: Vec<TemplateInput>,
    pub features: Vec<TemplateFeature>,
    pub variables: Vec<TemplateVariable>,
}

impl Content {
    /// Reads a request. Parts that `before` has under the same name keep their ids.
    ///
    /// # Errors
    /// `invalid_body` with the field that is wrong and what it may be.
    pub fn read(
        request: TemplateRequest,
        before: Option<&Template>,
        new: &NewParts<'_>,
    ) -> Result<Self, Problem> {
        let name = request.name.trim().to_owned();
        check_text("name", &name)?;
        if name.parse::<Id>().is_ok() {
            return Err(invalid("name", "must not look like an id"));
        }
        let parameters = request.parameters.unwrap_or_default();
        check_parameters(&parameters)?;
        let variables = request.variables.unwrap_or_default();
        check_variables(&variables)?;
        let mut draft = Draft {
            new,
            identifiers: HashSet::new(),
        };
        let content = Self {
            name,
            parameters,
            images: draft.images(request.images.unwrap_or_default(), before)?,
            inputs: draft.inputs(
                "inputs",
                request.inputs.unwrap_or_default(),
                before.map_or(&[], |before| &before.inputs),
            )?,
            features: draft.features(
                "features",
                request.features.unwrap_or_default(),
                before.map_or(&[], |before| &before.features),
            )?,
            variables,
        };
        Ok(content)
    }

    /// Whether the template says just this already.
    #[must_use]
    pub fn is_that_of(&self, template: &Template) -> bool {
        let Self {
            name,
            parameters,
            images,
            inputs,
            features,
            variables,
        } = self;
        *name == template.name
            && *parameters == template.parameters
            && *images == template.images
            && *inputs == template.inputs
            && *features == template.features
            && *variables == template.variables
    }
}

struct Draft<'a> {
    new: &'a NewParts<'a>,
    /// Of all inputs, those of the photos included: requests name them all in one list.
    identifiers: HashSet<String>,
}

impl Draft<'_> {
    fn id(&self, before: Option<TemplatePartId>) -> TemplatePartId {
        before.unwrap_or_else(|| TemplatePartId((self.new.next_id)()))
    }

    fn images(
        &mut self,
        asked: Vec<TemplateImageRequest>,
        before: Option<&Template>,
    ) -> Result<Vec<TemplateImage>, Problem> {
        check_count("images", asked.len(), IMAGES_MAX)?;
        let mut sides = HashSet::new();
        let mut images = Vec::with_capacity(asked.len());
        for (index, image) in asked.into_iter().enumerate() {
            let field = format!("images[{index}]");
            let side = image.side.trim().to_owned();
            check_text(&format!("{field}.side"), &side)?;
            if !sides.insert(side.clone()) {
                return Err(twice(&format!("{field}.side"), &side));
            }
            let before = before.and_then(|before| before.image(&side));
            images.push(TemplateImage {
                id: self.id(before.map(|before| before.id)),
                side,
                required: image.required.unwrap_or(true),
                validations: self.validations(
                    &format!("{field}.validations"),
                    image.validations.unwrap_or_default(),
                    before.map_or(&[], |before| &before.validations),
                )?,
                inputs: self.inputs(
                    &format!("{field}.inputs"),
                    image.inputs.unwrap_or_default(),
                    before.map_or(&[], |before| &before.inputs),
                )?,
                features: self.features(
                    &format!("{field}.features"),
                    image.features.unwrap_or_default(),
                    before.map_or(&[], |before| &before.features),
                )?,
            });
        }
        Ok(images)
    }

    /// Any name may be asked for: what Heraldo does not know is left to the outside processor.
    fn validations(
        &self,
        field: &str,
        asked: Vec<TemplateValidationRequest>,
        before: &[TemplateValidation],
    ) -> Result<Vec<TemplateValidation>, Problem> {
        check_count(field, asked.len(), VALIDATIONS_MAX)?;
        let mut names = HashSet::new();
        let mut validations = Vec::with_capacity(asked.len());
        for (index, check) in asked.into_iter().enumerate() {
            let field = format!("{field}[{index}].validation");
            check_text(&field, &check.validation)?;
            if !names.insert(check.validation.clone()) {
                return Err(twice(&field, &check.validation));
            }
            let known = before
                .iter()
                .find(|known| known.validation == check.validation);
            validations.push(TemplateValidation {
                id: self.id(known.map(|known| known.id)),
                validation: check.validation,
                required: check.required,
                run: check.run,
            });
        }
        Ok(validations)
    }

    fn inputs(
        &mut self,
        field: &str,
        asked: Vec<TemplateInput>,
        before: &[TemplateInput],
    ) -> Result<Vec<TemplateInput>, Problem> {
        let mut inputs = Vec::with_capacity(asked.len());
        for (index, mut input) in asked.into_iter().enumerate() {
            let field = format!("{field}[{index}]");
            check_input(&field, &input)?;
            check_text(&format!("{field}.label"), &input.label)?;
            let identifier = input.identifier.take().filter(|text| !text.is_empty());
            let identifier = identifier.unwrap_or_else(|| new_identifier(self.new.entropy));
            let is_it = |known: &&TemplateInput| known.identifier.as_ref() == Some(&identifier);
            let known = before.iter().find(is_it).and_then(|known| known.id);
            input.id = Some(self.id(known));
            let field = format!("{field}.identifier");
            check_text(&field, &identifier)?;
            if identifier == "data" {
                return Err(invalid(
                    &field,
                    "must not be `data`: that part of a multipart body holds the JSON",
                ));
            }
            if !self.identifiers.insert(identifier.clone()) {
                return Err(twice(&field, &identifier));
            }
            check_count("inputs", self.identifiers.len(), INPUTS_MAX)?;
            input.identifier = Some(identifier);
            inputs.push(input);
        }
        Ok(inputs)
    }

    fn features(
        &self,
        field: &str,
        mut asked: Vec<TemplateFeature>,
        before: &[TemplateFeature],
    ) -> Result<Vec<TemplateFeature>, Problem> {
        check_count(field, asked.len(), FEATURES_MAX)?;
        let mut names = HashSet::new();
        for (index, feature) in asked.iter_mut().enumerate() {
            let field = format!("{field}[{index}].feature");
            check_text(&field, &feature.feature)?;
            if !names.insert(feature.feature.clone()) {
                return Err(twice(&field, &feature.feature));
            }
            let known = before
                .iter()
                .find(|known| known.feature == feature.feature)
                .and_then(|known| known.id);
            feature.id = Some(self.id(known));
        }
        Ok(asked)
    }
}

fn check_parameters(parameters: &TemplateParameters) -> Result<(), Problem> {
    if let Some(attempts) = parameters.max_attempts
        && !ATTEMPTS.contains(&attempts)
    {
        let (min, max) = ATTEMPTS.into_inner();
        return Err(invalid(
            "parameters.maxAttempts",
            &format!("lies between {min} and {max}"),
        ));
    }
    if let Some(lifetime) = parameters.lifetime
        && (lifetime.0.is_zero() || lifetime.0 > LIFETIME_MAX)
    {
        return Err(invalid(
            "parameters.lifetime",
            "lies between 1ms and 3650d, like 7d",
        ));
    }
    Ok(())
}

fn check_variables(variables: &[TemplateVariable]) -> Result<(), Problem> {
    check_count("variables", variables.len(), FEATURES_MAX)?;
    let mut names = HashSet::new();
    for (index, variable) in variables.iter().enumerate() {
        let field = format!("variables[{index}]");
        check_text(&format!("{field}.name"), &variable.name)?;
        check_text(&format!("{field}.type"), &variable.kind)?;
        if !names.insert(&variable.name) {
            return Err(twice(&format!("{field}.name"), &variable.name));
        }
        if variable.initial_value.to_string().len() > INITIAL_VALUE_BYTES_MAX {
            return Err(invalid(
                &format!("{field}.initialValue"),
                &format!("has at most {INITIAL_VALUE_BYTES_MAX} bytes as JSON"),
            ));
        }
    }
    Ok(())
}

/// `input_` and a random UUID, as the original service names them (contract 2.8).
fn new_identifier(entropy: &dyn Entropy) -> String {
    let mut bytes: [u8; 16] = random(entropy);
    // Version 4, variant 1 of RFC 9562.
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let mut text = "input_".to_owned();
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&hex::encode([*byte]));
    }
    text
}

pub(super) fn check_text(field: &str, text: &str) -> Result<(), Problem> {
    let chars = text.chars().count();
    if chars == 0 || chars > TEXT_CHARS_MAX || text.chars().any(char::is_control) {
        return Err(invalid(
            field,
            &format!("must have 1 to {TEXT_CHARS_MAX} characters, without control characters"),
        ));
    }
    Ok(())
}

pub(super) fn check_count(field: &str, count: usize, max: usize) -> Result<(), Problem> {
    if count > max {
        return Err(invalid(field, &format!("has at most {max} entries")));
    }
    Ok(())
}

pub(super) fn twice(field: &str, text: &str) -> Problem {
    let text: String = text.chars().take(60).collect();
    invalid(
        field,
        &format!("names `{text}` a second time; each once only"),
    )
}

pub(super) fn invalid(field: &str, what: &str) -> Problem {
    ProblemCode::InvalidBody.problem(format!("`{field}` {what}"))
}
