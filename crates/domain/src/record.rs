//! Records: documents that a company keeps and changes rarely, one mechanism for all their kinds.
//!
//! A kind is a type that implements [`Kept`]; engines know only the frame around its JSON.

use heraldo_wire::id::{CompanyId, Id};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::store::StoreError;

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A company's template as it is now.
    Template,
    /// A template as it was when it was saved; never changed, its subject is the template.
    TemplateRevision,
    /// A report request; its subject is the inspection.
    Report,
    /// A recovery; its subject is the webhook.
    Recovery,
    /// The count of what a recovery would send; its subject is the webhook.
    RecoverCount,
    /// An OAuth application.
    OauthApp,
    /// A user who gave an OAuth application access; its subject is the application.
    OauthConnection,
    /// Somebody who was asked into a company.
    Invitation,
    /// An inspection that was made from one that expired; its subject is that one.
    Child,
}

/// One document in the frame that engines see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub kind: RecordKind,
    pub id: Id,
    pub company_id: CompanyId,
    /// Grows by one with each change; an update names the version it was decided on.
    pub version: u64,
    /// What it belongs to, for lists.
    pub subject: Option<Id>,
    /// Unique among the company's records of this kind.
    pub name: Option<String>,
    /// JSON.
    pub doc: String,
}

/// A type that is kept as a record.
pub trait Kept: Serialize + DeserializeOwned {
    const KIND: RecordKind;

    fn id(&self) -> Id;
    fn company_id(&self) -> CompanyId;
    fn version(&self) -> u64;

    fn subject(&self) -> Option<Id> {
        None
    }

    fn name(&self) -> Option<&str> {
        None
    }
}

impl Record {
    /// The record of a document.
    ///
    /// # Errors
    /// `Failed` when it cannot be written as JSON.
    pub fn of<T: Kept>(document: &T) -> Result<Self, StoreError> {
        Ok(Self {
            kind: T::KIND,
            id: document.id(),
            company_id: document.company_id(),
            version: document.version(),
            subject: document.subject(),
            name: document.name().map(ToOwned::to_owned),
            doc: serde_json::to_string(document)
                .map_err(|error| StoreError::Failed(error.to_string()))?,
        })
    }

    /// The document of a record.
    ///
    /// # Errors
    /// `Failed` when it is of another kind or cannot be read.
    pub fn read<T: Kept>(&self) -> Result<T, StoreError> {
        if self.kind != T::KIND {
            return Err(StoreError::Failed(format!(
                "the record {} is a {:?}, not a {:?}",
                self.id,
                self.kind,
                T::KIND
            )));
        }
        serde_json::from_str(&self.doc).map_err(|error| {
            StoreError::Failed(format!("the record {} cannot be read: {error}", self.id))
        })
    }
}
