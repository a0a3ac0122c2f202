//! The settings of delivery: what holds for a webhook that does not say otherwise, and who may be called.

use std::time::Duration;

use heraldo_domain::retry::WAIT_MAX;

use super::table::{Group, Setting};
use super::values;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) const DELIVERY: &[Setting] = &[
    Setting {
        key: "retry_schedule",
        group: Group::Delivery,
        value: "DURATIONS",
        default: "15m,15m",
        without: "",
        help: "The waits between attempts, with commas, at most 32, none over 30d; `none`: nothing is tried again. A webhook may have its own.",
        set: |settings, text| {
            values::waits(text).map(|value| settings.webhook_defaults.retry.waits = value)
        },
    },
    Setting {
        key: "retry_events",
        group: Group::Delivery,
        value: "EVENTS",
        default: "image_processed,extra_image_processed,inspection_completed,webhook_disabled",
        without: "",
        help: "The events whose failed deliveries are tried again, with commas; the others are sent once. `none`: no event is. A webhook may have its own.",
        set: |settings, text| {
            values::events(text).map(|value| settings.webhook_defaults.retry.retried = value)
        },
    },
    Setting {
        key: "delivery_timeout",
        group: Group::Delivery,
        value: "DURATION",
        default: "15s",
        without: "",
        help: "How long one attempt may take from resolving the name to the last byte of the answer, 100ms to 1m. A webhook may have its own.",
        set: |settings, text| {
            values::duration(text, ms(100), secs(60))
                .map(|value| settings.webhook_defaults.timeout = value)
        },
    },
    Setting {
        key: "retry_after_max",
        group: Group::Delivery,
        value: "DURATION",
        default: "1h",
        without: "",
        help: "How long a receiver that answers 429 or 503 with Retry-After is left alone at most, 0ms to 30d; with 0ms it is not listened to.",
        set: |settings, text| {
            values::duration(text, ms(0), WAIT_MAX)
                .map(|value| settings.webhook_defaults.retry.retry_after_max = value)
        },
    },
    Setting {
        key: "answer_headers",
        group: Group::Delivery,
        value: "NAMES",
        default: "content-type,location,retry-after,server,x-request-id",
        without: "",
        help: "Headers of receivers' answers that are kept with the attempt, with commas, at most 16; `none`: none are. Values are cut at 512 bytes; set-cookie is never kept.",
        set: |settings, text| {
            values::answer_headers(text).map(|value| settings.answer_headers = value)
        },
    },
    Setting {
        key: "webhook_concurrency",
        group: Group::Delivery,
        value: "COUNT",
        default: "32",
        without: "",
        help: "Attempts under way at once for one webhook, 1 to 256. A webhook may have its own.",
        set: |settings, text| {
            values::count(text, 1, 256).map(|value| settings.webhook_defaults.concurrency = value)
        },
    },
    Setting {
        key: "webhook_rate_per_second",
        group: Group::Delivery,
        value: "COUNT",
        default: "",
        without: "none",
        help: "Attempts that may be sent to one webhook in one second, 1 to 10000. Without it as many as can be. A webhook may have its own.",
        set: |settings, text| {
            values::optional_count(text, 1, 10_000)
                .map(|value| settings.webhook_defaults.rate_per_second = value)
        },
    },
    Setting {
        key: "webhook_ordering",
        group: Group::Delivery,
        value: "ORDER",
        default: "inspection",
        without: "",
        help: "The order of deliveries: `inspection` (within one, first attempts follow each other), `strict` (the next event of an inspection waits until the one before is delivered or given up) or `none`. A webhook may have its own.",
        set: |settings, text| {
            values::ordering(text).map(|value| settings.webhook_defaults.ordering = value)
        },
    },
    Setting {
        key: "webhook_headers",
        group: Group::Delivery,
        value: "HEADERS",
        default: "",
        without: "none",
        help: "Headers that every delivery carries, with commas: x-from=heraldo,x-region=eu; at most 20, none that Heraldo or HTTP itself sets, no comma in a value. A webhook may add others, and its own win.",
        set: |settings, text| {
            values::headers(text).map(|value| settings.webhook_defaults.headers = value)
        },
    },
    Setting {
        key: "webhook_disable_after",
        group: Group::Delivery,
        value: "DURATION",
        default: "5d",
        without: "",
        help: "After how long of nothing but failures a webhook is disabled, 0ms to 365d; `never`: it is not. It takes failures for two deliveries at least. A webhook may have its own.",
        set: |settings, text| {
            values::disable_after(text).map(|value| settings.webhook_defaults.disable.after = value)
        },
    },
    Setting {
        key: "webhook_disable_attempts_min",
        group: Group::Delivery,
        value: "COUNT",
        default: "20",
        without: "",
        help: "How many failed attempts it takes at least to disable a webhook so, 1 to 100000. A webhook may have its own.",
        set: |settings, text| {
            values::count(text, 1, 100_000)
                .map(|value| settings.webhook_defaults.disable.attempts_min = value)
        },
    },
    Setting {
        key: "webhook_retry_on_recovery",
        group: Group::Delivery,
        value: "BOOL",
        default: "false",
        without: "",
        help: "When a webhook was failing and takes something again, its waiting retries are sent at once, at its own rate. A webhook may have its own.",
        set: |settings, text| {
            values::boolean(text).map(|value| settings.webhook_defaults.retry_on_recovery = value)
        },
    },
    Setting {
        key: "webhook_challenge",
        group: Group::Delivery,
        value: "BOOL",
        default: "false",
        without: "",
        help: "The receiver of every new webhook, and of every new endpoint, must echo a random token first. A request may ask for it too.",
        set: |settings, text| values::boolean(text).map(|value| settings.webhook_challenge = value),
    },
    Setting {
        key: "webhooks_per_company_max",
        group: Group::Delivery,
        value: "COUNT",
        default: "1000",
        without: "",
        help: "Webhooks that one company may have, 1 to 100000.",
        set: |settings, text| {
            values::count(text, 1, 100_000).map(|value| settings.webhooks_per_company_max = value)
        },
    },
    Setting {
        key: "allow_networks",
        group: Group::Delivery,
        value: "NETWORKS",
        default: "",
        without: "none",
        help: "Private, loopback and other special networks that receivers may lie in all the same, with commas: 10.0.0.0/8,fd00::/8. Without it such receivers are refused. `heraldo dev` always adds 127.0.0.0/8 and ::1.",
        set: |settings, text| values::networks(text).map(|value| settings.allow_networks = value),
    },
    Setting {
        key: "tls_extra_ca_file",
        group: Group::Delivery,
        value: "FILE",
        default: "",
        without: "none",
        help: "Certificates (PEM) that the certificates of receivers and of the S3 storage may be signed with, beside the public authorities.",
        set: |settings, text| {
            values::optional_path(text).map(|value| settings.tls_extra_ca_file = value)
        },
    },
    Setting {
        key: "dns_servers",
        group: Group::Delivery,
        value: "ADDRESSES",
        default: "",
        without: "those of /etc/resolv.conf",
        help: "The DNS servers that the names of receivers are asked of, with commas: 10.0.0.2,10.0.0.3:5353. /etc/hosts is looked at first, with and without this. Nothing is cached. The S3 storage is found by the system's resolver.",
        set: |settings, text| values::dns_servers(text).map(|value| settings.dns_servers = value),
    },
    Setting {
        key: "egress_proxy",
        group: Group::Delivery,
        value: "URL",
        default: "",
        without: "none",
        help: "The HTTP proxy that all calls to receivers go through, by CONNECT: http://proxy.example.com:3128, or with credentials http://user:password@proxy.example.com:3128 (then give it in the environment or the file, not as a flag). Names are resolved and addresses vetted here all the same; the proxy is asked for the address. The S3 storage is reached without it.",
        set: |settings, text| values::proxy(text).map(|value| settings.egress_proxy = value),
    },
];
