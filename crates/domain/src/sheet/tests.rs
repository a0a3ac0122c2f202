//! What a check of a photo comes to, in words.

use heraldo_wire::id::ValidationId;

use super::*;

#[test]
fn what_nobody_could_look_at_is_neither_good_nor_bad() {
    let check = |valid, confidence, language, expected: (Tone, &str)| {
        let check = Validation {
            id: ValidationId::default(),
            kind: "readable".to_owned(),
            valid,
            confidence,
        };
        let line = judged(&check, language);
        assert_eq!((line.tone, line.text.as_str()), expected);
    };
    check(
        true,
        0.9,
        Language::English,
        (
            Tone::Good,
            "Readable file: yes (the file can be read as a photo; confidence 90%)",
        ),
    );
    check(
        false,
        1.0,
        Language::Spanish,
        (
            Tone::Bad,
            "Archivo legible: no (el archivo se puede leer como foto; certeza 100 %)",
        ),
    );
    check(
        false,
        0.0,
        Language::English,
        (
            Tone::Unknown,
            "Readable file: it could not be told (the file can be read as a photo)",
        ),
    );
}
