//! Finds templates (contract 1.3, E22 to E24, and 2.9).

use std::sync::Arc;

use heraldo_wire::id::CompanyId;
use heraldo_wire::object::InspectionType;
use heraldo_wire::problem::{Problem, ProblemCode};

use super::{Context, problem_of};
use crate::inspection::Inspection;
use crate::record::{Kept as _, RecordKind};
use crate::store::StoreError;
use crate::template::{Template, TemplateRevision, aliases, built_in, built_in_by_id};

impl Context {
    /// The template that a create request names: the alias or id of a built-in one, or the id of one of
    /// the company's.
    pub(super) async fn template_named(
        &self,
        company_id: CompanyId,
        inspection_type: InspectionType,
        id_or_alias: &str,
    ) -> Result<Arc<Template>, Problem> {
        let id_or_alias = id_or_alias.trim();
        if let Some(template) = built_in(inspection_type, id_or_alias) {
            return Ok(template);
        }
        if let Ok(id) = id_or_alias.parse()
            && let Some(record) = self
                .store
                .record(RecordKind::Template, id)
                .await
                .map_err(problem_of)?
            && record.company_id == company_id
        {
            let template: Template = record.read().map_err(problem_of)?;
            if template.inspection_type == inspection_type {
                return Ok(Arc::new(template));
            }
        }
        let known = aliases(inspection_type).join(", ");
        Err(ProblemCode::UnknownTemplate.problem(format!(
            "`templateId` names no template for {inspection_type}; use the id of a template or one of the \
             aliases of the built-in ones: {known}"
        )))
    }

    /// What the inspection's template was when the inspection was made.
    pub(super) async fn template_of(
        &self,
        inspection: &Inspection,
    ) -> Result<Arc<Template>, StoreError> {
        let missing = || {
            StoreError::Failed(format!(
                "the template of the inspection {} is missing",
                inspection.id
            ))
        };
        let Some(revision) = inspection.template_revision else {
            return built_in_by_id(inspection.template.id).ok_or_else(missing);
        };
        let record = self
            .store
            .record(TemplateRevision::KIND, revision.0)
            .await?;
        let TemplateRevision(template) = record.ok_or_else(missing)?.read()?;
        Ok(Arc::new(template))
    }
}
