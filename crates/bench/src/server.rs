//! The server under test: started fresh in a folder of its own, spoken to only over HTTP.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use heraldo_wire::api::CreateWebhookAnswer;
use heraldo_wire::event::EventType;

use crate::Outcome;
use crate::children::{Process, Sink};
use crate::connection::Connection;
use crate::sink::HookSecret;

/// How long the server may take until it is ready.
const START_MAX: Duration = Duration::from_secs(30);
/// How often it is looked at while something is waited for.
const LOOK: Duration = Duration::from_millis(5);
/// Receivers of the bench listen on loopback, which a server refuses unless told otherwise.
const ALLOW_NETWORKS: (&str, &str) = ("HERALDO_ALLOW_NETWORKS", "127.0.0.0/8,::1/128");
const LOG: (&str, &str) = ("HERALDO_LOG", "warn");

/// How the server's program is called.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    /// What stands before the arguments of each call.
    pub arguments: Vec<OsString>,
}

impl Program {
    fn command(&self, data: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(&self.arguments)
            .env(ALLOW_NETWORKS.0, ALLOW_NETWORKS.1)
            .env(LOG.0, LOG.1)
            .env("HERALDO_DATA_DIR", data)
            .stdin(Stdio::null());
        command
    }
}

const WEBHOOKS: &str = "/v1/notification/webhook";

/// A webhook that was made for the bench.
#[derive(Debug)]
pub struct Webhook {
    id: String,
    secret: String,
}

impl Webhook {
    /// What the sink needs to verify what comes to that path.
    pub fn known_to(&self, hook: u32) -> HookSecret {
        HookSecret {
            hook,
            secret: self.secret.clone(),
        }
    }
}

/// A running server with one company. Its folder goes when it does.
#[derive(Debug)]
pub struct Server {
    // Declared before the folder, so that the process ends before its files go.
    process: Process,
    log: PathBuf,
    pub address: SocketAddr,
    pub api_key: String,
    control: Connection,
    _folder: TempDir,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompanyAnswer {
    api_key: String,
}

impl Server {
    /// Starts the program on a new folder inside `work_dir` and waits until it is ready.
    pub async fn start(program: &Program, work_dir: &Path) -> Outcome<Self> {
        let folder = tempfile::Builder::new()
            .prefix("server-")
            .tempdir_in(work_dir)
            .map_err(|error| format!("no folder in {}: {error}", work_dir.display()))?;
        let data = folder.path().join("data");
        fs::create_dir(&data).map_err(|error| format!("{}: {error}", data.display()))?;
        let api_key = create_company(program, &data)?;
        let log = folder.path().join("server.log");
        let told = |error: std::io::Error| format!("{}: {error}", log.display());
        let output = File::create(&log).map_err(told)?;
        let errors = output.try_clone().map_err(told)?;
        let mut command = program.command(&data);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .stdout(output)
            .stderr(errors);
        let mut process = Process::start(command)?;
        match ready(&mut process, &data.join("address")).await {
            Ok((address, control)) => Ok(Self {
                process,
                log,
                address,
                api_key,
                control,
                _folder: folder,
            }),
            Err(sentence) => Err(format!("{sentence}{}", last_words(&log))),
        }
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
        last_words(&self.log)
    }

    /// Makes `count` webhooks for created inspections, one for each path of the sink, and tells the sink
    /// their secrets.
    pub async fn subscribe(&mut self, sink: &mut Sink, count: u32) -> Outcome {
        let mut secrets = Vec::new();
        for hook in 0..count {
            let endpoint = sink.endpoint(hook);
            let webhook = self
                .webhook(&endpoint, EventType::InspectionCreated)
                .await?;
            secrets.push(webhook.known_to(hook));
        }
        sink.learn(&secrets).await
    }

    /// Makes a webhook for one type of events.
    pub async fn webhook(&mut self, endpoint: &str, event: EventType) -> Outcome<Webhook> {
        let body = json!({ "endpoint": endpoint, "events": [event.as_str()] });
        let made: CreateWebhookAnswer =
            self.call(Method::POST, WEBHOOKS, &body.to_string()).await?;
        let path = format!("{WEBHOOKS}/{}/secret", made.id);
        let answer: Value = self.call(Method::GET, &path, "").await?;
        let secret = answer
            .get("secret")
            .and_then(Value::as_str)
            .ok_or_else(|| format!("GET {path} answered without a secret"))?;
        Ok(Webhook {
            id: made.id.to_string(),
            secret: secret.to_owned(),
        })
    }

    /// Has a webhook's deliveries sent elsewhere from now on.
    pub async fn redirect(&mut self, webhook: &Webhook, endpoint: &str) -> Outcome {
        self.change(webhook, &json!({ "endpoint": endpoint })).await
    }

    /// Cancels what waits for a webhook.
    pub async fn disable(&mut self, webhook: &Webhook) -> Outcome {
        self.change(webhook, &json!({ "status": "disabled" })).await
    }

    async fn change(&mut self, webhook: &Webhook, change: &Value) -> Outcome {
        let path = format!("{WEBHOOKS}/{}", webhook.id);
        let _: Value = self.call(Method::PATCH, &path, &change.to_string()).await?;
        Ok(())
    }

    /// Publishes an array of events.
    pub async fn publish(&mut self, events: &Value) -> Outcome {
        let path = "/v1/notification/event";
        let _: Value = self.call(Method::POST, path, &events.to_string()).await?;
        Ok(())
    }

    /// Whether the server says that no delivery is pending: the outcome of each is recorded.
    pub async fn is_settled(&mut self) -> Outcome<bool> {
        let path = "/v1/notification/delivery?status=pending&limit=1";
        let answer: Value = self.call(Method::GET, path, "").await?;
        answer
            .get("data")
            .and_then(Value::as_array)
            .map(Vec::is_empty)
            .ok_or_else(|| format!("GET {path} answered without data: {answer}"))
    }

    async fn call<T: serde::de::DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Outcome<T> {
        let answer = self
            .control
            .call(method.clone(), path, Some(&self.api_key), body.to_owned())
            .await?;
        serde_json::from_slice(&answer).map_err(|error| format!("{method} {path}: {error}"))
    }
}

fn create_company(program: &Program, data: &Path) -> Outcome<String> {
    let mut command = program.command(data);
    command
        .args([
            "company",
            "create",
            "--name",
            "Bench",
            "--json",
            "--data-dir",
        ])
        .arg(data);
    let output = command
        .output()
        .map_err(|error| format!("{} cannot be started: {error}", program.path.display()))?;
    if !output.status.success() {
        return Err(format!(
            "`company create` ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let answer: CompanyAnswer = serde_json::from_slice(&output.stdout).map_err(|error| {
        let text = String::from_utf8_lossy(&output.stdout);
        format!("`company create` answered `{}`: {error}", text.trim())
    })?;
    Ok(answer.api_key)
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
