//! Writes documents: a sheet as PDF and as one HTML page, with its photos inside.

mod font;
mod pdf;

use std::collections::HashMap;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use heraldo_domain::ports::{DocumentFailed, Documents, Picture, Written};
use heraldo_domain::sheet::Sheet;
use heraldo_domain::sheet::html::{self, Shown};
use heraldo_wire::id::ImageId;

use crate::photos::pool::Pool;

/// Writes documents on a thread of its own, one at a time.
#[derive(Debug)]
pub struct DocumentWriter {
    pool: Pool,
}

impl DocumentWriter {
    /// Starts the thread. It ends when this is dropped.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start() -> std::io::Result<Self> {
        Ok(Self {
            pool: Pool::start("documents", 1)?,
        })
    }
}

#[async_trait]
impl Documents for DocumentWriter {
    async fn write(
        &self,
        sheet: Sheet,
        pictures: HashMap<ImageId, Picture>,
    ) -> Result<Written, DocumentFailed> {
        let work = move || Written {
            html: html(&sheet, &pictures).into(),
            pdf: pdf::write(&sheet, &pictures).into(),
        };
        let written = self.pool.run(work).await;
        written.ok_or_else(|| DocumentFailed("the writer of documents panicked".to_owned()))
    }
}

/// The photos stand in the page itself, so that it can be read as long as it is kept.
fn html(sheet: &Sheet, pictures: &HashMap<ImageId, Picture>) -> String {
    html::page(sheet, |image_id| {
        let picture = pictures.get(&image_id)?;
        Some(Shown {
            src: format!(
                "data:image/jpeg;base64,{}",
                BASE64_STANDARD.encode(&picture.jpeg)
            ),
            whole: None,
        })
    })
}
