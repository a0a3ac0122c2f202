//! Starts the binary, reads what it prints, and ends it by its own handle.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use crate::client::Api;
use crate::waiting::PATIENCE;

pub const HERALDO: &str = env!("CARGO_BIN_EXE_heraldo");

/// The binary with nothing of ours in its environment.
pub fn heraldo() -> Command {
    heraldo_by(HERALDO)
}

fn heraldo_by(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HERALDO_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end, with `input` on standard input.
pub fn run(mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Runs `heraldo` with these arguments and returns what it printed in JSON.
pub fn answer_of(data_dir: &Path, arguments: &[&str]) -> serde_json::Value {
    let mut command = heraldo();
    command
        .args(arguments)
        .arg("--data-dir")
        .arg(data_dir)
        .arg("--json");
    let output = run(command, b"");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The lines so far, and whether the stream has ended.
type Read = (Vec<String>, bool);

/// Lines of a stream, collected by a thread of their own.
#[derive(Clone, Default)]
pub struct Lines {
    state: Arc<(Mutex<Read>, Condvar)>,
}

impl Lines {
    pub fn of(stream: impl std::io::Read + Send + 'static) -> (Self, JoinHandle<()>) {
        let lines = Self::default();
        let writing = lines.clone();
        let thread = std::thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { break };
                writing.state.0.lock().unwrap().0.push(line);
                writing.state.1.notify_all();
            }
            writing.state.0.lock().unwrap().1 = true;
            writing.state.1.notify_all();
        });
        (lines, thread)
    }

    /// Waits for a line with `part` in it; `None` when the stream ended without one.
    pub fn wait_for(&self, part: &str) -> Option<String> {
        let (lines, ended) = (&self.state.0, &self.state.1);
        let found = |lines: &[String]| lines.iter().find(|line| line.contains(part)).cloned();
        let guard = lines.lock().unwrap();
        let (guard, timeout) = ended
            .wait_timeout_while(guard, PATIENCE, |(lines, ended)| {
                found(lines).is_none() && !*ended
            })
            .unwrap();
        assert!(
            !timeout.timed_out(),
            "no line with `{part}` in {:#?}",
            guard.0
        );
        found(&guard.0)
    }

    pub fn all(&self) -> Vec<String> {
        self.state.0.lock().unwrap().0.clone()
    }
}

/// How a server is started.
pub struct Setup<'a> {
    pub command: &'a str,
    pub data_dir: &'a Path,
    pub env: Vec<(&'a str, String)>,
    /// What the shell that starts it does first.
    pub before: Option<String>,
}

impl<'a> Setup<'a> {
    /// `heraldo serve` on any free port, calling receivers on loopback.
    pub fn serve(data_dir: &'a Path) -> Self {
        Self {
            command: "serve",
            data_dir,
            env: vec![
                ("HERALDO_LISTEN", "127.0.0.1:0".to_owned()),
                ("HERALDO_ALLOW_NETWORKS", "127.0.0.0/8".to_owned()),
            ],
            before: None,
        }
    }

    pub fn env(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.into()));
        self
    }

    /// Has the shell do something before it starts it.
    pub fn before(mut self, script: impl Into<String>) -> Self {
        self.before = Some(script.into());
        self
    }

    fn process(&self) -> Command {
        let mut command = match &self.before {
            None => heraldo(),
            Some(before) => {
                let mut shell = heraldo_by("sh");
                let script = format!("{before}; exec \"$0\" \"$@\"");
                shell.args(["-c", &script, HERALDO]);
                shell
            }
        };
        command
            .arg(self.command)
            .env("HERALDO_DATA_DIR", self.data_dir);
        command.envs(self.env.iter().map(|(name, value)| (*name, value.as_str())));
        command
    }

    /// Starts it and does not wait.
    pub fn spawn(&self) -> Server {
        let mut child = self
            .process()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, out_thread) = Lines::of(child.stdout.take().unwrap());
        let (err, err_thread) = Lines::of(child.stderr.take().unwrap());
        Server {
            child,
            out,
            err,
            threads: vec![out_thread, err_thread],
            address: None,
        }
    }

    /// Starts it and waits until it listens.
    pub fn start(&self) -> Server {
        let mut server = self.spawn();
        assert!(
            server.wait_until_it_listens(),
            "it did not start: {:#?}",
            server.err.all()
        );
        server
    }

    /// Starts what cannot start, and returns what it says.
    pub fn refusal(&self) -> String {
        let mut server = self.spawn();
        assert!(!server.wait_until_it_listens(), "it started");
        let status = server.end();
        let said = server.err.all().join("\n");
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(
            !said.contains("panicked") && !said.contains("an invariant"),
            "{said}"
        );
        said
    }
}

/// A running server. Dropping it kills it.
pub struct Server {
    child: Child,
    pub out: Lines,
    pub err: Lines,
    threads: Vec<JoinHandle<()>>,
    address: Option<SocketAddr>,
}

impl Server {
    /// Whether it does; `false` when it ended instead.
    pub fn wait_until_it_listens(&mut self) -> bool {
        let Some(line) = self.out.wait_for(" on http://") else {
            return false;
        };
        self.address = line
            .rsplit_once("http://")
            .and_then(|(_, address)| address.parse().ok());
        true
    }

    pub fn address(&self) -> SocketAddr {
        self.address.expect("it listens")
    }

    /// The API with the key that the first run printed.
    pub fn api(&self) -> Api {
        let line = self
            .out
            .wait_for("API key")
            .expect("a first run prints a key");
        let key = line
            .split_whitespace()
            .find(|word| word.starts_with("hk_"))
            .unwrap();
        self.api_with(key)
    }

    pub fn api_with(&self, key: &str) -> Api {
        Api::new(self.address(), key)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.end();
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.end()
    }

    /// Asks it to stop and returns everything that it logged.
    pub fn stop_and_read(&mut self) -> Vec<String> {
        self.signal("TERM");
        assert!(self.end().success());
        self.err.all()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits until it has ended and everything that it printed is read.
    pub fn end(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
        status
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
