//! Plain data of inspections, as the API and the events carry it (contract 2).
//!
//! Each thing is declared here once and used by the rules and by the HTTP API alike. Nothing here
//! decides anything; unknown JSON keys are ignored everywhere (contract 1.1).

mod lenient;
mod media;
mod people;
mod template;
mod values;

pub use media::{
    Damage, GeneratedBy, Identity, Image, Input, InputType, InputValue, Product, Section,
    Validation,
};
pub use people::{
    Consumer, DeliveryChannel, DeliveryPreference, InvalidDelivery, Producer, ProducerRequest, Sex,
};
pub use template::{
    InputContext, InputOption, InputRules, InputStage, Template, TemplateFeature, TemplateImage,
    TemplateImageRequest, TemplateInput, TemplateParameters, TemplateRequest, TemplateValidation,
    TemplateValidationRequest, TemplateVariable,
};
pub use values::{
    BlockedReason, CompletedBy, Confidential, ImageTarget, InitialStatus, InspectionStatus,
    InspectionType, Metadata, ProductAttributes, TemplateHead, TemplateType, UnknownWord, Veredict,
};

pub(crate) use lenient::{Object, object, objects};
pub(crate) use values::{schema_of, word, words};

/// The locale of an inspection that names none (contract 1.3, E2).
pub const DEFAULT_LOCALE: &str = "es_AR";

#[cfg(test)]
mod tests;
