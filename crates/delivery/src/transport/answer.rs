//! What is kept of an answer's body: the beginning, decompressed, never more than the limit.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// The compressions that are undone although we never ask for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Deflate,
}

/// Gathers the first bytes of a body as they come.
pub(super) struct Kept {
    bytes: Vec<u8>,
    kept_max: usize,
    seen: usize,
}

impl Kept {
    pub(super) fn new(kept_max: usize) -> Self {
        Self {
            bytes: Vec::new(),
            kept_max,
            seen: 0,
        }
    }

    pub(super) fn push(&mut self, data: &[u8]) {
        self.seen = self.seen.saturating_add(data.len());
        let room = self.kept_max.saturating_sub(self.bytes.len());
        self.bytes.extend(data.iter().take(room));
    }

    /// How many bytes of the body have come.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// The beginning of the body and whether there was more of it. What is said to be compressed but is
    /// not stays as it came.
    pub(super) fn finish(&mut self, headers: &HeaderMap) -> (Vec<u8>, bool) {
        let bytes = std::mem::take(&mut self.bytes);
        let cut = self.seen > bytes.len();
        let inflated = match encoding(headers) {
            None => None,
            Some(Encoding::Gzip) => inflate(MultiGzDecoder::new(bytes.as_slice()), self.kept_max),
            // "deflate" means the zlib format; some servers send the bare stream.
            Some(Encoding::Deflate) => inflate(ZlibDecoder::new(bytes.as_slice()), self.kept_max)
                .or_else(|| inflate(DeflateDecoder::new(bytes.as_slice()), self.kept_max)),
        };
        match inflated {
            Some((bytes, more)) => (bytes, more || cut),
            None => (bytes, cut),
        }
    }
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let value = headers.get(CONTENT_ENCODING)?.to_str().ok()?.trim();
    if value.eq_ignore_ascii_case("gzip") || value.eq_ignore_ascii_case("x-gzip") {
        Some(Encoding::Gzip)
    } else if value.eq_ignore_ascii_case("deflate") {
        Some(Encoding::Deflate)
    } else {
        None
    }
}

/// Decompresses at most `bytes_max` bytes; `None` when it fails before anything comes out. The input
/// is a beginning, so an end in the middle of the stream is no error.
fn inflate(mut decoder: impl Read, bytes_max: usize) -> Option<(Vec<u8>, bool)> {
    let mut out = Vec::new();
    let mut chunk = [0_u8; 1024];
    while out.len() <= bytes_max {
        match decoder.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => out.extend(chunk.iter().take(read)),
            Err(_) if out.is_empty() => return None,
            Err(_) => break,
        }
    }
    let more = out.len() > bytes_max;
    out.truncate(bytes_max);
    Some((out, more))
}
