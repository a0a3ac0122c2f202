//! Which log lines are written: a level for Heraldo, and levels for parts by name.

use tracing_subscriber::filter::{LevelFilter, Targets};

/// The beginning of every name of our own.
const OURS: &str = "heraldo";
/// Our own parts. A part that begins as ours do but is none would match nothing.
const PARTS: [&str; 6] = [
    OURS,
    "heraldo_delivery",
    "heraldo_domain",
    "heraldo_store",
    "heraldo_web",
    "heraldo_wire",
];
const LEVELS: [(&str, LevelFilter); 6] = [
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
    ("off", LevelFilter::OFF),
];
/// What others log is for their developers; of theirs we want to see what is wrong.
const OTHERS_MAX: LevelFilter = LevelFilter::WARN;

/// A filter that is known to let something through, unless it says `off`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter {
    ours: LevelFilter,
    /// Modules, ours or others', with the level of each.
    parts: Vec<(String, LevelFilter)>,
}

impl Default for LogFilter {
    fn default() -> Self {
        Self {
            ours: LevelFilter::INFO,
            parts: Vec::new(),
        }
    }
}

impl LogFilter {
    /// Reads a level, or levels for parts, with commas; without a level of its own Heraldo logs `info`.
    ///
    /// # Errors
    /// Says which word is wrong and what is accepted.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut filter = Self::default();
        let mut ours = None;
        for word in text.split(',').map(str::trim) {
            let Some((part, level)) = word.split_once('=') else {
                if ours.replace(level_of(word)?).is_some() {
                    return Err(refused("it has two levels for everything; keep one"));
                }
                continue;
            };
            filter.parts.push((part_of(part)?, level_of(level)?));
        }
        filter.ours = ours.unwrap_or(filter.ours);
        Ok(filter)
    }

    pub fn targets(&self) -> Targets {
        Targets::new()
            .with_default(self.ours.min(OTHERS_MAX))
            .with_target(OURS, self.ours)
            .with_targets(self.parts.clone())
    }
}

fn level_of(word: &str) -> Result<LevelFilter, String> {
    LEVELS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|(_, level)| *level)
        .ok_or_else(|| refused(&format!("`{word}` is not a level")))
}

fn part_of(word: &str) -> Result<String, String> {
    let is_module = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    if !word.split("::").all(is_module) {
        return Err(refused(&format!("`{word}` is not the name of a part")));
    }
    let crate_name = word.split("::").next().unwrap_or_default();
    if crate_name.starts_with(OURS) && !PARTS.contains(&crate_name) {
        let parts = PARTS.join(", ");
        return Err(refused(&format!(
            "there is no part `{word}`; the parts of Heraldo are {parts}"
        )));
    }
    Ok(word.to_owned())
}

fn refused(why: &str) -> String {
    let levels = LEVELS.map(|(name, _)| name).join(", ");
    format!(
        "it is not a log filter: {why}; write one of the levels {levels}, or levels for parts with \
         commas, like info,heraldo_delivery=debug"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use tracing::Level;

    use super::*;

    fn lets(filter: &str, target: &str, level: Level) -> bool {
        LogFilter::read(filter)
            .unwrap()
            .targets()
            .would_enable(target, &level)
    }

    #[test]
    fn a_level_is_ours_and_others_log_warnings_at_most() {
        for part in PARTS {
            assert!(lets("debug", part, Level::DEBUG), "{part}");
            assert!(!lets("debug", part, Level::TRACE), "{part}");
        }
        assert!(!lets("trace", "hyper::proto", Level::INFO));
        assert!(lets("trace", "hyper::proto", Level::WARN));
        assert!(!lets("error", "hyper::proto", Level::WARN));
        assert!(!lets("off", "heraldo", Level::ERROR));
        assert!(lets("INFO", "heraldo_web::call", Level::INFO));
    }

    #[test]
    fn a_part_has_its_own_level_and_the_rest_stays_at_info() {
        let filter = "heraldo_delivery::lanes=trace, hyper=debug";
        assert!(lets(filter, "heraldo_delivery::lanes", Level::TRACE));
        assert!(!lets(filter, "heraldo_delivery::guard", Level::DEBUG));
        assert!(lets(filter, "heraldo_delivery::guard", Level::INFO));
        assert!(lets(filter, "hyper::proto", Level::DEBUG));
        assert!(!lets("off,heraldo_web=info", "heraldo_store", Level::ERROR));
    }

    #[test]
    fn what_would_match_nothing_is_no_filter() {
        for (text, part) in [
            ("loud", "`loud` is not a level"),
            ("", "`` is not a level"),
            ("info,", "`` is not a level"),
            ("heraldo_delivery", "`heraldo_delivery` is not a level"),
            ("heraldo=loud", "`loud` is not a level"),
            ("info,debug", "two levels"),
            ("heraldo-delivery=debug", "not the name of a part"),
            ("heraldo_delivry=debug", "heraldo_delivery, "),
            ("[span]=debug", "not the name of a part"),
        ] {
            let why = LogFilter::read(text).unwrap_err();
            assert!(why.contains(part) && why.contains("warn, info"), "{why}");
        }
    }
}
