//! Reads the optional TOML file: one key per setting, each value brought to the text that flags take.

use std::path::Path;

/// A value of the file as a flag would give it.
///
/// # Errors
/// Says which kinds of TOML values are allowed.
pub fn text_of(value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        // An empty list is as clear a word as `none`.
        toml::Value::Array(items) if items.is_empty() => Ok("none".to_owned()),
        toml::Value::Array(items) => items
            .iter()
            .map(text_of)
            .collect::<Result<Vec<_>, _>>()
            .map(|items| items.join(",")),
        toml::Value::Boolean(value) => Ok(value.to_string()),
        toml::Value::Float(_) | toml::Value::Datetime(_) => Err(
            "it has the wrong kind; write text in quotes, a whole number, true or false, or a list of texts"
                .to_owned(),
        ),
        toml::Value::Table(_) => {
            Err("it is a table; every setting is one `key = value` line at the top".to_owned())
        }
    }
}

/// The file's keys and values, in its order.
///
/// # Errors
/// When the file cannot be read or is not TOML; says where.
pub fn read(path: &Path) -> Result<toml::Table, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("the settings file {shown} cannot be read: {error}; name another with --config")
    })?;
    text.parse::<toml::Table>().map_err(|error| {
        format!(
            "the settings file {shown} is not TOML:\n{}",
            error.to_string().trim_end()
        )
    })
}
