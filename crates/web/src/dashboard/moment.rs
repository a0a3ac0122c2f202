//! Instants on pages.

use std::fmt;

use askama::filters::HtmlSafe;
use heraldo_wire::time::Timestamp;

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
