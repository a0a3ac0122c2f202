//! What a file is, told from its first bytes and never from its name; and what to send instead when it is
//! not taken.

use heraldo_domain::photo::PhotoFormat;

const SEND: &str = "send JPEG, PNG or WebP";
const IPHONE: &str = "on an iPhone: Settings > Camera > Formats > Most Compatible";

/// The format, or words for what the file is and what to send instead.
pub(super) fn recognise(bytes: &[u8]) -> Result<PhotoFormat, String> {
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        return Ok(PhotoFormat::Jpeg);
    }
    if bytes.starts_with(super::png::SIGNATURE) {
        return Ok(PhotoFormat::Png);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(PhotoFormat::Webp);
    }
    Err(match other(bytes) {
        Other::Heic => format!("this is a HEIC photo; {SEND} ({IPHONE})"),
        Other::Known(what) => format!("this is {what}; {SEND}"),
        Other::Empty => format!("the file is empty; {SEND}"),
        Other::Unknown => format!("this file is not a photo that can be read; {SEND}"),
    })
}

/// Whether cameras and phones write files like this one, with the place in them, in a format that is not
/// taken. Videos are none of them.
pub(super) fn is_of_cameras(bytes: &[u8]) -> bool {
    match other(bytes) {
        Other::Heic => true,
        Other::Known(what) => OF_CAMERAS.contains(&what),
        Other::Empty | Other::Unknown => false,
    }
}

enum Other {
    Heic,
    Known(&'static str),
    Empty,
    Unknown,
}

const AVIF: &str = "an AVIF picture";
const RAW: &str = "a camera's raw file";
const TIFF: &str = "a TIFF picture";
const TIFF_OR_RAW: &str = "a TIFF picture or a camera's raw file";
const JPEG_XL: &str = "a JPEG XL picture";
const JPEG_2000: &str = "a JPEG 2000 picture";
const PHOTOSHOP: &str = "a Photoshop file";
const OF_CAMERAS: [&str; 7] = [AVIF, RAW, TIFF, TIFF_OR_RAW, JPEG_XL, JPEG_2000, PHOTOSHOP];

/// First bytes and what they stand for. Longer signatures come before shorter ones.
const SIGNATURES: [(&[u8], &str); 20] = [
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", TIFF_OR_RAW),
    (b"MM\0*", TIFF_OR_RAW),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"%PDF", "a PDF document"),
    (b"8BPS", PHOTOSHOP),
    (b"\0\0\0\x0cJXL ", JPEG_XL),
    (b"\xff\x0a", JPEG_XL),
    (b"\0\0\0\x0cjP  ", JPEG_2000),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"RIFF", "a video or a sound"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
];

fn other(bytes: &[u8]) -> Other {
    if bytes.is_empty() {
        return Other::Empty;
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return match bytes.get(8..12).unwrap_or_default() {
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
                Other::Heic
            }
            b"avif" | b"avis" => Other::Known(AVIF),
            b"crx " => Other::Known(RAW),
            _ => Other::Known("a video"),
        };
    }
    if let Some((_, what)) = SIGNATURES
        .iter()
        .find(|(signature, _)| bytes.starts_with(signature))
    {
        return Other::Known(what);
    }
    if is_text(bytes) {
        Other::Known(text_kind(bytes))
    } else {
        Other::Unknown
    }
}

const LOOKED_AT_BYTES: usize = 512;

/// No control characters among the first bytes, and UTF-8 except for a character that the end cuts.
fn is_text(bytes: &[u8]) -> bool {
    let start = bytes.get(..LOOKED_AT_BYTES).unwrap_or(bytes);
    let utf8 = match std::str::from_utf8(start) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    utf8 && start
        .iter()
        .all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c))
}

fn text_kind(bytes: &[u8]) -> &'static str {
    let start = bytes.trim_ascii_start();
    let starts = |what: &[u8]| {
        start
            .get(..what.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(what))
    };
    if starts(b"<svg") {
        "an SVG drawing"
    } else if starts(b"<!doctype html") || starts(b"<html") {
        "a web page"
    } else if starts(b"data:image/") {
        "a data URL, that is text; send the bytes that it stands for"
    } else {
        "text, not a photo"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(recognise(bytes).expect_err("refused"), expected);
    }

    #[test]
    fn what_is_not_taken_is_named_with_what_to_send() {
        check(
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            "this is a HEIC photo; send JPEG, PNG or WebP (on an iPhone: Settings > Camera > Formats > Most Compatible)",
        );
        check(
            b"\0\0\0\x1cftypavif",
            "this is an AVIF picture; send JPEG, PNG or WebP",
        );
        check(
            b"\0\0\0\x18ftypmp42",
            "this is a video; send JPEG, PNG or WebP",
        );
        check(b"GIF89a", "this is a GIF picture; send JPEG, PNG or WebP");
        check(
            b"%PDF-1.7\n%\xe2\xe3",
            "this is a PDF document; send JPEG, PNG or WebP",
        );
        check(
            "una foto, dice él".as_bytes(),
            "this is text, not a photo; send JPEG, PNG or WebP",
        );
        check(
            b"<svg xmlns='x'>",
            "this is an SVG drawing; send JPEG, PNG or WebP",
        );
        check(b"", "the file is empty; send JPEG, PNG or WebP");
        check(
            b"\x07\x00\x01random\xfe",
            "this file is not a photo that can be read; send JPEG, PNG or WebP",
        );
        check(
            b"RIFF\x04\0\0\0AVI ",
            "this is a video or a sound; send JPEG, PNG or WebP",
        );
    }

    #[test]
    fn only_what_cameras_write_is_of_cameras() {
        for yes in [
            &b"\0\0\0\x18ftypheic"[..],
            b"\0\0\0\x1cftypavif",
            b"II*\0\x08\0",
            b"MM\0*\0\0",
        ] {
            assert!(is_of_cameras(yes), "{yes:?}");
        }
        for no in [
            &b"%PDF-1.7"[..],
            b"GIF89a",
            b"text",
            b"",
            b"\0\0\0\x18ftypmp42",
            b"PK\x03\x04",
        ] {
            assert!(!is_of_cameras(no), "{no:?}");
        }
    }

    #[test]
    fn the_name_of_a_format_is_its_first_bytes() {
        assert_eq!(recognise(&[0xff, 0xd8, 0xff, 0xe0]), Ok(PhotoFormat::Jpeg));
        assert_eq!(recognise(b"\x89PNG\r\n\x1a\nrest"), Ok(PhotoFormat::Png));
        assert_eq!(recognise(b"RIFF\x04\0\0\0WEBP"), Ok(PhotoFormat::Webp));
    }
}
