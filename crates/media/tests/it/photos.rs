//! Heads and measures of photos.

use bytes::Bytes;
use heraldo_domain::photo::{Captured, Coordinates, FINGERPRINT_DISTANCE_MAX, PhotoFormat};
use heraldo_domain::ports::Photos;
use heraldo_media::testing::{PhotoMaker, Tag};
use heraldo_media::{PhotoLimits, PhotoReader};

const FORMATS: [PhotoFormat; 3] = [PhotoFormat::Jpeg, PhotoFormat::Png, PhotoFormat::Webp];
const MADRID: Coordinates = Coordinates {
    latitude: 40.4168,
    longitude: -3.7038,
};

pub fn reader() -> PhotoReader {
    PhotoReader::start(PhotoLimits::default()).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    reader().head(bytes).expect_err("refused").to_string()
}

fn captured(photo: &PhotoMaker) -> Option<Captured> {
    reader().head(&photo.make()).unwrap().captured
}

fn at(instant: &str) -> Option<Captured> {
    Some(Captured::At(instant.parse().unwrap()))
}

#[test]
fn the_head_says_size_time_and_place_in_every_format() {
    for format in FORMATS {
        let photo = PhotoMaker::new(format, 64, 48)
            .taken("2026:11:20 14:03:22")
            .zone("+01:00")
            .place(MADRID);
        let head = reader().head(&photo.make()).unwrap();
        assert_eq!(reader().head(&photo.big_endian().make()), Ok(head));
        assert_eq!(
            (head.format, head.width_pixels, head.height_pixels),
            (format, 64, 48)
        );
        assert_eq!(head.captured, at("2026-11-20T13:03:22Z"));
        assert!(head.location.unwrap().metres_to(MADRID) < 1.0, "{head:?}");
    }
}

#[test]
fn a_photo_without_exif_says_its_size_alone() {
    for format in FORMATS {
        let head = reader()
            .head(&PhotoMaker::new(format, 5, 7).make())
            .unwrap();
        assert_eq!((head.width_pixels, head.height_pixels), (5, 7));
        assert_eq!((head.captured, head.location), (None, None));
    }
}

#[test]
fn the_satellites_clock_counts_when_the_cameras_zone_is_unknown() {
    let taken = PhotoMaker::jpeg(8, 8).taken("2026:11:20 14:03:22");
    let somewhere = Some(Captured::SomewhereAt(
        "2026-11-20T14:03:22Z".parse().unwrap(),
    ));
    assert_eq!(captured(&taken), somewhere);
    let with_satellites = taken.clone().satellites("2026:11:20", [13, 3, 20]);
    assert_eq!(captured(&with_satellites), at("2026-11-20T13:03:20Z"));
    // A fix of last week is not when this was taken.
    let stale = taken.clone().satellites("2026:11:13", [13, 3, 20]);
    assert_eq!(captured(&stale), somewhere);
    let satellites_alone = PhotoMaker::jpeg(8, 8).satellites("2026:11:20", [0, 0, 0]);
    assert_eq!(captured(&satellites_alone), at("2026-11-20T00:00:00Z"));
    let zoned = with_satellites.zone("-03:00");
    assert_eq!(captured(&zoned), at("2026-11-20T17:03:22Z"));
}

#[test]
fn years_far_away_are_read_as_they_are() {
    let of = |date: &str| captured(&PhotoMaker::jpeg(8, 8).taken(date).zone("+00:00"));
    assert_eq!(of("1904:01:01 00:00:00"), at("1904-01-01T00:00:00Z"));
    assert_eq!(of("2099:12:31 23:59:59"), at("2099-12-31T23:59:59Z"));
    assert_eq!(of("0000:00:00 00:00:00"), None);
}

#[test]
fn a_place_that_cannot_be_is_no_place() {
    let check = |latitude: [(u32, u32); 3], longitude: [(u32, u32); 3], side: &str| {
        let photo = PhotoMaker::jpeg(8, 8)
            .ascii(Tag::GPSLatitudeRef, side)
            .rationals(Tag::GPSLatitude, latitude)
            .ascii(Tag::GPSLongitudeRef, "E")
            .rationals(Tag::GPSLongitude, longitude);
        reader().head(&photo.make()).unwrap().location
    };
    let of = |degrees: u32| [(degrees, 1), (0, 1), (0, 1)];
    assert!(check(of(40), of(3), "N").is_some());
    assert_eq!(check(of(91), of(3), "N"), None);
    assert_eq!(check(of(40), of(181), "S"), None);
    assert_eq!(check([(40, 0), (0, 1), (0, 1)], of(3), "N"), None);
    assert_eq!(check([(40, 1), (0, 0), (0, 1)], of(3), "N"), None);
    assert_eq!(
        check([(u32::MAX, 1), (u32::MAX, 1), (0, 1)], of(3), "N"),
        None
    );
    assert_eq!(check(of(40), of(3), "?"), None);
    assert_eq!(check(of(0), of(0), "N"), None);
}

#[test]
fn a_photo_cut_off_anywhere_is_refused() {
    for format in FORMATS {
        let photo = PhotoMaker::new(format, 60, 40)
            .taken("2026:11:20 14:03:22")
            .words("hello")
            .make();
        for length in (13..photo.len()).step_by(7).chain([photo.len() - 1]) {
            let told = refusal(&photo[..length]);
            assert!(told.contains("cut off"), "{format:?} {length}: {told}");
        }
    }
}

#[test]
fn what_stands_behind_a_photo_is_no_part_of_it() {
    for format in FORMATS {
        let mut photo = PhotoMaker::new(format, 60, 40).make().to_vec();
        photo.extend([0; 700]);
        assert!(reader().head(&photo).is_ok(), "{format:?}");
    }
}

#[test]
fn too_many_pixels_are_refused_without_decoding_one() {
    // The bytes of a photo whose head claims what its pixels do not hold.
    let mut bomb = PhotoMaker::new(PhotoFormat::Png, 10, 10).make().to_vec();
    let mut claim = |width: u32, height: u32| {
        bomb[16..20].copy_from_slice(&width.to_be_bytes());
        bomb[20..24].copy_from_slice(&height.to_be_bytes());
        refusal(&bomb)
    };
    assert_eq!(
        claim(8000, 5000),
        "the photo has 8000 by 5000 pixels, more than the 36 million that are taken; make it smaller"
    );
    assert!(claim(u32::MAX, u32::MAX).contains("more than"));
    assert!(claim(1, 30_000).contains("no edge may be longer than 20000"));
    assert!(claim(0, 30).contains("width or height is 0"));
}

#[test]
fn what_is_no_photo_is_refused_whatever_its_name() {
    assert_eq!(
        refusal(b"hello, this is photo.jpg"),
        "this is text, not a photo; send JPEG, PNG or WebP"
    );
    assert!(refusal(b"\0\0\0\x18ftypheic....").contains("Settings > Camera > Formats"));
    assert!(refusal(&[0xff, 0xd8, 0xff]).contains("cut off"));
}

#[tokio::test]
async fn a_thumbnail_is_small_upright_and_without_metadata() {
    for format in FORMATS {
        let lying = PhotoMaker::new(format, 800, 600)
            .orientation(6)
            .place(MADRID)
            .words("hello")
            .make();
        let thumbnail = reader().examine(lying).await.unwrap().thumbnail;
        let head = reader().head(&thumbnail).unwrap();
        assert_eq!((head.width_pixels, head.height_pixels), (240, 320));
        assert_eq!((head.format, head.location), (PhotoFormat::Jpeg, None));
        assert!(!contains(&thumbnail, b"Exif") && !contains(&thumbnail, b"hello"));
    }
}

#[tokio::test]
async fn a_blurred_photo_measures_far_below_a_sharp_one() {
    let sharp = PhotoMaker::jpeg(800, 600);
    let blurred = sharp.clone().blurred();
    let of = async |photo: &PhotoMaker| reader().examine(photo.make()).await.unwrap().sharpness;
    let (sharp, blurred) = (of(&sharp).await, of(&blurred).await);
    assert!(sharp > 20.0 * blurred, "{sharp} {blurred}");
}

#[tokio::test]
async fn dark_and_bright_photos_measure_as_such() {
    let of = async |light| {
        let measured = reader()
            .examine(PhotoMaker::jpeg(400, 300).light(light).make())
            .await;
        measured
            .map(|measured| (measured.dark, measured.bright))
            .unwrap()
    };
    let (dark, bright) = of(0).await;
    assert!(dark < 0.2 && bright < 0.2, "{dark} {bright}");
    assert!(of(-200).await.0 > 0.9);
    assert!(of(200).await.1 > 0.9);
}

#[tokio::test]
async fn the_same_picture_has_the_same_fingerprint_however_it_is_kept() {
    let of = async |photo: PhotoMaker| {
        let measured = reader().examine(photo.make()).await.unwrap();
        measured.fingerprint.expect("a fingerprint")
    };
    let photo = of(PhotoMaker::jpeg(600, 450)).await;
    let again = of(PhotoMaker::jpeg(600, 450)
        .quality(30)
        .taken("2026:11:20 14:03:22"))
    .await;
    let other_format = of(PhotoMaker::new(PhotoFormat::Png, 600, 450)).await;
    for same in [again, other_format] {
        assert!((photo ^ same).count_ones() <= FINGERPRINT_DISTANCE_MAX);
    }
    for scene in 2..12 {
        let other = of(PhotoMaker::jpeg(300, 225).scene(scene)).await;
        assert!(
            (photo ^ other).count_ones() > FINGERPRINT_DISTANCE_MAX,
            "{scene}"
        );
    }
}

#[tokio::test]
async fn an_even_photo_has_no_fingerprint() {
    let night = PhotoMaker::jpeg(400, 300).light(-255).make();
    assert_eq!(reader().examine(night).await.unwrap().fingerprint, None);
}

#[tokio::test]
async fn pixels_that_cannot_be_decoded_are_refused_and_the_next_photo_is_taken() {
    let reader = reader();
    let photo = PhotoMaker::new(PhotoFormat::Png, 60, 40).make();
    let mut broken = photo.to_vec();
    // Within the compressed pixels: the head and the end are whole.
    let middle = broken.len() / 2;
    broken[middle..middle + 40].fill(0xa5);
    let told = reader
        .examine(Bytes::from(broken))
        .await
        .expect_err("refused");
    assert!(told.to_string().contains("damaged"), "{told}");
    assert!(reader.examine(photo).await.is_ok());
}

#[tokio::test]
async fn the_smallest_photo_is_measured_too() {
    for format in FORMATS {
        let measured = reader()
            .examine(PhotoMaker::new(format, 1, 1).make())
            .await
            .unwrap();
        assert_eq!((measured.sharpness, measured.fingerprint), (0.0, None));
        assert!(reader().head(&measured.thumbnail).is_ok());
    }
}

pub fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}
