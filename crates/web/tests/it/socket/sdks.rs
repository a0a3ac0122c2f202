//! What the official SDKs send, byte for byte as the contract records it (1.1, 1.3): headers, chunking, order of
//! parts. Each request goes over a socket of its own, as it is written here.

use std::time::Duration;

use heraldo_web::WebConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Server, read_answer};
use crate::images::{photo, read, started};
use crate::oauth;

mod node;
mod php;

const NODE_BOUNDARY: &str = "--------------------------015498766812374509123456";
const PHP_BOUNDARY: &str = "0f6c2d8e55aa4b0e9a576b1d2f3c4e5f60718293";
/// An input of the template that every recording uses.
const FILE_INPUT: &str = "input_0f6c2d8e-55aa-4b0e-9a57-6b1d2f3c4e5f";
const TEXT_INPUT: &str = "input_11111111-55aa-4b0e-9a57-6b1d2f3c4e5f";

async fn server() -> Server {
    Server::start(WebConfig::default(), Duration::from_secs(600)).await
}

/// As `axios` 0.25 writes its head; `more` says what body follows.
fn node(server: &Server, method: &str, path: &str, more: &str) -> String {
    format!(
        "{method} /v1{path} HTTP/1.1\r\nAccept: application/json, text/plain, */*\r\n{more}\
         x-api-key: {}\r\nUser-Agent: autoinspector-node-sdk/2.9.1\r\nHost: {}\r\nConnection: close\r\n",
        server.world.key, server.address
    )
}

fn node_json(server: &Server, method: &str, path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head = node(server, method, path, "Content-Type: application/json\r\n");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A create carries a fresh key of its own.
fn node_create(server: &Server, path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let more = "Content-Type: application/json\r\nIdempotency-Key: 6f1c3a52-6e4b-4a44-9a57-0b7b0f6c8c11\r\n";
    let head = node(server, "POST", path, more);
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// As `form-data` 4.0 streams a form: no length, a chunk for each head, content and end of a part.
fn node_form(head: &str, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut request = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    let mut chunk = |bytes: &[u8]| {
        request.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
        request.extend_from_slice(bytes);
        request.extend_from_slice(b"\r\n");
    };
    for (disposition, content) in parts {
        let open =
            format!("--{NODE_BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
        chunk(open.as_bytes());
        // As a socket cuts a large content.
        content.chunks(65_536).for_each(&mut chunk);
        chunk(b"\r\n");
    }
    chunk(format!("--{NODE_BOUNDARY}--\r\n").as_bytes());
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

fn node_form_type() -> String {
    format!("Content-Type: multipart/form-data; boundary={NODE_BOUNDARY}\r\n")
}

/// As Guzzle writes its head.
fn php(server: &Server, method: &str, path: &str) -> String {
    format!(
        "{method} /v1/{path} HTTP/1.1\r\nHost: {}\r\nx-api-key: {}\r\nUser-Agent: autoinspector-php-sdk/v1\r\n",
        server.address, server.world.key
    )
}

fn php_json(server: &Server, method: &str, path: &str, body: &Value) -> Vec<u8> {
    let (head, body) = (php(server, method, path), body.to_string());
    format!(
        "{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The body that Guzzle makes of a form: each part says its length.
fn php_form(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (disposition, kind, content) in parts {
        let length = content.len();
        let open = format!(
            "--{PHP_BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Length: {length}\r\n{kind}\r\n"
        );
        body.extend_from_slice(open.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{PHP_BOUNDARY}--\r\n").as_bytes());
    body
}

fn php_multipart(
    server: &Server,
    method: &str,
    path: &str,
    parts: &[(&str, &str, &[u8])],
) -> Vec<u8> {
    let (head, body) = (php(server, method, path), php_form(parts));
    let length = body.len();
    let head = format!(
        "{head}Content-Type: multipart/form-data; boundary={PHP_BOUNDARY}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), &body].concat()
}

/// Sends a recording and returns the answer, which must have this status.
async fn send(server: &Server, status: u16, recording: impl AsRef<[u8]>) -> Value {
    let mut stream = server.connect().await;
    stream.write_all(recording.as_ref()).await.unwrap();
    let (head, body) = read_answer(&mut stream).await;
    assert!(
        head.starts_with(&format!("http/1.1 {status} ")),
        "{head} {body}"
    );
    assert!(
        head.contains("content-type: application/json\r\n"),
        "{head}"
    );
    body
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn keys(answer: &Value) -> Vec<&str> {
    answer
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// A started car of a template that asks for a file and a text, and its product.
async fn car(server: &Server) -> (String, String) {
    let input = |identifier, kind| json!({"identifier": identifier, "label": "L", "type": kind, "stages": "update"});
    let template = json!({"name": "Con archivo", "inspectionType": "car",
        "images": [{"side": "front", "validations": []}],
        "inputs": [input(FILE_INPUT, "file"), input(TEXT_INPUT, "text")]});
    let made = server
        .world
        .post("/v1/inspection/template", &template)
        .await
        .json(201);
    started(&server.world, "car", &json!({"templateId": made["_id"]})).await
}

/// The value of an input, wherever it stands in what is read back.
fn input<'v>(value: &'v Value, identifier: &str) -> Option<&'v Value> {
    match value {
        Value::Object(object) if object.get("identifier").is_some_and(|it| it == identifier) => {
            object.get("value")
        }
        Value::Object(object) => object.values().find_map(|value| input(value, identifier)),
        Value::Array(values) => values.iter().find_map(|value| input(value, identifier)),
        _ => None,
    }
}

#[tokio::test]
async fn both_sdks_renew_tokens_in_their_own_spelling() {
    let server = server().await;
    let world = &server.world;
    let app = oauth::app(world).await;
    let user = oauth::user(world, "ana@example.com", None).await;
    let code = oauth::code(world, &app, user.user_id, "inspections").await;
    let exchange = oauth::exchange_body(&app, &code);
    let tokens = send(
        &server,
        200,
        node_json(&server, "POST", "/account/oauth/exchange_code", &exchange),
    )
    .await;
    assert_eq!(
        keys(&tokens),
        ["access_token", "refresh_token", "expires_in"]
    );
    let renew = |name: &str| {
        let mut body = json!({"client_app_id": app.id, "client_secret": app.secret.reveal()});
        body[name] = tokens["refresh_token"].clone();
        body
    };
    let node = node_json(
        &server,
        "POST",
        "/account/oauth/refresh_token",
        &renew("refresh_token"),
    );
    assert_eq!(
        keys(&send(&server, 200, node).await),
        ["access_token", "expires_in"]
    );
    let php = php_json(
        &server,
        "POST",
        "account/oauth/refresh_token",
        &renew("refreshToken"),
    );
    assert_eq!(
        keys(&send(&server, 200, php).await),
        ["access_token", "expires_in"]
    );
    server.stop().await;
}
