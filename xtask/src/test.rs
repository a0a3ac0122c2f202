//! `cargo xtask test`: what the tests need, every test of the workspace, every example receiver.

use crate::needs;
use crate::run::{Outcome, cargo, root, run as run_command};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs everything; nothing is skipped because something is missing.
pub fn run() -> Outcome {
    needs::ensure()?;
    // `--all-targets` leaves the examples inside the docs out, so these have a run of their own.
    run_command(cargo(&["test", "--workspace", "--all-targets", "--locked"]))?;
    run_command(cargo(&["test", "--workspace", "--doc", "--locked"]))?;
    examples()
}

/// Every entry of `examples/` has tests of its own, or a test of the workspace runs it by name.
fn examples() -> Outcome {
    let root = root();
    let tests = integration_tests(&root)?;
    for example in listed(&root.join("examples"))? {
        let name = example
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name == "README.md" {
            continue;
        }
        let own = node_tests(&example)?;
        if own.is_empty() && !tests.iter().any(|text| text.contains(&name)) {
            return Err(format!(
                "examples/{name} is tested by nothing: it has no *.test.js or *.test.mjs, \
                 and no integration test of the workspace names it"
            ));
        }
        if !own.is_empty() {
            let mut node = Command::new("node");
            node.current_dir(&example).arg("--test").args(&own);
            run_command(node)?;
        }
    }
    Ok(())
}

/// The test files for Node.js that lie directly in an example or in its `test` folder.
fn node_tests(example: &Path) -> Outcome<Vec<PathBuf>> {
    if !example.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = listed(example)?;
    files.extend(listed(&example.join("test"))?);
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        [".test.js", ".test.mjs", ".test.cjs"]
            .iter()
            .any(|end| name.ends_with(end))
    });
    Ok(files)
}

/// The text of all integration tests of the workspace.
fn integration_tests(root: &Path) -> Outcome<Vec<String>> {
    let mut texts = Vec::new();
    for krate in listed(&root.join("crates"))? {
        for file in listed(&krate.join("tests/it"))? {
            if file.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&file)
                    .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
                texts.push(text);
            }
        }
    }
    Ok(texts)
}

/// What a folder holds, in order; nothing when there is no such folder.
fn listed(folder: &Path) -> Outcome<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let cannot = |error| format!("cannot list {}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        paths.push(entry.map_err(cannot)?.path());
    }
    paths.sort();
    Ok(paths)
}
