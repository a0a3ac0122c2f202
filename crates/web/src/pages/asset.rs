//! Styles and scripts of the pages: compiled in, each under a name that changes with its content, so that a
//! browser may keep it for good.

use std::sync::LazyLock;

use bytes::Bytes;
use heraldo_domain::ops::not_found;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

/// One file.
#[derive(Debug)]
pub struct Asset {
    /// With a piece of the content's hash in it.
    pub name: String,
    content_type: &'static str,
    content: Bytes,
}

/// A script as browsers get it: without what its readers alone need, the comments and the indentation. It has
/// neither inside texts of several lines.
fn bare(script: &str) -> String {
    let lines = script.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

pub static VISIT_STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../../assets/visit.css");
    Asset::new("visit", "css", "text/css; charset=utf-8", content)
});
pub static VISIT_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = bare(include_str!("../../assets/visit.js"));
    Asset::new("visit", "js", "text/javascript; charset=utf-8", content)
});

/// The style and the script of every page for people of a company.
pub static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../../assets/heraldo.css");
    Asset::new("heraldo", "css", "text/css; charset=utf-8", content)
});
pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = bare(include_str!("../../assets/heraldo.js"));
    Asset::new("heraldo", "js", "text/javascript; charset=utf-8", content)
});

/// What stands beside a page's title.
pub static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../../assets/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", content)
});

/// What keeps the list of deliveries live, and times in forms in the viewer's zone.
pub static LIVE_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = bare(include_str!("../../assets/live.js"));
    Asset::new("live", "js", "text/javascript; charset=utf-8", content)
});

impl Asset {
    fn new(
        stem: &str,
        extension: &str,
        content_type: &'static str,
        content: impl Into<Bytes>,
    ) -> Self {
        let content = content.into();
        let hash = Sha256::digest(&content);
        let piece: String = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            name: format!("{stem}-{piece}.{extension}"),
            content_type,
            content,
        }
    }
}

pub mod retrieve {
    //! `GET /assets/:name`.

    use axum::extract::{FromRequestParts as _, RawPathParams};

    use super::{
        CACHE_CONTROL, HeaderValue, ICON, LIVE_SCRIPT, SCRIPT, STYLE, StatusCode, VISIT_SCRIPT,
        VISIT_STYLE, not_found,
    };
    use crate::call::{Call, Outcome};
    use crate::reply;

    /// Fetches a style or script of a page
    ///
    /// The pages name them; a name stands for one content for good.
    #[utoipa::path(
        get,
        path = "/assets/{name}",
        operation_id = "retrieveAsset",
        tag = "pages",
        params(("name" = String, Path, description = "The name that a page says")),
        responses((status = 200, description = "The file", content((String = "text/css"), (String = "text/javascript"), (String = "image/svg+xml")))),
    )]
    pub async fn handle(call: &mut Call) -> Outcome {
        let params = RawPathParams::from_request_parts(&mut call.parts, &()).await;
        let params = params.map_err(|_| not_found())?;
        let name = params.iter().next().map(|(_, name)| name);
        let known = [
            &*VISIT_STYLE,
            &*VISIT_SCRIPT,
            &*STYLE,
            &*SCRIPT,
            &*ICON,
            &*LIVE_SCRIPT,
        ];
        let asset = known.into_iter().find(|asset| Some(&*asset.name) == name);
        let asset = asset.ok_or_else(not_found)?;
        let content = asset.content.clone();
        let mut response = reply::bytes(StatusCode::OK, asset.content_type, content);
        response.headers_mut().insert(
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        );
        Ok(response)
    }
}
