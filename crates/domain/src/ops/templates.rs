//! Finds, makes and changes templates (contract 1.3, E22 to E25, 2.9 and 8.2 "Templates").

use std::sync::Arc;

use heraldo_wire::id::{CompanyId, TemplateId, TemplateRevisionId};
use heraldo_wire::object::{InspectionType, TemplateRequest, TemplateType};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;

use super::{Answer, Context, Once, json, not_found, problem_of};
use crate::account::Caller;
use crate::change::{Change, Write};
use crate::inspection::Inspection;
use crate::query::Page;
use crate::record::{Kept as _, Record};
use crate::store::StoreError;
use crate::template::{
    Content, NewParts, Template, TemplateRevision, aliases, built_in, built_in_by_id, built_ins,
    to_wire,
};

/// Which templates to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TemplateFilter {
    pub inspection_type: Option<InspectionType>,
    pub kind: Option<TemplateType>,
}

/// Every template that a company can use: the built-in ones, then its own, newest first.
///
/// # Errors
/// The store's.
pub async fn list(
    context: &Context,
    company_id: CompanyId,
    filter: TemplateFilter,
) -> Result<Vec<Arc<Template>>, Problem> {
    let fits = |template: &Template| {
        filter
            .inspection_type
            .is_none_or(|asked| asked == template.inspection_type)
            && filter.kind.is_none_or(|asked| asked == template.kind)
    };
    let mut templates: Vec<Arc<Template>> = built_ins().to_vec();
    if filter.kind != Some(TemplateType::BuiltIn) {
        let own = context.own_templates(company_id).await?;
        templates.extend(own.into_iter().map(Arc::new));
    }
    templates.retain(|template| fits(template));
    Ok(templates)
}

/// One template that a company can use.
///
/// # Errors
/// `not_found`; the store's.
pub async fn find(
    context: &Context,
    company_id: CompanyId,
    id: TemplateId,
) -> Result<Arc<Template>, Problem> {
    if let Some(template) = built_in_by_id(id) {
        return Ok(template);
    }
    Ok(Arc::new(context.own_template(company_id, id).await?))
}

/// Makes a template; the answer is 201 with all of it.
///
/// # Errors
/// `invalid_body`; `limit_reached`; `conflict` when the company has one of this name;
/// `idempotency_conflict`; the store's.
pub async fn create_template(
    context: &Context,
    caller: &Caller,
    request: TemplateRequest,
    once: Option<&Once>,
) -> Result<Answer, Problem> {
    if let Some(answer) = context.replay(once).await? {
        return Ok(answer);
    }
    let now = context.now();
    let inspection_type = request.inspection_type;
    let content = context.read_content(request, None, now)?;
    let max = context.settings.templates_per_company_max;
    let held = context.own_templates(caller.company_id).await?.len();
    if held >= max as usize {
        return Err(ProblemCode::LimitReached.problem(format!(
            "the company has {max} templates, as many as it may have; change one that it does not need"
        )));
    }
    let template = Template {
        id: TemplateId(context.next_id(now)),
        company_id: Some(caller.company_id),
        revision: Some(TemplateRevisionId(context.next_id(now))),
        version: 1,
        kind: TemplateType::Created,
        inspection_type,
        name: content.name,
        parameters: content.parameters,
        images: content.images,
        inputs: content.inputs,
        features: content.features,
        variables: content.variables,
        created_at: now,
        updated_at: now,
    };
    let body = json(&to_wire(&template))?;
    let change = Change {
        writes: vec![
            Write::CreateRecord(Record::of(&template).map_err(problem_of)?),
            revision_of(template)?,
        ],
        ..Change::default()
    };
    context.commit_once(once, now, change, 201, body).await
}

/// Replaces the content of a template. Inspections that were made with it keep what it was.
///
/// # Errors
/// As [`create_template`], and `not_found`; `conflict` for a built-in one.
pub async fn replace_template(
    context: &Context,
    caller: &Caller,
    id: TemplateId,
    request: TemplateRequest,
) -> Result<Template, Problem> {
    if built_in_by_id(id).is_some() {
        return Err(ProblemCode::Conflict.problem(
            "a built-in template cannot be changed; make one of your own from what it holds",
        ));
    }
    let before = context.own_template(caller.company_id, id).await?;
    if request.inspection_type != before.inspection_type {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`inspectionType` stays `{}`; make another template for another type",
            before.inspection_type
        )));
    }
    let now = context.now();
    let content = context.read_content(request, Some(&before), now)?;
    if content.is_that_of(&before) {
        return Ok(before);
    }
    let template = Template {
        revision: Some(TemplateRevisionId(context.next_id(now))),
        version: before.version + 1,
        name: content.name,
        parameters: content.parameters,
        images: content.images,
        inputs: content.inputs,
        features: content.features,
        variables: content.variables,
        updated_at: now,
        ..before
    };
    let change = Change {
        writes: vec![
            Write::UpdateRecord(Record::of(&template).map_err(problem_of)?),
            revision_of(template.clone())?,
        ],
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(template)
}

/// Keeps the template as it is now, for the inspections that are made with it.
fn revision_of(template: Template) -> Result<Write, Problem> {
    let record = Record::of(&TemplateRevision(template)).map_err(problem_of)?;
    Ok(Write::CreateRecord(record))
}

impl Context {
    fn read_content(
        &self,
        request: TemplateRequest,
        before: Option<&Template>,
        now: Timestamp,
    ) -> Result<Content, Problem> {
        let new = NewParts {
            next_id: &|| self.next_id(now),
            entropy: &*self.entropy,
        };
        Content::read(request, before, &new)
    }

    /// A company's own templates, newest first: they are few enough to be read at once.
    async fn own_templates(&self, company_id: CompanyId) -> Result<Vec<Template>, Problem> {
        let page = Page {
            limit: self.settings.templates_per_company_max,
            before: None,
        };
        let own = self.kept_page(company_id, None, page).await;
        own.map_err(problem_of)
    }

    async fn own_template(
        &self,
        company_id: CompanyId,
        id: TemplateId,
    ) -> Result<Template, Problem> {
        let template = self.kept::<Template>(id.0).await.map_err(problem_of)?;
        let own = template.filter(|template| template.company_id() == company_id);
        own.ok_or_else(not_found)
    }

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
            && let Some(template) = self.kept::<Template>(id).await.map_err(problem_of)?
            && template.company_id() == company_id
            && template.inspection_type == inspection_type
        {
            return Ok(Arc::new(template));
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
        let revision = self.kept(revision.0).await?;
        let TemplateRevision(template) = revision.ok_or_else(missing)?;
        Ok(Arc::new(template))
    }
}
