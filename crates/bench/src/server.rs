//! The server under test: started in a folder of its own, killed, started again; spoken to only over HTTP.

mod calls;
mod pages;
mod user;

pub use calls::{LogCounts, Webhook};
pub use pages::Session;

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::Outcome;
use crate::children::Process;
use crate::connection::Connection;

/// How long the server may take until it is ready.
const START_MAX: Duration = Duration::from_secs(30);
/// How often it is looked at while something is waited for.
const LOOK: Duration = Duration::from_millis(5);
/// Receivers of the bench listen on loopback, which a server refuses unless told otherwise.
const ALLOW_NETWORKS: (&str, &str) = ("HERALDO_ALLOW_NETWORKS", "127.0.0.0/8,::1/128");
const LOG: (&str, &str) = ("HERALDO_LOG", "warn");
/// All consumers enter their codes from one address here, more of them at once than are let in from one by default.
const CODES: (&str, &str) = ("HERALDO_WRONG_CODES_PER_MINUTE", "1000000");
/// Names inside a server's folder.
const DATA: &str = "data";
const LOG_FILE: &str = "server.log";
/// How often a question is asked that is timed.
pub const TIMES: usize = 11;
/// How long a server may take to end in order.
const STOP_MAX: Duration = Duration::from_secs(60);

/// How the server's program is called.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    /// What stands before the arguments of each call.
    pub arguments: Vec<OsString>,
    /// Whether it keeps what it accepted when it is killed; the stand-in does not.
    pub keeps: bool,
}

impl Program {
    fn command(&self, data: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .env(ALLOW_NETWORKS.0, ALLOW_NETWORKS.1)
            .env(LOG.0, LOG.1)
            .env(CODES.0, CODES.1)
            .env("HERALDO_DATA_DIR", data)
            .stdin(Stdio::null());
        command
    }

    /// What a command that works on a folder answers in JSON.
    fn answer(&self, data: &Path, arguments: &[&str]) -> Outcome<Value> {
        let mut command = self.command(data);
        command
            .args(arguments)
            .args(["--json", "--data-dir"])
            .arg(data);
        let told = |error: &dyn std::fmt::Display| format!("`{}`: {error}", arguments.join(" "));
        let output = command.output().map_err(|error| told(&error))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(told(&format!("{}: {words}", output.status)));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| {
            let text = String::from_utf8_lossy(&output.stdout);
            told(&format!("{error}: {}", text.trim()))
        })
    }
}

/// A running server with one company.
#[derive(Debug)]
pub struct Server {
    // Declared before the folder, so that the process ends before its files go.
    process: Process,
    program: Program,
    folder: PathBuf,
    pub address: SocketAddr,
    pub api_key: String,
    control: Connection,
    /// The webhook whose deliveries are looked at; without it all are.
    watched: Option<String>,
    /// Goes when the server does.
    _own_folder: Option<TempDir>,
}

impl Server {
    /// Starts the program on a new folder inside `work_dir` and waits until it is ready.
    pub async fn start(program: &Program, work_dir: &Path) -> Outcome<Self> {
        let own = tempfile::Builder::new()
            .prefix("server-")
            .tempdir_in(work_dir)
            .map_err(|error| format!("no folder in {}: {error}", work_dir.display()))?;
        let folder = own.path().to_owned();
        Self::start_in(program, folder, Some(own)).await
    }

    /// Starts the program on a folder that stays; it may hold data from before.
    pub async fn start_on(program: &Program, folder: &Path) -> Outcome<Self> {
        Self::start_in(program, folder.to_owned(), None).await
    }

    async fn start_in(program: &Program, folder: PathBuf, own: Option<TempDir>) -> Outcome<Self> {
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        let data = folder.join(DATA);
        fs::create_dir_all(&data).map_err(told)?;
        // A folder from before has its company already; its key is beside its data.
        let key_file = folder.join("api-key");
        let api_key = match fs::read_to_string(&key_file) {
            Ok(text) => text.trim().to_owned(),
            Err(_) => {
                let api_key = create_company(program, &data)?;
                fs::write(&key_file, &api_key).map_err(told)?;
                api_key
            }
        };
        let (process, address, control) = launch(program, &folder).await?;
        Ok(Self {
            process,
            program: program.clone(),
            folder,
            address,
            api_key,
            control,
            watched: None,
            _own_folder: own,
        })
    }

    /// Another company, while the server runs; answers its key.
    pub fn add_company(&self) -> Outcome<String> {
        create_company(&self.program, &self.folder.join(DATA))
    }

    /// Ends the process as a crash does: with SIGKILL, wherever it is.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Lets the process end in order.
    pub async fn stop(&mut self) -> Outcome {
        let command = format!("kill -TERM {}", self.process.pid());
        let told = |error: std::io::Error| format!("`{command}`: {error}");
        let status = Command::new("sh").args(["-c", &command]).status();
        status.map_err(told)?;
        let start = Instant::now();
        while self.process.ended().is_none() {
            if start.elapsed() > STOP_MAX {
                return Err(format!("the server still runs {STOP_MAX:?} after SIGTERM"));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Starts the ended process again on the same folder, ready when this returns.
    pub async fn start_again(&mut self) -> Outcome {
        let (process, address, control) = launch(&self.program, &self.folder).await?;
        (self.process, self.address, self.control) = (process, address, control);
        Ok(())
    }

    /// Bytes of the files of the store.
    pub fn disk_bytes(&self) -> Outcome<u64> {
        let data = self.folder.join(DATA);
        let told = |error: std::io::Error| format!("{}: {error}", data.display());
        let mut bytes = 0;
        for entry in fs::read_dir(&data).map_err(told)? {
            let entry = entry.map_err(told)?;
            if entry.file_name().to_string_lossy().contains(".db") {
                bytes += entry.metadata().map_err(told)?.len();
            }
        }
        Ok(bytes)
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Fails, with the end of its log, when the server has ended.
    pub fn check(&mut self) -> Outcome {
        match self.process.ended() {
            None => Ok(()),
            Some(how) => Err(format!("the server ended with {how}{}", self.last_words())),
        }
    }

    /// The end of the log, to stand after a sentence.
    pub fn last_words(&self) -> String {
        last_words(&self.folder.join(LOG_FILE))
    }
}

fn create_company(program: &Program, data: &Path) -> Outcome<String> {
    let answer = program.answer(data, &["company", "create", "--name", "Bench"])?;
    let api_key = answer.get("apiKey").and_then(Value::as_str);
    api_key
        .map(ToOwned::to_owned)
        .ok_or_else(|| "`company create` gave no key".to_owned())
}

/// Starts the server's process on a folder and waits until it is ready.
async fn launch(program: &Program, folder: &Path) -> Outcome<(Process, SocketAddr, Connection)> {
    let (data, log) = (folder.join(DATA), folder.join(LOG_FILE));
    let told = |error: std::io::Error| format!("{}: {error}", log.display());
    let address_file = data.join("address");
    // One of a life before would be taken for this one's.
    let _ = fs::remove_file(&address_file);
    let output = File::options()
        .create(true)
        .append(true)
        .open(&log)
        .map_err(told)?;
    let errors = output.try_clone().map_err(told)?;
    let mut command = program.command(&data);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .stdout(output)
        .stderr(errors);
    let mut process = Process::start(command)?;
    match ready(&mut process, &address_file).await {
        Ok((address, control)) => Ok((process, address, control)),
        Err(sentence) => Err(format!("{sentence}{}", last_words(&log))),
    }
}

/// Waits until the server has written where it listens and says that it is ready.
async fn ready(process: &mut Process, address_file: &Path) -> Outcome<(SocketAddr, Connection)> {
    let start = Instant::now();
    let mut reason = "it has not written its address".to_owned();
    while start.elapsed() < START_MAX {
        if let Some(how) = process.ended() {
            return Err(format!("the server ended with {how} before it was ready"));
        }
        if let Some(address) = read_address(address_file) {
            match ask_ready(address).await {
                Ok(connection) => return Ok((address, connection)),
                Err(sentence) => reason = sentence,
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    let waited_s = START_MAX.as_secs();
    Err(format!(
        "the server is not ready after {waited_s} s: {reason}"
    ))
}

/// `None` until the whole line is there.
fn read_address(file: &Path) -> Option<SocketAddr> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

async fn ask_ready(address: SocketAddr) -> Outcome<Connection> {
    let mut connection = Connection::open(address).await?;
    connection
        .call(Method::GET, "/health/ready", None, "")
        .await?;
    Ok(connection)
}

fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines
        .get(lines.len().saturating_sub(20)..)
        .unwrap_or_default();
    if last.is_empty() {
        return String::new();
    }
    format!("; the end of its log:\n{}", last.join("\n"))
}
