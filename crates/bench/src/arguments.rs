//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::scenario::{ALL, Scenario, Work};
use crate::server::Program;
use crate::sizes::Sizes;
use crate::{Outcome, children, stand_in};

/// The subcommand that receives.
pub const SINK: &str = "sink";
/// How long that one lets each delivery wait for its answer.
pub const ANSWER_AFTER_MS: &str = "answer-after-ms";
/// The subcommand that sends.
pub const GENERATE: &str = "generate";
/// The subcommand that plays the server.
pub const STAND_IN: &str = "stand-in";

/// How much is made.
const SIZES: [(&str, &str); 8] = [
    ("stored", "Events that STORED stores first"),
    ("waiting", "Deliveries that wait in BACKLOG"),
    (
        "webhooks",
        "Webhooks of DEAD, and the most of GROWTH-WEBHOOKS",
    ),
    ("inspections", "Inspections that LISTS lists"),
    ("lives", "Inspections that live in W4"),
    ("photos", "Photos of PHOTO"),
    ("queued", "Deliveries queued for slow receivers in ISO"),
    ("growth", "The most that is stored or waits in GROWTH"),
];

/// Every delivery of that many is verified.
const VERIFY_EVERY: &str = "64";

/// What this process is to be.
#[derive(Debug)]
pub enum Role {
    Orchestrate(Box<Settings>),
    Sink {
        verify_every: u64,
        answer_after: Duration,
    },
    Generate,
    StandInCompany,
    StandInServe(stand_in::Settings),
}

/// How a run is to go.
#[derive(Debug, Clone)]
pub struct Settings {
    pub program: Program,
    pub scenarios: Vec<Scenario>,
    pub runs: u32,
    /// Of each measurement at full speed.
    pub duration: Duration,
    /// Of each measurement at a fixed pace.
    pub paced_duration: Duration,
    pub connections: u32,
    /// How long to wait for a next delivery before it counts as lost.
    pub patience: Duration,
    pub sizes: Sizes,
    /// Whether scenarios that take long run once only.
    pub is_quick: bool,
    /// A folder filled for STORED, or to be filled; it stays.
    pub stored_dir: Option<PathBuf>,
    /// Where pictures of growth are drawn.
    pub plots: Option<PathBuf>,
    /// Where servers keep their data: on a real disk, so that a sync costs what it costs.
    pub work_dir: PathBuf,
    pub out: PathBuf,
    pub compare: Option<PathBuf>,
}

impl Settings {
    /// Whether a scenario runs once, however many runs there are: in a quick run those that make much.
    pub const fn is_once(&self, scenario: &Scenario) -> bool {
        match scenario.work {
            Work::Load => false,
            Work::Idle
            | Work::Isolation
            | Work::Backlog
            | Work::Stored
            | Work::Dead
            | Work::Lives
            | Work::Photos
            | Work::Lists
            | Work::Growth(_) => self.is_quick,
        }
    }
}

/// Reads the command line; a wrong one ends the process with its explanation.
pub fn read() -> Outcome<Role> {
    role(&command().get_matches())
}

fn command() -> Command {
    let path = |name: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("PATH")
            .value_parser(value_parser!(PathBuf))
    };
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("heraldo-bench")
        .about("Measures a server side by side with the raw bound: the same client straight at the sink")
        .args_conflicts_with_subcommands(true)
        .arg(flag("quick").conflicts_with_all(["full", "smoke"]).help("Two minutes: 3 runs, 1.5 s each, 3 s at a fixed pace, small sizes, what makes much once; the default"))
        .arg(flag("full").conflicts_with("smoke").help("Some four hours: every scenario, 5 runs, 10 s each, 60 s at a fixed pace, full sizes"))
        .arg(flag("smoke").help("Half a minute: 1 run, 0.3 s each, tiny sizes; shows only whether anything is lost"))
        .arg(number("runs", "N").value_parser(value_parser!(u32).range(1..)).help("Repetitions of each scenario"))
        .arg(number("seconds", "S").value_parser(seconds).help("Length of a measurement at full speed"))
        .arg(number("paced-seconds", "S").value_parser(seconds).help("Length of a measurement at a fixed pace"))
        .arg(number("connections", "N").value_parser(value_parser!(u32).range(1..)).default_value("32").help("Connections of the client"))
        .arg(number("patience", "S").value_parser(seconds).default_value("60").help("Seconds to wait for a next delivery before it counts as lost"))
        .arg(scenario_argument())
        .args(SIZES.map(|(name, help)| number(name, "N").value_parser(value_parser!(u32).range(1..)).help(help)))
        .arg(path("stored-dir").help("A folder that is filled for STORED when it is new, used as it stands when it is not, and stays"))
        .arg(path("plots").value_name("FOLDER").help("Draws how costs grow, as SVG"))
        .arg(path("server-bin").help("The server's program [default: `heraldo` beside this one]"))
        .arg(path("work-dir").default_value("target/bench").help("Where servers keep their data; must be on a real disk"))
        .arg(path("out").default_value("target/bench/latest.json").help("Where the result is written"))
        .arg(path("compare").value_name("OLD.json").help("Prints the ratios to an older result"))
        .arg(fault("stand-in").hide(true).conflicts_with("server-bin"))
        .subcommand(
            Command::new(SINK)
                .hide(true)
                .arg(number("verify-every", "N").value_parser(value_parser!(u64).range(1..)).default_value(VERIFY_EVERY))
                .arg(number(ANSWER_AFTER_MS, "MS").value_parser(value_parser!(u64)).default_value("0")),
        )
        .subcommand(Command::new(GENERATE).hide(true))
        .subcommand(stand_in_command())
}

/// The part of the server's own command line that the bench uses.
fn stand_in_command() -> Command {
    let data_dir = || {
        Arg::new("data-dir")
            .long("data-dir")
            .value_parser(value_parser!(PathBuf))
            .required(true)
    };
    let create = Command::new("create")
        .arg(Arg::new("name").long("name").required(true))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue))
        .arg(data_dir());
    let serve = Command::new("serve")
        .arg(
            Arg::new("listen")
                .long("listen")
                .value_parser(value_parser!(SocketAddr))
                .required(true),
        )
        .arg(data_dir());
    Command::new(STAND_IN)
        .hide(true)
        .subcommand_required(true)
        .arg(fault("fault").default_value(stand_in::Fault::None.name()))
        .subcommand(
            Command::new("company")
                .subcommand_required(true)
                .subcommand(create),
        )
        .subcommand(serve)
}

fn number(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value)
}

fn fault(name: &'static str) -> Arg {
    let names = stand_in::Fault::ALL.map(stand_in::Fault::name);
    Arg::new(name)
        .long(name)
        .value_name("FAULT")
        .value_parser(PossibleValuesParser::new(names).map(|name| stand_in::Fault::named(&name)))
}

fn scenario_argument() -> Arg {
    let help: Vec<String> = ALL
        .iter()
        .map(|scenario| format!("{}: {}", scenario.name, scenario.about))
        .collect();
    Arg::new("scenario")
        .long("scenario")
        .value_name("NAME,…")
        .value_delimiter(',')
        .value_parser(|name: &str| {
            Scenario::named(name)
                .copied()
                .ok_or_else(|| format!("there is no scenario `{name}`"))
        })
        .help(format!("Only these scenarios\n{}", help.join("\n")))
}

/// Seconds, fractions allowed.
fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("`{text}` is not a number of seconds"))
}

fn role(matches: &ArgMatches) -> Outcome<Role> {
    match matches.subcommand() {
        None => Ok(Role::Orchestrate(Box::new(settings(matches)?))),
        Some((SINK, matches)) => Ok(Role::Sink {
            verify_every: copied(matches, "verify-every")?,
            answer_after: Duration::from_millis(copied(matches, ANSWER_AFTER_MS)?),
        }),
        Some((STAND_IN, matches)) => {
            let fault = copied(matches, "fault")?;
            match matches.subcommand() {
                Some(("serve", matches)) => Ok(Role::StandInServe(stand_in::Settings {
                    fault,
                    listen: copied(matches, "listen")?,
                    data_dir: cloned(matches, "data-dir")?,
                })),
                _ => Ok(Role::StandInCompany),
            }
        }
        Some(_) => Ok(Role::Generate),
    }
}

fn settings(matches: &ArgMatches) -> Outcome<Settings> {
    let (full, smoke) = (matches.get_flag("full"), matches.get_flag("smoke"));
    let (runs, millis, paced_millis, sizes) = match (full, smoke) {
        (true, _) => (5, 10_000, 60_000, Sizes::FULL),
        (false, true) => (1, 300, 500, Sizes::SMOKE),
        (false, false) => (3, 1_500, 3_000, Sizes::QUICK),
    };
    let scenarios: Vec<Scenario> = match matches.get_many("scenario") {
        Some(named) => named.copied().collect(),
        None => ALL
            .into_iter()
            .filter(|scenario| full || scenario.is_quick)
            .collect(),
    };
    Ok(Settings {
        program: program(matches)?,
        scenarios,
        runs: matches.get_one("runs").copied().unwrap_or(runs),
        duration: matches
            .get_one("seconds")
            .copied()
            .unwrap_or(Duration::from_millis(millis)),
        paced_duration: matches
            .get_one("paced-seconds")
            .copied()
            .unwrap_or(Duration::from_millis(paced_millis)),
        connections: copied(matches, "connections")?,
        patience: copied(matches, "patience")?,
        sizes: sizes_of(matches, sizes),
        is_quick: !full,
        stored_dir: matches.get_one("stored-dir").cloned(),
        plots: matches.get_one("plots").cloned(),
        work_dir: cloned(matches, "work-dir")?,
        out: cloned(matches, "out")?,
        compare: matches.get_one("compare").cloned(),
    })
}

/// Those sizes, but for what the command line says otherwise.
fn sizes_of(matches: &ArgMatches, sizes: Sizes) -> Sizes {
    let or = |name: &str, size: u32| matches.get_one(name).copied().unwrap_or(size);
    Sizes {
        stored: or("stored", sizes.stored),
        waiting: or("waiting", sizes.waiting),
        webhooks: or("webhooks", sizes.webhooks),
        inspections: or("inspections", sizes.inspections),
        lives: or("lives", sizes.lives),
        photos: or("photos", sizes.photos),
        queued: or("queued", sizes.queued),
        growth: or("growth", sizes.growth),
    }
}

fn program(matches: &ArgMatches) -> Outcome<Program> {
    let own = children::own_program()?;
    if let Some(fault) = matches.get_one::<stand_in::Fault>("stand-in") {
        let arguments = [STAND_IN, "--fault", fault.name()];
        return Ok(Program {
            path: own,
            arguments: arguments.map(Into::into).to_vec(),
            keeps: false,
        });
    }
    let path = match matches.get_one::<PathBuf>("server-bin") {
        Some(path) => path.clone(),
        None => own.with_file_name("heraldo"),
    };
    if !path.is_file() {
        return Err(format!(
            "there is no server at {}; `cargo xtask bench` builds it, --server-bin names another",
            path.display()
        ));
    }
    Ok(Program {
        path,
        arguments: Vec::new(),
        keeps: true,
    })
}

fn copied<T: Copy + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Outcome<T> {
    matches
        .get_one(name)
        .copied()
        .ok_or_else(|| format!("--{name} is missing"))
}

fn cloned<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Outcome<T> {
    matches
        .get_one(name)
        .cloned()
        .ok_or_else(|| format!("--{name} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings_of(arguments: &[&str]) -> Settings {
        let words = ["heraldo-bench", "--stand-in", "none"]
            .iter()
            .chain(arguments);
        let matches = command()
            .try_get_matches_from(words)
            .expect("a right command line");
        settings(&matches).expect("settings")
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn quick_is_the_default_and_single_settings_win() {
        let names = |settings: &Settings| -> Vec<&str> {
            settings
                .scenarios
                .iter()
                .map(|scenario| scenario.name)
                .collect()
        };
        let quick = settings_of(&[]);
        assert_eq!(
            (quick.runs, quick.duration, quick.sizes),
            (3, Duration::from_millis(1_500), Sizes::QUICK)
        );
        assert!(names(&quick).contains(&"STORED") && !names(&quick).contains(&"GROWTH-STORED"));
        let full = settings_of(&[
            "--full",
            "--seconds",
            "0.5",
            "--stored",
            "7",
            "--scenario",
            "w3,l2000",
        ]);
        assert_eq!(
            (full.sizes.stored, full.sizes.waiting),
            (7, Sizes::FULL.waiting)
        );
        assert_eq!((full.runs, full.duration), (5, Duration::from_millis(500)));
        assert_eq!(full.paced_duration, Duration::from_secs(60));
        assert_eq!(names(&full), ["W3", "L2000"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            &["--runs", "0"][..],
            &["--seconds", "-1"],
            &["--seconds", "inf"],
            &["--scenario", "W9"],
            &["--quick", "--full"],
            &["--smoke", "--full"],
            &["--stored", "0"],
            &["--stand-in", "politely"],
        ] {
            let words = ["heraldo-bench"].iter().chain(wrong);
            assert!(command().try_get_matches_from(words).is_err(), "{wrong:?}");
        }
    }
}
