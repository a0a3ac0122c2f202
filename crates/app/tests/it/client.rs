//! A caller of the API: one kept-alive connection, blocking.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::waiting::{PATIENCE, eventually};

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }
}

/// Reads one answer with a `content-length`.
pub fn read_answer(reader: &mut impl BufRead) -> std::io::Result<Answer> {
    let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(cut());
    }
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(cut)?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(cut());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    let length = answer
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    answer.body.resize(length, 0);
    reader.read_exact(&mut answer.body)?;
    Ok(answer)
}

/// The API as one company's key sees it.
pub struct Api {
    pub address: SocketAddr,
    pub key: String,
    connection: RefCell<Option<BufReader<TcpStream>>>,
}

impl Api {
    pub fn new(address: SocketAddr, key: &str) -> Self {
        Self {
            address,
            key: key.to_owned(),
            connection: RefCell::new(None),
        }
    }

    /// Sends bytes as they are and reads one answer.
    ///
    /// # Errors
    /// When the connection ends before the whole answer came.
    pub fn send(&self, request: &[u8]) -> std::io::Result<Answer> {
        let mut slot = self.connection.borrow_mut();
        // A failed connection is dropped; the next request opens one.
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect(self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                BufReader::new(stream)
            }
        };
        connection.get_mut().write_all(request)?;
        let answer = read_answer(&mut connection)?;
        if answer.header("connection") != Some("close") {
            *slot = Some(connection);
        }
        Ok(answer)
    }

    /// One call with a JSON body, or without one.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Answer> {
        let body = body.map(Value::to_string);
        self.raw(
            method,
            path,
            "application/json",
            body.as_deref().unwrap_or("").as_bytes(),
        )
    }

    pub fn raw(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: {kind}\r\n\
             content-length: {}\r\n\r\n",
            self.address,
            self.key,
            body.len()
        );
        self.send(&[head.as_bytes(), body].concat())
    }

    fn expect(&self, status: u16, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.call(method, path, body).unwrap();
        assert_eq!(
            answer.status,
            status,
            "{method} {path}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        answer.json()
    }

    pub fn get(&self, path: &str) -> Value {
        self.expect(200, "GET", path, None)
    }

    pub fn post(&self, status: u16, path: &str, body: Value) -> Value {
        self.expect(status, "POST", path, Some(&body))
    }

    pub fn patch(&self, path: &str, body: Value) -> Value {
        self.expect(200, "PATCH", path, Some(&body))
    }

    pub fn delete(&self, path: &str) -> Value {
        self.expect(200, "DELETE", path, None)
    }

    /// Makes a webhook for all eight events and returns its id.
    pub fn webhook(&self, endpoint: &str) -> String {
        self.webhook_with(endpoint, json!({}))
    }

    pub fn webhook_with(&self, endpoint: &str, more: Value) -> String {
        let mut body = json!({ "endpoint": endpoint, "events": EVENTS });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        text(&self.post(201, "/v1/notification/webhook", body)["_id"])
    }

    pub fn secret(&self, webhook: &str) -> String {
        text(&self.get(&format!("/v1/notification/webhook/{webhook}/secret"))["secret"])
    }

    /// Makes an inspection.
    pub fn inspection(&self) -> Made {
        self.inspection_with(json!({}))
    }

    pub fn inspection_with(&self, more: Value) -> Made {
        let mut body = json!({ "templateId": "easy" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Made::from(&self.post(201, "/v1/inspection/car", body))
    }

    /// Publishes one event about an inspection that runs elsewhere, and returns its id.
    pub fn publish(&self, event: &str, inspection: &str) -> String {
        let body = json!({ "event": event, "payload": { "_id": inspection } });
        text(&self.post(202, "/v1/notification/event", body)["data"][0]["_id"])
    }

    /// The newest deliveries that the query names.
    pub fn deliveries(&self, query: &str) -> Vec<Value> {
        let list = self.get(&format!("/v1/notification/delivery?limit=100&{query}"));
        list["data"].as_array().unwrap().clone()
    }

    /// Waits until the one delivery of an event to a webhook is as `wanted` says, and returns it with
    /// its attempts.
    pub fn delivery_when(&self, event: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let id = eventually("the delivery is made", || {
            let all = self.deliveries("");
            let found = all.iter().find(|delivery| delivery["eventId"] == event)?;
            Some(text(&found["_id"]))
        });
        eventually(&format!("the delivery {id} is as wanted"), || {
            Some(self.get(&format!("/v1/notification/delivery/{id}"))).filter(&wanted)
        })
    }

    /// Waits until an event's delivery is settled for good.
    pub fn settled(&self, event: &str) -> Value {
        self.delivery_when(event, |delivery| delivery["status"] != "pending")
    }
}

/// What a create answered.
#[derive(Debug, Clone)]
pub struct Made {
    pub id: String,
    pub access_code: String,
}

impl From<&Value> for Made {
    fn from(answer: &Value) -> Self {
        let link = text(&answer["magicLink"]);
        let (_, code) = link
            .split_once("accessCode=")
            .expect("a magic link with its code");
        Self {
            id: text(&answer["inspectionId"]),
            access_code: code.to_owned(),
        }
    }
}

/// The eight events.
pub const EVENTS: [&str; 8] = [
    "inspection_created",
    "children_inspection_created",
    "inspection_started",
    "image_processed",
    "extra_image_processed",
    "inspection_blocked",
    "inspection_completed",
    "inspection_reviewed",
];

/// The text of a JSON value that must be one.
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}
