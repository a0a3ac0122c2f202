//! Templates (contract 1.3, E22 to E24, and 8.2 "Templates").

pub mod create;
pub mod list;
pub mod list_with_oauth;
pub mod preview;
pub mod replace;
pub mod retrieve;

use heraldo_domain::ops::templates::TemplateFilter;
use heraldo_wire::api::TemplateListQuery;

/// The path of the list.
pub const LIST: &str = "/v1/inspection/template";

/// What a query asks for.
pub const fn filter(query: TemplateListQuery) -> TemplateFilter {
    TemplateFilter {
        inspection_type: query.inspection_type,
        kind: query.kind,
    }
}
