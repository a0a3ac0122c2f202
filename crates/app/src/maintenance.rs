//! `heraldo migrate` and `heraldo backup`: what an operator does to the database itself.

use std::path::Path;
use std::process::ExitCode;

use clap::ArgMatches;
use heraldo_store::sqlite::{DATABASE_FILE, back_up, migrate};
use serde_json::json;

use crate::cli::{given, is_set};
use crate::failure::{Failure, Outcome};
use crate::logs;
use crate::ports::OsEntropy;
use crate::settings::Settings;
use crate::terminal::say;

/// Brings the database up to date, and says what was done.
pub fn bring_up_to_date(matches: &ArgMatches, settings: &Settings) -> Outcome<ExitCode> {
    logs::start(settings)?;
    database_of(settings)?;
    let key = heraldo_store::MasterKeySource::File(settings.master_key_file());
    let done = migrate(&settings.data_dir, &key, &OsEntropy)?;
    let text = if done.steps.is_empty() {
        format!(
            "The database is at version {} already: nothing to do.",
            done.to
        )
    } else {
        format!(
            "The database was brought from version {} to {}: {}.",
            done.from,
            done.to,
            done.steps.join(", ")
        )
    };
    let json = json!({ "from": done.from, "to": done.to, "migrations": done.steps });
    answer(matches, &json, &text)
}

/// Copies the database, and says what belongs to it and is not in the copy.
pub fn backup(matches: &ArgMatches, settings: &Settings) -> Outcome<ExitCode> {
    logs::start(settings)?;
    database_of(settings)?;
    let file = given(matches, "file").unwrap_or_default();
    let bytes = back_up(&settings.data_dir, Path::new(&file))?;
    let key = settings.master_key_file();
    let photos = match &settings.s3_bucket {
        Some(bucket) => format!("the bucket {bucket}"),
        None => settings.data_dir.join("files").display().to_string(),
    };
    let text = format!(
        "{file} holds the database as it was, {bytes} bytes.\n\
         Not in it, and needed with it: the master key {}, to be kept apart, and the photos in {photos}.",
        key.display()
    );
    let json = json!({ "file": file, "bytes": bytes, "masterKeyFile": key, "photos": photos });
    answer(matches, &json, &text)
}

/// A new database would be nobody's: whoever names an empty folder named the wrong one.
fn database_of(settings: &Settings) -> Outcome {
    if settings.data_dir.join(DATABASE_FILE).exists() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "there is no data of Heraldo in the folder {}; name the server's with --data-dir or HERALDO_DATA_DIR",
        settings.data_dir.display()
    )))
}

fn answer(matches: &ArgMatches, json: &serde_json::Value, text: &str) -> Outcome<ExitCode> {
    if is_set(matches, "json") {
        say(&json.to_string());
    } else {
        say(text);
    }
    Ok(ExitCode::SUCCESS)
}
