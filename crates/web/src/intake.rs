//! Takes large bodies in: quick ones in memory, slow ones into a file without a name, so that whoever sends
//! slowly holds none of the memory that others wait for (decision 0025). It does not look into them.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use heraldo_domain::ops::problem_of;
use heraldo_domain::store::StoreError;
use heraldo_wire::problem::{Problem, ProblemCode};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::WebConfig;
use crate::extract::{broken_off, too_large, too_late};
use crate::problem::{Failure, too_slow};

/// Bodies are gathered in pieces of this size, so that many small ones do not cost more than they hold.
const PIECE_BYTES: usize = 64 * 1024;

/// The places for large bodies.
#[derive(Debug)]
pub struct Intake {
    /// One permit for each body that is held in memory.
    memory: Arc<Semaphore>,
    /// One permit for each body that is gathered in a file.
    files: Arc<Semaphore>,
    folder: PathBuf,
}

/// A body that has come whole, and the right to hold it in memory.
#[derive(Debug)]
pub struct Taken {
    pub pieces: Vec<Bytes>,
    pub permit: OwnedSemaphorePermit,
}

impl Intake {
    pub fn new(config: &WebConfig) -> Self {
        Self {
            memory: Arc::new(Semaphore::new(config.uploads_max)),
            files: Arc::new(Semaphore::new(config.upload_files_max)),
            folder: config.upload_folder.clone(),
        }
    }

    /// Reads a body to its end, within the limits on its size, its pauses and its time. The wait for memory is
    /// none of its sender's time.
    pub async fn take(&self, body: &mut Body, config: &WebConfig) -> Result<Taken, Failure> {
        let bytes_max = config.upload_bytes_max;
        if body.size_hint().lower() > bytes_max as u64 {
            return Err(too_large(bytes_max).into());
        }
        let mut coming = self.begin(config).await?;
        let mut patience = pin!(sleep(config.upload_patience));
        let mut whole = pin!(sleep(config.upload_timeout));
        let mut left = bytes_max;
        loop {
            let next = tokio::select! {
                next = timeout(config.upload_idle_timeout, body.frame()) => next,
                () = &mut patience, if coming.is_in_memory() => {
                    coming.move_to(self.file()?).await?;
                    continue;
                }
                () = &mut whole => return Err(too_late().into()),
            };
            let frame = match next {
                Ok(Some(frame)) => frame.map_err(|_| broken_off())?,
                Ok(None) => break,
                Err(_) => return Err(too_late().into()),
            };
            if let Ok(data) = frame.into_data() {
                let fits = left.checked_sub(data.len());
                left = fits.ok_or_else(|| too_large(bytes_max))?;
                coming.take(&data).await?;
            }
        }
        self.end(coming, config).await
    }

    /// In memory if there is room, else in a file; when there is none either, in memory as soon as there is:
    /// nothing stays there for long.
    async fn begin(&self, config: &WebConfig) -> Result<Coming, Failure> {
        let place = match Arc::clone(&self.memory).try_acquire_owned() {
            Ok(permit) => Place::Memory(permit),
            Err(_) => match self.file() {
                Ok(free) => free.open()?,
                Err(_) => Place::Memory(self.memory(config).await?),
            },
        };
        Ok(Coming {
            place,
            pieces: Vec::new(),
            last: BytesMut::new(),
        })
    }

    async fn memory(&self, config: &WebConfig) -> Result<OwnedSemaphorePermit, Failure> {
        let permit = Arc::clone(&self.memory).acquire_owned();
        match timeout(config.request_timeout, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(too_slow()),
        }
    }

    fn file(&self) -> Result<FreeFile<'_>, Problem> {
        let permit = Arc::clone(&self.files).try_acquire_owned();
        let permit = permit.map_err(|_| {
            ProblemCode::Overloaded
                .problem("too many uploads are coming in slowly; try again in a moment")
        })?;
        Ok(FreeFile {
            intake: self,
            permit,
        })
    }

    async fn end(&self, mut coming: Coming, config: &WebConfig) -> Result<Taken, Failure> {
        coming.end_piece().await?;
        let Coming { place, pieces, .. } = coming;
        match place {
            Place::Memory(permit) => Ok(Taken { pieces, permit }),
            Place::File {
                file,
                permit: _file,
            } => {
                let permit = self.memory(config).await?;
                let pieces = on_disk(move || read(&file)).await?;
                Ok(Taken { pieces, permit })
            }
        }
    }
}

/// The right to make a file.
struct FreeFile<'a> {
    intake: &'a Intake,
    permit: OwnedSemaphorePermit,
}

impl FreeFile<'_> {
    /// It has no name and goes with its last handle, also when the process ends.
    fn open(self) -> Result<Place, Problem> {
        let file = tempfile::tempfile_in(&self.intake.folder).map_err(|error| failed(&error))?;
        Ok(Place::File {
            file: Arc::new(file),
            permit: self.permit,
        })
    }
}

enum Place {
    Memory(OwnedSemaphorePermit),
    File {
        file: Arc<File>,
        permit: OwnedSemaphorePermit,
    },
}

/// A body that is still coming.
struct Coming {
    place: Place,
    /// What has come, of one in memory.
    pieces: Vec<Bytes>,
    /// What has come and is no whole piece yet.
    last: BytesMut,
}

impl Coming {
    const fn is_in_memory(&self) -> bool {
        match self.place {
            Place::Memory(_) => true,
            Place::File { .. } => false,
        }
    }

    async fn take(&mut self, data: &[u8]) -> Result<(), Problem> {
        self.last.extend_from_slice(data);
        if self.last.len() >= PIECE_BYTES {
            self.end_piece().await?;
        }
        Ok(())
    }

    async fn end_piece(&mut self) -> Result<(), Problem> {
        let piece = self.last.split().freeze();
        match &self.place {
            Place::Memory(_) => self.pieces.push(piece),
            Place::File { file, .. } => write(file, vec![piece]).await?,
        }
        Ok(())
    }

    async fn move_to(&mut self, free: FreeFile<'_>) -> Result<(), Problem> {
        let place = free.open()?;
        if let Place::File { file, .. } = &place {
            write(file, std::mem::take(&mut self.pieces)).await?;
        }
        self.place = place;
        Ok(())
    }
}

async fn write(file: &Arc<File>, pieces: Vec<Bytes>) -> Result<(), Problem> {
    let file = Arc::clone(file);
    let work = move || {
        pieces
            .iter()
            .try_for_each(|piece| (&*file).write_all(piece))
    };
    on_disk(work).await
}

fn read(mut file: &File) -> io::Result<Vec<Bytes>> {
    file.rewind()?;
    let mut pieces = Vec::new();
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        if file.take(PIECE_BYTES as u64).read_to_end(&mut piece)? == 0 {
            return Ok(pieces);
        }
        pieces.push(Bytes::from(piece));
    }
}

/// Runs on the threads for blocking work.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|ended| Err(io::Error::other(ended)));
    done.map_err(|error| failed(&error))
}

fn failed(error: &io::Error) -> Problem {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => problem_of(StoreError::Full),
        _ => problem_of(StoreError::Failed(error.to_string())),
    }
}
