//! Links that open one thing for a time, for whoever holds them: signed, so that nothing has to be stored
//! for them and nobody can make or change one (contract 8.2 "Image `src`").

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use heraldo_wire::id::{FileId, Id, ImageId, InspectionId, ReportId};
use heraldo_wire::time::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroize as _;

/// The key that links are signed with.
#[derive(Clone)]
pub struct LinkKey(pub [u8; 32]);

impl Drop for LinkKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

/// Makes and opens links.
#[derive(Debug, Clone)]
pub struct Links {
    /// What links start with, without a slash at the end.
    pub public_url: String,
    pub key: LinkKey,
    /// How long photos can be fetched by their `src`.
    pub file_lifetime: Duration,
}

/// What a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Photo {
        inspection_id: InspectionId,
        image_id: ImageId,
    },
    Thumbnail {
        inspection_id: InspectionId,
        image_id: ImageId,
    },
    /// A file given as an input's value.
    InputFile {
        inspection_id: InspectionId,
        file_id: FileId,
    },
    ReportHtml {
        report_id: ReportId,
    },
    ReportPdf {
        report_id: ReportId,
    },
    /// An inspection's detail page.
    Detail {
        inspection_id: InspectionId,
    },
    /// The consumer who entered the access code.
    Visit {
        inspection_id: InspectionId,
    },
}

impl Target {
    /// A number for its kind, which never changes its meaning, and its two ids.
    fn parts(self) -> (u8, Id, Id) {
        match self {
            Self::Photo {
                inspection_id,
                image_id,
            } => (1, inspection_id.0, image_id.0),
            Self::Thumbnail {
                inspection_id,
                image_id,
            } => (2, inspection_id.0, image_id.0),
            Self::InputFile {
                inspection_id,
                file_id,
            } => (3, inspection_id.0, file_id.0),
            Self::ReportHtml { report_id } => (4, report_id.0, Id::default()),
            Self::ReportPdf { report_id } => (5, report_id.0, Id::default()),
            Self::Detail { inspection_id } => (6, inspection_id.0, Id::default()),
            Self::Visit { inspection_id } => (7, inspection_id.0, Id::default()),
        }
    }

    fn from_parts(kind: u8, first: Id, second: Id) -> Option<Self> {
        let inspection_id = InspectionId(first);
        Some(match kind {
            1 => Self::Photo {
                inspection_id,
                image_id: ImageId(second),
            },
            2 => Self::Thumbnail {
                inspection_id,
                image_id: ImageId(second),
            },
            3 => Self::InputFile {
                inspection_id,
                file_id: FileId(second),
            },
            4 => Self::ReportHtml {
                report_id: ReportId(first),
            },
            5 => Self::ReportPdf {
                report_id: ReportId(first),
            },
            6 => Self::Detail { inspection_id },
            7 => Self::Visit { inspection_id },
            _ => return None,
        })
    }
}

/// Kind, two ids and the end of its time in seconds.
const CLAIM_BYTES: usize = 1 + 12 + 12 + 8;
const MAC_BYTES: usize = 32;

impl Links {
    /// The text that opens `target` until `until`.
    #[must_use]
    pub fn sign(&self, target: Target, until: Timestamp) -> String {
        let (kind, first, second) = target.parts();
        let mut bytes = Vec::with_capacity(CLAIM_BYTES + MAC_BYTES);
        bytes.push(kind);
        bytes.extend_from_slice(first.as_bytes());
        bytes.extend_from_slice(second.as_bytes());
        bytes.extend_from_slice(&(until.as_millis() / 1_000).to_be_bytes());
        let mac = self.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&mac);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a text opens now; `None` when it was not made here or its time is over.
    #[must_use]
    pub fn open(&self, text: &str, now: Timestamp) -> Option<Target> {
        let (target, until) = self.read(text)?;
        (now < until).then_some(target)
    }

    /// What a text made here opens, and until when; its time may be over.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<(Target, Timestamp)> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (claim, mac) = bytes.split_at_checked(CLAIM_BYTES)?;
        self.mac(claim).verify_slice(mac).ok()?;
        let (kind, rest) = claim.split_first()?;
        let (first, rest) = rest.split_first_chunk::<12>()?;
        let (second, until) = rest.split_first_chunk::<12>()?;
        let until = i64::from_be_bytes(until.try_into().ok()?);
        let target = Target::from_parts(*kind, Id::from_bytes(*first), Id::from_bytes(*second))?;
        Some((target, Timestamp::from_millis(until.saturating_mul(1_000))))
    }

    /// The address of a photo or document, valid for [`Links::file_lifetime`].
    #[must_use]
    pub fn file(&self, target: Target, extension: &str, now: Timestamp) -> String {
        let text = self.sign(target, now.plus(self.file_lifetime));
        format!("{}/files/{text}.{extension}", self.public_url)
    }

    fn mac(&self, claim: &[u8]) -> Hmac<Sha256> {
        let Self { key, .. } = self;
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mac = Hmac::new_from_slice(&key.0).expect("any length is a key");
        mac.chain_update(claim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const PHOTO: Target = Target::Photo {
        inspection_id: InspectionId(Id::from_bytes([1; 12])),
        image_id: ImageId(Id::from_bytes([2; 12])),
    };

    fn links(key: u8) -> Links {
        Links {
            public_url: "https://inspect.example.com".into(),
            key: LinkKey([key; 32]),
            file_lifetime: Duration::from_secs(60),
        }
    }

    #[test]
    fn a_link_opens_its_target_until_its_end() {
        let links = links(7);
        for target in [
            PHOTO,
            Target::Detail {
                inspection_id: InspectionId(Id::from_bytes([1; 12])),
            },
            Target::ReportPdf {
                report_id: ReportId(Id::from_bytes([3; 12])),
            },
        ] {
            let text = links.sign(target, NOW.plus(Duration::from_secs(60)));
            assert_eq!(links.open(&text, NOW), Some(target));
            let end = NOW.plus(Duration::from_secs(60));
            assert_eq!(links.open(&text, end), None);
        }
    }

    #[test]
    fn a_link_that_was_changed_or_made_elsewhere_opens_nothing() {
        let text = links(7).sign(PHOTO, NOW.plus(Duration::from_secs(60)));
        assert_eq!(links(8).open(&text, NOW), None);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            // The last character has bits that stand for nothing; a strict decoder refuses them.
            assert_eq!(links(7).open(&changed, NOW), None, "{at}");
        }
        assert_eq!(links(7).open("", NOW), None);
    }

    #[test]
    fn the_address_of_a_photo_names_its_kind() {
        let src = links(7).file(PHOTO, "jpg", NOW);
        assert!(
            src.starts_with("https://inspect.example.com/files/"),
            "{src}"
        );
        assert!(src.ends_with(".jpg"), "{src}");
    }
}
