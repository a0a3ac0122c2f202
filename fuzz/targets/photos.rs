//! Images, their EXIF, and the copy without metadata.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use heraldo_domain::ports::Photos as _;
use heraldo_media::{PhotoLimits, PhotoReader};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

static READER: LazyLock<PhotoReader> = LazyLock::new(|| {
    let limits = PhotoLimits::default();
    PhotoReader::start(limits).expect("a reader")
});

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.build().expect("a runtime")
});

fuzz_target!(|input: &[u8]| {
    let photo = Bytes::copy_from_slice(input);
    let head = READER.head(&photo);
    let copy = READER.without_metadata(&photo);
    if let Ok(head) = head {
        let copy = copy.expect("a photo that has a head has a copy");
        let again = READER.head(&copy).expect("the copy has a head");
        assert_eq!((again.captured, again.location), (None, None));
        assert_eq!(head.format, again.format);
        assert_eq!(head.width_pixels, again.width_pixels);
        assert_eq!(head.height_pixels, again.height_pixels);
    }
    // A refusal is an answer.
    let _ = RUNTIME.block_on(READER.examine(photo));
});
