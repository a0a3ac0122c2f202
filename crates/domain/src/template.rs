//! Templates: what an inspection asks for (contract 2.9, 8.2 "Templates").

mod built_in;
mod checker;
mod draft;
mod input_rules;
mod schema;
mod value;

use std::time::Duration;

use heraldo_wire::id::{CompanyId, Id, TemplateId, TemplateRevisionId};
use heraldo_wire::object as wire;
use heraldo_wire::object::{
    InspectionType, TemplateFeature, TemplateHead, TemplateImage, TemplateInput,
    TemplateParameters, TemplateType, TemplateVariable,
};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{Kept, RecordKind};

pub(crate) use checker::{Violation, check};
pub(crate) use draft::{Content, NewParts};
pub(crate) use schema::{due_at_create, schema};
pub(crate) use value::{check_value, is_empty};

pub use built_in::{aliases, built_in, built_in_by_id, built_ins};

/// What an inspection made from it asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    pub id: TemplateId,
    /// The owner; `None`: compiled in.
    pub company_id: Option<CompanyId>,
    /// Names this content for good, so that an inspection keeps what it was made with when the template
    /// changes; `None`: compiled in.
    pub revision: Option<TemplateRevisionId>,
    /// Grows by one with each change.
    pub version: u64,
    pub kind: TemplateType,
    pub inspection_type: InspectionType,
    /// Unique in the company; of a built-in one its alias.
    pub name: String,
    pub parameters: TemplateParameters,
    pub images: Vec<TemplateImage>,
    pub inputs: Vec<TemplateInput>,
    pub features: Vec<TemplateFeature>,
    pub variables: Vec<TemplateVariable>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Template {
    #[must_use]
    pub fn head(&self) -> TemplateHead {
        TemplateHead {
            name: self.name.clone(),
            kind: self.kind,
            id: self.id,
        }
    }

    /// The photo that it asks for under this name; `None`: a photo of it is an extra one (contract U9).
    #[must_use]
    pub fn image(&self, side: &str) -> Option<&TemplateImage> {
        self.images.iter().find(|image| image.side == side)
    }

    /// Every input that it asks for, those of its photos included.
    pub fn asked(&self) -> impl Iterator<Item = &TemplateInput> {
        let of_images = self.images.iter().flat_map(|image| &image.inputs);
        self.inputs.iter().chain(of_images)
    }

    /// How long its inspections live; `None`: as the server's setting says.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.parameters.lifetime.map(|lifetime| lifetime.0)
    }
}

/// The template as it is read.
#[must_use]
pub fn to_wire(template: &Template) -> wire::Template {
    wire::Template {
        inputs: Some(template.inputs.clone()),
        variables: Some(template.variables.clone()),
        schema: Some(schema(template)),
        ..to_preview(template)
    }
}

/// The template without what previews leave out: the schema, the inputs and the variables (contract U18).
#[must_use]
pub fn to_preview(template: &Template) -> wire::Template {
    wire::Template {
        id: template.id,
        kind: template.kind,
        inspection_type: template.inspection_type,
        name: template.name.clone(),
        parameters: template.parameters.clone(),
        images: template.images.clone(),
        inputs: None,
        features: template.features.clone(),
        variables: None,
        schema: None,
        created_at: template.created_at,
        updated_at: template.updated_at,
        last_save: template.updated_at,
    }
}

impl Kept for Template {
    const KIND: RecordKind = RecordKind::Template;

    fn id(&self) -> Id {
        self.id.0
    }

    fn company_id(&self) -> CompanyId {
        self.company_id.unwrap_or_default()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
}

/// A template as it was when it was saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TemplateRevision(pub Template);

impl Kept for TemplateRevision {
    const KIND: RecordKind = RecordKind::TemplateRevision;

    fn id(&self) -> Id {
        self.0.revision.unwrap_or_default().0
    }

    fn company_id(&self) -> CompanyId {
        self.0.company_id.unwrap_or_default()
    }

    fn version(&self) -> u64 {
        1
    }

    fn subject(&self) -> Option<Id> {
        Some(self.0.id.0)
    }
}
