//! Instants on pages.

use std::fmt;

use askama::filters::HtmlSafe;
use heraldo_wire::time::Timestamp;

use super::wrong::Wrong;

/// An instant: shown in UTC, and by the script in the viewer's zone; its title is the exact UTC instant.
#[derive(Debug, Clone, Copy)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.0.to_string();
        let day = exact.get(..10).unwrap_or(&exact);
        let clock = exact.get(11..19).unwrap_or_default();
        write!(
            f,
            "<time datetime=\"{exact}\" title=\"{exact}\">{day} {clock} UTC</time>"
        )
    }
}

/// An instant where there is little room; its title is the exact UTC instant all the same.
#[derive(Debug, Clone, Copy)]
pub enum Brief {
    /// The time of day: in UTC, and by the script in the viewer's zone.
    Clock(Timestamp),
    /// The day of UTC: figures by the day are cut there, so that no other zone has them.
    Day(Timestamp),
}

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, form) = match self {
            Self::Clock(at) => (at, "clock"),
            Self::Day(at) => (at, "day"),
        };
        let exact = at.to_string();
        let text = match self {
            Self::Clock(_) => format!("{} UTC", exact.get(11..16).unwrap_or_default()),
            Self::Day(_) => exact.get(..10).unwrap_or(&exact).to_owned(),
        };
        write!(
            f,
            "<time datetime=\"{exact}\" title=\"{exact}\" data-form=\"{form}\">{text}</time>"
        )
    }
}

impl HtmlSafe for Brief {}

// An instant consists of digits, letters and signs that mean nothing in HTML.
impl HtmlSafe for Moment {}

/// An instant in a form: in UTC as the server writes and reads it, and by the script in the viewer's zone.
#[derive(Debug, Clone, Default)]
pub struct Entry(String);

impl Entry {
    /// What was typed and is no instant.
    pub fn typed(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<Option<Timestamp>> for Entry {
    fn from(at: Option<Timestamp>) -> Self {
        let exact = at.map(|at| at.to_string()).unwrap_or_default();
        // The browser's own form of it has no zone, and nobody reads milliseconds that are none.
        let exact = exact.trim_end_matches('Z');
        Self(exact.strip_suffix(".000").unwrap_or(exact).to_owned())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads an instant from a form: with a zone, or without one in UTC.
///
/// # Errors
/// When it is none, at this field.
pub fn read_entry(field: &'static str, text: &str) -> Result<Timestamp, Wrong> {
    let text = text.trim();
    let as_it_is = text.parse();
    as_it_is
        .or_else(|_| format!("{text}Z").parse())
        .map_err(|_| {
            Wrong::field(
                field,
                format!("`{field}` is no instant; write 2026-11-20T08:30"),
            )
        })
}
