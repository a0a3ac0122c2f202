//! Templates: which photos, checks and inputs an inspection asks for (contract 2.9, 8.2 "Templates").

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::values::words;
use super::{InputType, InspectionType, TemplateType, lenient, object, objects};
use crate::id::{TemplateId, TemplatePartId};
use crate::time::{HumanDuration, Timestamp};

words! {
    /// When an input must be given (contract 2.9).
    InputStage {
        /// With the request that creates the inspection.
        Create = "create",
        /// Later, before it is finished.
        Update = "update",
    }
}

/// A template as it is read (contract 2.9).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    #[serde(rename = "_id")]
    pub id: TemplateId,
    #[serde(rename = "type")]
    pub kind: TemplateType,
    pub inspection_type: InspectionType,
    /// Unique in the company; of a built-in one its alias.
    pub name: String,
    pub parameters: TemplateParameters,
    pub images: Vec<TemplateImage>,
    /// Absent in previews (contract U18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<TemplateInput>>,
    pub features: Vec<TemplateFeature>,
    /// Absent in previews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<TemplateVariable>>,
    /// A JSON Schema of the object to send when creating an inspection with this template; absent in
    /// previews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The same as `updatedAt` (contract C17).
    pub last_save: Timestamp,
}

/// What a company sends to make or change a template (contract 8.2 "Templates").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateRequest {
    pub name: String,
    pub inspection_type: InspectionType,
    #[serde(default, deserialize_with = "objects")]
    pub images: Option<Vec<TemplateImageRequest>>,
    #[serde(default, deserialize_with = "objects")]
    pub inputs: Option<Vec<TemplateInput>>,
    #[serde(default, deserialize_with = "object")]
    pub parameters: Option<TemplateParameters>,
    #[serde(default, deserialize_with = "objects")]
    pub features: Option<Vec<TemplateFeature>>,
    #[serde(default, deserialize_with = "objects")]
    pub variables: Option<Vec<TemplateVariable>>,
}

/// A photo that a request for a template names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateImageRequest {
    pub side: String,
    /// True without it.
    #[serde(default)]
    pub required: Option<bool>,
    #[serde(default, deserialize_with = "objects")]
    pub validations: Option<Vec<TemplateValidationRequest>>,
    #[serde(default, deserialize_with = "objects")]
    pub inputs: Option<Vec<TemplateInput>>,
    #[serde(default, deserialize_with = "objects")]
    pub features: Option<Vec<TemplateFeature>>,
}

/// A check that a request for a template names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateValidationRequest {
    pub validation: String,
    pub run: bool,
    pub required: bool,
}

/// A photo that a template asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateImage {
    #[serde(rename = "_id")]
    pub id: TemplatePartId,
    /// What it shows; an open list (contract 2.4).
    pub side: String,
    /// An inspection without it is disapproved.
    pub required: bool,
    pub validations: Vec<TemplateValidation>,
    #[serde(default)]
    pub inputs: Vec<TemplateInput>,
    #[serde(default)]
    pub features: Vec<TemplateFeature>,
}

/// A check of a photo (contract 2.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateValidation {
    #[serde(rename = "_id")]
    pub id: TemplatePartId,
    /// Its name, such as `date`; an open list.
    pub validation: String,
    /// A photo on which it is not valid is disapproved.
    pub required: bool,
    /// Whether it is carried out.
    pub run: bool,
}

/// Something that is asked for beside the photos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateInput {
    #[serde(rename = "_id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TemplatePartId>,
    /// What requests name it by; made when a template is created without it.
    #[serde(default)]
    pub identifier: Option<String>,
    pub label: String,
    #[serde(rename = "type")]
    pub kind: InputType,
    /// What a `select` offers.
    #[serde(default, deserialize_with = "options")]
    pub options: Vec<InputOption>,
    pub stages: InputStage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<InputContext>,
    #[serde(default, deserialize_with = "rules")]
    pub validation_schema: InputRules,
}

/// One choice of a `select`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InputOption {
    pub label: String,
}

/// A hint for the person who fills it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InputContext {
    pub message: String,
    pub locale: String,
}

/// What a value must hold to (contract 2.9).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InputRules {
    pub required: bool,
    /// Characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "lenient::number_or_none"
    )]
    pub minimum: Option<f64>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "lenient::number_or_none"
    )]
    pub maximum: Option<f64>,
    /// Whether it must be an e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<bool>,
    /// The earliest date, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_date: Option<String>,
    /// The latest date, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_date: Option<String>,
}

/// Null is no option.
fn options<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<InputOption>, D::Error> {
    Ok(objects(deserializer)?.unwrap_or_default())
}

/// Null and PHP's empty array are no rules.
fn rules<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<InputRules, D::Error> {
    Ok(object(deserializer)?.unwrap_or_default())
}

/// A switch of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateFeature {
    #[serde(rename = "_id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TemplatePartId>,
    pub feature: String,
    pub is_active: bool,
}

/// A named value of a template (contract C9).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateVariable {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub initial_value: Value,
}

/// Limits of the inspections made with a template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TemplateParameters {
    /// Wrong access codes until the inspection is blocked (contract U7); the server's setting without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// How long its inspections live, like `7d`; the server's setting without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<HumanDuration>,
}
