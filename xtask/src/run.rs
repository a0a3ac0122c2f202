//! Running other programs, and telling the reader what ran and how long it took.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A chore ends well, or with one sentence for the reader.
pub type Outcome<T = ()> = Result<T, String>;

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The cargo that started this program, in the folder of the workspace.
pub fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root()).args(args);
    command
}

/// Shows the command, runs it with our own output, and wants it to end well.
pub fn run(mut command: Command) -> Outcome {
    let line = shown(&command);
    println!("$ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(error) => Err(format!("`{line}` could not be started: {error}")),
    }
}

/// Runs the command silently. Only a program that cannot be started is an error here.
pub fn capture(mut command: Command) -> Outcome<Output> {
    let line = shown(&command);
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{line}` could not be started: {error}"))
}

/// Runs the command silently, wants it to end well and gives its output.
pub fn capture_text(command: Command) -> Outcome<String> {
    let line = shown(&command);
    let output = capture(command)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "`{line}` ended with {}:\n{complaint}",
            output.status
        ))
    }
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Steps one after the other, each with a headline and a duration; the first that fails ends them.
#[derive(Default)]
pub struct Steps {
    done: Vec<(&'static str, Duration)>,
    /// What could not be checked and why. Shown last, so that nobody takes it for checked.
    pub not_checked: Vec<String>,
}

impl Steps {
    /// Runs one step under its headline.
    pub fn step(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&mut Vec<String>) -> Outcome,
    ) -> Outcome {
        println!("\n=== {name} ===");
        let start = Instant::now();
        let outcome = work(&mut self.not_checked);
        let took = start.elapsed();
        self.done.push((name, took));
        match outcome {
            Ok(()) => {
                println!("=== {name}: ok, {} ===", seconds(took));
                Ok(())
            }
            Err(sentence) => {
                self.summary();
                Err(format!("{name} FAILED after {}: {sentence}", seconds(took)))
            }
        }
    }

    /// How long each step took, and what was not checked.
    pub fn summary(&self) {
        println!("\n=== summary ===");
        for (name, took) in &self.done {
            println!("{:>9}  {name}", seconds(*took));
        }
        let all: Duration = self.done.iter().map(|(_, took)| *took).sum();
        println!("{:>9}  all together", seconds(all));
        for sentence in &self.not_checked {
            println!("NOT CHECKED  {sentence}");
        }
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
