//! The table of all settings. A new one gets a row here and a field in [`Settings`], nothing else.

use std::time::Duration;

use super::delivery::DELIVERY;
use super::photos::PHOTOS;
use super::{LogFilter, Settings, values};

/// Names the file with settings; not a setting itself, because the file cannot name itself.
pub const CONFIG_ENV: &str = "HERALDO_CONFIG";

/// Variables that begin as ours do, but are for those who call the API, not for the server.
pub const FOR_CALLERS: &[&str] = &["HERALDO_API_KEY", "HERALDO_URL"];

/// Every setting.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    TABLE.iter().chain(DELIVERY).chain(PHOTOS)
}

/// Where a setting stands in the help and in the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Server,
    Store,
    Delivery,
    Inspections,
    Photos,
    Logs,
}

impl Group {
    pub const ALL: [Self; 6] = [
        Self::Server,
        Self::Store,
        Self::Delivery,
        Self::Inspections,
        Self::Photos,
        Self::Logs,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Store => "Store",
            Self::Delivery => "Delivery",
            Self::Inspections => "Inspections",
            Self::Photos => "Photos",
            Self::Logs => "Logs",
        }
    }
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The key in the TOML file; flag and variable are made from it.
    pub key: &'static str,
    pub group: Group,
    /// What kind of value it takes, as the help shows it.
    pub value: &'static str,
    /// The default as one would write it; empty: none.
    pub default: &'static str,
    /// What an empty default means.
    pub without: &'static str,
    /// One sentence, with limits.
    pub help: &'static str,
    pub set: fn(&mut Settings, &str) -> Result<(), String>,
}

impl Setting {
    /// The long flag, without the dashes.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// The environment variable.
    pub fn env(&self) -> String {
        format!("HERALDO_{}", self.key.to_uppercase())
    }

    /// The default in words.
    pub const fn default_in_words(&self) -> &'static str {
        if self.default.is_empty() {
            self.without
        } else {
            self.default
        }
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const DAY: u64 = 86_400;
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

const TABLE: &[Setting] = &[
    Setting {
        key: "listen",
        group: Group::Server,
        value: "ADDRESS",
        default: "127.0.0.1:8080",
        without: "",
        help: "The address and port to listen on; port 0 takes any free one. `heraldo dev` takes loopback addresses only.",
        set: |settings, text| values::address(text).map(|value| settings.listen = value),
    },
    Setting {
        key: "public_url",
        group: Group::Server,
        value: "URL",
        default: "",
        without: "http://<the address listened on>",
        help: "What magic links and sign-in links start with: the address under which others reach this server.",
        set: |settings, text| values::base_url(text).map(|value| settings.public_url = value),
    },
    Setting {
        key: "shutdown_grace",
        group: Group::Server,
        value: "DURATION",
        default: "10s",
        without: "",
        help: "How long requests and attempts under way may take to end after SIGTERM, SIGINT or SIGHUP, 0ms to 10m; a second signal ends at once.",
        set: |settings, text| {
            values::duration(text, ms(0), secs(600)).map(|value| settings.shutdown_grace = value)
        },
    },
    Setting {
        key: "connections_max",
        group: Group::Server,
        value: "COUNT",
        default: "4096",
        without: "",
        help: "Connections of callers at once, 1 to 1000000; more of them wait to be accepted.",
        set: |settings, text| {
            values::count(text, 1, 1_000_000).map(|value| settings.connections_max = value)
        },
    },
    Setting {
        key: "request_timeout",
        group: Group::Server,
        value: "DURATION",
        default: "1m30s",
        without: "",
        help: "How long a request may take, from its headers to its answer, 100ms to 10m.",
        set: |settings, text| {
            values::duration(text, ms(100), secs(600)).map(|value| settings.request_timeout = value)
        },
    },
    Setting {
        key: "body_bytes_max",
        group: Group::Server,
        value: "BYTES",
        default: "1MiB",
        without: "",
        help: "The largest JSON body of a request, 1KiB to 64MiB.",
        set: |settings, text| {
            values::bytes(text, KIB, 64 * MIB).map(|value| settings.body_bytes_max = value)
        },
    },
    Setting {
        key: "upload_bytes_max",
        group: Group::Server,
        value: "BYTES",
        default: "20MiB",
        without: "",
        help: "The largest body of a request with files, 1KiB to 1GiB.",
        set: |settings, text| {
            values::bytes(text, KIB, 1024 * MIB).map(|value| settings.upload_bytes_max = value)
        },
    },
    Setting {
        key: "upload_timeout",
        group: Group::Server,
        value: "DURATION",
        default: "15m",
        without: "",
        help: "How long the body of a request with files may take from its first byte to its last, 1s to 1d; it comes on top of request_timeout.",
        set: |settings, text| {
            values::duration(text, secs(1), secs(86_400))
                .map(|value| settings.upload_timeout = value)
        },
    },
    Setting {
        key: "upload_idle_timeout",
        group: Group::Server,
        value: "DURATION",
        default: "30s",
        without: "",
        help: "How long nothing may come of such a body before it is answered 408, 100ms to 1h.",
        set: |settings, text| {
            values::duration(text, ms(100), secs(3_600))
                .map(|value| settings.upload_idle_timeout = value)
        },
    },
    Setting {
        key: "publish_bytes_max",
        group: Group::Server,
        value: "BYTES",
        default: "8MiB",
        without: "",
        help: "The largest body of a request that publishes events, 1KiB to 256MiB.",
        set: |settings, text| {
            values::bytes(text, KIB, 256 * MIB).map(|value| settings.publish_bytes_max = value)
        },
    },
    Setting {
        key: "wrong_keys_per_minute",
        group: Group::Server,
        value: "COUNT",
        default: "20",
        without: "",
        help: "Wrong API keys that one address may send in a minute before it is answered 429, 1 to 1000000; right keys are never refused for it.",
        set: |settings, text| {
            values::count(text, 1, 1_000_000).map(|value| settings.wrong_keys_per_minute = value)
        },
    },
    Setting {
        key: "wrong_codes_per_minute",
        group: Group::Server,
        value: "COUNT",
        default: "30",
        without: "",
        help: "Wrong access codes that one address may send in a minute before it is answered 429, 1 to 1000000.",
        set: |settings, text| {
            values::count(text, 1, 1_000_000).map(|value| settings.wrong_codes_per_minute = value)
        },
    },
    Setting {
        key: "wrong_passwords_per_minute",
        group: Group::Server,
        value: "COUNT",
        default: "10",
        without: "",
        help: "Wrong passwords that one address may send in a minute, and that may be sent for one e-mail address, before the sign-in page answers 429, 1 to 1000000; while it does, right passwords are refused, too.",
        set: |settings, text| {
            values::count(text, 1, 1_000_000)
                .map(|value| settings.wrong_passwords_per_minute = value)
        },
    },
    Setting {
        key: "trusted_proxies",
        group: Group::Server,
        value: "NETWORKS",
        default: "",
        without: "none",
        help: "Networks of the proxies in front of this server, with commas: 10.0.0.0/8,fd00::/8. For requests that come from them, the limits on wrong keys and codes count the right-most address of X-Forwarded-For that is none of theirs.",
        set: |settings, text| values::networks(text).map(|value| settings.trusted_proxies = value),
    },
    Setting {
        key: "data_dir",
        group: Group::Store,
        value: "FOLDER",
        default: "./heraldo-data",
        without: "",
        help: "The folder that holds the database; made with mode 0700 if it is missing.",
        set: |settings, text| values::path(text).map(|value| settings.data_dir = value),
    },
    Setting {
        key: "store",
        group: Group::Store,
        value: "ENGINE",
        default: "sqlite",
        without: "",
        help: "The engine that keeps the data; `sqlite`, embedded, is the only one in this version.",
        set: |_, text| values::store(text),
    },
    Setting {
        key: "master_key_file",
        group: Group::Store,
        value: "FILE",
        default: "",
        without: "<data folder>/master.key",
        help: "The key that webhook secrets are sealed with; made with mode 0600 on the first run. Back it up: without it no secret opens.",
        set: |settings, text| {
            values::optional_path(text).map(|value| settings.master_key_file = value)
        },
    },
    Setting {
        key: "retention",
        group: Group::Store,
        value: "DURATION",
        default: "30d",
        without: "",
        help: "How long events are kept, with their deliveries and attempts, 1s to 3650d. What is pending, also for a paused webhook, stays until it has ended. Inspections and photos are not deleted.",
        set: |settings, text| {
            values::duration(text, secs(1), secs(3_650 * DAY))
                .map(|value| settings.retention = value)
        },
    },
    Setting {
        key: "audit_retention",
        group: Group::Store,
        value: "DURATION",
        default: "365d",
        without: "",
        help: "How long entries of the audit log are kept, 1s to 3650d.",
        set: |settings, text| {
            values::duration(text, secs(1), secs(3_650 * DAY))
                .map(|value| settings.audit_retention = value)
        },
    },
    Setting {
        key: "disk_free_min",
        group: Group::Store,
        value: "BYTES",
        default: "256MiB",
        without: "",
        help: "With less than this free on the disk of the data folder nothing new is accepted (503), while what was accepted is delivered and recorded; 0 to 1048576GiB, 0: until the disk is full. Space inside the database that deleting left counts as free.",
        set: |settings, text| {
            values::bytes(text, 0, 1_048_576 * 1024 * MIB)
                .map(|value| settings.disk_free_min = value)
        },
    },
    Setting {
        key: "inspection_lifetime",
        group: Group::Inspections,
        value: "DURATION",
        default: "7d",
        without: "",
        help: "How long a new inspection may be started and finished, 1ms to 3650d; a template's own wins.",
        set: |settings, text| {
            values::duration(text, ms(1), secs(3_650 * DAY))
                .map(|value| settings.inspection_lifetime = value)
        },
    },
    Setting {
        key: "sweep_interval",
        group: Group::Inspections,
        value: "DURATION",
        default: "1m",
        without: "",
        help: "How often inspections whose lifetime is over are looked for, 10ms to 1d.",
        set: |settings, text| {
            values::duration(text, ms(10), secs(DAY)).map(|value| settings.sweep_interval = value)
        },
    },
    Setting {
        key: "max_access_attempts",
        group: Group::Inspections,
        value: "COUNT",
        default: "3",
        without: "",
        help: "Wrong access codes until an inspection is blocked, 1 to 1000; a template's own wins.",
        set: |settings, text| {
            values::count(text, 1, 1_000).map(|value| settings.max_access_attempts = value)
        },
    },
    Setting {
        key: "log",
        group: Group::Logs,
        value: "FILTER",
        default: "info",
        without: "",
        help: "What is logged: error, warn, info, debug, trace or off, and with commas levels for parts, like info,heraldo_delivery=debug or info,hyper=debug. What is not Heraldo's own logs warnings at most unless it is named. Secrets are in no log.",
        set: |settings, text| LogFilter::read(text).map(|value| settings.log = value),
    },
    Setting {
        key: "log_format",
        group: Group::Logs,
        value: "FORMAT",
        default: "auto",
        without: "",
        help: "auto (text on a terminal, JSON otherwise), json or text; logs go to standard error.",
        set: |settings, text| values::log_format(text).map(|value| settings.log_format = value),
    },
];
