//! `POST /v1/inspection/image/:productId`: a photo, or as JSON a request for a token (contract 1.3, E21).

use heraldo_domain::ops::images::{Uploader, check_uploader, upload_image};
use heraldo_wire::api::{ImageRequest, ImageTokenAnswer, MessageAnswer, Scope};
use heraldo_wire::headers::IMAGE_TOKEN;
use heraldo_wire::id::ProductId;
use heraldo_wire::object::Confidential;
use heraldo_wire::problem::ProblemCode;
use http::StatusCode;

use super::token;
use crate::call::{Call, Outcome};
use crate::extract::{MediaType, parse};
use crate::problem::Failure;
use crate::reply;

/// The part that holds the photo.
const IMAGE: &str = "image";

/// Uploads a photo
///
/// A multipart body with the photo in the part `image` and JSON in the part `data`. With a token in the header
/// `x-image-token` no API key is needed. A JSON body asks for a token instead.
#[utoipa::path(
    post,
    path = "/v1/inspection/image/{id}",
    operation_id = "uploadImage",
    tag = "images",
    params(
        ("id" = ProductId, Path, description = "The product"),
        ("x-image-token" = Option<String>, Header, description = "Replaces the API key"),
    ),
    request_body(content((UploadImageForm = "multipart/form-data"), (ImageRequest = "application/json"))),
    responses((status = 201, description = "The photo is kept and will be looked at; or the token asked for", body = UploadImageAnswer)),
    security(("apiKey" = ["inspections"]), ()),
)]
pub async fn handle(call: &mut Call) -> Outcome {
    if call.media_type()? != MediaType::Multipart {
        return token::handle(call).await;
    }
    let uploader = uploader(call).await?;
    let id: ProductId = call.id().await?;
    check_uploader(call.context(), &uploader, id).await?;
    let mut form = call.form().await?;
    let request: ImageRequest = parse(&form.data)?;
    if request.product_id.is_some_and(|given| given != id) {
        return Err(ProblemCode::InvalidBody
            .problem("`productId` in `data` is not the product in the path")
            .into());
    }
    let place = form.files.iter().position(|file| file.name == IMAGE);
    let Some(image) = place.map(|place| form.files.swap_remove(place)) else {
        return Err(ProblemCode::InvalidBody
            .problem("send the photo as the part `image` of a multipart body")
            .into());
    };
    if image.bytes.is_empty() {
        return Err(ProblemCode::InvalidImage
            .problem("the part `image` is empty; send the photo's bytes in it")
            .into());
    }
    let answer = upload_image(call.context(), &uploader, id, request, image.bytes).await?;
    reply::json(StatusCode::CREATED, &answer)
}

/// A token wins over every other credential (contract 1.1).
async fn uploader(call: &mut Call) -> Result<Uploader, Failure> {
    let mut tokens = call.parts.headers.get_all(IMAGE_TOKEN).iter();
    match (tokens.next(), tokens.next()) {
        (None, _) => Ok(Uploader::Company(call.caller(&[Scope::Inspections]).await?)),
        (Some(token), None) => Ok(Uploader::Token(Confidential::new(
            token.to_str().unwrap_or_default(),
        ))),
        (Some(_), Some(_)) => Err(ProblemCode::InvalidHeader
            .problem("two `x-image-token` headers were sent; send one")
            .into()),
    }
}

/// What a photo is answered with, and what a request for a token.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum UploadImageAnswer {
    Photo(MessageAnswer),
    Token(ImageTokenAnswer),
}

/// The multipart form of the request.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct UploadImageForm {
    /// The photo: JPEG, PNG or WebP, whatever its name says.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    /// What it shows, as JSON; the last part.
    data: ImageRequest,
}
