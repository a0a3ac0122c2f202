//! Photos made in code, for the tests of whoever handles photos: what they show, and what their metadata
//! says, is chosen by the test.

use bytes::Bytes;
pub use exif::Tag;
use exif::experimental::Writer;
use exif::{Field, In, Rational, Value};
use heraldo_domain::photo::{Coordinates, PhotoFormat};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::{FilterType, resize};
use image::{ImageResult, Rgb, RgbImage};

use crate::photos::{png, webp};

/// A photo to be made. The same choices make the same bytes.
#[derive(Debug, Clone)]
pub struct PhotoMaker {
    format: PhotoFormat,
    width_pixels: u32,
    height_pixels: u32,
    scene: u32,
    light: i16,
    is_blurred: bool,
    quality: u8,
    fields: Vec<Field>,
    is_big_endian: bool,
    words: Option<String>,
}

impl PhotoMaker {
    /// A sharp photo in daylight, without metadata.
    #[must_use]
    pub fn new(format: PhotoFormat, width_pixels: u32, height_pixels: u32) -> Self {
        Self {
            format,
            width_pixels,
            height_pixels,
            scene: 1,
            light: 0,
            is_blurred: false,
            quality: 80,
            fields: Vec::new(),
            is_big_endian: false,
            words: None,
        }
    }

    #[must_use]
    pub fn jpeg(width_pixels: u32, height_pixels: u32) -> Self {
        Self::new(PhotoFormat::Jpeg, width_pixels, height_pixels)
    }

    /// What is seen: another number is another picture.
    #[must_use]
    pub fn scene(mut self, number: u32) -> Self {
        self.scene = number.max(1);
        self
    }

    /// Makes every pixel so much brighter, or darker: -255 is black, 255 is white.
    #[must_use]
    pub fn light(mut self, more: i16) -> Self {
        self.light = more;
        self
    }

    /// Out of focus.
    #[must_use]
    pub fn blurred(mut self) -> Self {
        self.is_blurred = true;
        self
    }

    /// Of a JPEG, from 1 to 100.
    #[must_use]
    pub fn quality(mut self, quality: u8) -> Self {
        self.quality = quality;
        self
    }

    /// The camera's clock, as EXIF writes it: `2026:11:20 14:03:22`.
    #[must_use]
    pub fn taken(self, date: &str) -> Self {
        self.ascii(Tag::DateTimeOriginal, date)
    }

    /// The zone of the camera's clock: `+01:00`.
    #[must_use]
    pub fn zone(self, offset: &str) -> Self {
        self.ascii(Tag::OffsetTimeOriginal, offset)
    }

    /// The satellites' clock: `2026:11:20`, and hour, minute, second in UTC.
    #[must_use]
    pub fn satellites(self, day: &str, time: [u32; 3]) -> Self {
        let time = time.map(|number| Rational::from((number, 1)));
        self.ascii(Tag::GPSDateStamp, day)
            .field(Tag::GPSTimeStamp, Value::Rational(time.to_vec()))
    }

    #[must_use]
    pub fn place(self, place: Coordinates) -> Self {
        let parts = |degrees: f64| {
            let seconds_100 = (degrees.abs() * 360_000.0).round() as u32;
            [
                (seconds_100 / 360_000, 1),
                (seconds_100 / 6_000 % 60, 1),
                (seconds_100 % 6_000, 100),
            ]
        };
        let side = |degrees: f64, plus, minus| if degrees < 0.0 { minus } else { plus };
        self.ascii(Tag::GPSLatitudeRef, side(place.latitude, "N", "S"))
            .rationals(Tag::GPSLatitude, parts(place.latitude))
            .ascii(Tag::GPSLongitudeRef, side(place.longitude, "E", "W"))
            .rationals(Tag::GPSLongitude, parts(place.longitude))
    }

    /// From 1 (upright) to 8, as EXIF counts: 6 is what a phone writes that was held upright.
    #[must_use]
    pub fn orientation(self, number: u16) -> Self {
        self.field(Tag::Orientation, Value::Short(vec![number]))
    }

    /// EXIF's numbers the other way round, as an iPhone writes them.
    #[must_use]
    pub fn big_endian(mut self) -> Self {
        self.is_big_endian = true;
        self
    }

    /// A comment, and the same in XMP.
    #[must_use]
    pub fn words(mut self, words: &str) -> Self {
        self.words = Some(words.to_owned());
        self
    }

    /// Any three fractions, also such as no place has.
    #[must_use]
    pub fn rationals(self, tag: Tag, parts: [(u32, u32); 3]) -> Self {
        self.field(tag, Value::Rational(parts.map(Rational::from).to_vec()))
    }

    /// Any text.
    #[must_use]
    pub fn ascii(self, tag: Tag, text: &str) -> Self {
        self.field(tag, Value::Ascii(vec![text.as_bytes().to_vec()]))
    }

    fn field(mut self, tag: Tag, value: Value) -> Self {
        self.fields.push(Field {
            tag,
            ifd_num: In::PRIMARY,
            value,
        });
        self
    }

    /// The file.
    #[must_use]
    #[expect(clippy::expect_used, reason = "tests fail by panicking")]
    pub fn make(&self) -> Bytes {
        let exif = (!self.fields.is_empty()).then(|| self.exif().expect("EXIF can be written"));
        let file = match self.format {
            PhotoFormat::Jpeg => self.make_jpeg(exif),
            PhotoFormat::Png => self.make_png(exif),
            PhotoFormat::Webp => self.make_webp(exif),
        };
        file.expect("a picture can be written").into()
    }

    fn exif(&self) -> Result<Vec<u8>, exif::Error> {
        let mut block = std::io::Cursor::new(Vec::new());
        let mut writer = Writer::new();
        for field in &self.fields {
            writer.push_field(field);
        }
        writer.write(&mut block, !self.is_big_endian)?;
        Ok(block.into_inner())
    }

    fn make_jpeg(&self, exif: Option<Vec<u8>>) -> ImageResult<Vec<u8>> {
        let mut plain = Vec::new();
        JpegEncoder::new_with_quality(&mut plain, self.quality).encode_image(&self.picture())?;
        let mut file = vec![0xff, 0xd8];
        let mut push = |marker: u8, head: &[u8], body: &[u8]| {
            let length = u16::try_from(2 + head.len() + body.len()).unwrap_or(u16::MAX);
            file.extend_from_slice(&[0xff, marker]);
            file.extend_from_slice(&length.to_be_bytes());
            file.extend_from_slice(head);
            file.extend_from_slice(body);
        };
        if let Some(exif) = exif {
            push(0xe1, b"Exif\0\0", &exif);
        }
        if let Some(words) = &self.words {
            push(0xe1, b"http://ns.adobe.com/xap/1.0/\0", words.as_bytes());
            push(0xed, b"Photoshop 3.0\0", words.as_bytes());
            push(0xfe, b"", words.as_bytes());
        }
        file.extend(plain.into_iter().skip(2));
        Ok(file)
    }

    fn make_png(&self, exif: Option<Vec<u8>>) -> ImageResult<Vec<u8>> {
        const HEAD_BYTES: usize = 8 + 12 + 13;
        let mut file = Vec::new();
        self.picture()
            .write_with_encoder(PngEncoder::new(&mut file))?;
        let pixels = file.split_off(HEAD_BYTES.min(file.len()));
        if let Some(exif) = exif {
            png::push_chunk(&mut file, *b"eXIf", &exif);
        }
        if let Some(words) = &self.words {
            png::push_chunk(&mut file, *b"tEXt", format!("Comment\0{words}").as_bytes());
            let xmp = format!("XML:com.adobe.xmp\0\0\0\0\0{words}");
            png::push_chunk(&mut file, *b"iTXt", xmp.as_bytes());
        }
        file.extend(pixels);
        Ok(file)
    }

    fn make_webp(&self, exif: Option<Vec<u8>>) -> ImageResult<Vec<u8>> {
        const HEAD_BYTES: usize = 12;
        let mut file = Vec::new();
        self.picture()
            .write_with_encoder(WebPEncoder::new_lossless(&mut file))?;
        if exif.is_none() && self.words.is_none() {
            return Ok(file);
        }
        let pixels = file.split_off(HEAD_BYTES.min(file.len()));
        let flags = u8::from(exif.is_some()) << 3 | u8::from(self.words.is_some()) << 2;
        let mut canvas = vec![flags, 0, 0, 0];
        for side in [self.width_pixels, self.height_pixels] {
            let [a, b, c, _] = side.saturating_sub(1).to_le_bytes();
            canvas.extend_from_slice(&[a, b, c]);
        }
        webp::push_chunk(&mut file, *b"VP8X", &canvas);
        file.extend(pixels);
        if let Some(exif) = exif {
            webp::push_chunk(&mut file, *b"EXIF", &exif);
        }
        if let Some(words) = &self.words {
            webp::push_chunk(&mut file, *b"XMP ", words.as_bytes());
        }
        webp::set_size(&mut file);
        Ok(file)
    }

    fn picture(&self) -> RgbImage {
        let (width, height) = (self.width_pixels, self.height_pixels);
        if self.is_blurred {
            let small = paint(24, 18, self.scene, self.light, 0);
            return resize(&small, width, height, FilterType::Triangle);
        }
        paint(width, height, self.scene, self.light, 12)
    }
}

const SHAPES: usize = 40;

/// Sky, ground, rectangles on them, and a grain over everything.
fn paint(width: u32, height: u32, scene: u32, light: i16, grain: u32) -> RgbImage {
    let mut dice = scene.wrapping_mul(0x9e37_79b9) | 1;
    let mut draw = |below: u32| {
        dice ^= dice << 13;
        dice ^= dice >> 17;
        dice ^= dice << 5;
        dice % below.max(1)
    };
    let mut picture = RgbImage::from_fn(width, height, |_, y| {
        let down = u8::try_from(u64::from(y) * 80 / u64::from(height)).unwrap_or(0);
        Rgb([120 + down, 150, 200 - down])
    });
    for _ in 0..SHAPES {
        let colour = [(); 3].map(|()| u8::try_from(30 + draw(196)).unwrap_or(0));
        let (left, top) = (draw(width), draw(height));
        let (right, bottom) = (left + 2 + draw(width / 3), top + 2 + draw(height / 3));
        for y in top..bottom.min(height) {
            for x in left..right.min(width) {
                picture.put_pixel(x, y, Rgb(colour));
            }
        }
    }
    for Rgb(pixel) in picture.pixels_mut() {
        let more = light + i16::try_from(draw(grain + 1)).unwrap_or(0);
        *pixel =
            pixel.map(|part| u8::try_from((i16::from(part) + more).clamp(0, 255)).unwrap_or(0));
    }
    picture
}
