//! Writes what is generated of the events: a JSON Schema of each body, and the reference of every field in
//! English and Spanish; with `--check`, fails when a file is stale.
//!
//! `cargo run -p heraldo-wire --example reference [-- --check]`

#![expect(
    clippy::expect_used,
    reason = "a generator may end on what cannot be; whoever runs it sees why"
)]

mod meanings;
mod page;
mod schema;

use std::path::Path;
use std::process::ExitCode;

use heraldo_wire::event::EventType;

fn main() -> ExitCode {
    let is_check = std::env::args().any(|argument| argument == "--check");
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut files: Vec<(String, String)> = EventType::SUBSCRIBABLE
        .into_iter()
        .map(|event| (format!("schemas/{event}.json"), schema::text(event)))
        .collect();
    for language in page::LANGUAGES {
        match page::text(language) {
            Ok(text) => files.push((language.file.to_owned(), text)),
            Err(missing) => {
                eprintln!("crates/wire/examples/reference/meanings.rs: {missing}");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut exit = ExitCode::SUCCESS;
    for (name, text) in files {
        let path = docs.join(&name);
        let is_fresh = std::fs::read_to_string(&path).is_ok_and(|old| old == text);
        if is_fresh {
            continue;
        }
        if is_check {
            eprintln!("docs/{name} is stale; run `cargo xtask generate`");
            exit = ExitCode::FAILURE;
        } else if let Err(error) = std::fs::write(&path, text) {
            eprintln!("docs/{name} cannot be written: {error}");
            exit = ExitCode::FAILURE;
        } else {
            println!("docs/{name} written");
        }
    }
    exit
}
