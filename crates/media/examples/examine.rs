//! Measures photos: `cargo run --release -p heraldo-media --example examine [FILE…]`.
//!
//! With files it prints what Heraldo knows of each. Without, it makes photos of 12 megapixels and tells what
//! one costs, in time of the processor and in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "an example fails by panicking"
)]

use bytes::Bytes;
use heraldo_domain::photo::PhotoFormat;
use heraldo_domain::ports::Photos;
use heraldo_media::testing::PhotoMaker;
use heraldo_media::{PhotoLimits, PhotoReader};

const ROUNDS: u32 = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let reader = PhotoReader::start(PhotoLimits::default()).expect("threads");
    let files: Vec<String> = std::env::args().skip(1).collect();
    for file in &files {
        let photo = Bytes::from(std::fs::read(file).expect("a file"));
        match (reader.head(&photo), reader.examine(photo).await) {
            (Ok(head), Ok(seen)) => println!(
                "{file}: {}x{} {:?} {:?} sharpness {:.0} dark {:.2} bright {:.2} fingerprint {:016x?}",
                head.width_pixels,
                head.height_pixels,
                head.captured,
                head.location,
                seen.sharpness,
                seen.dark,
                seen.bright,
                seen.fingerprint,
            ),
            (Err(refused), _) | (_, Err(refused)) => println!("{file}: {refused}"),
        }
    }
    if files.is_empty() {
        measure(&reader).await;
    }
}

async fn measure(reader: &PhotoReader) {
    let jpeg = PhotoMaker::jpeg(4032, 3024).taken("2026:11:20 14:03:22");
    let photos = [
        ("JPEG, blurred", jpeg.clone().blurred().make()),
        ("JPEG, quality 50", jpeg.clone().quality(50).make()),
        ("JPEG, quality 80", jpeg.clone().quality(80).make()),
        ("JPEG, quality 95", jpeg.clone().quality(95).make()),
        ("PNG", PhotoMaker::new(PhotoFormat::Png, 4032, 3024).make()),
        (
            "WebP",
            PhotoMaker::new(PhotoFormat::Webp, 4032, 3024).make(),
        ),
    ];
    for (name, photo) in photos {
        forget_peak();
        let begin = processor_ms();
        for _ in 0..ROUNDS {
            reader.head(&photo).unwrap();
        }
        let head = processor_ms() - begin;
        for _ in 0..ROUNDS {
            reader.examine(photo.clone()).await.unwrap();
        }
        let examined = processor_ms() - begin - head;
        for _ in 0..ROUNDS {
            reader.without_metadata(&photo).unwrap();
        }
        let copied = processor_ms() - begin - head - examined;
        println!(
            "{name}: {} KB; head {:.2} ms, examine {:.1} ms, without metadata {:.2} ms of CPU; peak memory {} MB",
            photo.len() / 1024,
            f64::from(head) / f64::from(ROUNDS),
            f64::from(examined) / f64::from(ROUNDS),
            f64::from(copied) / f64::from(ROUNDS),
            peak_mb(),
        );
    }
}

/// What this process used of the processor so far, by the kernel's ticks of 10 ms.
fn processor_ms() -> u32 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = |at: usize| {
        fields
            .split_whitespace()
            .nth(at)
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    10 * (ticks(11) + ticks(12))
}

/// The kernel counts the peak of the memory in use from here on.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn peak_mb() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u32>()
        .unwrap()
        / 1024
}
