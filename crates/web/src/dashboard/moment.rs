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

// An instant consists of digits, letters and signs that mean nothing in HTML.
impl HtmlSafe for Moment {}
