//! Fuzz targets, built with instruments for coverage by cargo-fuzz, on the stable toolchain.

use std::path::Path;

use crate::run::{Outcome, capture_text, cargo, root, run};

/// How long each target runs when nobody says otherwise.
const SECONDS: u64 = 10;

/// `cargo xtask fuzz [TARGET] [SECONDS]`.
pub fn start(args: &[String]) -> Outcome {
    let (target, seconds) = match args {
        [] => (None, SECONDS),
        [one] => match one.parse() {
            Ok(seconds) => (None, seconds),
            Err(_) => (Some(one.as_str()), SECONDS),
        },
        [target, seconds] => {
            let seconds = seconds
                .parse()
                .map_err(|_| format!("`{seconds}` is not a number of seconds"))?;
            (Some(target.as_str()), seconds)
        }
        _ => return Err("cargo xtask fuzz [TARGET] [SECONDS]".to_owned()),
    };
    let targets = targets()?;
    let chosen: Vec<&String> = targets
        .iter()
        .filter(|known| target.is_none_or(|target| target == known.as_str()))
        .collect();
    if chosen.is_empty() {
        return Err(format!(
            "there is no such target; there are {}",
            targets.join(", ")
        ));
    }
    for target in chosen {
        one(target, seconds)?;
    }
    Ok(())
}

/// Whether the targets still compile, without the instruments, whose build takes minutes.
pub fn check() -> Outcome {
    run(cargo(&[
        "check",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--target-dir",
        "target/fuzz",
    ]))
}

fn targets() -> Outcome<Vec<String>> {
    let mut list = cargo(&["fuzz", "list", "--fuzz-dir", "fuzz"]);
    list.current_dir(root());
    let listed = capture_text(list).map_err(|why| {
        format!("cargo-fuzz is needed (`cargo install cargo-fuzz --locked`): {why}")
    })?;
    Ok(listed.lines().map(str::to_owned).collect())
}

fn one(target: &str, seconds: u64) -> Outcome {
    let corpus = Path::new("fuzz/corpus").join(target);
    let seeds = Path::new("fuzz/seeds").join(target);
    std::fs::create_dir_all(root().join(&corpus))
        .map_err(|error| format!("the corpus of {target} cannot be kept: {error}"))?;
    // No sanitizer: they need the nightly toolchain, and there is no unsafe code of ours to watch.
    let mut command = cargo(&["fuzz", "run", "--sanitizer", "none", "--fuzz-dir", "fuzz"]);
    command
        .arg(target)
        .args([&corpus, &seeds])
        .arg("--")
        .arg(format!("-max_total_time={seconds}"));
    run(command)
}
