//! Photos come in: tokens for those who have no key, uploads, and the word of outside processors
//! (contract 1.3, E20 and E21, and 8.2 "Image result").

use std::time::Duration;

use bytes::Bytes;
use heraldo_wire::api::{
    CoordinatesRequest, ImageRequest, ImageResultRequest, ImageTokenAnswer, MessageAnswer,
};
use heraldo_wire::id::{FileId, Id, ImageId, InspectionId, JobId, ProductId, ValidationId};
use heraldo_wire::object::{Confidential, Damage, Validation};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::time::Timestamp;

use super::{Context, not_found, problem_of};
use crate::account::{Caller, KeyHash, KeyText};
use crate::change::{Change, Write};
use crate::inspection::image::same_upload;
use crate::inspection::machine::is_repeated;
use crate::inspection::{Command, Image, ImageState, Inspection, Reply, Said, State};
use crate::job::{Job, Task};
use crate::photo::{Captured, Coordinates};
use crate::ports::FileError;
use crate::token::{Purpose, Token};

/// How long an image token is good for (contract U24).
const TOKEN_LIFETIME: Duration = Duration::from_secs(15 * 60);
const SIDE_BYTES_MAX: usize = 100;
const RESULTS_MAX: usize = 50;

/// Who uploads a photo.
#[derive(Debug, Clone)]
pub enum Uploader {
    /// With an API key or as a user.
    Company(Caller),
    /// With an image token, which stands for the key (contract 1.1).
    Token(Confidential),
    /// The consumer, who entered the access code of this inspection.
    Visitor {
        inspection_id: InspectionId,
        /// The same photo sent again under the same word is taken once.
        word: Option<String>,
    },
}

/// What a photo is said to be, checked.
#[derive(Debug, Clone)]
struct Described {
    side: String,
    coordinates: Option<Coordinates>,
    date: Option<Timestamp>,
}

/// Gives a token that uploads one photo of one side without the API key.
///
/// # Errors
/// `not_found`; `invalid_body` without `side`; `conflict` once the inspection has ended; the store's.
pub async fn generate_image_token(
    context: &Context,
    caller: &Caller,
    product_id: ProductId,
    request: ImageRequest,
) -> Result<ImageTokenAnswer, Problem> {
    let inspection = context.with_part(product_id.0).await?;
    let own = inspection.company_id == caller.company_id;
    if !own || inspection.product(product_id).is_none() {
        return Err(not_found());
    }
    let described = describe(request)?;
    match inspection.state {
        State::Created { .. } | State::Started { .. } => {}
        State::Processing { .. } | State::Completed { .. } | State::Blocked { .. } => {
            return Err(
                ProblemCode::Conflict.problem("the inspection has ended and takes no more photos")
            );
        }
    }
    let now = context.now();
    let text = KeyText::generate("img_", &*context.entropy);
    let token = Token {
        hash: text.hash(),
        company_id: caller.company_id,
        expires_at: now.plus(TOKEN_LIFETIME),
        purpose: Purpose::Image {
            inspection_id: inspection.id,
            product_id,
            side: described.side,
            coordinates: described.coordinates,
            date: described.date,
        },
    };
    let change = Change {
        writes: vec![Write::CreateToken(token)],
        ..Change::default()
    };
    context.store.commit(change).await.map_err(problem_of)?;
    Ok(ImageTokenAnswer {
        token: Confidential::new(text.reveal()),
    })
}

/// Takes a photo: it is kept, and looked at soon after.
///
/// # Errors
/// `invalid_credentials` for an image token that is wrong, used, expired or for another side; `not_found`;
/// `invalid_body` without `side`; `invalid_image` for what is no photo; `conflict` unless the inspection is
/// started; `limit_reached`; the store's.
pub async fn upload_image(
    context: &Context,
    uploader: &Uploader,
    product_id: ProductId,
    request: ImageRequest,
    bytes: Bytes,
) -> Result<MessageAnswer, Problem> {
    let now = context.now();
    let (described, token) = match uploader {
        Uploader::Token(text) => {
            let hash = KeyHash::of(text.reveal());
            (
                by_token(context, hash, product_id, request, now).await?,
                Some(hash),
            )
        }
        Uploader::Company(_) | Uploader::Visitor { .. } => (describe(request)?, None),
    };
    let inspection = context.with_part(product_id.0).await?;
    let may = match uploader {
        Uploader::Company(caller) => inspection.company_id == caller.company_id,
        Uploader::Token(_) => true,
        Uploader::Visitor { inspection_id, .. } => inspection.id == *inspection_id,
    };
    if !may || inspection.product(product_id).is_none() {
        return Err(not_found());
    }
    let head = context
        .photos
        .head(&bytes)
        .map_err(|refused| ProblemCode::InvalidImage.problem(refused.to_string()))?;
    let image = Image {
        id: ImageId::default(),
        file_id: FileId(context.next_id(now)),
        side: described.side,
        extra: false,
        uploaded_at: now,
        format: head.format,
        width_pixels: head.width_pixels,
        height_pixels: head.height_pixels,
        size_bytes: bytes.len() as u64,
        captured: head.captured.or(described.date.map(Captured::At)),
        location: described.coordinates.or(head.location),
        upload: match uploader {
            Uploader::Visitor {
                word: Some(word), ..
            } => Some(same_upload(word, &bytes)),
            Uploader::Visitor { word: None, .. } | Uploader::Company(_) | Uploader::Token(_) => {
                None
            }
        },
        state: ImageState::Uploaded { said: None },
    };
    // Answered before the bytes are kept, where the answer can be foreseen.
    if is_repeated(&inspection, &image) {
        return Ok(uploaded());
    }
    if !matches!(inspection.state, State::Started { .. }) || inspection.has_lapsed(now) {
        add(context, inspection, product_id, image, token).await?;
        return Ok(uploaded());
    }
    let name = image.file_name(inspection.id);
    context
        .files
        .put(&name, bytes)
        .await
        .map_err(problem_of_file)?;
    let added = add(context, inspection, product_id, image, token).await;
    let wanted = match &added {
        // The same upload came twice at the same moment.
        Ok(Reply::Unchanged) => false,
        Ok(_) => true,
        // After a failure of the store it may be wanted after all.
        Err(problem) => problem.status() >= 500,
    };
    if !wanted {
        // Nobody will ever ask for it; should it stay, it only takes room.
        let _ = context.files.delete(&name).await;
    }
    added.map(|_| uploaded())
}

fn uploaded() -> MessageAnswer {
    MessageAnswer::new("Image uploaded")
}

async fn add(
    context: &Context,
    inspection: Inspection,
    product_id: ProductId,
    image: Image,
    token: Option<KeyHash>,
) -> Result<Reply, Problem> {
    let (inspection_id, company_id) = (inspection.id, inspection.company_id);
    let command = Command::AddImage {
        product_id,
        image: Box::new(image),
    };
    let job_id = JobId(context.next_id(context.now()));
    let also = |_: &Inspection, reply: Option<Reply>, now: Timestamp| {
        let Some(Reply::ImageAdded(image_id)) = reply else {
            return Vec::new();
        };
        let job = Write::CreateJob(Job {
            id: job_id,
            company_id,
            task: Task::ExamineImage {
                inspection_id,
                image_id,
            },
            due_at: now,
            failures: 0,
            created_at: now,
        });
        let spent = token.map(|hash| Write::SpendToken { hash, now });
        std::iter::once(job).chain(spent).collect()
    };
    match context.carry_out_with(inspection, &command, &also).await {
        Ok((_, reply)) => {
            context.bell.ring();
            Ok(reply)
        }
        // Only the token can be missing: somebody else spent it at this moment.
        Err(problem) if problem.code == ProblemCode::NotFound && token.is_some() => {
            Err(wrong_token())
        }
        Err(problem) => Err(problem),
    }
}

/// Looks whether whoever is about to upload may, so that nobody's photo is read for nothing. An API key was
/// looked at before.
///
/// # Errors
/// `invalid_credentials` for an image token that is wrong, used, expired or for another product; the store's.
pub async fn check_uploader(
    context: &Context,
    uploader: &Uploader,
    product_id: ProductId,
) -> Result<(), Problem> {
    match uploader {
        Uploader::Token(text) => {
            let hash = KeyHash::of(text.reveal());
            let bound = bound_by(context, hash, product_id, context.now()).await;
            bound.map(drop)
        }
        Uploader::Company(_) | Uploader::Visitor { .. } => Ok(()),
    }
}

async fn by_token(
    context: &Context,
    hash: KeyHash,
    product_id: ProductId,
    request: ImageRequest,
    now: Timestamp,
) -> Result<Described, Problem> {
    let bound = bound_by(context, hash, product_id, now).await?;
    let mut given = request.side.iter();
    if given.any(|given| given.trim() != bound.side) {
        return Err(wrong_token());
    }
    let given = describe(ImageRequest {
        side: Some(bound.side),
        ..request
    })?;
    Ok(Described {
        coordinates: given.coordinates.or(bound.coordinates),
        date: given.date.or(bound.date),
        side: given.side,
    })
}

/// What the token says of a photo of this product.
async fn bound_by(
    context: &Context,
    hash: KeyHash,
    product_id: ProductId,
    now: Timestamp,
) -> Result<Described, Problem> {
    let token = context.store.token(hash, now).await.map_err(problem_of)?;
    match token.map(|token| token.purpose) {
        Some(Purpose::Image {
            product_id: bound,
            side,
            coordinates,
            date,
            ..
        }) if bound == product_id => Ok(Described {
            side,
            coordinates,
            date,
        }),
        _ => Err(wrong_token()),
    }
}

fn wrong_token() -> Problem {
    ProblemCode::InvalidCredentials.problem(
        "the image token is wrong, used up, expired, or made for another product or side; ask for a new one",
    )
}

fn describe(request: ImageRequest) -> Result<Described, Problem> {
    let side = request.side.as_deref().unwrap_or_default().trim();
    if side.is_empty() || side.len() > SIDE_BYTES_MAX || side.chars().any(char::is_control) {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`side` says what the photo shows, like `front`, in 1 to {SIDE_BYTES_MAX} bytes"
        )));
    }
    let place = |given: CoordinatesRequest| {
        Coordinates::new(given.latitude, given.longitude).ok_or_else(|| {
            ProblemCode::InvalidBody.problem(
                "`coordinates` are out of range: `latitude` goes from -90 to 90, `longitude` from -180 to 180",
            )
        })
    };
    Ok(Described {
        side: side.to_owned(),
        coordinates: request.coordinates.map(place).transpose()?,
        date: request.date,
    })
}

/// Takes the word of an outside processor on one photo.
///
/// # Errors
/// `not_found`; `invalid_body`; `conflict` for a second answer; the store's.
pub async fn image_result(
    context: &Context,
    caller: &Caller,
    image_id: ImageId,
    request: ImageResultRequest,
) -> Result<MessageAnswer, Problem> {
    let inspection = context.with_part(image_id.0).await?;
    if inspection.company_id != caller.company_id || inspection.image(image_id).is_none() {
        return Err(not_found());
    }
    let said = said(context, request)?;
    let asked = match inspection.image(image_id).map(|(_, image)| &image.state) {
        Some(ImageState::Examined { asked, .. }) => asked.clone(),
        Some(ImageState::Uploaded { .. } | ImageState::Processed { .. }) | None => Vec::new(),
    };
    let command = Command::AnswerForImage {
        image_id,
        said: with_silence(context, said, &asked),
    };
    context.carry_out(inspection, &command).await?;
    Ok(MessageAnswer::new("Image result taken"))
}

/// Adds what was asked and not answered: not valid, with confidence 0, because nobody looked.
pub(super) fn with_silence(context: &Context, mut said: Said, asked: &[String]) -> Said {
    let now = context.now();
    for kind in asked {
        if !said.validations.iter().any(|one| one.kind == *kind) {
            said.validations.push(Validation {
                id: ValidationId(context.next_id(now)),
                kind: kind.clone(),
                valid: false,
                confidence: 0.0,
            });
        }
    }
    said
}

fn said(context: &Context, request: ImageResultRequest) -> Result<Said, Problem> {
    let invalid = |what: &str| Err(ProblemCode::InvalidBody.problem(what));
    let validations = request.validations.unwrap_or_default();
    let damages = request.damages.unwrap_or_default();
    if validations.is_empty() && damages.is_empty() {
        return invalid("send `validations`, a list of {type, valid, confidence}");
    }
    if validations.len() > RESULTS_MAX || damages.len() > RESULTS_MAX {
        return Err(ProblemCode::InvalidBody.problem(format!(
            "`validations` and `damages` take at most {RESULTS_MAX} entries each"
        )));
    }
    let mut said = Said::default();
    for given in validations {
        if given.kind.is_empty() || given.kind.len() > SIDE_BYTES_MAX {
            return invalid("`type` of a validation is a name of 1 to 100 bytes, like `plate`");
        }
        if !(0.0..=1.0).contains(&given.confidence) {
            return invalid("`confidence` is a number from 0 to 1");
        }
        if said.validations.iter().any(|one| one.kind == given.kind) {
            return invalid("each validation may be named once");
        }
        said.validations.push(Validation {
            id: ValidationId(context.next_id(context.now())),
            kind: given.kind,
            valid: given.valid,
            confidence: given.confidence,
        });
    }
    for given in damages {
        let sized = |text: &str| (1..=SIDE_BYTES_MAX).contains(&text.len());
        if !sized(&given.part) || !sized(&given.kind) {
            return invalid("`part` and `type` of a damage are names of 1 to 100 bytes");
        }
        if !(0.0..=100.0).contains(&given.percentage) {
            return invalid("`percentage` is a number from 0 to 100");
        }
        said.damages.push(Damage {
            part: given.part,
            kind: given.kind,
            percentage: given.percentage,
        });
    }
    Ok(said)
}

impl Context {
    /// The inspection that a product or photo of this id would be among.
    pub(super) async fn with_part(&self, part: Id) -> Result<Inspection, Problem> {
        let found = self.store.inspection_with(part).await;
        found.map_err(problem_of)?.ok_or_else(not_found)
    }
}

/// What the errors of the place for files are to a caller.
#[must_use]
pub fn problem_of_file(error: FileError) -> Problem {
    match error {
        FileError::Full => ProblemCode::StorageFull
            .problem("the place that holds the photos is full; nothing was stored; try again later"),
        FileError::Unavailable(_) => ProblemCode::Unavailable
            .problem("the place that holds the photos cannot be reached; nothing was stored; try again later"),
    }
}
