//! Log lines on standard error: text for people at a terminal, JSON for everything else.
//!
//! Only `tracing` is listened to. What others send through the `log` crate carries the path of their
//! source on the machine that built the program, and the one that does repeats what the store says.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::{Failure, Outcome};
use crate::settings::{LogFormat, Settings};

/// Starts logging for the whole process.
///
/// # Errors
/// When the process logs already.
pub fn start(settings: &Settings) -> Outcome {
    let terminal = std::io::stderr().is_terminal();
    let json = match settings.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let filtered = tracing_subscriber::registry().with(settings.log.targets());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = if json {
        let lines = lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false);
        filtered.with(lines).try_init()
    } else {
        filtered.with(lines.with_ansi(terminal)).try_init()
    };
    started.map_err(|error| Failure::new(format!("logging cannot be started: {error}")))?;
    // A broken invariant ends one task; it must be seen where the other lines are.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(|location| {
                let (file, line) = (within_crate(location.file()), location.line());
                format!("{file}:{line}")
            })
            .unwrap_or_default();
        let what = panic
            .payload_as_str()
            .unwrap_or("something that is not text");
        tracing::error!(place, "an invariant is broken, please report it: {what}");
    }));
    Ok(())
}

/// A source file without the folders of the machine that built it: `hyper-1.12.0/src/client.rs`.
fn within_crate(file: &str) -> &str {
    let folders = file.rfind("/src/").map_or(file, |at| file.split_at(at).0);
    let crate_at = folders.rfind('/').map_or(0, |at| at + 1);
    file.get(crate_at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::within_crate;

    #[test]
    fn a_source_file_is_named_from_its_crate_on() {
        for (file, shown) in [
            (
                "/home/ana/.cargo/registry/src/index-1949cf8c6b5b557f/h2-0.4.20/src/codec/mod.rs",
                "h2-0.4.20/src/codec/mod.rs",
            ),
            (
                "/home/ana/heraldo/crates/web/src/call.rs",
                "web/src/call.rs",
            ),
            ("crates/web/src/call.rs", "web/src/call.rs"),
            (
                "/rustc/59807616e1fa/library/core/src/option.rs",
                "core/src/option.rs",
            ),
            ("/home/ana/build.rs", "build.rs"),
            ("build.rs", "build.rs"),
        ] {
            assert_eq!(within_crate(file), shown);
        }
    }
}
