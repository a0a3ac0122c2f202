//! An inspection: what it is made of, and (in [`machine`]) what can happen to it.

pub mod file;
mod fit;
pub mod image;
pub mod machine;
mod missing;
mod render;

use heraldo_wire::id::{CompanyId, Id, ImageId, InspectionId, ProductId, TemplateRevisionId};
use heraldo_wire::object::{
    BlockedReason, CompletedBy, Consumer, DeliveryPreference, ImageTarget, Input, InspectionStatus,
    InspectionType, Metadata, Producer, ProductAttributes, TemplateHead, Veredict,
};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::template::Template;

pub use image::{Findings, Image, ImageState, Said};
pub use machine::{Command, Description, OwnEvent, Refused, Reply, Step};
pub use missing::{
    AskedInput, MissingPhoto, answer, asked_inputs, missing_answers, missing_photos,
};
pub(crate) use render::event_body;
pub use render::{magic_link, to_wire};

/// One inspection with its whole state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    pub id: InspectionId,
    pub company_id: CompanyId,
    /// Grows by one with each change; an update names the version it was decided on.
    pub version: u64,
    pub inspection_type: InspectionType,
    pub template: TemplateHead,
    /// What the template was when this was made; `None`: a built-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_revision: Option<TemplateRevisionId>,
    /// So many wrong access codes block it (contract 5.3).
    pub access_attempts_max: u32,
    /// With the personal fields that `inspection_created` carries.
    pub producer: Producer,
    /// Made with a test key.
    pub testing: bool,
    pub locale: String,
    pub callback_url: Option<String>,
    pub delivery: DeliveryPreference,
    pub metadata: Metadata,
    pub consumer: Consumer,
    pub products: Vec<Product>,
    /// Inputs that belong to no product: those of goods, of which there may be several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// How many products, photos and files it has had: their ids count on from its own.
    #[serde(default)]
    pub part_count: u32,
    /// Four digits.
    pub access_code: String,
    pub parent_id: Option<InspectionId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Fixed at creation.
    pub expires_at: Timestamp,
    /// How many events it has had; the last one's `autoinspector-sequence`.
    pub event_count: u32,
    pub state: State,
}

/// One thing that is inspected, under whose id its photos are uploaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Product {
    pub id: ProductId,
    pub attributes: ProductAttributes,
    pub inputs: Vec<Input>,
    /// In the order of their upload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
}

impl Product {
    #[must_use]
    pub const fn new(id: ProductId, attributes: ProductAttributes) -> Self {
        Self {
            id,
            attributes,
            inputs: Vec::new(),
            images: Vec::new(),
        }
    }

    /// The photo of this side that counts: the newest (contract U26).
    #[must_use]
    pub fn newest(&self, side: &str) -> Option<&Image> {
        let of_side = |image: &&Image| !image.extra && image.side == side;
        self.images.iter().rev().find(of_side)
    }
}

/// Where an inspection stands (contract 5.1, 5.2), with what only that state has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum State {
    /// Waiting for the consumer's access code.
    Created { wrong_codes: u32 },
    /// The consumer takes photos. Wrong codes are counted here, too: once they are used up nobody enters
    /// any more, and whoever is in stays in.
    Started {
        at: Timestamp,
        #[serde(default)]
        wrong_codes: u32,
    },
    /// No more photos; waiting for those that are being looked at.
    Processing {
        completed_by: CompletedBy,
        at: Timestamp,
    },
    /// Ended with a verdict.
    Completed {
        completed_by: CompletedBy,
        veredict: Veredict,
        at: Timestamp,
        review: Option<Review>,
    },
    /// Ended without.
    Blocked {
        reason: BlockedReason,
        at: Timestamp,
    },
}

/// The last review of a completed inspection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    pub reason: Option<String>,
    pub at: Timestamp,
}

impl State {
    /// Started now, with no wrong code yet.
    #[must_use]
    pub const fn started(at: Timestamp) -> Self {
        Self::Started { at, wrong_codes: 0 }
    }

    #[must_use]
    pub const fn status(&self) -> InspectionStatus {
        match self {
            Self::Created { .. } => InspectionStatus::Created,
            Self::Started { .. } => InspectionStatus::Started,
            Self::Processing { .. } => InspectionStatus::Processing,
            Self::Completed { .. } => InspectionStatus::Completed,
            Self::Blocked { .. } => InspectionStatus::Blocked,
        }
    }
}

impl Inspection {
    #[must_use]
    pub const fn status(&self) -> InspectionStatus {
        self.state.status()
    }

    /// `not_defined` before the end (contract 5.1).
    #[must_use]
    pub const fn veredict(&self) -> Veredict {
        match self.state {
            State::Completed { veredict, .. } => veredict,
            State::Created { .. }
            | State::Started { .. }
            | State::Processing { .. }
            | State::Blocked { .. } => Veredict::NotDefined,
        }
    }

    #[must_use]
    pub const fn completed_by(&self) -> Option<CompletedBy> {
        match self.state {
            State::Processing { completed_by, .. } | State::Completed { completed_by, .. } => {
                Some(completed_by)
            }
            State::Created { .. } | State::Started { .. } | State::Blocked { .. } => None,
        }
    }

    /// Whether its time is over: only `created` and `started` ones expire (contract 5.4).
    #[must_use]
    pub fn has_lapsed(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Created { .. } | State::Started { .. })
            && now >= self.expires_at
    }

    /// Too many wrong codes were entered after the start: it takes none any more, not even the right one.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        match self.state {
            State::Started { wrong_codes, .. } => wrong_codes >= self.access_attempts_max,
            State::Created { .. }
            | State::Processing { .. }
            | State::Completed { .. }
            | State::Blocked { .. } => false,
        }
    }

    /// Ended by the system: a child may be made from it (contract 5.4).
    #[must_use]
    pub fn has_expired(&self) -> bool {
        match self.state {
            State::Blocked { reason, .. } => reason == BlockedReason::Expired,
            State::Completed { completed_by, .. } => completed_by == CompletedBy::Expiration,
            State::Created { .. } | State::Started { .. } | State::Processing { .. } => false,
        }
    }

    /// The verdict of what was uploaded (contract 5.5, 8.2 "Verdict"): each product has to have an
    /// approved photo of each side that the template requires. Without any photo there is nothing to
    /// judge.
    #[must_use]
    pub fn judged(&self, template: &Template) -> Veredict {
        if self.images().next().is_none() {
            return Veredict::NotProvided;
        }
        let holds = |product: &Product| {
            let mut required = template.images.iter().filter(|image| image.required);
            required.all(|image| product.newest(&image.side).is_some_and(Image::is_approved))
        };
        if self.products.iter().all(holds) {
            Veredict::Approved
        } else {
            Veredict::Disapproved
        }
    }

    /// Every photo, with the product that it is of.
    pub fn images(&self) -> impl Iterator<Item = (&Product, &Image)> {
        self.products
            .iter()
            .flat_map(|product| product.images.iter().map(move |image| (product, image)))
    }

    /// Every input, of its products and beside them.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        let of_products = self.products.iter().flat_map(|product| &product.inputs);
        of_products.chain(&self.inputs)
    }

    #[must_use]
    pub fn image(&self, id: ImageId) -> Option<(&Product, &Image)> {
        self.images().find(|(_, image)| image.id == id)
    }

    fn image_mut(&mut self, id: ImageId) -> Option<&mut Image> {
        self.products
            .iter_mut()
            .flat_map(|product| &mut product.images)
            .find(|image| image.id == id)
    }

    #[must_use]
    pub fn product(&self, id: ProductId) -> Option<&Product> {
        self.products.iter().find(|product| product.id == id)
    }

    /// Whether every photo has been processed.
    #[must_use]
    pub fn is_all_processed(&self) -> bool {
        self.images().all(|(_, image)| image.is_processed())
    }

    /// The part of the inspection that its photos belong to: people have an identity, the custom type a
    /// section of its own, the others products (contract 1.3, E2).
    #[must_use]
    pub const fn image_target(&self) -> ImageTarget {
        match self.inspection_type {
            InspectionType::People => ImageTarget::Identity,
            InspectionType::Custom => ImageTarget::Custom,
            InspectionType::Car
            | InspectionType::Moto
            | InspectionType::Bike
            | InspectionType::Machinery
            | InspectionType::Goods
            | InspectionType::Cellphone => ImageTarget::Product,
        }
    }

    /// Merges inputs by identifier. They are those of its one product; goods, of which there may be several,
    /// have them beside the products.
    pub fn take_inputs(&mut self, said: Vec<Input>) {
        let goods = self.inspection_type == InspectionType::Goods;
        let own = match self.products.first_mut() {
            Some(product) if !goods => &mut product.inputs,
            Some(_) | None => &mut self.inputs,
        };
        merge_inputs(own, said);
    }

    /// The id of its next part. Parts share the key of the inspection and count on from its tail, so
    /// that whoever has a part's id finds the inspection without an index.
    pub fn next_part(&mut self) -> Id {
        self.part_count += 1;
        let id = self.id.0;
        Id::from_parts(id.key(), id.tail().wrapping_add(self.part_count))
    }

    /// The plate that lists are filtered by: trimmed and upper-case.
    #[must_use]
    pub fn plate_key(&self) -> Option<String> {
        self.products
            .iter()
            .find_map(|product| product.attributes.plate())
            .map(match_key)
    }

    /// The consumer's identification that lists are filtered by: trimmed and upper-case.
    #[must_use]
    pub fn identification_key(&self) -> Option<String> {
        self.consumer.identification.as_deref().map(match_key)
    }

    /// The text that a search looks into: the consumer's identification, first name and e-mail as filters
    /// compare them, with a line break before and after each.
    #[must_use]
    pub fn search_text(&self) -> String {
        let Consumer {
            identification,
            first_name,
            email,
            ..
        } = &self.consumer;
        let mut text = String::from("\n");
        for field in [identification, first_name, email].into_iter().flatten() {
            text.push_str(&match_key(field));
            text.push('\n');
        }
        text
    }
}

/// What must stand in an inspection's search text: a part of a field, or, for one or two characters, which
/// are a part of nearly everything, how a field begins.
#[must_use]
pub fn search_part(asked: &str) -> String {
    let key = match_key(asked);
    if key.chars().nth(2).is_some() {
        key
    } else {
        format!("\n{key}")
    }
}

/// Each input replaces the one with its identifier.
fn merge_inputs(own: &mut Vec<Input>, said: Vec<Input>) {
    for input in said {
        match own
            .iter_mut()
            .find(|known| known.identifier == input.identifier)
        {
            Some(known) => *known = input,
            None => own.push(input),
        }
    }
}

/// How texts are compared in filters: trimmed and upper-case, with spaces for control characters, so that
/// line breaks can stand between texts.
#[must_use]
pub fn match_key(text: &str) -> String {
    text.trim().to_uppercase().replace(char::is_control, " ")
}
