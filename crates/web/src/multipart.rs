//! Reads multipart bodies as the SDKs send them: files first, the part `data` last, chunked, and files
//! without a file name (contract 1.1).

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use heraldo_domain::ops::inputs::GivenFile;
use heraldo_wire::problem::{Problem, ProblemCode};
use http::header::CONTENT_TYPE;
use multer::{Constraints, Multipart, SizeLimit};

use crate::call::Call;
use crate::extract::{MediaType, broken_off, too_large};
use crate::intake::Taken;
use crate::problem::Failure;

/// The part that holds the JSON.
const DATA: &str = "data";
/// Parts of one body.
const PARTS_MAX: usize = 100;

/// A multipart body, read whole.
#[derive(Debug, Default)]
pub struct Form {
    /// The JSON of the part `data`.
    pub data: Bytes,
    /// Every other part, in the order sent. They are files whatever their headers say.
    pub files: Vec<FilePart>,
}

/// One file.
#[derive(Debug)]
pub struct FilePart {
    pub name: String,
    pub filename: Option<String>,
    pub content_type: Option<String>,
    pub bytes: Bytes,
}

impl Form {
    /// What an idempotency key stands for: everything but the boundary and the framing.
    pub fn content(&self) -> impl Iterator<Item = &[u8]> {
        let files = self
            .files
            .iter()
            .flat_map(|file| [file.name.as_bytes(), &file.bytes]);
        std::iter::once(&self.data[..]).chain(files)
    }
}

impl From<FilePart> for GivenFile {
    fn from(part: FilePart) -> Self {
        Self {
            identifier: part.name,
            filename: part.filename,
            content_type: part.content_type,
            bytes: part.bytes,
        }
    }
}

impl Call {
    /// The JSON of a body that may be multipart, and the files beside it: the same routes get both from the
    /// two SDKs (contract 1.1). The JSON of a body that is neither is `{}`.
    pub async fn json_and_files(&mut self) -> Result<Form, Failure> {
        if self.media_type()? == MediaType::Multipart {
            return self.form().await;
        }
        Ok(Form {
            data: self.json_bytes(self.state.config.body_bytes_max).await?,
            files: Vec::new(),
        })
    }

    /// The multipart body of an API call, whose part `data` holds JSON.
    pub async fn form(&mut self) -> Result<Form, Failure> {
        let Parts { data, files } = self.multipart().await?;
        match data {
            Some(data) => Ok(Form { data, files }),
            None => {
                Err(invalid("the multipart body has no part `data` with the JSON in it").into())
            }
        }
    }

    /// The parts of a form that a page sent.
    pub async fn page_form(&mut self) -> Result<Vec<FilePart>, Failure> {
        Ok(self.multipart().await?.files)
    }

    /// The multipart body, within the limits on its size, its parts and its time.
    async fn multipart(&mut self) -> Result<Parts, Failure> {
        let content_type = self.parts.headers.get(CONTENT_TYPE);
        let boundary = content_type
            .and_then(|value| value.to_str().ok())
            .and_then(|value| multer::parse_boundary(value).ok())
            .ok_or_else(|| {
                ProblemCode::InvalidHeader
                    .problem("the `content-type` of a multipart body must name its `boundary`")
            })?;
        let state = self.state.clone();
        let config = &state.config;
        let Taken { pieces, permit } = state.intake.take(&mut self.body, config).await?;
        self.upload = Some(permit);
        let sizes = SizeLimit::new().for_field(DATA, config.body_bytes_max as u64);
        let pieces = stream::iter(pieces.into_iter().map(Ok::<_, Infallible>));
        let constraints = Constraints::new().size_limit(sizes);
        Ok(read_parts(Multipart::with_constraints(pieces, boundary, constraints)).await?)
    }
}

/// What a body holds: the part `data`, and the others.
struct Parts {
    data: Option<Bytes>,
    files: Vec<FilePart>,
}

fn invalid(detail: impl Into<String>) -> Problem {
    ProblemCode::InvalidBody.problem(detail)
}

async fn read_parts(mut multipart: Multipart<'_>) -> Result<Parts, Problem> {
    let (mut data, mut files) = (None, Vec::new());
    while let Some(field) = multipart.next_field().await.map_err(refuse)? {
        let Some(name) = field.name().map(ToOwned::to_owned) else {
            return Err(invalid("a part of the multipart body has no `name`"));
        };
        if name == DATA {
            if data.is_some() {
                return Err(invalid("the part `data` came twice; send it once"));
            }
            data = Some(field.bytes().await.map_err(refuse)?);
            continue;
        }
        if files.len() >= PARTS_MAX {
            return Err(invalid(format!(
                "the body has more than {PARTS_MAX} files; send fewer"
            )));
        }
        let filename = field.file_name().map(ToOwned::to_owned);
        let content_type = field.content_type().map(ToString::to_string);
        let bytes = field.bytes().await.map_err(refuse)?;
        files.push(FilePart {
            name,
            filename,
            content_type,
            bytes,
        });
    }
    Ok(Parts { data, files })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the list of another crate, which may grow; the rest is one kind to the caller"
)]
fn refuse(error: multer::Error) -> Problem {
    match error {
        multer::Error::StreamSizeExceeded { limit }
        | multer::Error::FieldSizeExceeded { limit, .. } => {
            too_large(usize::try_from(limit).unwrap_or(usize::MAX))
        }
        multer::Error::StreamReadFailed(_)
        | multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => broken_off(),
        error => {
            ProblemCode::InvalidBody.problem(format!("the multipart body is malformed: {error}"))
        }
    }
}
