//! The programs that the tests need: finds them, or installs them, or says exactly what is missing.
//!
//! A missing program is never a reason to skip a test.

use crate::run::{Outcome, capture, capture_text, root, run as run_command};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest Node.js whose test runner and `fetch` the example receiver can rely on.
const NODE_MAJOR_MIN: u32 = 18;
/// Makes requests from the API description. One version, so that a seed means the same everywhere; it brings
/// `jsonschema_rs`, which holds events against their schemas.
const SCHEMATHESIS: &str = "4.32.5";
/// The version of the Python package that an example of a receiver verifies with.
const CRYPTOGRAPHY: &str = "48.0.0";

struct Need {
    program: &'static str,
    why: &'static str,
    packages: &'static [&'static str],
    /// `Err` says what is wrong, in words that follow the name of the program.
    look: fn() -> Outcome,
}

const NEEDS: &[Need] = &[
    Need {
        program: "cc with the C headers",
        why: "compiles the bundled SQLite",
        packages: &["gcc", "libc6-dev"],
        look: compiles_c,
    },
    Need {
        program: "c++",
        why: "compiles libFuzzer",
        packages: &["g++"],
        look: || starts("c++"),
    },
    Need {
        program: "node",
        why: "runs the example receiver for Node.js",
        packages: &["nodejs"],
        look: node_is_new_enough,
    },
    Need {
        program: "php",
        why: "runs an example that verifies signatures",
        packages: &["php-cli"],
        look: || starts("php"),
    },
    Need {
        program: "strace",
        why: "records what the server writes and syncs, for the power-loss test",
        packages: &["strace"],
        look: || starts("strace"),
    },
    Need {
        program: "curl",
        why: "runs the lines that the server prints to copy",
        packages: &["curl"],
        look: || starts("curl"),
    },
    Need {
        program: "chromium",
        why: "opens the pages in the browser tests",
        packages: &["chromium"],
        look: || starts("chromium"),
    },
    Need {
        program: "chromedriver",
        why: "lets the browser tests drive Chromium",
        packages: &["chromium-driver"],
        look: || starts("chromedriver"),
    },
    Need {
        program: "npm",
        why: "installs the accessibility checker of the browser tests",
        packages: &["npm"],
        look: || starts("npm"),
    },
    Need {
        program: "python3 with venv",
        why: "runs Schemathesis, which tries the API by its description, and an example of a receiver",
        packages: &["python3", "python3-venv"],
        look: python_makes_environments,
    },
    Need {
        program: "pdftotext",
        why: "reads the reports back",
        packages: &["poppler-utils"],
        look: || starts_with("pdftotext", "-v"),
    },
];

/// Where the packages lie that the browser tests take from npm.
const BROWSER_TOOLS: &str = "crates/app/tests/browser-tools";
/// The lock file that was installed from, kept beside what it brought.
const INSTALLED_LOCK: &str = "node_modules/installed-lock.json";

/// Makes sure that everything that the tests need is there.
pub fn ensure() -> Outcome {
    let target = target();
    let cannot = |error| format!("cannot write in {}: {error}", target.display());
    std::fs::create_dir_all(&target).map_err(cannot)?;
    // Tests that run side by side may ask at the same moment.
    let lock = File::create(target.join("needs.lock")).map_err(cannot)?;
    lock.lock().map_err(cannot)?;
    ensure_programs()?;
    ensure_python()?;
    ensure_browser_tools(&root().join(BROWSER_TOOLS))?;
    println!("what the tests need is there");
    Ok(())
}

/// Installs what the lock file says, when that has not been done since it changed.
fn ensure_browser_tools(folder: &Path) -> Outcome {
    let lock = folder.join("package-lock.json");
    let wanted =
        std::fs::read(&lock).map_err(|error| format!("cannot read {}: {error}", lock.display()))?;
    let installed = folder.join(INSTALLED_LOCK);
    // Absent is as good as another one.
    if std::fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.current_dir(folder)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    run_command(npm)?;
    std::fs::write(&installed, wanted)
        .map_err(|error| format!("cannot write {}: {error}", installed.display()))
}

fn ensure_programs() -> Outcome {
    let missing = look_for_all();
    if missing.is_empty() {
        return Ok(());
    }
    for (need, wrong) in &missing {
        println!("{}: {wrong} ({})", need.program, need.why);
    }
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|(need, _)| need.packages.iter().copied())
        .collect();
    install(&packages)?;
    let still: Vec<String> = look_for_all()
        .iter()
        .map(|(need, wrong)| format!("{}: {wrong} ({})", need.program, need.why))
        .collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(format!(
        "after installing {}, this is still wrong:\n  {}",
        packages.join(" "),
        still.join("\n  ")
    ))
}

/// The folder in which cargo builds; the tests look for the Python environment there.
pub fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(set)
}

/// In an environment of its own, so that nothing else on the machine changes.
fn ensure_python() -> Outcome {
    let environment = target().join("needs/python");
    let python = environment.join("bin/python");
    let wanted = [
        format!("schemathesis=={SCHEMATHESIS}"),
        format!("cryptography=={CRYPTOGRAPHY}"),
    ];
    let mut look = Command::new(&python);
    look.args(["-c", LOOK]).args(&wanted);
    if capture(look).is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&environment);
    run_command(make)?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet"]);
    install.arg("--disable-pip-version-check").args(&wanted);
    run_command(install)
}

const LOOK: &str = "import sys, importlib.metadata as m; \
    sys.exit(any(m.version(w.split('==')[0]) != w.split('==')[1] for w in sys.argv[1:]))";

fn look_for_all() -> Vec<(&'static Need, String)> {
    NEEDS
        .iter()
        .filter_map(|need| (need.look)().err().map(|wrong| (need, wrong)))
        .collect()
}

/// Installs Debian packages when that is possible, else says the command to type.
fn install(packages: &[&str]) -> Outcome {
    let by_hand = format!(
        "apt-get update && apt-get install --yes --no-install-recommends {}",
        packages.join(" ")
    );
    if starts("apt-get").is_err() {
        return Err(format!(
            "install the programs named above; on Debian that is\n  sudo sh -c '{by_hand}'"
        ));
    }
    let mut id = Command::new("id");
    id.arg("-u");
    if capture_text(id)?.trim() != "0" {
        return Err(format!(
            "programs are missing; this installs them:\n  sudo sh -c '{by_hand}'"
        ));
    }
    let mut update = Command::new("apt-get");
    update.arg("update");
    run_command(update)?;
    let mut install = Command::new("apt-get");
    install
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    run_command(install)
}

fn starts(program: &str) -> Outcome {
    starts_with(program, "--version")
}

fn starts_with(program: &str, argument: &str) -> Outcome {
    let mut command = Command::new(program);
    command.arg(argument);
    match capture(command) {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "does not work, `{program} {argument}` ended with {}",
            output.status
        )),
        Err(_) => Err("is not there".to_owned()),
    }
}

fn compiles_c() -> Outcome {
    let mut child = Command::new("cc")
        .args(["-fsyntax-only", "-x", "c", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|_| "is not there".to_owned())?;
    if let Some(mut stdin) = child.stdin.take() {
        // A compiler that ends before it has read shows itself in its status below.
        let _ = stdin.write_all(b"#include <stdio.h>\nint main(void) { return 0; }\n");
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        _ => Err("cannot compile a program that includes stdio.h".to_owned()),
    }
}

fn python_makes_environments() -> Outcome {
    let mut command = Command::new("python3");
    command.args(["-c", "import venv, ensurepip"]);
    match capture(command) {
        Ok(output) if output.status.success() => Ok(()),
        Ok(_) => Err("cannot make environments".to_owned()),
        Err(_) => Err("is not there".to_owned()),
    }
}

fn node_is_new_enough() -> Outcome {
    let mut command = Command::new("node");
    command.arg("--version");
    let text = capture_text(command).map_err(|_| "is not there".to_owned())?;
    judge_node(&text)
}

/// `v20.20.2` is fine, `v16.1.0` is too old.
fn judge_node(version: &str) -> Outcome {
    let version = version.trim();
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|word| word.parse::<u32>().ok());
    match major {
        Some(major) if major >= NODE_MAJOR_MIN => Ok(()),
        Some(_) => Err(format!(
            "is {version}, but at least version {NODE_MAJOR_MIN} is needed"
        )),
        None => Err(format!(
            "says `{version}` for its version, which makes no sense"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_is_judged_by_its_major_version() {
        assert!(judge_node("v18.0.0\n").is_ok());
        assert!(judge_node("v20.20.2").is_ok());
        assert!(
            judge_node("v16.9.1")
                .unwrap_err()
                .contains("at least version 18")
        );
        assert!(judge_node("what?").unwrap_err().contains("makes no sense"));
    }

    #[test]
    fn a_program_that_is_not_there_is_named_as_such() {
        assert_eq!(
            starts("no-program-has-this-name").unwrap_err(),
            "is not there"
        );
    }

    #[test]
    fn every_need_names_the_packages_that_bring_it() {
        for need in NEEDS {
            assert!(
                !need.packages.is_empty(),
                "{} names no package",
                need.program
            );
        }
    }
}
