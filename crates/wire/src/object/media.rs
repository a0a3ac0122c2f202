//! Photos, what was found on them, inputs, and the sections that hold them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::values::words;
use super::{Consumer, ImageTarget, InspectionType, ProductAttributes, lenient};
use crate::id::{ImageId, ProductId, ValidationId};
use crate::time::Timestamp;

words! {
    /// What asked for a photo (contract 2.4).
    GeneratedBy {
        Configuration = "configuration",
        DamageDeclaration = "damage_declaration",
        FullControl = "full_control",
    }
}

/// One photo, retrieved or in an event (contract 2.4); an extra image is the same with a `target`
/// (contract 2.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    #[serde(rename = "_id")]
    pub id: ImageId,
    /// Only on extra images: the part of the inspection that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ImageTarget>,
    /// The side that it shows; an open list (contract 2.4).
    pub side: String,
    /// True once all validations ended.
    pub processed: bool,
    /// True when every required validation is valid (contract 5.5).
    pub approved: bool,
    pub uploaded_at: Timestamp,
    /// Where the photo can be fetched.
    pub src: String,
    /// Absent in the image events (contract 2.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_by: Option<GeneratedBy>,
    #[serde(default)]
    pub validations: Vec<Validation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damages: Option<Vec<Damage>>,
}

/// What one validation said of one photo (contract 2.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Validation {
    #[serde(rename = "_id")]
    pub id: ValidationId,
    /// Its name, such as `date` or `plate`; an open list.
    #[serde(rename = "type")]
    pub kind: String,
    pub valid: bool,
    /// From 0 to 1 (contract U15).
    #[serde(serialize_with = "lenient::number")]
    pub confidence: f64,
}

/// A damage seen on a photo (contract 2.7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Damage {
    /// The damaged part, such as `frontBumper`; an open list.
    pub part: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// How much of the part is damaged, from 0 to 100.
    #[serde(serialize_with = "lenient::number")]
    pub percentage: f64,
}

/// What kind of value an input takes (contract 2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    Text,
    Date,
    /// Read as `textarea` too; written with the published spelling (contract U28).
    #[serde(alias = "textarea")]
    Textare,
    Select,
    Numeric,
    Check,
    File,
}

/// An input as it is read back (contract 2.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Input {
    pub identifier: String,
    #[serde(default)]
    pub label: String,
    #[serde(rename = "type")]
    pub kind: InputType,
    /// Absent until a value was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// An input as a request gives it (contract 2.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputValue {
    /// The identifier of one of the template's inputs.
    pub identifier: String,
    /// Usually text; a file in JSON is `{"type":"Buffer","data":[…bytes]}` (contract 1.3, E2).
    #[serde(default)]
    pub value: Value,
    /// Only for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Only for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// What the identity and custom parts of an inspection hold (contract 2.2); also its `custom` key.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Section {
    pub images: Vec<Image>,
    pub inputs: Vec<Input>,
    pub extra_images: Vec<Image>,
}

/// The `identity` key of an inspection: the consumer's fields, then a section (contract 2.1).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Identity {
    #[serde(flatten)]
    pub consumer: Consumer,
    #[serde(flatten)]
    pub section: Section,
}

/// One inspected thing (contract 2.3), in the key order of the documented example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    #[serde(rename = "_id")]
    pub id: ProductId,
    #[serde(rename = "type")]
    pub kind: InspectionType,
    #[serde(default)]
    pub images: Vec<Image>,
    #[serde(default)]
    pub extra_images: Vec<Image>,
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// What was declared of it; only in retrieved inspections (contract 8.2, "Declared attributes").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<ProductAttributes>,
}
