//! The binary `heraldo`: settings, wiring, the real clock and dice, and the commands.

#![allow(
    clippy::disallowed_methods,
    reason = "this crate is the rim: the real clock, the real dice, the environment and the end of the \
              process are here and nowhere else"
)]

mod address;
mod administration;
mod cli;
mod dev;
mod doctor;
mod engine;
mod failure;
mod generated;
mod health;
mod jobs;
mod links;
mod listen;
mod logs;
mod maintenance;
mod open_files;
mod photos;
mod ports;
mod private_file;
mod remote;
mod serve;
mod settings;
mod terminal;
mod threads;
mod trigger;
mod upkeep;
mod verify;

use std::process::ExitCode;

use clap::ArgMatches;

use crate::failure::{Failure, Outcome};
use crate::settings::{Settings, resolve};

/// Every event costs some fifty small allocations, freed on another thread than the one that made them;
/// `docs/performance.md` has the figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    use_small_pages();
    let matches = match cli::read(std::env::args_os().collect()) {
        Ok(matches) => matches,
        Err(error) => error.exit(),
    };
    run(&matches).unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::FAILURE
    })
}

/// Of pages of 2 MiB a server to which little happens fills a small part each: they make it half as large again and no
/// faster (`docs/performance.md`). The allocator is built to ask for none; some systems give them unasked.
#[cfg(target_os = "linux")]
fn use_small_pages() {
    // A kernel that does not know of large pages gives none.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Elsewhere nobody asks for large ones.
#[cfg(not(target_os = "linux"))]
const fn use_small_pages() {}

fn run(matches: &ArgMatches) -> Outcome<ExitCode> {
    let Some((command, matches)) = matches.subcommand() else {
        return Err(Failure::new("name a command; `heraldo --help` lists them"));
    };
    match command {
        "serve" => serve::run(settings(matches)?),
        "dev" => dev::run(settings(matches)?),
        "doctor" => doctor::run(&cli::sources(matches, std::env::vars_os().collect())),
        "migrate" => maintenance::bring_up_to_date(matches, &settings(matches)?),
        "backup" => maintenance::backup(matches, &settings(matches)?),
        "verify" => verify::run(matches),
        "listen" => listen::run(matches, &settings(matches)?),
        "trigger" => trigger::run(matches, &settings(matches)?),
        "openapi" => generated::run(&heraldo_web::openapi_json(), matches),
        what => match matches.subcommand() {
            Some(("configuration", matches)) => generated::run(&settings::markdown(), matches),
            Some((part, within)) => {
                // `heraldo oauth app create` has one word more than the others.
                let (verb, matches) = within
                    .subcommand()
                    .map_or((part.to_owned(), within), |(verb, matches)| {
                        (format!("{part} {verb}"), matches)
                    });
                administration::run(what, &verb, matches, &settings(matches)?)
            }
            None => Err(Failure::new(format!(
                "name what to do; `heraldo {what} --help` lists it"
            ))),
        },
    }
}

fn settings(matches: &ArgMatches) -> Outcome<Settings> {
    let sources = cli::sources(matches, std::env::vars_os().collect());
    resolve(&sources).map_err(Failure::all)
}
