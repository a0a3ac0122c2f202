//! `heraldo doctor`: looks at the set-up and says, line by line, what is well and what to do.

mod proxy;
mod server;
mod store;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use heraldo_domain::ports::Clock;
use heraldo_store::seal::look_at_key_file;
use heraldo_wire::time::Timestamp;

use crate::failure::Outcome;
use crate::ports::SystemClock;
use crate::settings::{Settings, Sources, resolve};
use crate::terminal::say;

/// Below this much room the store is in danger; below the second, somebody should know.
const FREE_BYTES_MIN: u64 = 100 << 20;
const FREE_BYTES_LOW: u64 = 1 << 30;
/// Fewer open files than this are soon used up by connections.
const OPEN_FILES_LOW: u64 = 4_096;
/// Not before this program was written, and not after it will be forgotten.
const CLOCK_MIN: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const CLOCK_MAX: Timestamp = Timestamp::from_millis(4_102_444_800_000);

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    Error,
}

/// One line of the report.
#[derive(Debug)]
struct Finding {
    level: Level,
    what: &'static str,
    sentence: String,
}

impl Finding {
    fn ok(what: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            what,
            sentence: sentence.into(),
        }
    }

    fn warning(what: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            what,
            sentence: sentence.into(),
        }
    }

    fn error(what: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            what,
            sentence: sentence.into(),
        }
    }
}

pub fn run(sources: &Sources) -> Outcome<ExitCode> {
    let findings = match resolve(sources) {
        Ok(settings) => examine(&settings)?,
        Err(mistakes) => mistakes
            .into_iter()
            .map(|mistake| Finding::error("settings", mistake))
            .collect(),
    };
    let mut worst = Level::Ok;
    for Finding {
        level,
        what,
        sentence,
    } in &findings
    {
        let word = match level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        say(&format!("{word:<9}{what:<13}{sentence}"));
        if *level == Level::Error || worst == Level::Ok {
            worst = *level;
        }
    }
    let (last, code) = match worst {
        Level::Ok => ("Everything is well.", ExitCode::SUCCESS),
        Level::Warning => ("It works; see the warnings.", ExitCode::SUCCESS),
        Level::Error => ("Something must be done; see the errors.", ExitCode::FAILURE),
    };
    say(last);
    Ok(code)
}

fn examine(settings: &Settings) -> Outcome<Vec<Finding>> {
    let mut findings = vec![Finding::ok(
        "settings",
        "every setting has a value that it takes",
    )];
    findings.push(folder(&settings.data_dir));
    findings.push(room(settings));
    findings.push(key_file(&settings.master_key_file()));
    findings.extend(store::findings(settings)?);
    findings.push(clock(&settings.data_dir, SystemClock.now()));
    findings.push(open_files());
    findings.extend(settings.egress_proxy.as_ref().map(proxy::finding));
    findings.push(server::listening(settings));
    Ok(findings)
}

fn folder(path: &Path) -> Finding {
    const WHAT: &str = "data folder";
    let shown = path.display();
    let metadata = match path.metadata() {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            return Finding::error(
                WHAT,
                format!("{shown} is not a folder; name one with --data-dir"),
            );
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Finding::ok(
                WHAT,
                format!("{shown} does not exist yet; the first start makes it"),
            );
        }
        Err(error) => return Finding::error(WHAT, format!("{shown} cannot be looked at: {error}")),
    };
    if let Err(error) = tempfile_in(path) {
        return Finding::error(
            WHAT,
            format!("{shown} cannot be written: {error}; give this user the right"),
        );
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        let sentence =
            format!("others may look into {shown} (mode {mode:03o}); run `chmod 700 {shown}`");
        return Finding::warning(WHAT, sentence);
    }
    Finding::ok(
        WHAT,
        format!("{shown} is this user's alone and can be written"),
    )
}

/// Writes and removes an empty file.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!("doctor-{}.draft", std::process::id()));
    std::fs::File::create_new(&path)?;
    std::fs::remove_file(&path)
}

fn room(settings: &Settings) -> Finding {
    const WHAT: &str = "disk";
    let accepted_from = u64::try_from(settings.disk_free_min).unwrap_or(u64::MAX);
    let Some(place) = existing(&settings.data_dir) else {
        return Finding::warning(WHAT, "the disk of the data folder cannot be looked at");
    };
    match rustix::fs::statvfs(&place) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let sentence = format!("{} MiB are free", free >> 20);
            if free < FREE_BYTES_MIN {
                Finding::error(
                    WHAT,
                    format!("only {sentence}; free some, or nothing more can be stored"),
                )
            } else if free < accepted_from {
                Finding::error(
                    WHAT,
                    format!(
                        "only {sentence}, and nothing new is accepted below disk_free_min, {} MiB, unless the \
                         database has that much to use again; free some",
                        accepted_from >> 20
                    ),
                )
            } else if free < FREE_BYTES_LOW {
                Finding::warning(WHAT, format!("only {sentence}"))
            } else {
                Finding::ok(WHAT, sentence)
            }
        }
        Err(error) => Finding::warning(WHAT, format!("the free space cannot be read: {error}")),
    }
}

/// The folder itself or the nearest one above it that exists.
fn existing(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute
        .ancestors()
        .find(|place| place.exists())
        .map(Path::to_owned)
}

fn key_file(path: &Path) -> Finding {
    const WHAT: &str = "master key";
    let shown = path.display();
    match look_at_key_file(path) {
        Ok(true) => Finding::ok(
            WHAT,
            format!("{shown} is this user's alone; see that your backup has it"),
        ),
        Ok(false) => Finding::ok(
            WHAT,
            format!("{shown} does not exist; a first start makes it"),
        ),
        Err(error) => Finding::error(WHAT, error.to_string()),
    }
}

fn clock(data_dir: &Path, now: Timestamp) -> Finding {
    const WHAT: &str = "clock";
    if now < CLOCK_MIN || now > CLOCK_MAX {
        return Finding::error(
            WHAT,
            format!("it shows {now}, which cannot be; set it, receivers check it"),
        );
    }
    let written = data_dir
        .join(heraldo_store::sqlite::DATABASE_FILE)
        .metadata()
        .map(|metadata| Timestamp::from_millis(metadata.mtime().saturating_mul(1_000)));
    match written {
        Ok(written) if written.since(now).as_secs() > 60 => Finding::warning(
            WHAT,
            format!("it shows {now}, but the database was written at {written}; was it set back?"),
        ),
        Ok(_) | Err(_) => Finding::ok(WHAT, format!("it shows {now}")),
    }
}

fn open_files() -> Finding {
    const WHAT: &str = "open files";
    match crate::open_files::raise_limit() {
        Some(limit) if limit < OPEN_FILES_LOW => Finding::warning(
            WHAT,
            format!(
                "at most {limit} may be open, one for each connection; raise the hard limit (`ulimit -Hn`)"
            ),
        ),
        Some(limit) => Finding::ok(WHAT, format!("{limit} may be open")),
        None => Finding::ok(WHAT, "as many as wanted may be open"),
    }
}
