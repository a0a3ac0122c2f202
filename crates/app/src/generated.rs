//! Prints what is generated and committed, writes it to its file, or checks that the file is not stale.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ArgMatches;

use crate::cli::{given, is_set};
use crate::failure::{Failure, Outcome};
use crate::terminal::say;

/// Does with `text` what the arguments say.
pub fn run(text: &str, matches: &ArgMatches) -> Outcome<ExitCode> {
    let text = format!("{}\n", text.trim_end());
    let Some(path) = given(matches, "file").map(PathBuf::from) else {
        say(text.trim_end());
        return Ok(ExitCode::SUCCESS);
    };
    let shown = path.display();
    if is_set(matches, "check") {
        let found = std::fs::read_to_string(&path)
            .map_err(|error| Failure::new(format!("{shown} cannot be read: {error}")))?;
        if found != text {
            return Err(Failure::new(format!(
                "{shown} is stale; write it anew without --check"
            )));
        }
    } else {
        std::fs::write(&path, text)
            .map_err(|error| Failure::new(format!("{shown} cannot be written: {error}")))?;
    }
    Ok(ExitCode::SUCCESS)
}
