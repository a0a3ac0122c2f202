//! `cargo xtask bench`: the server for release, then the black-box benchmarks against it.

use crate::run::{Outcome, cargo, run as run_command};

/// Builds both for release, so that no build disturbs the measuring, then runs with the given arguments.
pub fn run(args: &[String]) -> Outcome {
    run_command(cargo(&[
        "build",
        "--release",
        "--locked",
        "-p",
        "heraldo",
        "-p",
        "heraldo-bench",
    ]))?;
    let mut command = cargo(&[
        "run",
        "--release",
        "--locked",
        "--quiet",
        "-p",
        "heraldo-bench",
        "--",
    ]);
    command.args(args);
    run_command(command)
}
