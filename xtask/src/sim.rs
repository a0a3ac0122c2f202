//! `cargo xtask sim`: the simulation on seeds that nobody has run before, or on those asked for.

use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::run::{Outcome, cargo, run as run_command};

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

/// Builds the simulation and runs it. Without `--seed` the seeds that once found something are run first, and then new
/// ones: their base comes from the time, so that each run looks at others, and is printed.
pub fn run(args: &[String]) -> Outcome {
    let mut build = cargo(&["build"]);
    simulation(&mut build);
    run_command(build)?;
    let mut command = cargo(&["run"]);
    simulation(&mut command).arg("--");
    if !args.iter().any(|word| word == "--seed" || word == "--help") {
        let base = new_seed().to_string();
        let mut words = vec!["--seed", &base];
        let seeds = SEEDS.to_string();
        if !args.iter().any(|word| word == "--seeds") {
            words.extend(["--seeds", &seeds]);
        }
        let all = [
            &words[..],
            &args.iter().map(String::as_str).collect::<Vec<_>>(),
        ]
        .concat();
        println!(
            "new seeds, from {base} on; these again: cargo xtask sim {}; one alone: cargo xtask sim --seed S",
            all.join(" ")
        );
        command.arg("--known").args(words);
    }
    command.args(args);
    let start = Instant::now();
    let outcome = run_command(command);
    println!("the simulation took {:.1} s", start.elapsed().as_secs_f64());
    outcome
}

/// Runs that begin in different seconds share no seed.
fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(1, |now| now.as_secs().saturating_mul(SEEDS))
}
