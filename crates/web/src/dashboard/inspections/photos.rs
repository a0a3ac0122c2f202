//! The photos of an inspection as its page shows them.

use heraldo_domain::inspection::{Image, Inspection};
use heraldo_domain::ops::Context;
use heraldo_domain::ops::detail::{PhotoPaths, photo_paths};
use heraldo_domain::photo::Captured;
use heraldo_domain::sheet::{Photo, Tone, findings};
use heraldo_wire::id::ImageId;
use heraldo_wire::time::Timestamp;

use crate::dashboard::moment::Moment;
use crate::words::Words;

/// One photo with what was found on it.
pub struct PhotoCard {
    pub id: ImageId,
    pub caption: String,
    /// `None`: it cannot be shown.
    pub paths: Option<PhotoPaths>,
    pub lines: Vec<Finding>,
    /// When it was taken, if that is known, and with which zone.
    pub taken_at: Option<Moment>,
    pub sent_at: Moment,
    pub width_pixels: u32,
    pub height_pixels: u32,
    pub is_processed: bool,
}

/// One sentence, and its colour.
pub struct Finding {
    pub tone: &'static str,
    pub text: String,
}

/// The cards of a part's photos. Their links work until then.
pub fn cards(
    context: &Context,
    t: Words,
    inspection: &Inspection,
    photos: &[Photo],
    until: Timestamp,
) -> Vec<PhotoCard> {
    let cards = photos.iter().filter_map(|photo| {
        let (_, image) = inspection.image(photo.image_id)?;
        Some(card(context, t, inspection, image, &photo.caption, until))
    });
    cards.collect()
}

fn card(
    context: &Context,
    t: Words,
    inspection: &Inspection,
    image: &Image,
    caption: &str,
    until: Timestamp,
) -> PhotoCard {
    PhotoCard {
        id: image.id,
        caption: caption.to_owned(),
        paths: photo_paths(context, inspection.id, image, until),
        lines: findings(image, t.0)
            .into_iter()
            .map(|line| Finding {
                tone: match line.tone {
                    Tone::Good => "good",
                    Tone::Bad => "bad",
                    Tone::Unknown => "unknown",
                    Tone::Plain => "plain",
                },
                text: line.text,
            })
            .collect(),
        taken_at: match image.captured {
            Some(Captured::At(at)) => Some(Moment(at)),
            // Of a clock whose zone is not known: no instant.
            Some(Captured::SomewhereAt(_)) | None => None,
        },
        sent_at: Moment(image.uploaded_at),
        width_pixels: image.width_pixels,
        height_pixels: image.height_pixels,
        is_processed: image.is_processed(),
    }
}
