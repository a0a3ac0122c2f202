//! A file given as the value of an input: the input holds what is known of it, the bytes are kept apart.

use heraldo_wire::id::{FileId, InspectionId};
use heraldo_wire::object::{Input, InputType};
use serde::{Deserialize, Serialize};

use super::Inspection;
use crate::links::Target;

/// What an input holds of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputFile {
    /// The inspection that it was given to; a child inspection holds its parent's.
    pub inspection_id: InspectionId,
    pub file_id: FileId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    pub size_bytes: u64,
}

impl InputFile {
    #[must_use]
    pub const fn target(&self) -> Target {
        Target::InputFile {
            inspection_id: self.inspection_id,
            file_id: self.file_id,
        }
    }

    /// The name under which the file is kept.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("inspections/{}/{}.input", self.inspection_id, self.file_id)
    }
}

/// The file that an input holds.
#[must_use]
pub fn input_file(input: &Input) -> Option<InputFile> {
    match input.kind {
        InputType::File => serde_json::from_value(input.value.clone()?).ok(),
        InputType::Text
        | InputType::Date
        | InputType::Textare
        | InputType::Select
        | InputType::Numeric
        | InputType::Check => None,
    }
}

impl Inspection {
    /// The file of this id among its inputs.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<InputFile> {
        let of_products = self.products.iter().flat_map(|product| &product.inputs);
        of_products
            .chain(&self.inputs)
            .filter_map(input_file)
            .find(|file| file.file_id == id)
    }
}
