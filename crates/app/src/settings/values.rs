//! Reads one setting's value from text. Every error says what is allowed.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use heraldo_delivery::transport::Proxy;
use heraldo_domain::endpoint::URL_BYTES_MAX;
use heraldo_domain::retry::{WAIT_MAX, WAITS_MAX};
use heraldo_wire::api::{Ordering, WebhookHeaders};
use heraldo_wire::event::EventType;
use heraldo_wire::headers::{check_webhook_headers, is_header_name};
use heraldo_wire::time::HumanDuration;
use ipnet::IpNet;

use super::LogFormat;

pub type Read<T> = Result<T, String>;

pub fn address(text: &str) -> Read<SocketAddr> {
    text.parse().map_err(|_| {
        "it is not an IP address with a port; write it like 127.0.0.1:8080 or [::1]:8080 \
         (port 0 takes any free one)"
            .to_owned()
    })
}

/// An `http` or `https` URL; the slash at its end is dropped.
pub fn base_url(text: &str) -> Read<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    let allowed = "write it like https://heraldo.example.com, without user, query or fragment";
    let url =
        url::Url::parse(text).map_err(|error| format!("it is not a URL ({error}); {allowed}"))?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !plain {
        return Err(format!(
            "it is not an http or https URL of a server; {allowed}"
        ));
    }
    if text.len() > URL_BYTES_MAX {
        return Err(format!(
            "it is longer than {URL_BYTES_MAX} bytes; {allowed}"
        ));
    }
    Ok(Some(text.trim_end_matches('/').to_owned()))
}

pub fn proxy(text: &str) -> Read<Option<Proxy>> {
    (!text.is_empty()).then(|| Proxy::parse(text)).transpose()
}

pub fn dns_servers(text: &str) -> Read<Vec<SocketAddr>> {
    words(text)
        .map(|word| {
            let alone = |_| word.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
            word.parse::<SocketAddr>().or_else(alone).map_err(|_| {
                format!(
                    "`{word}` is not the address of a server; write it like 10.0.0.2, 10.0.0.2:5353 or [fd00::2]:53"
                )
            })
        })
        .collect()
}

pub fn path(text: &str) -> Read<PathBuf> {
    if text.is_empty() {
        return Err("it is empty; name a path".to_owned());
    }
    Ok(PathBuf::from(text))
}

pub fn optional_path(text: &str) -> Read<Option<PathBuf>> {
    Ok((!text.is_empty()).then(|| PathBuf::from(text)))
}

pub fn duration(text: &str, min: Duration, max: Duration) -> Read<Duration> {
    let HumanDuration(value) = text.parse().map_err(|_| {
        "it is not a duration; write it like 500ms, 4s, 15m, 1h30m or 7d".to_owned()
    })?;
    if value < min || value > max {
        let (min, max) = (HumanDuration(min), HumanDuration(max));
        return Err(format!(
            "it is out of range; allowed is from {min} to {max}"
        ));
    }
    Ok(value)
}

pub fn boolean(text: &str) -> Read<bool> {
    text.parse()
        .map_err(|_| "it is neither true nor false".to_owned())
}

/// A duration of at most a year, or `never`.
pub fn disable_after(text: &str) -> Read<Option<Duration>> {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    if text == "never" {
        return Ok(None);
    }
    duration(text, Duration::ZERO, YEAR).map(Some)
}

/// Waits between attempts, separated by commas; `none` means that nothing is tried again.
pub fn waits(text: &str) -> Read<Vec<Duration>> {
    not_empty(
        text,
        "`none` to send each event once, or waits like 15m,15m",
    )?;
    let waits = words(text)
        .map(|word| {
            duration(word, Duration::ZERO, WAIT_MAX).map_err(|why| format!("`{word}`: {why}"))
        })
        .collect::<Read<Vec<_>>>()?;
    if waits.len() > WAITS_MAX {
        return Err(format!(
            "it has {} waits; at most {WAITS_MAX} are allowed",
            waits.len()
        ));
    }
    Ok(waits)
}

/// Events, separated by commas; `none` is none of them.
pub fn events(text: &str) -> Read<Vec<EventType>> {
    not_empty(text, "`none` to send every event once, or names of events")?;
    let names: Vec<&str> = words(text).collect();
    EventType::parse_retried(&names).map_err(|why| why.to_string())
}

pub fn networks(text: &str) -> Read<Vec<IpNet>> {
    words(text)
        .map(|word| {
            let alone = |_| word.parse::<IpAddr>().map(IpNet::from);
            word.parse::<IpNet>().or_else(alone).map_err(|_| {
                format!(
                    "`{word}` is not a network; write it like 10.0.0.0/8, fd00::/8 or 127.0.0.1"
                )
            })
        })
        .collect()
}

pub fn count<T>(text: &str, min: T, max: T) -> Read<T>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    match text.parse::<T>() {
        Ok(value) if value >= min && value <= max => Ok(value),
        Ok(_) | Err(_) => Err(format!("it is not a whole number from {min} to {max}")),
    }
}

pub fn optional_count<T>(text: &str, min: T, max: T) -> Read<Option<T>>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    if text.is_empty() || text == "none" {
        return Ok(None);
    }
    count(text, min, max).map(Some)
}

pub fn ordering(text: &str) -> Read<Ordering> {
    text.parse()
        .map_err(|_| "it is not an order; allowed are inspection, strict, none".to_owned())
}

/// Headers as `name=value`, separated by commas.
pub fn headers(text: &str) -> Read<WebhookHeaders> {
    let mut headers = WebhookHeaders::new();
    for word in words(text) {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| format!("`{word}` is not a header; write it like x-from=heraldo"))?;
        headers.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    check_webhook_headers(&headers).map_err(|refused| refused.to_string())?;
    Ok(headers)
}

/// Names of headers, separated by commas, in lower case.
pub fn answer_headers(text: &str) -> Read<Vec<String>> {
    const NAMES_MAX: usize = 16;
    not_empty(text, "`none`, or names of headers like server,x-request-id")?;
    let mut names: Vec<String> = Vec::new();
    for word in words(text) {
        let name = word.to_ascii_lowercase();
        if !is_header_name(&name) {
            return Err(format!("`{word}` is not the name of a header"));
        }
        if matches!(name.as_str(), "set-cookie" | "set-cookie2") {
            return Err(format!(
                "`{word}` is not kept: it holds secrets; leave it out"
            ));
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > NAMES_MAX {
        return Err(format!(
            "it has {} names; at most {NAMES_MAX} are allowed",
            names.len()
        ));
    }
    Ok(names)
}

/// Bytes: a plain number, or one with `KiB`, `MiB` or `GiB`.
pub fn bytes(text: &str, min: usize, max: usize) -> Read<usize> {
    const UNITS: [(&str, usize); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let (number, unit) = UNITS
        .iter()
        .find_map(|(name, unit)| {
            text.strip_suffix(name)
                .map(|number| (number.trim_end(), *unit))
        })
        .unwrap_or((text, 1));
    let value = number
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    match value {
        Some(value) if (min..=max).contains(&value) => Ok(value),
        Some(_) => Err(format!(
            "it is out of range; allowed is from {min} to {max} bytes"
        )),
        None => Err("it is not a size; write it like 1048576, 512KiB or 20MiB".to_owned()),
    }
}

/// The engine. Only the embedded one exists in this version.
pub fn store(text: &str) -> Read<()> {
    if text == "sqlite" {
        return Ok(());
    }
    // A URL of PostgreSQL may hold a password, so it is not repeated.
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Err("PostgreSQL is not available yet; allowed is sqlite".to_owned());
    }
    Err("there is no such engine; allowed is sqlite".to_owned())
}

pub fn log_format(text: &str) -> Read<LogFormat> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("it is not a log format; allowed are auto, json, text".to_owned()),
    }
}

/// A variable that was set to nothing by mistake must not change what the default promises.
fn not_empty(text: &str, allowed: &str) -> Read<()> {
    if text.trim().is_empty() {
        return Err(format!("it is empty; write {allowed}"));
    }
    Ok(())
}

/// The words of a list with commas; `none` and the empty text are the empty list.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim();
    let text = if text == "none" { "" } else { text };
    text.split(',')
        .map(str::trim)
        .filter(move |word| !(text.is_empty() && word.is_empty()))
}
