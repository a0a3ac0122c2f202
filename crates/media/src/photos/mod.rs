//! Reads photos: what their head says, what their pixels measure, and a copy without metadata.

mod container;
mod exif;
mod format;
mod jpeg;
mod picture;
pub(crate) mod png;
pub(crate) mod pool;
mod tiff;
pub(crate) mod webp;

use std::io::Cursor;
use std::num::NonZeroUsize;

use async_trait::async_trait;
use bytes::Bytes;
use heraldo_domain::photo::{Examined, PhotoFormat, PhotoHead};
use heraldo_domain::ports::{PhotoRefused, Photos, Picture};
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageResult, Limits, RgbImage};

use container::{Broken, Container};
use picture::MEASURED_EDGE_PIXELS;
use pool::Pool;

/// What a photo may ask of this machine.
#[derive(Debug, Clone, Copy)]
pub struct PhotoLimits {
    /// Phones make 12 or 24 million by themselves. A decoded pixel takes 4 bytes at most, and a progressive
    /// JPEG some 6 more while it is decoded.
    pub pixels_max: u32,
    /// Each decodes one photo at a time.
    pub threads: NonZeroUsize,
}

impl Default for PhotoLimits {
    fn default() -> Self {
        Self {
            pixels_max: 36_000_000,
            threads: NonZeroUsize::MIN,
        }
    }
}

/// More than a panorama has; what is longer is no photo.
const EDGE_PIXELS_MAX: u32 = 20_000;
const THUMBNAIL_EDGE_PIXELS: u32 = 320;
/// Of thumbnails and of photos in documents.
const JPEG_QUALITY: u8 = 80;
/// More would be colours of 16 bits on a photo that is as large as photos may be.
const DECODED_BYTES_PER_PIXEL_MAX: u64 = 4;

/// Reads photos, and decodes them on threads of its own.
#[derive(Debug)]
pub struct PhotoReader {
    limits: PhotoLimits,
    pool: Pool,
}

impl PhotoReader {
    /// Starts the threads. They end when this is dropped, with the photo that they are at.
    pub fn start(limits: PhotoLimits) -> std::io::Result<Self> {
        Ok(Self {
            limits,
            pool: Pool::start("photos", limits.threads.get())?,
        })
    }
}

#[async_trait]
impl Photos for PhotoReader {
    fn head(&self, bytes: &[u8]) -> Result<PhotoHead, PhotoRefused> {
        let (format, found) = walk(bytes)?;
        hold_to(self.limits, &found)?;
        let said = found.exif.map(exif::read).unwrap_or_default();
        Ok(PhotoHead {
            format,
            width_pixels: found.width_pixels,
            height_pixels: found.height_pixels,
            captured: said.captured,
            location: said.location,
        })
    }

    async fn examine(&self, bytes: Bytes) -> Result<Examined, PhotoRefused> {
        let limits = self.limits;
        self.pool
            .run(move || examine(&bytes, limits))
            .await
            .unwrap_or_else(|| Err(undecodable()))
    }

    async fn smaller(&self, bytes: Bytes, edge_pixels: u32) -> Result<Picture, PhotoRefused> {
        let limits = self.limits;
        self.pool
            .run(move || smaller(&bytes, edge_pixels, limits))
            .await
            .unwrap_or_else(|| Err(undecodable()))
    }

    fn is_picture(&self, bytes: &[u8]) -> Result<bool, PhotoRefused> {
        if format::recognise(bytes).is_err() && !format::is_of_cameras(bytes) {
            return Ok(false);
        }
        walk(bytes).map(|_| true)
    }

    fn without_metadata(&self, bytes: &Bytes) -> Option<Bytes> {
        let (format, found) = walk(bytes).ok()?;
        let copy = match format {
            PhotoFormat::Jpeg => jpeg::without_metadata(&found),
            PhotoFormat::Png => png::without_metadata(&found),
            PhotoFormat::Webp => webp::without_metadata(&found),
        };
        Some(copy.into())
    }
}

fn walk(bytes: &[u8]) -> Result<(PhotoFormat, Container<'_>), PhotoRefused> {
    let format = format::recognise(bytes).map_err(PhotoRefused)?;
    let walked = match format {
        PhotoFormat::Jpeg => jpeg::walk(bytes),
        PhotoFormat::Png => png::walk(bytes),
        PhotoFormat::Webp => webp::walk(bytes),
    };
    let found = walked.map_err(|broken| {
        PhotoRefused(match broken {
            Broken::CutOff => "the photo is cut off: its end is missing; send it again".to_owned(),
            Broken::Damaged(what) => {
                format!("the photo is damaged: {what}; take it or export it again")
            }
            Broken::Unsupported(what) => {
                format!("this is {what}; send a plain JPEG, PNG or WebP")
            }
        })
    })?;
    Ok((format, found))
}

fn hold_to(limits: PhotoLimits, found: &Container<'_>) -> Result<(), PhotoRefused> {
    let (width, height) = (found.width_pixels, found.height_pixels);
    if u64::from(width) * u64::from(height) > u64::from(limits.pixels_max) {
        return Err(PhotoRefused(format!(
            "the photo has {width} by {height} pixels, more than the {} million that are taken; make it smaller",
            limits.pixels_max / 1_000_000
        )));
    }
    if width.max(height) > EDGE_PIXELS_MAX {
        return Err(PhotoRefused(format!(
            "the photo has {width} by {height} pixels; no edge may be longer than {EDGE_PIXELS_MAX}"
        )));
    }
    Ok(())
}

fn undecodable() -> PhotoRefused {
    PhotoRefused("the photo is damaged and cannot be shown; take it or export it again".to_owned())
}

fn examine(bytes: &[u8], limits: PhotoLimits) -> Result<Examined, PhotoRefused> {
    let upright = upright(bytes, MEASURED_EDGE_PIXELS, limits)?;
    let small = upright.to_rgb8();
    let grey = picture::grey(&small);
    let (dark, bright) = picture::extremes(&grey);
    Ok(Examined {
        sharpness: picture::sharpness(&grey),
        dark,
        bright,
        fingerprint: picture::fingerprint(&small),
        thumbnail: jpeg_of(&picture::shrink(&upright, THUMBNAIL_EDGE_PIXELS))?,
    })
}

fn smaller(bytes: &[u8], edge_pixels: u32, limits: PhotoLimits) -> Result<Picture, PhotoRefused> {
    let upright = upright(bytes, edge_pixels, limits)?;
    Ok(Picture {
        width_pixels: upright.width(),
        height_pixels: upright.height(),
        jpeg: jpeg_of(&upright.to_rgb8())?,
    })
}

/// A photo made smaller, with its right side up.
fn upright(
    bytes: &[u8],
    edge_pixels: u32,
    limits: PhotoLimits,
) -> Result<DynamicImage, PhotoRefused> {
    let (format, found) = walk(bytes)?;
    hold_to(limits, &found)?;
    let orientation = found.orientation();
    let size = (found.width_pixels, found.height_pixels);
    let photo = decode(format, bytes, size, limits).map_err(|_| undecodable())?;
    let small = picture::shrink(&photo, edge_pixels);
    drop(photo);
    let mut upright = DynamicImage::ImageRgb8(small);
    upright.apply_orientation(
        Orientation::from_exif(orientation).unwrap_or(Orientation::NoTransforms),
    );
    Ok(upright)
}

/// Decodes what the walk has seen: a decoder that reads another size out of the file is not followed.
fn decode(
    format: PhotoFormat,
    bytes: &[u8],
    size: (u32, u32),
    limits: PhotoLimits,
) -> ImageResult<DynamicImage> {
    let bytes = Cursor::new(bytes);
    let decoded_bytes_max = u64::from(limits.pixels_max) * DECODED_BYTES_PER_PIXEL_MAX;
    let mut allowed = Limits::default();
    allowed.max_image_width = Some(size.0);
    allowed.max_image_height = Some(size.1);
    allowed.max_alloc = Some(decoded_bytes_max);
    let mut decoder: Box<dyn ImageDecoder> = match format {
        PhotoFormat::Jpeg => Box::new(JpegDecoder::new(bytes)?),
        PhotoFormat::Png => Box::new(PngDecoder::with_limits(bytes, allowed.clone())?),
        PhotoFormat::Webp => Box::new(WebPDecoder::new(bytes)?),
    };
    allowed.reserve(decoder.total_bytes())?;
    decoder.set_limits(allowed)?;
    DynamicImage::from_decoder(decoder)
}

fn jpeg_of(picture: &RgbImage) -> Result<Bytes, PhotoRefused> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .encode_image(picture)
        .map_err(|_| undecodable())?;
    Ok(jpeg.into())
}
