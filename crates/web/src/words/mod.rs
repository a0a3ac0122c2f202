//! The catalogue: every text of the pages, in both languages side by side, so that none can be missing in one.
//!
//! One file for each group of pages. A text without a parameter is a line of [`words!`]; one with parameters
//! is a method that gives both languages to [`Words::say`].

mod account;
mod audit;
mod deliveries;
mod developers;
mod failures;
mod figures;
mod inspections;
mod overview;
mod problems;
mod recover;
mod shell;
mod signature;
mod team;
mod webhook_page;
mod webhooks;

use heraldo_domain::sheet::Language;

/// The texts in one language: each is a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words(pub Language);

impl Words {
    /// The text of this language.
    const fn say(self, spanish: &'static str, english: &'static str) -> &'static str {
        self.0.say(spanish, english)
    }

    /// Whether it is Spanish: for texts that are put together.
    pub fn is_spanish(self) -> bool {
        self.0 == Language::Spanish
    }
}

/// `name: "Spanish", "English";` for each text.
macro_rules! words {
    ($($name:ident: $spanish:literal, $english:literal;)+) => {
        impl $crate::words::Words {
            $(pub const fn $name(self) -> &'static str {
                self.say($spanish, $english)
            })+
        }
    };
}

use words;
