//! Writes the test vectors of `crates/wire/vectors`; with `--check`, fails when a file there is stale.
//!
//! `cargo run -p heraldo-wire --example vectors [-- --check]`

mod make;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let is_check = std::env::args().any(|argument| argument == "--check");
    let mut exit = ExitCode::SUCCESS;
    for (name, text) in make::files() {
        let path = folder.join(name);
        let is_fresh = std::fs::read_to_string(&path).is_ok_and(|old| old == text);
        if is_fresh {
            continue;
        }
        if is_check {
            eprintln!("{name} is stale; run `cargo run -p heraldo-wire --example vectors`");
            exit = ExitCode::FAILURE;
        } else if let Err(error) = std::fs::write(&path, text) {
            eprintln!("{} cannot be written: {error}", path.display());
            exit = ExitCode::FAILURE;
        } else {
            println!("{name} written");
        }
    }
    exit
}
