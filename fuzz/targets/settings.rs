//! An environment and a file with settings. The input is TOML; its pairs are given as variables as well.
#![no_main]

#[allow(dead_code, unused_imports, reason = "the program uses all of it")]
#[path = "../../crates/app/src/settings/mod.rs"]
mod settings;

use std::ffi::OsString;
use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use settings::{Sources, resolve};

fuzz_target!(|input: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(input).expect("written");
    check(&Sources {
        config: Some(file.path().to_owned()),
        ..Sources::default()
    });
    let env = String::from_utf8_lossy(input)
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| {
            let name = format!("HERALDO_{}", name.trim().to_uppercase());
            (OsString::from(name), OsString::from(value.trim()))
        })
        .filter(|(name, _)| name != "HERALDO_CONFIG")
        .collect();
    check(&Sources {
        env,
        ..Sources::default()
    });
});

fn check(sources: &Sources) {
    if let Err(mistakes) = resolve(sources) {
        assert!(!mistakes.is_empty());
        for mistake in mistakes {
            assert!(mistake.len() < 4_096, "{mistake}");
        }
    }
}
