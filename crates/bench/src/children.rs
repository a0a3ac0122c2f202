//! Processes that the orchestrator starts, and stops by their ids whatever happens.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::connection::Connection;
use crate::generate::{Done, Job};
use crate::sink::{self, HookSecret};
use crate::{Outcome, arguments};
use hyper::Method;

/// A process that ends at the latest when this value is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    pub fn start(mut command: Command) -> Outcome<Self> {
        command.spawn().map(Self).map_err(|error| {
            format!(
                "{} cannot be started: {error}",
                command.get_program().display()
            )
        })
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<String> {
        match self.0.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// This very program.
pub fn own_program() -> Outcome<PathBuf> {
    std::env::current_exe().map_err(|error| format!("this program cannot find itself: {error}"))
}

/// A running sink.
#[derive(Debug)]
pub struct Sink {
    process: Process,
    pub address: SocketAddr,
    control: Connection,
}

impl Sink {
    pub async fn start() -> Outcome<Self> {
        Self::answering_after(Duration::ZERO).await
    }

    /// A sink that lets each delivery wait so long for its answer.
    pub async fn answering_after(wait: Duration) -> Outcome<Self> {
        let mut command = Command::new(own_program()?);
        command
            .arg(arguments::SINK)
            .arg(format!("--{}", arguments::ANSWER_AFTER_MS))
            .arg(wait.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = Process::start(command)?;
        let output = process.0.stdout.take().ok_or("the sink has no output")?;
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .map_err(|error| format!("the sink says nothing: {error}"))?;
        let address = line
            .trim()
            .strip_prefix(sink::LISTENING)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("the sink says `{}` instead of its address", line.trim()))?;
        Ok(Self {
            process,
            address,
            control: Connection::open(address).await?,
        })
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where the webhook of that number is to be sent.
    pub fn endpoint(&self, hook: u32) -> String {
        format!("http://{}{}", self.address, sink::hook_path(hook))
    }

    pub async fn learn(&mut self, secrets: &[HookSecret]) -> Outcome {
        let body = serde_json::to_vec(secrets).map_err(|error| error.to_string())?;
        self.control
            .call(Method::PUT, sink::SECRETS_PATH, None, body)
            .await?;
        Ok(())
    }

    pub async fn counts(&mut self) -> Outcome<sink::Counts> {
        self.read(sink::COUNTS_PATH).await
    }

    pub async fn report(&mut self) -> Outcome<sink::Report> {
        self.read(sink::REPORT_PATH).await
    }

    async fn read<T: serde::de::DeserializeOwned>(&mut self, path: &str) -> Outcome<T> {
        let answer = self.control.call(Method::GET, path, None, "").await?;
        serde_json::from_slice(&answer).map_err(|error| format!("the sink's {path}: {error}"))
    }
}

/// Has a generator do the job, and waits until it is done.
pub async fn generate(job: &Job) -> Outcome<Done> {
    let mut command = Command::new(own_program()?);
    command
        .arg(arguments::GENERATE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut process = Process::start(command)?;
    let text = serde_json::to_vec(job).map_err(|error| error.to_string())?;
    let told = |error: std::io::Error| format!("the generator: {error}");
    let mut input = process.0.stdin.take().ok_or("the generator has no input")?;
    input.write_all(&text).map_err(told)?;
    drop(input);
    let output = process
        .0
        .stdout
        .take()
        .ok_or("the generator has no output")?;
    // The guard stays here: if this future is dropped, the process ends, and with it the reading.
    let read = tokio::task::spawn_blocking(move || std::io::read_to_string(output));
    let output = read
        .await
        .map_err(|error| format!("the generator: {error}"))?
        .map_err(told)?;
    serde_json::from_str(&output)
        .map_err(|_| "the generator ended without a result; its words stand above".to_owned())
}
