//! Brings flags, environment, file and defaults together, and says every mistake at once.

use std::ffi::OsString;
use std::path::PathBuf;

use super::table::{CONFIG_ENV, FOR_CALLERS, Setting, all};
use super::{Settings, file};

/// Where values come from.
#[derive(Debug, Default)]
pub struct Sources {
    /// Key of the setting and text, for each flag that was given.
    pub flags: Vec<(&'static str, String)>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
}

/// A value's text, or why the file's value has none, and where it stands.
type Given = (String, Result<String, String>);

/// What was read from each source.
struct Texts<'a> {
    flags: &'a [(&'static str, String)],
    env: Vec<(String, String)>,
    table: toml::Table,
    /// The file's name, as it is shown.
    file: String,
}

impl Texts<'_> {
    /// What was given for a setting, from the weakest source to the strongest, defaults aside.
    fn given(&self, setting: &Setting) -> Vec<Given> {
        let in_file = self.table.get(setting.key).map(|value| {
            let from = format!("`{}` in the file {}", setting.key, self.file);
            (from, file::text_of(value))
        });
        let variable = setting.env();
        let in_env = self.env.iter().find(|(name, _)| *name == variable);
        let in_env = in_env.map(|(_, text)| {
            let from = format!("the environment variable {variable}");
            (from, Ok(text.clone()))
        });
        let flag = self.flags.iter().find(|(key, _)| *key == setting.key);
        let flag = flag.map(|(_, text)| (format!("--{}", setting.flag()), Ok(text.clone())));
        in_file.into_iter().chain(in_env).chain(flag).collect()
    }
}

/// Finds every setting's value.
///
/// # Errors
/// One sentence for each wrong value and each unknown name: which, from where, what is allowed.
pub fn resolve(sources: &Sources) -> Result<Settings, Vec<String>> {
    let mut mistakes = Vec::new();
    let texts = read(sources, &mut mistakes);
    let mut settings = Settings::unset();
    for setting in all() {
        let default = (
            format!("the default of {}", setting.key),
            Ok(setting.default.to_owned()),
        );
        let given = texts.given(setting);
        // Each sets the value anew; one that is wrong is said even when another wins over it.
        for (from, text) in std::iter::once(default).chain(given) {
            if let Err(why) = text.and_then(|text| set(setting, &mut settings, &text)) {
                mistakes.push(format!(
                    "the setting {} (from {from}) is wrong: {why}",
                    setting.key
                ));
            }
        }
    }
    if mistakes.is_empty() {
        Ok(settings)
    } else {
        Err(mistakes)
    }
}

fn read<'a>(sources: &'a Sources, mistakes: &mut Vec<String>) -> Texts<'a> {
    let env = ours(&sources.env, mistakes);
    let from_env = env
        .iter()
        .find(|(name, _)| name == CONFIG_ENV)
        .map(|(_, text)| PathBuf::from(text));
    let config = sources.config.clone().or(from_env);
    let table = match config.as_deref().map(file::read) {
        Some(Ok(table)) => table,
        Some(Err(mistake)) => {
            mistakes.push(mistake);
            toml::Table::new()
        }
        None => toml::Table::new(),
    };
    let file = config
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    for key in table.keys().filter(|key| setting(key).is_none()) {
        mistakes.push(unknown(
            "setting",
            key,
            &format!("in the file {file}"),
            |setting| setting.key.to_owned(),
        ));
    }
    Texts {
        flags: &sources.flags,
        env,
        table,
        file,
    }
}

fn set(setting: &Setting, settings: &mut Settings, text: &str) -> Result<(), String> {
    (setting.set)(settings, text).map_err(|why| {
        // The address of a database or of a proxy may hold a password.
        if matches!(setting.key, "store" | "egress_proxy") {
            why
        } else {
            format!("`{}`: {why}", shorten(text))
        }
    })
}

/// The variables whose names begin as ours do; unknown ones are mistakes.
fn ours(env: &[(OsString, OsString)], mistakes: &mut Vec<String>) -> Vec<(String, String)> {
    let mut known = Vec::new();
    for (name, value) in env {
        let Some(name) = name.to_str().filter(|name| name.starts_with("HERALDO_")) else {
            continue;
        };
        if FOR_CALLERS.contains(&name) {
            continue;
        }
        if name != CONFIG_ENV && !all().any(|setting| setting.env() == name) {
            mistakes.push(unknown("environment variable", name, "", Setting::env));
        } else if let Some(value) = value.to_str() {
            known.push((name.to_owned(), value.to_owned()));
        } else {
            mistakes.push(format!("the environment variable {name} is not UTF-8 text"));
        }
    }
    known
}

fn setting(key: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.key == key)
}

fn unknown(what: &str, name: &str, place: &str, shown: impl Fn(&Setting) -> String) -> String {
    let place = if place.is_empty() {
        String::new()
    } else {
        format!(" {place}")
    };
    let key = name.to_lowercase();
    let key = key.strip_prefix("heraldo_").unwrap_or(&key);
    let nearest = all().min_by_key(|setting| distance(setting.key, key));
    let hint = match nearest {
        Some(setting) if distance(setting.key, key) <= 3 => {
            format!("did you mean {}?", shown(setting))
        }
        Some(_) | None => {
            "`heraldo serve --help` lists them all; remove it or correct it".to_owned()
        }
    };
    format!("there is no {what} {}{place}; {hint}", shorten(name))
}

/// How many letters must be added, dropped or changed to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(b.chars()) {
            let best = (diagonal + usize::from(letter != other))
                .min(*cell + 1)
                .min(left + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}
