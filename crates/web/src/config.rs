//! The limits of the HTTP server, with their units in the name.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

/// What the server takes at most, and for how long it waits.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// A JSON body (contract 1.1, "Size").
    pub body_bytes_max: usize,
    /// A multipart body, all parts together (contract 1.1, "Size").
    pub upload_bytes_max: usize,
    /// The body of a publish request, which may hold 1,000 events.
    pub publish_bytes_max: usize,
    /// Multipart bodies that are held in memory at once, while they come in and until they are served.
    pub uploads_max: usize,
    /// Multipart bodies that come in slowly and are gathered in files; further ones are refused.
    pub upload_files_max: usize,
    /// Where these files lie. They have no name.
    pub upload_folder: PathBuf,
    /// A multipart body that takes longer than this is gathered in a file.
    pub upload_patience: Duration,
    /// The longest pause within a multipart body.
    pub upload_idle_timeout: Duration,
    /// From a multipart body's first byte to its last. It comes on top of `request_timeout`.
    pub upload_timeout: Duration,
    /// The request line and the headers together.
    pub header_bytes_max: usize,
    /// Header lines of one request.
    pub header_count_max: usize,
    /// From the first byte of any other body to its last.
    pub body_timeout: Duration,
    /// From a request's headers to its answer.
    pub request_timeout: Duration,
    /// How long a request's headers may take. On HTTP/1.1 a connection that carries no request for this
    /// long is closed, too.
    pub header_read_timeout: Duration,
    /// On HTTP/2, how often a silent peer is asked whether it is still there.
    pub http2_ping_interval: Duration,
    /// On HTTP/2, requests under way on one connection.
    pub http2_streams_max: u32,
    /// Open connections; further ones wait to be accepted.
    pub connections_max: usize,
    /// Wrong API keys of one address (contract 8.2, "Limits that protect").
    pub wrong_keys_per_minute: u32,
    /// Wrong access codes of one address (contract 8.2, "Limits that protect").
    pub wrong_codes_per_minute: u32,
    /// Wrong passwords of one address, and wrong passwords for one e-mail address.
    pub wrong_passwords_per_minute: u32,
    /// Open streams of attempts of one company.
    pub streams_per_company_max: usize,
    /// Attempts that the reader of a stream may be behind before it is cut off.
    pub stream_backlog_max: usize,
    /// How often a silent stream says that it is still there.
    pub stream_heartbeat: Duration,
    /// Peers whose `X-Forwarded-For` says whose address counts for these limits.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            upload_bytes_max: 20 * 1024 * 1024,
            publish_bytes_max: 8 * 1024 * 1024,
            uploads_max: 16,
            upload_files_max: 256,
            upload_folder: std::env::temp_dir(),
            upload_patience: Duration::from_secs(5),
            upload_idle_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_secs(900),
            header_bytes_max: 16 * 1024,
            header_count_max: 64,
            body_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(90),
            header_read_timeout: Duration::from_secs(75),
            http2_ping_interval: Duration::from_secs(30),
            http2_streams_max: 128,
            connections_max: 4096,
            wrong_keys_per_minute: 20,
            wrong_codes_per_minute: 30,
            wrong_passwords_per_minute: 10,
            streams_per_company_max: 16,
            stream_backlog_max: 1_024,
            stream_heartbeat: Duration::from_secs(15),
            trusted_proxies: Vec::new(),
        }
    }
}
