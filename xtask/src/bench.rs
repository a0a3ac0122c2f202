//! `cargo xtask bench`: the server for release, then the black-box benchmarks against it.

use std::process::Command;

use crate::needs::target;
use crate::run::{Outcome, cargo, root, run as run_command};

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

/// Every scenario of a quick run with tiny sizes, built as the tests are: times mean nothing, but a delivery
/// that is lost fails it.
pub fn smoke() -> Outcome {
    run_command(cargo(&["build", "--workspace", "--bins", "--locked"]))?;
    // As it was just built: `cargo run` builds one package alone, with other features of what it depends on.
    let mut bench = Command::new(target().join("debug/heraldo-bench"));
    bench
        .current_dir(root())
        .args(["--smoke", "--out", "target/bench/smoke.json"]);
    run_command(bench)
}
