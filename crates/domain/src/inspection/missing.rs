//! What an inspection still lacks of what its template asks for. The consumer's page says it before the end,
//! and the finish refuses what cannot be without.

use heraldo_wire::object::{Input, TemplateImage, TemplateInput};

use super::{ImageState, Inspection};
use crate::template::{Template, is_empty};

/// A side of a product that the template requires and that no photo shows yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingPhoto<'a> {
    /// The place of the product in the inspection.
    pub product: usize,
    pub side: &'a str,
    /// The newest photo of it was not approved; else there is none.
    pub is_rejected: bool,
}

/// The required sides without a photo that is approved or being looked at. An inspection can be finished
/// without them; its verdict tells (contract 8.2 "Verdict").
pub fn missing_photos<'a>(
    inspection: &'a Inspection,
    template: &'a Template,
) -> impl Iterator<Item = MissingPhoto<'a>> {
    let products = inspection.products.iter().enumerate();
    products.flat_map(|(product, has)| {
        let required = template.images.iter().filter(|image| image.required);
        required.filter_map(move |image| {
            let is_rejected = match has.newest(&image.side).map(|image| &image.state) {
                None => false,
                Some(ImageState::Processed { approved, .. }) if !approved => true,
                Some(
                    ImageState::Uploaded { .. }
                    | ImageState::Examined { .. }
                    | ImageState::Processed { .. },
                ) => return None,
            };
            Some(MissingPhoto {
                product,
                side: &image.side,
                is_rejected,
            })
        })
    })
}

/// An input that the template asks for.
#[derive(Debug, Clone, Copy)]
pub struct AskedInput<'a> {
    pub input: &'a TemplateInput,
    /// The photo that it goes with; `None`: the template's own.
    pub image: Option<&'a TemplateImage>,
    /// It is required, and so is its photo, or its photo is there.
    pub is_due: bool,
}

/// Every input that the template asks for, those of its photos included.
pub fn asked_inputs<'a>(
    inspection: &'a Inspection,
    template: &'a Template,
) -> impl Iterator<Item = AskedInput<'a>> {
    let taken = |side: &str| inspection.images().any(|(_, image)| image.side == side);
    let own = template.inputs.iter().map(|input| AskedInput {
        input,
        image: None,
        is_due: input.validation_schema.required,
    });
    let of_images = template.images.iter().flat_map(move |image| {
        let is_due = image.required || taken(&image.side);
        image.inputs.iter().map(move |input| AskedInput {
            input,
            image: Some(image),
            is_due: is_due && input.validation_schema.required,
        })
    });
    own.chain(of_images)
}

/// The inputs that are due and have no value. An inspection cannot be finished without them.
pub fn missing_answers<'a>(
    inspection: &'a Inspection,
    template: &'a Template,
) -> impl Iterator<Item = AskedInput<'a>> {
    asked_inputs(inspection, template)
        .filter(move |asked| asked.is_due && answer(asked.input, inspection.inputs()).is_none())
}

/// What was answered to an input; an empty value is no answer.
pub fn answer<'a>(
    asked: &TemplateInput,
    mut given: impl Iterator<Item = &'a Input>,
) -> Option<&'a Input> {
    given.find(|input| {
        asked.identifier.as_ref() == Some(&input.identifier)
            && input.value.as_ref().is_some_and(|value| !is_empty(value))
    })
}
