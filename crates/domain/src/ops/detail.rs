//! The detail page of an inspection, behind a link that opens it for a time (contract 1.3 E16, U20).

use std::time::Duration;

use heraldo_wire::api::{PresignAnswer, PresignIdentity, PresignIdentityType, PresignRequest};
use heraldo_wire::event::EventType;
use heraldo_wire::id::{ImageId, InspectionId};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;

use super::{Context, problem_of};
use crate::account::Caller;
use crate::change::Origin;
use crate::inspection::{Image, ImageState, Inspection};
use crate::links::Target;
use crate::query::{CompanyView, EventFilter, Page};
use crate::sheet::html::{self, Shown};
use crate::sheet::{Facts, Language, Sheet};

const LIFETIME_SECONDS: std::ops::RangeInclusive<u64> = 1..=86_400;
const LIFETIME_SECONDS_DEFAULT: u64 = 900;
/// An inspection has one event for each of its photos and a few of its own.
const EVENTS_MAX: u32 = 200;

/// Makes a link to the detail page, whatever the inspection's status.
///
/// # Errors
/// `not_found`; `invalid_body` for a time out of range and for an identity that nobody of the company has.
pub async fn presign_detail(
    context: &Context,
    caller: &Caller,
    inspection_id: InspectionId,
    request: PresignRequest,
) -> Result<PresignAnswer, Problem> {
    context.own(caller, inspection_id).await?;
    let seconds = request
        .expires_in_seconds
        .unwrap_or(LIFETIME_SECONDS_DEFAULT);
    if !LIFETIME_SECONDS.contains(&seconds) {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`expiresInSeconds` must be from {} to {}",
            LIFETIME_SECONDS.start(),
            LIFETIME_SECONDS.end()
        )));
    }
    if let Some(identity) = &request.identity {
        let company = context.view(caller.company_id).await?;
        if !is_member(&company, identity) {
            return Err(ProblemCode::InvalidBody.problem(
                "`identity` names nobody of the company; send the id of one of its users, or the \
                 `internalId` that one of them has",
            ));
        }
    }
    // Links end at whole seconds; what is said is when it ends.
    let now = context.now();
    let until = now.plus(Duration::from_secs(seconds)).as_secs();
    let expires_at = Timestamp::from_millis(until.saturating_mul(1_000));
    let target = Target::Detail { inspection_id };
    let access_token = context.links.sign(target, expires_at);
    Ok(PresignAnswer {
        url: format!("{}/detail/{access_token}", context.links.public_url),
        access_token,
        expires_at,
    })
}

fn is_member(company: &CompanyView, identity: &PresignIdentity) -> bool {
    let id = identity.id.trim();
    match identity.kind {
        PresignIdentityType::User => id.parse().is_ok_and(|user| company.member(user).is_some()),
        PresignIdentityType::InternalId => {
            let mut members = company.members.iter();
            members.any(|member| member.internal_id.as_deref() == Some(id))
        }
    }
}

/// What a link to a detail page comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    Page(String),
    /// Its time is over.
    Expired,
    /// It was not made here, or what it opened is gone.
    Unknown,
}

/// Opens a link to a detail page. The page's own links to photos end with it.
///
/// # Errors
/// The store's.
pub async fn open_detail(
    context: &Context,
    token: &str,
    language: Language,
) -> Result<Detail, Problem> {
    let Some((Target::Detail { inspection_id }, until)) = context.links.read(token) else {
        return Ok(Detail::Unknown);
    };
    if context.now() >= until {
        return Ok(Detail::Expired);
    }
    let found = context.store.inspection(inspection_id).await;
    let Some(inspection) = found.map_err(problem_of)? else {
        return Ok(Detail::Unknown);
    };
    let sheet = context.sheet_of(&inspection, language).await?;
    let photo = |image_id| shown(context, &inspection, image_id, until);
    Ok(Detail::Page(html::page(&sheet, photo)))
}

/// Where the page shows a photo from: relative to itself, wherever the server is reached.
fn shown(
    context: &Context,
    inspection: &Inspection,
    image_id: ImageId,
    until: Timestamp,
) -> Option<Shown> {
    let (_, image) = inspection.image(image_id)?;
    let paths = photo_paths(context, inspection.id, image, until)?;
    Some(Shown {
        src: format!("../{}", paths.small),
        whole: Some(format!("../{}", paths.whole)),
    })
}

/// Where a photo can be fetched from, below the root of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoPaths {
    pub small: String,
    pub whole: String,
}

/// Where a photo can be fetched from until then; `None`: it cannot be shown.
#[must_use]
pub fn photo_paths(
    context: &Context,
    inspection_id: InspectionId,
    image: &Image,
    until: Timestamp,
) -> Option<PhotoPaths> {
    let path = |target, extension: &str| {
        format!("files/{}.{extension}", context.links.sign(target, until))
    };
    let image_id = image.id;
    let whole = Target::Photo {
        inspection_id,
        image_id,
    };
    let whole = path(whole, image.format.extension());
    let thumbnail = Target::Thumbnail {
        inspection_id,
        image_id,
    };
    match image.state {
        // There is no thumbnail before a photo was looked at.
        ImageState::Uploaded { .. } => Some(PhotoPaths {
            small: whole.clone(),
            whole,
        }),
        ImageState::Examined { .. } | ImageState::Processed { .. } => {
            image.is_readable().then(|| PhotoPaths {
                small: path(thumbnail, "jpg"),
                whole,
            })
        }
    }
}

impl Context {
    /// An inspection as people read it now.
    pub(super) async fn sheet_of(
        &self,
        inspection: &Inspection,
        language: Language,
    ) -> Result<Sheet, Problem> {
        let template = self.template_of(inspection).await.map_err(problem_of)?;
        let company = self.view(inspection.company_id).await?;
        let filter = EventFilter {
            inspection_id: Some(inspection.id),
            ..EventFilter::default()
        };
        let page = Page {
            limit: EVENTS_MAX,
            before: None,
        };
        let events = self.store.events(inspection.company_id, filter, page).await;
        let events: Vec<(EventType, Timestamp)> = events
            .map_err(problem_of)?
            .iter()
            .rev()
            .filter(|event| event.origin == Origin::Inspection)
            .map(|event| (event.event_type, event.created_at))
            .collect();
        let facts = Facts {
            inspection,
            template: &template,
            company_name: &company.company.name,
            events: &events,
            now: self.now(),
        };
        Ok(crate::sheet::write(facts, language))
    }
}
