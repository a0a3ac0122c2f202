//! Everything that must be true before a change is merged, in the order that fails soonest.

use crate::run::{Outcome, Steps, cargo, run as run_command};
use crate::{arrows, bench, deny, fuzz, generated, pictures, sim, test, tidy};

/// `cargo xtask ci`.
pub fn run(strictness: deny::Strictness) -> Outcome {
    let mut steps = Steps::default();
    steps.step("format", |_| {
        run_command(cargo(&["fmt", "--all", "--check"]))
    })?;
    steps.step("generated files", |_| generated::check())?;
    steps.step("clippy", |_| clippy())?;
    steps.step("docs", |_| docs())?;
    steps.step("arrows and tidiness", |_| arrows_and_tidiness())?;
    steps.step("dependencies", |not_checked| {
        deny::run(strictness, not_checked)
    })?;
    steps.step("simulation", |_| sim::run(&[]))?;
    pictures::forget()?;
    let tests = steps.step("tests", |_| test::run());
    // Also those of what failed.
    let kept = pictures::list()?;
    tests?;
    steps.step("fuzzing", |_| fuzz::briefly())?;
    steps.step("nothing is lost under load", |_| bench::smoke())?;
    steps.summary();
    println!("{kept}");
    println!("\nEverything that was checked is as it must be.");
    Ok(())
}

/// `cargo xtask arrows`. The tests of this crate check the same, so `cargo test --workspace` does too.
pub fn arrows_and_tidiness() -> Outcome {
    let mut broken = arrows::broken_in_workspace()?;
    broken.extend(tidy::broken_in_workspace()?);
    if broken.is_empty() {
        println!("every arrow holds, every file is tidy");
        return Ok(());
    }
    for sentence in &broken {
        println!("{sentence}");
    }
    Err(format!(
        "{} rule(s) of the house are broken, see above",
        broken.len()
    ))
}

fn clippy() -> Outcome {
    run_command(cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}

fn docs() -> Outcome {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    run_command(command)
}
