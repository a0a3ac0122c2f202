//! Every chore of the project: `cargo xtask <chore>`.
//!
//! Knows no other crate of the workspace, so that it builds in seconds and works while they do not.
#![expect(
    clippy::disallowed_methods,
    reason = "chores measure real time and read their surroundings; no rule of Heraldo lives here"
)]

mod arrows;
mod bench;
mod ci;
mod deny;
mod faults;
mod fuzz;
mod generated;
mod needs;
mod pictures;
mod run;
mod sim;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <chore>

  ci [--require-advisories]    everything that must be true before a merge, in order, until one fails; leaves the
                               pictures of all pages in target/screenshots, with an index.html
  test                         what the tests need, then every test of the workspace and of the examples
  needs                        finds what the tests need, or installs it, or says what is missing
  arrows                       who may know whom, and the rules of tidiness
  deny [--require-advisories]  licences, bans, sources, yanked crates and advisories of the dependencies
  generate                     writes the generated files anew
  fuzz [--seconds N] [TARGET]  builds the fuzz targets and runs one of them, or each, for 10 seconds or as long as said
  sim [ARGS…]                  simulates the whole system on 2,000 new seeds; passes ARGS on (--seed S repeats one)
  sim --faults                 puts known faults into a copy, one by one, and wants each found
  bench [ARGS…]                builds the server for release and runs the benchmarks; passes ARGS on

--require-advisories makes it a failure when the advisory database cannot be fetched.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = match args.split_first() {
        Some((chore, rest)) => (chore.as_str(), rest),
        None => ("help", &[] as &[String]),
    };
    let outcome = match chore {
        "ci" => deny::Strictness::from_args(rest).and_then(ci::run),
        "test" => no_args(rest).and_then(|()| test::run()),
        "needs" => no_args(rest).and_then(|()| needs::ensure()),
        "arrows" => no_args(rest).and_then(|()| ci::arrows_and_tidiness()),
        "deny" => deny::Strictness::from_args(rest).and_then(deny::run_alone),
        "generate" => no_args(rest).and_then(|()| generated::write()),
        "fuzz" => fuzz::start(rest),
        "sim" if rest == ["--faults"] => faults::run(),
        "sim" => sim::run(rest),
        "bench" => bench::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no chore `{other}`\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("\nxtask: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn no_args(rest: &[String]) -> run::Outcome {
    match rest.first() {
        None => Ok(()),
        Some(extra) => Err(format!("`{extra}` is one word too many\n\n{HELP}")),
    }
}
