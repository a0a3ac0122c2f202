//! The dependencies: licences, bans, sources, yanked crates and advisories, judged by cargo-deny.
//!
//! What could not be looked up is reported as NOT CHECKED with the reason, never passed over in silence.

use crate::run::{Outcome, Steps, capture, capture_text, cargo, root, run as run_command};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The one version that `deny.toml` is written for.
const VERSION: &str = "0.20.2";

const ADVISORY_DB: &str = "https://github.com/RustSec/advisory-db";

/// Where the stand-in database pretends to live; `.invalid` never resolves.
const STAND_IN_URL: &str = "https://advisories.invalid/none";

/// What to do when the advisory database cannot be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Say NOT CHECKED and go on: a change can be checked behind a fence.
    ReportNotChecked,
    /// Fail: for a release, not knowing is not good enough.
    RequireAdvisories,
}

impl Strictness {
    /// Reads the one flag that `ci` and `deny` take.
    pub fn from_args(args: &[String]) -> Outcome<Self> {
        match args {
            [] => Ok(Self::ReportNotChecked),
            [flag] if flag == "--require-advisories" => Ok(Self::RequireAdvisories),
            _ => Err(format!(
                "expected nothing or --require-advisories, got `{}`",
                args.join(" ")
            )),
        }
    }
}

/// `cargo xtask deny`.
pub fn run_alone(strictness: Strictness) -> Outcome {
    let mut steps = Steps::default();
    steps.step("dependencies", |not_checked| run(strictness, not_checked))?;
    steps.summary();
    Ok(())
}

/// Judges the dependencies; adds to `not_checked` what could not be looked up.
pub fn run(strictness: Strictness, not_checked: &mut Vec<String>) -> Outcome {
    let tool = tool()?;
    let deny = |args: &[&str]| {
        let mut command = Command::new(&tool);
        command.current_dir(root()).args(["--locked"]).args(args);
        command
    };
    run_command(deny(&[
        "check",
        "--show-stats",
        "licenses",
        "bans",
        "sources",
    ]))?;

    // The yanked ones are read from cargo's copy of the registry index, so that copy must be fresh.
    let index = capture(deny(&["fetch", "index"]))?;
    if !index.status.success() {
        note(
            strictness,
            not_checked,
            "yanked crates",
            "the registry index",
            &index,
        )?;
    }
    let database = capture(deny(&["fetch", "db"]))?;
    if database.status.success() {
        return run_command(deny(&["check", "--show-stats", "advisories"]));
    }
    note(
        strictness,
        not_checked,
        "advisories",
        ADVISORY_DB,
        &database,
    )?;
    if index.status.success() {
        check_yanked_only(&tool)?;
    }
    Ok(())
}

fn note(
    strictness: Strictness,
    not_checked: &mut Vec<String>,
    what: &str,
    source: &str,
    output: &Output,
) -> Outcome {
    let sentence = format!("{what}: {source} could not be fetched ({})", reason(output));
    println!("NOT CHECKED  {sentence}");
    match strictness {
        Strictness::RequireAdvisories => Err(format!("not checked, but required: {sentence}")),
        Strictness::ReportNotChecked => {
            not_checked.push(sentence);
            Ok(())
        }
    }
}

/// The last thing that the program complained about.
fn reason(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty());
    last.unwrap_or("it gave no reason").to_owned()
}

/// cargo-deny looks for yanked crates only together with advisories, and refuses an empty database.
/// So it gets one whose only entry is about a crate that nobody has, and git fetches it from this disk.
fn check_yanked_only(tool: &Path) -> Outcome {
    let home = root().join("target/tools/yanked-only");
    let database = home.join("database");
    let entry = database.join("crates/none");
    let config = home.join("deny.toml");
    fresh_folder(&home)?;
    std::fs::create_dir_all(&entry).map_err(|error| cannot("make", &entry, &error))?;
    write(&entry.join("STAND-IN-0001.md"), STAND_IN_ENTRY)?;
    let settings = format!(
        "[advisories]\nyanked = \"deny\"\ndb-path = {:?}\ndb-urls = [{STAND_IN_URL:?}]\n",
        home.join("fetched"),
    );
    write(&config, &settings)?;

    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(&database).args(args);
        capture_text(command).map(|_| ())
    };
    git(&["init", "--quiet", "--initial-branch=main"])?;
    git(&["add", "."])?;
    git(&[
        "-c",
        "user.name=xtask",
        "-c",
        "user.email=xtask@localhost",
        "-c",
        "commit.gpgsign=false",
        "commit",
        "--quiet",
        "--no-verify",
        "--message=Stand-in without advisories",
    ])?;

    let mut command = Command::new(tool);
    command
        .current_dir(root())
        .arg("--locked")
        .arg("--config")
        .arg(&config)
        .args(["check", "--show-stats", "advisories"])
        .env("GIT_CONFIG_COUNT", "1")
        .env(
            "GIT_CONFIG_KEY_0",
            format!("url.file://{}.insteadOf", database.display()),
        )
        .env("GIT_CONFIG_VALUE_0", STAND_IN_URL);
    // Its "advisories ok" would be a lie, so success is told in our words.
    let output = capture(command)?;
    if output.status.success() {
        println!("no crate is yanked");
        return Ok(());
    }
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    Err("looking for yanked crates failed, see above".to_owned())
}

const STAND_IN_ENTRY: &str = "\
```toml
[advisory]
id = \"STAND-IN-0001\"
package = \"none\"
date = \"2000-01-01\"

[versions]
patched = []
```

# Holds the place of a database that could not be fetched
";

fn fresh_folder(folder: &Path) -> Outcome {
    match std::fs::remove_dir_all(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(cannot("empty", folder, &error)),
    }
    std::fs::create_dir_all(folder).map_err(|error| cannot("make", folder, &error))
}

fn write(file: &Path, text: &str) -> Outcome {
    std::fs::write(file, text).map_err(|error| cannot("write", file, &error))
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot {verb} {}: {error}", path.display())
}

/// cargo-deny: from the PATH, from `target/tools`, or built into it (some minutes, once).
fn tool() -> Outcome<PathBuf> {
    let folder = root().join("target/tools");
    let ours = folder.join("bin/cargo-deny");
    for candidate in [PathBuf::from("cargo-deny"), ours.clone()] {
        if is_right_version(&candidate) {
            return Ok(candidate);
        }
    }
    println!("cargo-deny {VERSION} is not there; building it into target/tools, once");
    let build = folder.join("build");
    let mut install = cargo(&[
        "install",
        "cargo-deny",
        "--locked",
        "--version",
        VERSION,
        "--quiet",
    ]);
    install
        .arg("--root")
        .arg(&folder)
        .arg("--target-dir")
        .arg(&build);
    // It runs for a second and is built for minutes: build it fast rather than to be fast.
    install
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    run_command(install)?;
    // Half a gigabyte that nobody needs again; failing to remove it harms nothing.
    let _ = std::fs::remove_dir_all(&build);
    if is_right_version(&ours) {
        Ok(ours)
    } else {
        Err(format!(
            "{} is still not cargo-deny {VERSION}",
            ours.display()
        ))
    }
}

fn is_right_version(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("--version");
    capture_text(command).is_ok_and(|text| text.trim() == format!("cargo-deny {VERSION}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    fn failed(stderr: &str) -> Output {
        Output {
            status: ExitStatus::from_raw(256),
            stdout: Vec::new(),
            stderr: stderr.into(),
        }
    }

    #[test]
    fn what_cannot_be_fetched_is_reported_with_the_reason() {
        let mut not_checked = Vec::new();
        let output = failed("Cloning\nfatal: Could not resolve host\n\n");
        note(
            Strictness::ReportNotChecked,
            &mut not_checked,
            "advisories",
            "the database",
            &output,
        )
        .unwrap();
        let expected =
            "advisories: the database could not be fetched (fatal: Could not resolve host)";
        assert_eq!(not_checked, [expected]);
    }

    #[test]
    fn what_cannot_be_fetched_fails_when_it_is_required() {
        let strictness = Strictness::from_args(&["--require-advisories".to_owned()]).unwrap();
        let mut not_checked = Vec::new();
        let refused = note(
            strictness,
            &mut not_checked,
            "advisories",
            "the database",
            &failed("no route"),
        );
        assert!(refused.unwrap_err().contains("no route"));
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        assert!(Strictness::from_args(&["--fast".to_owned()]).is_err());
    }
}
