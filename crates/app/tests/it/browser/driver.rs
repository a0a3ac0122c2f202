//! chromedriver as a process, and calls to it.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::client::{read_answer, text};
use crate::process::Lines;
use crate::waiting::PATIENCE;

/// What the driver itself may take beside what it waits for.
const SLACK: Duration = Duration::from_secs(60);

/// How often a driver may find that its port is taken.
const STARTS: u32 = 10;
const PORT_TAKEN: &str = "port not available";

/// What WebDriver says when something cannot be done.
#[derive(Debug)]
#[expect(dead_code, reason = "it is only printed")]
pub struct Failed {
    error: String,
    message: String,
}

/// A driver on a port that the system gave it. Dropping it ends it.
pub struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    /// The driver has its port given for IPv6 and then wants the same one for IPv4, where somebody else may
    /// have it: it ends, and another start is given another port.
    pub fn start() -> Self {
        let mut ended = Vec::new();
        for _ in 0..STARTS {
            let mut child = Command::new("chromedriver")
                .arg("--port=0")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| {
                    panic!("chromedriver does not start ({error}); `cargo xtask needs` installs it")
                });
            let (out, _) = Lines::of(child.stdout.take().unwrap());
            if let Some(line) = out.wait_for("successfully on port ") {
                let (_, port) = line.rsplit_once(' ').unwrap();
                let port = port.trim_end_matches('.').parse().unwrap();
                return Self { child, port };
            }
            // It may also live on and say nothing.
            let _ = child.kill();
            let _ = child.wait();
            ended.push(out.all());
            if !ended
                .last()
                .unwrap()
                .iter()
                .any(|line| line.contains(PORT_TAKEN))
            {
                break;
            }
        }
        panic!("chromedriver ended: {ended:#?}");
    }

    /// One call; gives its `value`.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, Failed> {
        let answer = self.exchange(method, path, body).map_err(|error| Failed {
            error: "no answer of chromedriver".to_owned(),
            message: error.to_string(),
        })?;
        let value = answer["value"].clone();
        match value.get("error") {
            Some(error) if error.is_string() => Err(Failed {
                error: text(error),
                message: text(&value["message"]),
            }),
            _ => Ok(value),
        }
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> std::io::Result<Value> {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE + SLACK))?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        Ok(read_answer(&mut BufReader::new(stream))?.json())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
