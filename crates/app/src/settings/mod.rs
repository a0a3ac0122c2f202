//! The settings: one table of them all, from which flags, environment variables, the TOML file, the
//! help and the configuration reference come.
//!
//! A flag wins over the environment, the environment over the file, the file over the default.

mod delivery;
mod file;
mod log_filter;
mod photos;
mod reference;
mod resolve;
mod table;
#[cfg(test)]
mod tests;
mod values;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use heraldo_delivery::transport::Proxy;
use heraldo_domain::webhook::Defaults;
use ipnet::IpNet;

pub use log_filter::LogFilter;
pub use reference::markdown;
pub use resolve::{Sources, resolve};
pub use table::{CONFIG_ENV, Group, Setting, all};

/// The values in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub listen: SocketAddr,
    /// Without a slash at the end; `None`: made from the address that is listened on.
    pub public_url: Option<String>,
    pub shutdown_grace: Duration,
    pub connections_max: usize,
    pub request_timeout: Duration,
    pub body_bytes_max: usize,
    pub upload_bytes_max: usize,
    pub upload_timeout: Duration,
    pub upload_idle_timeout: Duration,
    pub publish_bytes_max: usize,
    pub wrong_keys_per_minute: u32,
    pub wrong_codes_per_minute: u32,
    pub wrong_passwords_per_minute: u32,
    pub trusted_proxies: Vec<IpNet>,
    pub data_dir: PathBuf,
    /// `None`: `master.key` in the data folder.
    pub master_key_file: Option<PathBuf>,
    pub retention: Duration,
    pub audit_retention: Duration,
    pub disk_free_min: usize,
    pub webhook_defaults: Defaults,
    /// In lower case.
    pub answer_headers: Vec<String>,
    pub webhook_challenge: bool,
    pub webhooks_per_company_max: usize,
    pub allow_networks: Vec<IpNet>,
    pub tls_extra_ca_file: Option<PathBuf>,
    pub dns_servers: Vec<SocketAddr>,
    pub egress_proxy: Option<Proxy>,
    pub inspection_lifetime: Duration,
    pub sweep_interval: Duration,
    pub max_access_attempts: u32,
    pub image_url_lifetime: Duration,
    pub image_distance_max_metres: u32,
    pub image_processor_url: Option<String>,
    pub image_processor_secret_file: Option<PathBuf>,
    pub image_processor_timeout: Duration,
    pub image_pixels_max: u32,
    /// `None`: photos are kept in the data folder.
    pub s3_bucket: Option<String>,
    pub s3_prefix: String,
    pub s3_region: String,
    pub s3_endpoint: Option<String>,
    pub s3_access_key_id: String,
    pub s3_secret_key_file: Option<PathBuf>,
    pub log: LogFilter,
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    Json,
    Text,
}

impl Settings {
    /// Values that no row of the table has set yet. Every row sets its own, if only to its default.
    fn unset() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            public_url: None,
            shutdown_grace: Duration::ZERO,
            connections_max: 0,
            request_timeout: Duration::ZERO,
            body_bytes_max: 0,
            upload_bytes_max: 0,
            upload_timeout: Duration::ZERO,
            upload_idle_timeout: Duration::ZERO,
            publish_bytes_max: 0,
            wrong_keys_per_minute: 0,
            wrong_codes_per_minute: 0,
            wrong_passwords_per_minute: 0,
            trusted_proxies: Vec::new(),
            data_dir: PathBuf::new(),
            master_key_file: None,
            retention: Duration::ZERO,
            audit_retention: Duration::ZERO,
            disk_free_min: 0,
            webhook_defaults: Defaults::default(),
            answer_headers: Vec::new(),
            webhook_challenge: false,
            webhooks_per_company_max: 0,
            allow_networks: Vec::new(),
            tls_extra_ca_file: None,
            dns_servers: Vec::new(),
            egress_proxy: None,
            inspection_lifetime: Duration::ZERO,
            sweep_interval: Duration::ZERO,
            max_access_attempts: 0,
            image_url_lifetime: Duration::ZERO,
            image_distance_max_metres: 0,
            image_processor_url: None,
            image_processor_secret_file: None,
            image_processor_timeout: Duration::ZERO,
            image_pixels_max: 0,
            s3_bucket: None,
            s3_prefix: String::new(),
            s3_region: String::new(),
            s3_endpoint: None,
            s3_access_key_id: String::new(),
            s3_secret_key_file: None,
            log: LogFilter::default(),
            log_format: LogFormat::Auto,
        }
    }

    /// Where the key lies that secrets are sealed with.
    #[must_use]
    pub fn master_key_file(&self) -> PathBuf {
        self.master_key_file
            .clone()
            .unwrap_or_else(|| self.data_dir.join("master.key"))
    }

    /// What magic links and the dashboard's address start with, without a slash at the end, when
    /// `bound` is listened on.
    #[must_use]
    pub fn public_url(&self, bound: SocketAddr) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", reachable(bound)))
    }
}

/// The address under which this machine itself reaches what listens on `bound`.
#[must_use]
pub fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}
