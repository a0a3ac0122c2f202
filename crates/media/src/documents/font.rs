//! Helvetica as every reader of PDF has it: which texts it can show (the WinAnsi alphabet, which covers
//! Spanish and English), and how wide they are.

/// What stands for a character outside the alphabet.
const REPLACEMENT: u8 = b'?';

/// Two cuts of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Font {
    Regular,
    Bold,
}

/// A text in the alphabet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    /// Some of its characters are not in the alphabet, and were replaced.
    pub(super) has_replaced: bool,
}

/// Puts a text into the alphabet. Whatever breaks lines or steers is a space.
pub(super) fn encode(text: &str) -> Encoded {
    let mut encoded = Encoded::default();
    for character in text.chars() {
        let byte = win_ansi(character);
        encoded.has_replaced |= byte.is_none();
        encoded.bytes.push(byte.unwrap_or(REPLACEMENT));
    }
    encoded
}

fn win_ansi(character: char) -> Option<u8> {
    Some(match character {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(character)).ok()?,
        _ if character.is_control() || character.is_whitespace() => b' ',
        '€' => 0x80,
        '‚' => 0x82,
        'ƒ' => 0x83,
        '„' => 0x84,
        '…' => 0x85,
        '†' => 0x86,
        '‡' => 0x87,
        'ˆ' => 0x88,
        '‰' => 0x89,
        'Š' => 0x8a,
        '‹' => 0x8b,
        'Œ' => 0x8c,
        'Ž' => 0x8e,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '–' => 0x96,
        '—' => 0x97,
        '˜' => 0x98,
        '™' => 0x99,
        'š' => 0x9a,
        '›' => 0x9b,
        'œ' => 0x9c,
        'ž' => 0x9e,
        'Ÿ' => 0x9f,
        _ => return None,
    })
}

/// Thousandths of the size, from the space to the tilde (Adobe's metrics of the core fonts).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// No bold character of a word is wider than its regular one by more.
const BOLD_MORE: u16 = 56;

/// How wide a text in the alphabet is at most, in points.
pub(super) fn width(bytes: &[u8], font: Font, size: f32) -> f32 {
    let thousandths: f32 = bytes
        .iter()
        .map(|byte| f32::from(char_width(*byte, font)))
        .sum();
    thousandths * size / 1_000.0
}

fn char_width(byte: u8, font: Font) -> u16 {
    let regular = match byte {
        b' '..=b'~' => WIDTHS
            .get(usize::from(byte - b' '))
            .copied()
            .unwrap_or(1_000),
        0xc6 | 0x85 | 0x89 | 0x8c | 0x97 | 0x99 => 1_000,
        0xcc..=0xcf | 0xec..=0xef => 278,
        0xc0..=0xde => 778,
        0xe6 | 0x9c => 944,
        0xdf..=0xff => 611,
        0xa0 | 0xb7 | 0x82 | 0x8b | 0x91 | 0x92 | 0x9b => 278,
        0xb0..=0xb3 | 0xb9 => 400,
        0xa1 => 333,
        _ => 834,
    };
    match font {
        Font::Regular => regular,
        Font::Bold if byte == b' ' => regular,
        Font::Bold => regular + BOLD_MORE,
    }
}

/// Breaks a text into lines no wider than `width_points`: at spaces where there are any, else anywhere.
pub(super) fn wrap(bytes: &[u8], font: Font, size: f32, width_points: f32) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut line: Vec<u8> = Vec::new();
    let mut used = 0.0;
    let space = width(b" ", font, size);
    for word in bytes
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty())
    {
        let wide = width(word, font, size);
        if !line.is_empty() && used + space + wide <= width_points {
            line.push(b' ');
            line.extend_from_slice(word);
            used += space + wide;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
            used = 0.0;
        }
        for byte in word {
            let wide = width(&[*byte], font, size);
            if !line.is_empty() && used + wide > width_points {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            line.push(*byte);
            used += wide;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spanish_is_in_the_alphabet_and_what_is_not_is_replaced_in_sight() {
        let spanish = encode("¿Ñandú, pingüino? «sí» – 5 €");
        assert!(!spanish.has_replaced, "{spanish:?}");
        let other = encode("車 ok\n🚗");
        assert_eq!(other.bytes, b"? ok ?");
        assert!(other.has_replaced);
    }

    #[test]
    fn no_line_is_wider_than_it_may_be_and_no_letter_is_lost() {
        let text = encode(&"una frase corta y unapalabramuylargasinespacios ".repeat(20)).bytes;
        for width_points in [12.0, 60.0, 300.0] {
            let lines = wrap(&text, Font::Bold, 10.0, width_points);
            for line in &lines {
                assert!(
                    line.len() == 1 || width(line, Font::Bold, 10.0) <= width_points,
                    "{line:?}"
                );
            }
            let letters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte != b' ').count();
            assert_eq!(letters(&lines.concat()), letters(&text));
        }
        assert!(wrap(b"  ", Font::Regular, 10.0, 100.0).is_empty());
    }
}
