//! What a command says on standard output.

use std::io::Write;

/// Writes one line. Somebody who closed the pipe does not want the rest: that is no error.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
