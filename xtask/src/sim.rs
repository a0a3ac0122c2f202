//! `cargo xtask sim`: the simulation on seeds that nobody has run before, or on those asked for.

use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::run::{Outcome, capture_text, cargo, root, run as run_command};

/// So many seeds a run: what two cores do in well under a minute.
const SEEDS: u64 = 2_000;

/// What the simulation does most of its work in. Only here it is built with some optimisation: everywhere else a quick
/// build is worth more.
const OPTIMISED: [&str; 4] = [
    "heraldo-wire",
    "heraldo-domain",
    "heraldo-store",
    "heraldo-delivery",
];

/// Adds what makes `cargo build` or `cargo run` a call for the simulation.
fn simulation(cargo: &mut Command) -> &mut Command {
    cargo.args(["--locked", "--quiet", "-p", "heraldo-sim"]);
    for name in OPTIMISED {
        let level = format!("profile.dev.package.{name}.opt-level=1");
        cargo.args(["--config", &level]);
    }
    cargo
}

/// Builds the simulation and runs it. Without `--seed` the first seed comes from the time, so that each run looks at
/// others.
pub fn run(args: &[String]) -> Outcome {
    let mut build = cargo(&["build"]);
    simulation(&mut build);
    run_command(build)?;
    let mut command = cargo(&["run"]);
    simulation(&mut command).arg("--");
    if !args.iter().any(|word| word == "--seed" || word == "--help") {
        command.args(["--seed", &new_seed().to_string()]);
        if !args.iter().any(|word| word == "--seeds") {
            command.args(["--seeds", &SEEDS.to_string()]);
        }
    }
    command.args(args);
    let start = Instant::now();
    let outcome = run_command(command);
    println!("the simulation took {:.1} s", start.elapsed().as_secs_f64());
    outcome
}

/// The same on seeds that belong to what is checked out: each change brings others, and what failed for one fails again
/// for it, however often it is checked. Outside a repository they come from the time.
pub fn run_for_sources() -> Outcome {
    let mut git = Command::new("git");
    git.current_dir(root()).args(["rev-parse", "HEAD^{tree}"]);
    let tree = capture_text(git).ok();
    let digits = tree.as_deref().and_then(|tree| tree.get(..12));
    let own = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let first = own.map_or_else(new_seed, |own| own.saturating_mul(SEEDS));
    let words = ["--seed", &first.to_string(), "--seeds", &SEEDS.to_string()];
    run(&words.map(str::to_owned))
}

/// Runs that begin in different seconds share no seed.
fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(1, |now| now.as_secs().saturating_mul(SEEDS))
}
