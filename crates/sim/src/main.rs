//! Runs many seeds, or one, and shows what a failing one did last.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use heraldo_sim::engine::Kind;
use heraldo_sim::{Failure, Report, TRACE_LINES, run_with_trace, seeds};

const HELP: &str = "\
heraldo-sim [--known] [--seeds N] [--seed S] [--steps N] [--lines N]

  --known    runs those that once found something first
  --seeds N  how many seeds to run, 500 without it
  --seed S   the first seed, 1 without it; without --seeds only this one is run
  --steps N  how long each runs before the faults stop, 800 without it
  --lines N  how many lines of a failing seed's trace to show, 120 without it

A seed repeats its run exactly. One that fails ends the program and is shown with its trace.
";

struct Asked {
    known: bool,
    first: u64,
    seeds: u64,
    steps: u32,
    lines: usize,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked = match parse(&words) {
        Ok(asked) => asked,
        Err(sentence) => {
            eprintln!("{sentence}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let ran = run_known(&asked).and_then(|()| run_all(&asked));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[String]) -> Result<Asked, String> {
    let (mut first, mut seeds, mut steps, mut lines) = (None, None, 800, TRACE_LINES);
    let mut known = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--known" {
            known = true;
            continue;
        }
        let number = words.next().and_then(|number| number.parse::<u64>().ok());
        let number = number.ok_or_else(|| format!("`{word}` needs a number after it"))?;
        match word.as_str() {
            "--seed" => first = Some(number),
            "--seeds" => seeds = Some(number),
            "--steps" => {
                steps = u32::try_from(number).map_err(|_| "that is too many steps".to_owned())?;
            }
            "--lines" => lines = usize::try_from(number).unwrap_or(usize::MAX),
            other => return Err(format!("`{other}` is unknown")),
        }
    }
    let seeds = seeds.unwrap_or(if first.is_some() { 1 } else { 500 });
    Ok(Asked {
        known,
        first: first.unwrap_or(1),
        seeds,
        steps,
        lines,
    })
}

fn run_known(asked: &Asked) -> Result<(), Box<Failure>> {
    if asked.known {
        let mut count = 0;
        for (seed, steps) in seeds::found_something() {
            run_with_trace(seed, steps, asked.lines)?;
            count += 1;
        }
        println!("{count} seeds that once found something: all as it must be");
    }
    Ok(())
}

/// Two at a time or more; of several that fail the smallest seed is told.
fn run_all(asked: &Asked) -> Result<(), Box<Failure>> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicU64::new(asked.first);
    let end = asked.first.saturating_add(asked.seeds);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let ran = run_with_trace(seed, asked.steps, asked.lines);
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    if !sum.add(ran) {
                        // The others finish what they have begun: theirs may be the smaller seed.
                        next.store(end, Ordering::Relaxed);
                        return;
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(failure) = sum.failure {
        return Err(Box::new(failure));
    }
    println!(
        "{} seeds from {} of {} steps, {} of them on SQLite: {} deliveries, {} attempts, {} events recovered, all as it must be",
        asked.seeds,
        asked.first,
        asked.steps,
        sum.on_sqlite,
        sum.deliveries,
        sum.starts,
        sum.recovered
    );
    Ok(())
}

/// What all runs came to.
#[derive(Default)]
struct Sum {
    deliveries: usize,
    starts: u64,
    recovered: usize,
    on_sqlite: u64,
    failure: Option<Failure>,
}

impl Sum {
    /// `false`: that run failed.
    fn add(&mut self, ran: Result<Report, Failure>) -> bool {
        match ran {
            Ok(report) => {
                self.deliveries += report.deliveries;
                self.starts += report.starts;
                self.recovered += report.recovered;
                self.on_sqlite += u64::from(report.engine == Kind::Sqlite);
                true
            }
            Err(failure) => {
                let smaller = self
                    .failure
                    .as_ref()
                    .is_none_or(|known| failure.seed < known.seed);
                if smaller {
                    self.failure = Some(failure);
                }
                false
            }
        }
    }
}
