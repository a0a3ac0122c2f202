//! JPEG photos made in code, of about the size in bytes that a phone's have.

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use serde_json::json;

use crate::Outcome;
use crate::crew::Ask;

const BOUNDARY: &str = "--------------------------478203962110238400127341";
const QUALITY: u8 = 80;
/// How often the grain is adjusted to come near the wanted size.
const TRIES: u32 = 6;

/// A picture of that many pixels and about that many bytes; another number is another picture.
pub fn jpeg(number: u32, width: u32, height: u32, bytes: usize) -> Outcome<Bytes> {
    // The more grain, the more bytes: the right amount lies somewhere between none and very much.
    let (mut low, mut high) = (0_u32, 96_u32);
    let mut best = Vec::new();
    for _ in 0..TRIES {
        let grain = low.midpoint(high);
        best = encoded(&scene(number, width, height, grain))?;
        if best.len() > bytes {
            high = grain;
        } else {
            low = grain;
        }
    }
    Ok(best.into())
}

/// Coloured fields with sharp edges under grain, so that it is neither blurred nor flat.
fn scene(number: u32, width: u32, height: u32, grain: u32) -> RgbImage {
    let mut dice = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let fields: Vec<u64> = (0..64).map(|_| thrown(&mut dice)).collect();
    RgbImage::from_fn(width, height, |x, y| {
        let place = (x * 8 / width) + (y * 8 / height) * 8;
        let place = usize::try_from(place).unwrap_or(0);
        let field = fields.get(place).copied().unwrap_or_default();
        let noise = if grain == 0 {
            0
        } else {
            u32::try_from(thrown(&mut dice) % u64::from(grain)).unwrap_or(0)
        };
        let light = |shift: u32| {
            let base = 40 + ((field >> shift) & 0x7f) as u32;
            u8::try_from((base + noise).min(255)).unwrap_or(255)
        };
        Rgb([light(0), light(8), light(16)])
    })
}

fn thrown(dice: &mut u64) -> u64 {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    *dice
}

fn encoded(picture: &RgbImage) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode_image(picture)
        .map_err(|error| format!("no JPEG: {error}"))?;
    Ok(bytes)
}

/// The upload of a photo as the SDKs make it: the file first, what it shows after it.
pub fn upload(product: &str, side: &str, photo: &[u8]) -> Ask {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(photo);
    let data = json!({ "productId": product, "side": side });
    body.extend_from_slice(
        format!(
            "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{data}\r\n\
             --{BOUNDARY}--\r\n"
        )
        .as_bytes(),
    );
    Ask {
        path: format!("/v1/inspection/image/{product}"),
        content_type: format!("multipart/form-data; boundary={BOUNDARY}"),
        body: body.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_about_as_large_as_wanted() {
        let photo = jpeg(1, 640, 480, 60_000).expect("a photo");
        assert!((40_000..=75_000).contains(&photo.len()), "{}", photo.len());
        assert_ne!(jpeg(2, 640, 480, 60_000).expect("another"), photo);
    }
}
