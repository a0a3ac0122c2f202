//! `POST /inspection/:id/photo`.

use heraldo_domain::ops::images::{Uploader, upload_image};
use heraldo_wire::api::{CoordinatesRequest, ImageRequest};
use heraldo_wire::id::ProductId;
use heraldo_wire::problem::{Problem, ProblemCode};

use super::view::Refusal;
use super::{Visit, plainly};
use crate::call::{Call, Outcome};
use crate::multipart::FilePart;
use crate::problem::Failure;

/// What a page says of an upload is at most this long.
const WORD_BYTES_MAX: usize = 100;

/// Sends a photo from the page
///
/// Needs the cookie that the code gave. The same photo sent again with the same `uploadId` is taken once, so
/// that the page can try again over a broken connection.
#[utoipa::path(
    post,
    path = "/inspection/{id}/photo",
    operation_id = "uploadImageOnPage",
    tag = "pages",
    params(("id" = String, Path, description = "The inspection")),
    request_body(content_type = "multipart/form-data", content = PhotoForm),
    responses(
        (status = 303, description = "The photo is kept; back to the page; or nobody has entered the code in this browser, or the inspection \
            has ended, which the page says"),
        (status = 400, description = "What came is no photo that can be read; the page says so beside it", content_type = "text/html", body = String),
        (status = 403, description = "The form came from another site", content_type = "text/html", body = String),
        (status = 404, description = "There is no such inspection", content_type = "text/html", body = String),
        (status = 409, description = "The inspection has ended or expired, or has as many photos as it may", content_type = "text/html", body = String),
        (status = 413, description = "The photo is too large", content_type = "text/html", body = String),
        (status = 503, description = "There is no room or no storage just now; try again", content_type = "text/html", body = String),
    ),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    let visit = match Visit::of(call).await {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    if let Some(response) = visit.turned_away(call) {
        return Ok(response);
    }
    let mut place = String::new();
    match take(call, &visit, &mut place).await {
        Ok(()) => Ok(visit.back(call, &format!("#{place}"))),
        Err(failure) => {
            call.note(&failure).await;
            let words = visit.words();
            let empty = failure.problem.extra.contains_key(NO_IMAGE);
            let text = if empty {
                words.no_image
            } else {
                plainly(words, &failure)
            };
            let text = text.to_owned();
            Ok(visit.photos(call, &failure, Refusal { place, text }))
        }
    }
}

/// Marks the refusal of a form without a photo in it.
const NO_IMAGE: &str = "noImage";

async fn take(call: &mut Call, visit: &Visit, place: &mut String) -> Result<(), Failure> {
    let mut form = Fields(call.page_form().await?);
    *place = form.text("place").unwrap_or_default();
    // It becomes part of the page and of an address.
    place.retain(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    let product_id: Option<ProductId> = form.text("productId").and_then(|text| text.parse().ok());
    let product_id = product_id.ok_or_else(|| broken("productId"))?;
    let coordinates = match (form.number("latitude"), form.number("longitude")) {
        (Some(latitude), Some(longitude)) => Some(CoordinatesRequest {
            latitude,
            longitude,
        }),
        _ => None,
    };
    let request = ImageRequest {
        side: form.text("side"),
        coordinates,
        date: form.text("date").and_then(|date| date.parse().ok()),
        ..ImageRequest::default()
    };
    let word = form.text("uploadId");
    let image = form.take("image").map(|part| part.bytes);
    let Some(image) = image.filter(|bytes| !bytes.is_empty()) else {
        let problem = ProblemCode::InvalidImage.problem("the form holds no photo");
        return Err(problem.with(NO_IMAGE, true).into());
    };
    let uploader = Uploader::Visitor {
        inspection_id: visit.id,
        word,
    };
    upload_image(call.context(), &uploader, product_id, request, image).await?;
    Ok(())
}

fn broken(field: &str) -> Problem {
    ProblemCode::InvalidBody.problem(format!("`{field}` is missing or malformed"))
}

/// The parts of a form.
struct Fields(Vec<FilePart>);

impl Fields {
    fn take(&mut self, name: &str) -> Option<FilePart> {
        let place = self.0.iter().position(|part| part.name == name)?;
        Some(self.0.swap_remove(place))
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let bytes = self.take(name)?.bytes;
        let text = std::str::from_utf8(&bytes).ok()?.trim();
        let fits = (1..=WORD_BYTES_MAX).contains(&text.len());
        fits.then(|| text.to_owned())
    }

    fn number(&mut self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok()
    }
}

/// The form of the page.
#[derive(utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct PhotoForm {
    /// The product that is shown.
    product_id: ProductId,
    /// What the photo shows.
    side: String,
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    /// Tells a repeated upload from a new one.
    upload_id: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    /// When the file was made.
    date: Option<heraldo_wire::time::Timestamp>,
    /// The element of the page to go back to.
    place: Option<String>,
}
