//! `cargo xtask sim --faults`: puts each fault of `crates/sim/faults` into a copy of the sources, one at a
//! time, and wants the simulation to find it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::run::{Outcome, capture, capture_text, root, run as run_command};

/// A fault that so many seeds do not find is not found.
const SEEDS: &str = "2000";
/// What a fault may be in. It is built a little otherwise than elsewhere, so that nobody else is given what was built of
/// it: cargo tells one folder's from the other's by nothing else.
const FAULTY: [&str; 5] = [
    "heraldo-wire",
    "heraldo-domain",
    "heraldo-store",
    "heraldo-delivery",
    "heraldo-sim",
];

/// Tries every fault; the sources themselves are not touched.
pub fn run() -> Outcome {
    let root = root();
    let copy = root.join("target/faults");
    let faults = faults(&root.join("crates/sim/faults"))?;
    make_copy(&root, &copy)?;
    let mut found = Vec::new();
    for fault in &faults {
        let name = fault.file_stem().unwrap_or_default().to_string_lossy();
        println!("--- {name}");
        apply(&copy, fault, &[])?;
        let outcome = hunt(&root, &copy);
        apply(&copy, fault, &["--reverse"])?;
        found.push(format!("{name}: {}", outcome?));
    }
    println!("\nEach of the {} faults was found:", found.len());
    for line in found {
        println!("  {line}");
    }
    Ok(())
}

fn faults(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let cannot = |error| format!("cannot list {}: {error}", folder.display());
    let mut faults = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.extension() == Some(OsStr::new("patch")) {
            faults.push(path);
        }
    }
    faults.sort();
    Ok(faults)
}

/// Copies what git knows, as it is in the folder now. What did not change keeps its time, so that it is
/// not built again.
fn make_copy(root: &Path, copy: &Path) -> Outcome {
    let mut git = Command::new("git");
    git.current_dir(root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let names = capture_text(git)?;
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (root.join(name), copy.join(name));
        let told = |error| format!("cannot copy {name}: {error}");
        let Ok(content) = std::fs::read(&from) else {
            // Deleted, and git was not told.
            continue;
        };
        if std::fs::read(&to).is_ok_and(|old| old == content) {
            continue;
        }
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(told)?;
        }
        std::fs::write(&to, content).map_err(told)?;
    }
    Ok(())
}

fn apply(copy: &Path, fault: &Path, more: &[&str]) -> Outcome {
    let mut git = Command::new("git");
    // The copy lies inside a repository, whose paths are not its own.
    git.current_dir(copy)
        .env("GIT_CEILING_DIRECTORIES", copy.parent().unwrap_or(copy))
        .args(["apply", "-p1"])
        .args(more)
        .arg(fault);
    run_command(git).map_err(|sentence| format!("{sentence}; bring the fault up to date"))
}

/// Builds the copy and runs it until it fails. The dependencies are those that are built already.
fn hunt(root: &Path, copy: &Path) -> Outcome<String> {
    let cargo = |command: &str| {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = Command::new(program);
        cargo
            .current_dir(copy)
            .env("CARGO_TARGET_DIR", root.join("target"))
            .args([command, "--locked", "--quiet", "-p", "heraldo-sim"]);
        for name in FAULTY {
            let otherwise = format!("profile.dev.package.{name}.codegen-units=255");
            cargo.args(["--config", &otherwise]);
        }
        cargo
    };
    run_command(cargo("build"))?;
    let mut simulation = cargo("run");
    simulation.args(["--", "--seed", "1", "--seeds", SEEDS, "--lines", "12"]);
    let start = Instant::now();
    let output = capture(simulation)?;
    let took = start.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Err(format!("{SEEDS} seeds found nothing:\n{said}"));
    }
    println!("{said}");
    let sentence = said.lines().rev().nth(1).unwrap_or("it says nothing");
    Ok(format!("{sentence} ({:.1} s)", took.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_can_still_be_put_in() {
        let root = root();
        let faults = faults(&root.join("crates/sim/faults")).unwrap();
        assert!(faults.len() >= 5, "{faults:?}");
        for fault in faults {
            let mut git = Command::new("git");
            git.current_dir(&root)
                .args(["apply", "--check"])
                .arg(&fault);
            let output = capture(git).unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "bring the fault up to date: {said}"
            );
        }
    }
}
