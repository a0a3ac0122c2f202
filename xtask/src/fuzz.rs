//! Fuzz targets: libFuzzer, with LLVM's instruments for coverage, on the stable toolchain.
//!
//! Builds and runs them as cargo-fuzz does, which therefore need not be installed. No sanitizer: they need the
//! nightly toolchain, and there is no unsafe code of ours to watch.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, capture_text, cargo, root, run};

/// How long each target runs by hand when nobody says otherwise.
const SECONDS: u64 = 10;
/// How long each target runs before a merge.
const BRIEF_SECONDS: u64 = 5;
/// An input that takes longer is a finding.
const INPUT_SECONDS_MAX: u64 = 20;

/// What makes the coverage of the code visible to libFuzzer.
const INSTRUMENTS: &str = "-Cpasses=sancov-module\x1f\
    -Cllvm-args=-sanitizer-coverage-level=4\x1f\
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters\x1f\
    -Cllvm-args=-sanitizer-coverage-pc-table\x1f\
    -Cllvm-args=-sanitizer-coverage-trace-compares\x1f\
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0";

/// `cargo xtask fuzz [--seconds N] [TARGET]`.
pub fn start(args: &[String]) -> Outcome {
    let (target, seconds) = parse(args)?;
    let targets = targets()?;
    let chosen: Vec<&String> = targets
        .iter()
        .filter(|known| target.as_ref().is_none_or(|target| target == *known))
        .collect();
    if chosen.is_empty() {
        return Err(format!(
            "there is no such target; there are {}",
            targets.join(", ")
        ));
    }
    let programs = build()?;
    for target in chosen {
        one(
            &programs,
            target,
            &Path::new("fuzz/corpus").join(target),
            seconds,
        )?;
    }
    Ok(())
}

/// Each target for a moment, from its seeds on: what it finds is found again by whoever runs it by hand.
pub fn briefly() -> Outcome {
    let programs = build()?;
    for target in targets()? {
        let corpus = Path::new("target/fuzz/brief").join(&target);
        match std::fs::remove_dir_all(root().join(&corpus)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{} cannot be emptied: {error}", corpus.display()));
            }
            Ok(()) | Err(_) => {}
        }
        one(&programs, &target, &corpus, BRIEF_SECONDS)?;
    }
    Ok(())
}

fn parse(args: &[String]) -> Outcome<(Option<String>, u64)> {
    let (mut target, mut seconds) = (None, SECONDS);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" {
            let number = args.next().and_then(|number| number.parse().ok());
            seconds = number.ok_or("`--seconds` needs a number after it")?;
        } else if target.replace(arg.clone()).is_some() {
            return Err("cargo xtask fuzz [--seconds N] [TARGET]".to_owned());
        }
    }
    Ok((target, seconds))
}

/// By the files: each is a program of its name.
fn targets() -> Outcome<Vec<String>> {
    let folder = root().join("fuzz/targets");
    let cannot = |error| format!("cannot list {}: {error}", folder.display());
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        targets.extend(
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    targets.sort();
    Ok(targets)
}

/// Builds every target and says where they are.
fn build() -> Outcome<PathBuf> {
    // The versions that everything else is built and tested with.
    std::fs::copy(root().join("Cargo.lock"), root().join("fuzz/Cargo.lock"))
        .map_err(|error| format!("fuzz/Cargo.lock cannot be written: {error}"))?;
    // With a target named, what runs while building (build scripts, macros) has no instruments.
    let host = host()?;
    let mut build = cargo(&["build", "--manifest-path", "fuzz/Cargo.toml"]);
    build
        .args(["--target", &host, "--target-dir", "target/fuzz"])
        .env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTS);
    run(build)
        .map_err(|why| format!("{why}; libFuzzer needs a C++ compiler, see fuzz/README.md"))?;
    Ok(root().join("target/fuzz").join(host).join("debug"))
}

fn host() -> Outcome<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut ask = Command::new(rustc);
    ask.current_dir(root()).arg("-vV");
    let said = capture_text(ask)?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc does not say for which machine it builds".to_owned())
}

fn one(programs: &Path, target: &str, corpus: &Path, seconds: u64) -> Outcome {
    let artifacts = format!("fuzz/artifacts/{target}/");
    for folder in [corpus, Path::new(&artifacts)] {
        std::fs::create_dir_all(root().join(folder))
            .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    }
    println!("--- {target}, {seconds} s");
    let mut fuzz = Command::new(programs.join(target));
    fuzz.current_dir(root())
        .arg(corpus)
        .arg(Path::new("fuzz/seeds").join(target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-artifact_prefix={artifacts}"))
        .args(["-print_final_stats=1", "-verbosity=0"]);
    run(fuzz).map_err(|why| format!("{target}: {why}; the input is in {artifacts}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_a_target_are_read_in_any_order() {
        let read = |line: &str| {
            parse(
                &line
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(read(""), Ok((None, SECONDS)));
        let urls = Some("urls".to_owned());
        assert_eq!(read("urls"), Ok((urls.clone(), SECONDS)));
        assert_eq!(read("--seconds 3 urls"), Ok((urls.clone(), 3)));
        assert_eq!(read("urls --seconds 3"), Ok((urls, 3)));
        for wrong in ["urls photos", "--seconds", "--seconds soon"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_target_has_a_program_and_seeds() {
        let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        let targets = targets().unwrap();
        assert!(targets.len() >= 5, "{targets:?}");
        for target in targets {
            let path = format!("path = \"targets/{target}.rs\"");
            assert!(manifest.contains(&path), "fuzz/Cargo.toml has no {path}");
            let seeds = root().join("fuzz/seeds").join(&target);
            assert!(
                seeds
                    .read_dir()
                    .is_ok_and(|mut files| files.next().is_some()),
                "{target}"
            );
        }
    }
}
