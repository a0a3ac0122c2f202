//! Queries of templates (contract 1.3, E22 and E23).

use serde::{Deserialize, Serialize};

use crate::object::{InspectionType, TemplateType};

/// Query of `GET /v1/inspection/template` and of its preview.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::IntoParams,
)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct TemplateListQuery {
    pub inspection_type: Option<InspectionType>,
    #[serde(rename = "type")]
    pub kind: Option<TemplateType>,
}
