//! Programs of others that tests need; `cargo xtask needs` brings them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program of the Python environment that `cargo xtask needs` makes in the target folder.
pub fn python_tool(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let program = target.join("needs/python/bin").join(name);
    if !program.exists() {
        bring();
    }
    assert!(program.exists(), "`cargo xtask needs` did not bring {name}");
    program
}

/// Tests that are run alone find what they need as well.
pub fn bring() {
    let brought = Command::new(env!("CARGO"))
        .args(["xtask", "needs"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    assert!(
        brought.status.success(),
        "{}{}",
        String::from_utf8_lossy(&brought.stdout),
        String::from_utf8_lossy(&brought.stderr)
    );
}
