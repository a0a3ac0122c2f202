//! Figures as people read them: grouped, rounded, with their unit.

use std::time::Duration;

use heraldo_wire::time::Timestamp;

use super::Words;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

impl Words {
    /// A count, its thousands apart.
    pub fn number(self, count: u64) -> String {
        let digits = count.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push_str(self.say(".", ","));
            }
            text.push(digit);
        }
        text
    }

    /// A number of things in a time, with two digits after the point or fewer.
    pub fn decimal(self, rate: f64) -> String {
        let digits = match rate {
            rate if rate >= 99.95 => 0,
            rate if rate >= 9.995 => 1,
            _ => 2,
        };
        self.pointed(&format!("{rate:.digits$}"))
    }

    /// Digits with a point in them as the language writes them, without zeros at their end.
    fn pointed(self, text: &str) -> String {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let whole = whole
            .parse()
            .map_or_else(|_| whole.to_owned(), |whole| self.number(whole));
        match part.trim_end_matches('0') {
            "" => whole,
            part => format!("{whole}{}{part}", self.say(",", ".")),
        }
    }

    /// How many of 100 a part is, never rounded up: what is not all is not 100. `None`: there is nothing.
    pub fn percent(self, part: u64, whole: u64) -> Option<String> {
        let hundredths = (u128::from(part) * 10_000).checked_div(u128::from(whole))?;
        let percent = self.pointed(&format!("{}.{:02}", hundredths / 100, hundredths % 100));
        Some(format!("{percent}{}", self.say("\u{a0}%", "%")))
    }

    /// A time in the unit that fits it, rounded down to two or three digits. The unit stays on the number's line.
    pub fn lasting(self, ms: u64) -> String {
        let tenths = |unit: u64| {
            let tenths = u32::try_from(ms / (unit / 10)).unwrap_or(u32::MAX);
            self.decimal(f64::from(tenths) / 10.0)
        };
        let (number, unit) = match ms {
            // It took some time, only less than is measured.
            0 => ("<1".to_owned(), "ms"),
            1..SECOND_MS => (ms.to_string(), "ms"),
            SECOND_MS..MINUTE_MS => (tenths(SECOND_MS), "s"),
            MINUTE_MS..HOUR_MS => (tenths(MINUTE_MS), "min"),
            HOUR_MS..DAY_MS => (tenths(HOUR_MS), "h"),
            DAY_MS.. => (tenths(DAY_MS), self.say("días", "days")),
        };
        let unit = match (number.as_str(), unit) {
            ("1", "días" | "days") => self.say("día", "day"),
            (_, unit) => unit,
        };
        format!("{number}\u{a0}{unit}")
    }

    /// How long an attempt or a part of it took.
    pub fn took(self, ms: &u32) -> String {
        self.lasting(u64::from(*ms))
    }

    /// A time that somebody chose.
    pub fn period(self, time: Duration) -> String {
        match time.as_millis() {
            0 => "0\u{a0}s".to_owned(),
            ms => self.lasting(u64::try_from(ms).unwrap_or(u64::MAX)),
        }
    }

    /// How long ago something was due, or how soon it is.
    pub fn due(self, at: Timestamp, now: Timestamp) -> String {
        let ms = |later: Timestamp, earlier| {
            u64::try_from(later.since(earlier).as_millis()).unwrap_or(u64::MAX)
        };
        if at <= now {
            self.due_since(&self.lasting(ms(now, at)))
        } else {
            self.due_in(&self.lasting(ms(at, now)))
        }
    }
}

#[cfg(test)]
mod tests {
    use heraldo_domain::sheet::Language;

    use super::*;

    const EN: Words = Words(Language::English);
    const ES: Words = Words(Language::Spanish);

    #[test]
    fn counts_have_their_thousands_apart() {
        for (count, english, spanish) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1,000", "1.000"),
            (12_345_678, "12,345,678", "12.345.678"),
        ] {
            assert_eq!(EN.number(count), english);
            assert_eq!(ES.number(count), spanish);
        }
    }

    #[test]
    fn rates_are_as_exact_as_they_are_small() {
        for (rate, english, spanish) in [
            (0.0, "0", "0"),
            (0.016, "0.02", "0,02"),
            (9.5, "9.5", "9,5"),
            (12.34, "12.3", "12,3"),
            (1_234.5, "1,234", "1.234"),
        ] {
            assert_eq!(EN.decimal(rate), english);
            assert_eq!(ES.decimal(rate), spanish);
        }
    }

    #[test]
    fn what_is_not_all_is_not_a_hundred_percent() {
        assert_eq!(EN.percent(99_999, 100_000).unwrap(), "99.99%");
        assert_eq!(EN.percent(3, 3).unwrap(), "100%");
        assert_eq!(ES.percent(1, 3).unwrap(), "33,33\u{a0}%");
        assert_eq!(EN.percent(0, 0), None);
    }

    #[test]
    fn times_have_the_unit_that_fits() {
        for (ms, english) in [
            (0, "<1 ms"),
            (85, "85 ms"),
            (1_250, "1.2 s"),
            (59_999, "59.9 s"),
            (90_000, "1.5 min"),
            (5 * HOUR_MS, "5 h"),
            (24 * HOUR_MS, "1 day"),
            (36 * HOUR_MS, "1.5 days"),
        ] {
            assert_eq!(EN.lasting(ms), english.replace(' ', "\u{a0}"));
        }
        assert_eq!(ES.lasting(1_250), "1,2\u{a0}s");
        assert_eq!(EN.period(Duration::ZERO), "0\u{a0}s");
    }
}
