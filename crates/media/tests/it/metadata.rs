//! Copies without metadata.

use bytes::Bytes;
use heraldo_domain::photo::{Coordinates, PhotoFormat};
use heraldo_domain::ports::Photos;
use heraldo_media::testing::{PhotoMaker, Tag};

use crate::photos::{contains, reader};

const WORDS: &str = "exif:GPSLatitude 40,25.0N of the owner";
const HOME: Coordinates = Coordinates {
    latitude: 40.4168,
    longitude: -3.7038,
};

fn photo(format: PhotoFormat) -> PhotoMaker {
    PhotoMaker::new(format, 90, 60)
        .taken("2026:11:20 14:03:22")
        .place(HOME)
        .ascii(Tag::Make, "Cameramaker")
        .words(WORDS)
}

fn pixels(bytes: &[u8]) -> Vec<u8> {
    image::load_from_memory(bytes).unwrap().to_rgb8().into_raw()
}

fn stripped(photo: &Bytes) -> Bytes {
    reader().without_metadata(photo).expect("a copy")
}

#[test]
fn where_when_by_what_and_all_words_are_gone_and_the_pixels_are_the_same() {
    for format in [PhotoFormat::Jpeg, PhotoFormat::Png, PhotoFormat::Webp] {
        let with = photo(format).make();
        let without = stripped(&with);
        // 40 degrees, 25 minutes, 0.48 seconds, as the fractions that EXIF keeps.
        let gps: Vec<u8> = [40_u32, 1, 25, 1, 48, 100].map(u32::to_le_bytes).concat();
        for secret in [
            &gps[..],
            WORDS.as_bytes(),
            b"Cameramaker",
            b"2026:11:20",
            b"GPS",
        ] {
            assert!(
                contains(&with, secret) || secret == b"GPS",
                "{format:?} {secret:?}"
            );
            assert!(!contains(&without, secret), "{format:?} {secret:?}");
        }
        assert_eq!(pixels(&with), pixels(&without), "{format:?}");
        let head = reader().head(&without).unwrap();
        assert_eq!((head.captured, head.location), (None, None));
        assert_eq!(
            stripped(&without),
            without,
            "{format:?}: nothing more to take away"
        );
    }
}

#[tokio::test]
async fn a_picture_that_lies_on_its_side_is_still_turned_upright() {
    for format in [PhotoFormat::Jpeg, PhotoFormat::Png, PhotoFormat::Webp] {
        let with = photo(format).orientation(8).make();
        let without = stripped(&with);
        let before = reader().examine(with).await.unwrap();
        let after = reader().examine(without.clone()).await.unwrap();
        assert_eq!(before, after, "{format:?}");
        assert!(!contains(&without, b"Cameramaker"));
        // Turned, and so higher than wide.
        let thumbnail = reader().head(&after.thumbnail).unwrap();
        assert_eq!((thumbnail.width_pixels, thumbnail.height_pixels), (60, 90));
    }
}

#[test]
fn the_colour_profile_stays() {
    let plain = PhotoMaker::jpeg(30, 20).words(WORDS).make();
    let profile = b"ICC_PROFILE\0\x01\x01colours";
    let mut with = plain[..2].to_vec();
    with.extend([0xff, 0xe2, 0, profile.len() as u8 + 2]);
    with.extend(profile);
    with.extend(&plain[2..]);
    let without = stripped(&Bytes::from(with));
    assert!(contains(&without, profile) && !contains(&without, WORDS.as_bytes()));
}

#[test]
fn a_second_picture_or_a_video_behind_the_first_goes_with_what_it_says() {
    for format in [PhotoFormat::Jpeg, PhotoFormat::Png, PhotoFormat::Webp] {
        let alone = PhotoMaker::new(format, 30, 20).make();
        let mut with = alone.to_vec();
        with.extend(photo(PhotoFormat::Jpeg).make());
        assert_eq!(stripped(&Bytes::from(with)), alone, "{format:?}");
    }
}

#[test]
fn what_cannot_be_read_has_no_copy() {
    let cut_off = photo(PhotoFormat::Jpeg).make().slice(..400);
    assert_eq!(reader().without_metadata(&cut_off), None);
    assert_eq!(
        reader().without_metadata(&Bytes::from_static(b"text")),
        None
    );
}

#[test]
fn exif_that_is_garbage_is_taken_away_like_any_other() {
    let plain = PhotoMaker::jpeg(30, 20).make();
    let mut with = plain[..2].to_vec();
    with.extend(b"\xff\xe1\x00\x14Exif\0\0II*\0\xff\xff\xff\xff\x01\x02\x03\x04");
    with.extend(&plain[2..]);
    let with = Bytes::from(with);
    let head = reader().head(&with).unwrap();
    assert_eq!((head.captured, head.location), (None, None));
    assert_eq!(stripped(&with), plain);
}
