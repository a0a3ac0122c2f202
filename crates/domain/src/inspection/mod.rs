//! An inspection: what it is made of, and (in [`machine`]) what can happen to it.

pub mod machine;
mod render;

use heraldo_wire::id::{CompanyId, InspectionId, ProductId};
use heraldo_wire::object::{
    BlockedReason, CompletedBy, Consumer, DeliveryPreference, Input, InspectionStatus,
    InspectionType, Metadata, Producer, ProductAttributes, TemplateHead, Veredict,
};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

pub use machine::{Command, OwnEvent, Refused, Reply, Step};
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
}

/// Where an inspection stands (contract 5.1, 5.2), with what only that state has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum State {
    /// Waiting for the consumer's access code.
    Created { wrong_codes: u32 },
    /// The consumer takes photos.
    Started { at: Timestamp },
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

    /// Ended by the system: a child may be made from it (contract 5.4).
    #[must_use]
    pub fn has_expired(&self) -> bool {
        match self.state {
            State::Blocked { reason, .. } => reason == BlockedReason::Expired,
            State::Completed { completed_by, .. } => completed_by == CompletedBy::Expiration,
            State::Created { .. } | State::Started { .. } | State::Processing { .. } => false,
        }
    }

    /// The verdict of what was uploaded (contract 5.5). Without any photo there is nothing to judge.
    #[must_use]
    pub const fn judged(&self) -> Veredict {
        Veredict::NotProvided
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

    /// The text that a search looks into: the consumer's identification, first name and e-mail, each
    /// trimmed and upper-case, with a line break before each.
    #[must_use]
    pub fn search_text(&self) -> String {
        let Consumer {
            identification,
            first_name,
            email,
            ..
        } = &self.consumer;
        let fields = [identification, first_name, email].into_iter().flatten();
        fields
            .map(|field| format!("\n{}", search_key(field)))
            .collect()
    }
}

/// What must stand in an inspection's search text: a part of a field, or, for one or two characters, which
/// are a part of nearly everything, how a field begins.
#[must_use]
pub fn search_part(asked: &str) -> String {
    let key = search_key(asked);
    if key.chars().nth(2).is_some() {
        key
    } else {
        format!("\n{key}")
    }
}

/// Without line breaks of its own, which stand between the fields.
fn search_key(text: &str) -> String {
    match_key(text).replace('\n', " ")
}

/// How texts are compared in filters: trimmed and upper-case.
#[must_use]
pub fn match_key(text: &str) -> String {
    text.trim().to_uppercase()
}
