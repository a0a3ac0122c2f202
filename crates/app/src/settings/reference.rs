//! The configuration reference in `docs/guide`, written from the table.

use std::fmt::Write as _;

use super::table::{CONFIG_ENV, Group, all};

/// The page as Markdown.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         <!-- Written by `heraldo reference configuration`; do not edit by hand. -->\n\n\
         Every setting has a flag, an environment variable and a key in an optional TOML file. A flag wins \
         over the environment, the environment over the file, the file over the default. A wrong value, an \
         unknown key or an unknown `HERALDO_…` variable stops the start and is named.\n\n",
    );
    // Writing into a text never fails.
    let _ = writeln!(
        page,
        "The file is named by `--config FILE` or `{CONFIG_ENV}`. Durations are written `500ms`, `4s`, \
         `15m`, `1h30m`, `7d`; sizes `1048576`, `512KiB`, `20MiB`; lists with commas, in the file also as \
         `[\"a\", \"b\"]`.\n\n\
         ```toml\n\
         listen = \"0.0.0.0:8080\"\n\
         public_url = \"https://heraldo.example.com\"\n\
         retry_schedule = [\"15m\", \"15m\"]\n\
         ```"
    );
    for group in Group::ALL {
        let _ = writeln!(page, "\n## {}", group.title());
        for setting in all().filter(|setting| setting.group == group) {
            let default = match setting.default {
                "" => setting.without.to_owned(),
                default => format!("`{default}`"),
            };
            let _ = writeln!(
                page,
                "\n### {key}\n\n{help}\n\n\
                 | Flag | Variable | Key in the file | Default |\n\
                 |---|---|---|---|\n\
                 | `--{flag} {value}` | `{env}` | `{key}` | {default} |",
                key = setting.key,
                help = setting.help,
                flag = setting.flag(),
                value = setting.value,
                env = setting.env(),
                default = default.replace('<', "&lt;"),
            );
        }
    }
    page
}
