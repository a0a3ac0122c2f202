//! Files that were changed at random: whatever is in them, an answer comes.

use std::sync::LazyLock;

use bytes::Bytes;
use heraldo_domain::photo::{Coordinates, PhotoFormat};
use heraldo_domain::ports::Photos;
use heraldo_media::PhotoReader;
use heraldo_media::testing::PhotoMaker;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::photos::reader;

static PHOTOS: LazyLock<Vec<Bytes>> = LazyLock::new(|| {
    [PhotoFormat::Jpeg, PhotoFormat::Png, PhotoFormat::Webp]
        .map(|format| {
            PhotoMaker::new(format, 24, 18)
                .taken("2026:11:20 14:03:22")
                .zone("+01:00")
                .satellites("2026:11:20", [13, 3, 22])
                .place(Coordinates {
                    latitude: 40.4,
                    longitude: -3.7,
                })
                .orientation(6)
                .words("words")
                .make()
        })
        .to_vec()
});

static READER: LazyLock<PhotoReader> = LazyLock::new(reader);

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
});

/// Bytes overwritten, a piece taken out, a piece put in.
fn changed() -> impl Strategy<Value = Bytes> {
    let bytes = vec((any::<Index>(), any::<u8>()), 0..12);
    let head = vec((0..200_usize, any::<u8>()), 0..6);
    let cut = proptest::option::of((any::<Index>(), 0..40_usize));
    let put = proptest::option::of((any::<Index>(), vec(any::<u8>(), 0..20)));
    (0..3_usize, bytes, head, cut, put).prop_map(|(which, bytes, head, cut, put)| {
        let mut photo = PHOTOS[which].to_vec();
        for (at, byte) in bytes {
            *at.get_mut(&mut photo) = byte;
        }
        for (at, byte) in head {
            photo[at] = byte;
        }
        if let Some((at, length)) = cut {
            let at = at.index(photo.len());
            photo.drain(at..(at + length).min(photo.len()));
        }
        if let Some((at, more)) = put {
            let at = at.index(photo.len());
            photo.splice(at..at, more);
        }
        photo.into()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn changed_photos_are_answered(photo in changed()) {
        let head = READER.head(&photo);
        let copy = READER.without_metadata(&photo);
        // A photo that has a head has a copy, and the copy is as good a photo.
        if let Ok(head) = head {
            let copy = copy.expect("a copy");
            let again = READER.head(&copy).expect("a head");
            prop_assert_eq!((again.captured, again.location), (None, None));
            prop_assert_eq!(
                (head.format, head.width_pixels, head.height_pixels),
                (again.format, again.width_pixels, again.height_pixels)
            );
            prop_assert_eq!(READER.without_metadata(&copy), Some(copy));
        }
        let _ = RUNTIME.block_on(READER.examine(photo));
    }

    #[test]
    fn bytes_of_any_kind_are_answered(start in 0..3_usize, rest in vec(any::<u8>(), 0..300)) {
        let mut file = PHOTOS[start][..16].to_vec();
        file.extend(rest);
        let _ = READER.head(&file);
        let file = Bytes::from(file);
        let _ = READER.without_metadata(&file);
        let _ = RUNTIME.block_on(READER.examine(file));
    }
}
