//! The rules of tidiness that no lint knows: headers, sizes, names, test folders, marks.

use crate::run::{Outcome, root};
use std::path::Path;

/// Files longer than this are split, or say why not in `LONG`.
const LINES_MAX: usize = 500;

/// Path and reason of each file that is longer on purpose. An entry that is not needed is an error.
const LONG: &[(&str, &str)] = &[
    (
        "crates/store/examples/lists.rs",
        "one program that fills, asks and prints, read from top to bottom",
    ),
    (
        "crates/store/src/memory/mod.rs",
        "the whole store contract, a few lines for each of its functions",
    ),
    (
        "crates/store/src/sqlite/mod.rs",
        "the whole store contract, a few lines of forwarding for each of its functions",
    ),
    (
        "crates/web/tests/it/visits.rs",
        "one story: a consumer's visit, from the link to the end",
    ),
    (
        "crates/wire/examples/reference/meanings.rs",
        "one table: what each field means, in both languages",
    ),
    (
        "crates/web/tests/it/templates.rs",
        "one table of bad templates beside the good ones that it changes",
    ),
];

/// Names that say nothing about what a module holds.
const EMPTY_NAMES: &[&str] = &[
    "common", "helper", "helpers", "manager", "managers", "misc", "shared", "util", "utils",
];

/// Folders with Rust sources of our own.
const SOURCES: &[&str] = &["crates", "examples", "sdks", "xtask"];

/// One sentence for each broken rule.
pub fn broken_in_workspace() -> Outcome<Vec<String>> {
    let root = root();
    let mut files = Vec::new();
    for folder in SOURCES {
        collect(&root, &root.join(folder), &mut files)?;
    }
    files.sort();
    Ok(broken(&files, LONG))
}

/// A source or a manifest: its path below the workspace, and its text.
type File = (String, String);

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) -> Outcome {
    if !folder.is_dir() {
        return Ok(());
    }
    let cannot = |error| format!("cannot list {}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if name != "target" && name != "node_modules" {
                collect(root, &path, files)?;
            }
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let below = path.strip_prefix(root).unwrap_or(&path);
            files.push((below.to_string_lossy().into_owned(), text));
        }
    }
    Ok(())
}

fn broken(files: &[File], long: &[(&str, &str)]) -> Vec<String> {
    let mut sentences = Vec::new();
    for (path, text) in files {
        let complaints = if path.ends_with(".rs") {
            about_source(path, text, long)
        } else {
            about_manifest(text)
        };
        sentences.extend(
            complaints
                .into_iter()
                .map(|complaint| format!("{path}: {complaint}")),
        );
    }
    for (path, _) in long {
        let found = files.iter().find(|(file, _)| file == path);
        if found.is_none_or(|(_, text)| text.lines().count() <= LINES_MAX) {
            sentences.push(format!(
                "{path}: is not too long any more, take it off the list in tidy.rs"
            ));
        }
    }
    sentences
}

fn about_source(path: &str, text: &str, long: &[(&str, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.starts_with("//! ") {
        complaints.push("must open with `//!` and one sentence on what it is for".to_owned());
    }
    let lines = text.lines().count();
    if lines > LINES_MAX && !long.iter().any(|(allowed, _)| *allowed == path) {
        complaints.push(format!(
            "has {lines} lines; past {LINES_MAX}, split it or give the reason in the list in tidy.rs"
        ));
    }
    if let Some(name) = path
        .split(['/', '.'])
        .find(|part| EMPTY_NAMES.contains(part))
    {
        complaints.push(format!("`{name}` says nothing about what is in it"));
    }
    if let Some((_, below)) = path.split_once("/tests/")
        && !below.starts_with("it/")
    {
        complaints.push("integration tests live in `tests/it/`, one binary for a crate".to_owned());
    }
    for (number, line) in text.lines().enumerate() {
        complaints
            .extend(about_line(line).map(|complaint| format!("line {}: {complaint}", number + 1)));
    }
    complaints
}

fn about_line(line: &str) -> Option<String> {
    let code = line.trim_start();
    if code.starts_with("#[ignore") {
        return Some("a test that is ignored tests nothing".to_owned());
    }
    // Put together here, so that this file does not break its own rule.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("X", "XX"),
    ];
    if let Some(mark) = marks.iter().find(|mark| is_word_in(line, mark)) {
        return Some(format!("{mark} marks belong into an issue"));
    }
    let module = code
        .strip_prefix("pub(crate) ")
        .or(code.strip_prefix("pub "))
        .unwrap_or(code);
    let name = module
        .strip_prefix("mod ")?
        .trim_end_matches([' ', '{', ';', '}']);
    let empty = EMPTY_NAMES.contains(&name);
    empty.then(|| format!("`{name}` says nothing about what is in it"))
}

fn is_word_in(line: &str, word: &str) -> bool {
    line.split(|letter: char| !letter.is_alphanumeric())
        .any(|part| part == word)
}

fn about_manifest(text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.contains("[lints]\nworkspace = true\n") {
        complaints
            .push("must take the lints of the workspace: `[lints]` `workspace = true`".to_owned());
    }
    if !text.contains("rust-version.workspace = true\n") {
        complaints.push("must take `rust-version` from the workspace".to_owned());
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        let found = broken(&[(path.to_owned(), text.to_owned())], &[]);
        assert_eq!(found.len(), expected.len(), "{path}: {found:?}");
        for (sentence, part) in found.iter().zip(expected) {
            assert!(
                sentence.contains(part),
                "`{sentence}` does not contain `{part}`"
            );
        }
    }

    #[test]
    fn the_workspace_is_tidy() {
        assert_eq!(broken_in_workspace().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_source_opens_with_what_it_is_for() {
        check("crates/a/src/lib.rs", "//! Signs.\n", &[]);
        check("crates/a/src/lib.rs", "use std::fs;\n", &["must open with"]);
    }

    #[test]
    fn a_long_file_gives_its_reason() {
        let text = format!("//! Long.\n{}", "\n".repeat(LINES_MAX));
        check("crates/a/src/lib.rs", &text, &["has 501 lines"]);
        let file = ("crates/a/src/lib.rs".to_owned(), text);
        assert!(broken(&[file], &[("crates/a/src/lib.rs", "one table")]).is_empty());
    }

    #[test]
    fn a_reason_that_is_not_needed_goes() {
        let found = broken(&[], &[("crates/a/src/gone.rs", "one table")]);
        assert!(
            found
                .iter()
                .any(|sentence| sentence.contains("take it off the list"))
        );
    }

    #[test]
    fn names_say_what_is_inside() {
        check(
            "crates/a/src/utils.rs",
            "//! Bits.\n",
            &["`utils` says nothing"],
        );
        check(
            "crates/a/src/common/id.rs",
            "//! Ids.\n",
            &["`common` says nothing"],
        );
        check(
            "crates/a/src/lib.rs",
            "//! A.\npub(crate) mod helpers {\n",
            &["line 2: `helpers`"],
        );
        check("crates/a/src/lib.rs", "//! A.\nmod signature;\n", &[]);
    }

    #[test]
    fn a_crate_has_one_integration_binary() {
        check("crates/a/tests/it/main.rs", "//! Tests.\n", &[]);
        check("crates/a/tests/api.rs", "//! Tests.\n", &["tests/it/"]);
    }

    #[test]
    fn ignored_tests_and_marks_are_refused() {
        check(
            "crates/a/src/lib.rs",
            "//! A.\n    #[ignore = \"slow\"]\n",
            &["ignored"],
        );
        let mark = format!("//! A.\n// {}: later\n", concat!("TO", "DO"));
        check("crates/a/src/lib.rs", &mark, &["belong into an issue"]);
    }

    #[test]
    fn manifests_take_lints_and_rust_version_from_the_workspace() {
        let good = "rust-version.workspace = true\n\n[lints]\nworkspace = true\n";
        check("crates/a/Cargo.toml", good, &[]);
        check(
            "crates/a/Cargo.toml",
            "[package]\n",
            &["lints", "rust-version"],
        );
    }
}
