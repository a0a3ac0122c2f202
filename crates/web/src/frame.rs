//! What stands around every page: its language and look, the navigation, and who is signed in.

use axum::response::Response;
use heraldo_domain::account::{Authority as _, Member, Role};
use heraldo_domain::sheet::Language;
use http::Method;
use http::header::SET_COOKIE;

use crate::browser::{Session, header};
use crate::call::Call;
use crate::pages::asset::{ICON, SCRIPT, STYLE};
use crate::problem::Failure;
use crate::words::Words;

/// A preference is kept by the browser for a year.
const PREFERENCE_SECONDS: u32 = 365 * 86_400;
const LANGUAGE_COOKIE: &str = "heraldo_language";
const THEME_COOKIE: &str = "heraldo_theme";

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }

    pub const fn word(self, t: &Words) -> &'static str {
        match self {
            Self::Auto => t.theme_auto(),
            Self::Light => t.theme_light(),
            Self::Dark => t.theme_dark(),
        }
    }
}

/// What a reader chose for all pages, with a button that stands on each of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Preferences {
    pub language: Option<Language>,
    pub theme: Option<Theme>,
}

impl Preferences {
    /// What the button sent; `None`: another one was pressed.
    pub fn read(fields: &[(String, String)]) -> Option<Self> {
        let field = |name: &str| {
            let found = fields.iter().find(|(given, _)| given == name);
            found.map(|(_, text)| text.as_str())
        };
        let (language, theme) = (field("language"), field("theme"));
        (language.is_some() || theme.is_some()).then(|| Self {
            language: language.and_then(Language::of_tag),
            theme: theme.and_then(Theme::parse),
        })
    }

    /// Lets the browser keep what was chosen.
    pub fn keep(self, response: &mut Response) -> Result<(), Failure> {
        let language = self
            .language
            .map(|language| (LANGUAGE_COOKIE, language.tag()));
        let theme = self.theme.map(|theme| (THEME_COOKIE, theme.as_str()));
        for (name, value) in [language, theme].into_iter().flatten() {
            let cookie = format!(
                "{name}={value}; Path=/; Max-Age={PREFERENCE_SECONDS}; HttpOnly; SameSite=Lax"
            );
            response.headers_mut().append(SET_COOKIE, header(&cookie)?);
        }
        Ok(())
    }
}

/// The parts of the dashboard. A new one gets a variant, its line in [`Section::ALL`], and its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Home,
    Inspections,
    Deliveries,
    Configuration,
}

impl Section {
    /// In the order of the navigation.
    pub const ALL: [Self; 4] = [
        Self::Home,
        Self::Inspections,
        Self::Deliveries,
        Self::Configuration,
    ];

    /// Where it begins, below the root.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Home => "dashboard",
            Self::Inspections => "dashboard/inspections",
            Self::Deliveries => "dashboard/deliveries",
            Self::Configuration => "dashboard/settings",
        }
    }

    pub const fn word(self, t: &Words) -> &'static str {
        match self {
            Self::Home => t.home(),
            Self::Inspections => t.inspections(),
            Self::Deliveries => t.deliveries(),
            Self::Configuration => t.configuration(),
        }
    }
}

/// Who is signed in, as every page shows it.
#[derive(Debug, Clone)]
pub struct Viewer {
    pub name: String,
    pub initial: String,
    pub company: String,
    pub role: Role,
    /// What each form carries.
    pub form: String,
}

impl Viewer {
    pub fn new(session: &Session, member: &Member, company: &str) -> Self {
        let name = member.shown_name();
        Self {
            initial: name.chars().take(1).flat_map(char::to_uppercase).collect(),
            name,
            company: company.to_owned(),
            role: member.role,
            form: session.form_token(),
        }
    }
}

/// What the template around a page needs.
#[derive(Debug)]
pub struct Frame {
    pub t: Words,
    pub theme: Theme,
    /// Leads from this page's address to the root of the server: `../../`.
    pub root: String,
    /// This page, from the root on.
    pub here: String,
    pub style: &'static str,
    pub script: &'static str,
    pub icon: &'static str,
    pub section: Option<Section>,
    pub viewer: Option<Viewer>,
    /// What the form before this page did.
    pub done: Option<&'static str>,
    /// The form `typed` of this page is shown again, as it is filled in, when the language or the look is changed.
    pub keeps_typed: bool,
}

impl Frame {
    /// The frame of a page for nobody in particular.
    pub fn of(call: &Call) -> Self {
        // What a form was sent to is no page to come back to: the one on which the form stands is.
        let here = match (&call.parts.method, &call.form_page) {
            (_, Some(page)) => page.as_str(),
            (&Method::POST, None) => "dashboard",
            (_, None) => {
                let whole = call.parts.uri.path_and_query();
                whole.map_or("", |whole| whole.as_str().trim_start_matches('/'))
            }
        };
        Self {
            t: Words(language(call)),
            theme: theme(call),
            root: root(call),
            here: here.to_owned(),
            style: &STYLE.name,
            script: &SCRIPT.name,
            icon: &ICON.name,
            section: None,
            viewer: None,
            done: None,
            keeps_typed: false,
        }
    }

    /// The same around a form that is not lost when the language or the look is changed.
    pub fn keeping(self) -> Self {
        Self {
            keeps_typed: true,
            ..self
        }
    }

    pub fn language(&self) -> Language {
        self.t.0
    }

    pub fn sections(&self) -> &'static [Section] {
        &Section::ALL
    }

    /// Whether the viewer may see and change what only owners and administrators may.
    pub fn administers(&self) -> bool {
        let viewer = self.viewer.as_ref();
        viewer.is_some_and(|viewer| viewer.role.includes(Role::Admin))
    }

    pub fn is_in(&self, section: &Section) -> bool {
        self.section.as_ref() == Some(section)
    }

    pub fn is_themed(&self, theme: &Theme) -> bool {
        self.theme == *theme
    }

    pub fn themes(&self) -> &'static [Theme] {
        &Theme::ALL
    }
}

/// Leads from the called address to the root of the server. Addresses in pages are relative, so that they
/// work behind a proxy that adds a path.
pub fn root(call: &Call) -> String {
    let depth = call.parts.uri.path().matches('/').count();
    "../".repeat(depth.saturating_sub(1))
}

/// The language that was chosen, else the one that the browser likes best.
pub fn language(call: &Call) -> Language {
    let kept = || call.cookie(LANGUAGE_COOKIE).and_then(Language::of_tag);
    let chosen = call.chosen.language.or_else(kept);
    chosen.unwrap_or_else(|| Language::accepted(call.accepted_languages()))
}

fn theme(call: &Call) -> Theme {
    let kept = || call.cookie(THEME_COOKIE).and_then(Theme::parse);
    let chosen = call.chosen.theme.or_else(kept);
    chosen.unwrap_or(Theme::Auto)
}

/// A page of Heraldo's own to come back to: below its root, whatever was typed into a form.
pub fn way_back(text: &str) -> Option<&str> {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let known = path == "dashboard"
        || path == "signin"
        || path == "invitation"
        || path == "oauth/connect"
        || path.starts_with("dashboard/");
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (known && plain && !path.contains("..") && !path.contains("//")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_back_to_a_page_here_and_nowhere_else() {
        for good in [
            "dashboard",
            "dashboard/webhooks/65f?test=1",
            "signin",
            "invitation?token=in_1",
            "oauth/connect?client_app_id=1&scopes=account",
        ] {
            assert_eq!(way_back(good), Some(good));
        }
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/dashboard",
            "dashboard//evil.example",
            "dashboard/../../evil",
            "dashboard\\evil",
            "dashboard/a b",
            "dashboardevil.example",
            "oauth/connect?a=1\r\nx: y",
        ] {
            assert_eq!(way_back(bad), None, "{bad}");
        }
    }
}
