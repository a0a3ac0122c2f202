//! Serves photos and documents to whoever has their signed address (contract 8.2 "Image `src`").

use bytes::Bytes;
use heraldo_wire::problem::{Problem, ProblemCode};

use super::images::problem_of_file;
use super::{Context, not_found, problem_of};
use crate::links::Target;

/// The media type of a report's PDF.
pub const PDF: &str = "application/pdf";

/// A file on its way out.
#[derive(Debug, Clone)]
pub struct Served {
    pub bytes: Bytes,
    pub media_type: String,
    /// Set when it is to be kept as a file instead of shown.
    pub filename: Option<String>,
}

/// The file at a signed address: `<signed text>.<extension>`. Photos, and pictures that were given as an
/// input's value, come without what their maker's camera wrote into them beside the picture, the place above
/// all.
///
/// # Errors
/// `not_found` for an address that was not made here, is too old, or whose file is gone; the store's.
pub async fn serve_file(context: &Context, name: &str) -> Result<Served, Problem> {
    let text = name.split_once('.').map_or(name, |(text, _)| text);
    let target = context.links.open(text, context.now());
    match target.ok_or_else(not_found)? {
        Target::Photo {
            inspection_id,
            image_id,
        } => {
            let inspection = context.store.inspection(inspection_id).await;
            let inspection = inspection.map_err(problem_of)?.ok_or_else(not_found)?;
            let (_, image) = inspection.image(image_id).ok_or_else(not_found)?;
            let bytes = fetch(context, &image.file_name(inspection_id)).await?;
            Ok(Served {
                bytes: without_metadata(context, &bytes)?,
                media_type: image.format.media_type().to_owned(),
                filename: None,
            })
        }
        Target::Thumbnail {
            inspection_id,
            image_id,
        } => {
            let inspection = context.store.inspection(inspection_id).await;
            let inspection = inspection.map_err(problem_of)?.ok_or_else(not_found)?;
            let (_, image) = inspection.image(image_id).ok_or_else(not_found)?;
            Ok(Served {
                bytes: fetch(context, &image.thumbnail_name(inspection_id)).await?,
                media_type: "image/jpeg".to_owned(),
                filename: None,
            })
        }
        Target::InputFile {
            inspection_id,
            file_id,
        } => {
            let inspection = context.store.inspection(inspection_id).await;
            let inspection = inspection.map_err(problem_of)?.ok_or_else(not_found)?;
            let file = inspection.file(file_id).ok_or_else(not_found)?;
            let bytes = fetch(context, &file.file_name()).await?;
            let is_picture = context.photos.is_picture(&bytes).map_err(|_| hidden())?;
            Ok(Served {
                bytes: if is_picture {
                    without_metadata(context, &bytes)?
                } else {
                    bytes
                },
                media_type: file
                    .content_type
                    .unwrap_or_else(|| "application/octet-stream".to_owned()),
                filename: Some(file.filename.unwrap_or_else(|| "file".to_owned())),
            })
        }
        Target::ReportHtml { report_id } => {
            let report = context.report(report_id).await?;
            Ok(Served {
                bytes: fetch(context, &report.html_name()).await?,
                media_type: "text/html; charset=utf-8".to_owned(),
                filename: None,
            })
        }
        Target::ReportPdf { report_id } => {
            let report = context.report(report_id).await?;
            Ok(Served {
                bytes: fetch(context, &report.pdf_name()).await?,
                media_type: PDF.to_owned(),
                filename: None,
            })
        }
        Target::Detail { .. } | Target::Visit { .. } => Err(not_found()),
    }
}

fn without_metadata(context: &Context, bytes: &Bytes) -> Result<Bytes, Problem> {
    context.photos.without_metadata(bytes).ok_or_else(hidden)
}

/// Where a photo was taken cannot be taken out of it, so it stays here.
fn hidden() -> Problem {
    ProblemCode::NotFound.problem("the photo cannot be read, so it cannot be shown")
}

async fn fetch(context: &Context, name: &str) -> Result<Bytes, Problem> {
    let found = context.files.get(name).await.map_err(problem_of_file)?;
    found.ok_or_else(not_found)
}
