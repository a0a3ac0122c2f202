//! `cargo xtask sim`: the simulation on seeds that nobody has run before, or on those asked for.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::run::{Outcome, cargo, run as run_command};

/// So many seeds a run: what two cores do in well under a minute.
const SEEDS: u64 = 2_000;

/// Builds the simulation as the tests do, so that nothing is built twice, and runs it. Without `--seed` the first seed comes from the
/// time, so that each run looks at others.
pub fn run(args: &[String]) -> Outcome {
    run_command(cargo(&["build", "--locked", "-p", "heraldo-sim"]))?;
    let mut command = cargo(&["run", "--locked", "--quiet", "-p", "heraldo-sim", "--"]);
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

/// Runs that begin in different seconds share no seed.
fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(1, |now| now.as_secs().saturating_mul(SEEDS))
}
