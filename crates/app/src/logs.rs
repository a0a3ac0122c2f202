//! Log lines on standard error: text for people at a terminal, JSON for everything else.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::failure::{Failure, Outcome};
use crate::settings::{LogFormat, Settings};

/// Others whose lines repeat ours; a filter that names them wins.
const QUIET: &str = "rusqlite_migration=warn";

/// Starts logging for the whole process.
///
/// # Errors
/// When the process logs already.
pub fn start(settings: &Settings) -> Outcome {
    // The store tells of its migrations itself.
    let filter = EnvFilter::try_new(format!("{QUIET},{}", settings.log))
        .map_err(|error| Failure::new(format!("the log filter cannot be used: {error}")))?;
    let terminal = std::io::stderr().is_terminal();
    let json = match settings.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = if json {
        lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init()
    } else {
        lines.with_ansi(terminal).try_init()
    };
    started.map_err(|error| Failure::new(format!("logging cannot be started: {error}")))?;
    // A broken invariant ends one task; it must be seen where the other lines are.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let what = panic
            .payload_as_str()
            .unwrap_or("something that is not text");
        tracing::error!(place, "an invariant is broken, please report it: {what}");
    }));
    Ok(())
}
