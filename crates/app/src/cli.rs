//! The command line: commands and their flags, the settings' flags from their table.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::settings::{CONFIG_ENV, Group, Setting, Sources, all};

const ABOUT: &str =
    "The inspection webhook system: one binary that runs inspections and delivers their events.";

/// Settings that commands need which work on the store directly.
const FOR_ADMINISTRATION: &[&str] = &[
    "data_dir",
    "store",
    "master_key_file",
    "public_url",
    "listen",
    "log",
    "log_format",
];

/// Settings that commands need which call a server.
const FOR_CALLING: &[&str] = &["data_dir", "tls_extra_ca_file"];

/// Reads the arguments of the process. Without a command it is `dev`.
pub fn read(mut args: Vec<OsString>) -> Result<ArgMatches, clap::Error> {
    let alone = match args.get(1).and_then(|arg| arg.to_str()) {
        None => args.len() < 2,
        Some(first) => {
            first.starts_with('-') && !["-h", "--help", "-V", "--version"].contains(&first)
        }
    };
    if alone {
        args.insert(1.min(args.len()), OsString::from("dev"));
    }
    command().try_get_matches_from(args)
}

pub fn command() -> Command {
    Command::new("heraldo")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help("`heraldo` alone is `heraldo dev`.")
        .subcommand(with_settings(
            Command::new("serve").about("Runs everything: API, dashboard, delivery"),
            |_| true,
        ))
        .subcommand(with_settings(
            Command::new("dev").about(
                "Runs everything for your own machine: loopback only, with a sample receiver that shows what arrives",
            ),
            |_| true,
        ))
        .subcommand(company())
        .subcommand(key())
        .subcommand(user())
        .subcommand(oauth())
        .subcommand(with_settings(
            Command::new("doctor").about("Checks the set-up and says what to do"),
            |_| true,
        ))
        .subcommand(administration(Command::new("migrate").about(
            "Brings the database to the form that this version knows; `serve` does it by itself",
        )))
        .subcommand(backup())
        .subcommand(listen())
        .subcommand(trigger())
        .subcommand(verify())
        .subcommand(
            Command::new("openapi")
                .about("Writes the description of the HTTP API")
                .hide(true)
                .args(generated()),
        )
        .subcommand(
            Command::new("reference")
                .about("Writes a page of the documentation")
                .hide(true)
                .subcommand_required(true)
                .subcommand(
                    Command::new("configuration").about("The settings").args(generated()),
                ),
        )
}

fn company() -> Command {
    let create = Command::new("create")
        .about("Makes a company with its owner and a first API key, which is shown once")
        .arg(text("name", "NAME", "The company's name").required(true))
        .arg(text(
            "owner-email",
            "EMAIL",
            "The owner's e-mail address; without it a service user owns the company",
        ))
        .arg(text("owner-first-name", "NAME", "The owner's first name"))
        .arg(text("owner-last-name", "NAME", "The owner's last name"));
    let list = Command::new("list").about("Lists the companies with their ids, newest first");
    group(
        "company",
        "Companies",
        vec![administration(create), administration(list)],
    )
}

fn key() -> Command {
    let create = Command::new("create")
        .about("Makes an API key, which is shown once")
        .arg(text("company", "ID", "The company").required(true))
        .arg(
            text(
                "scopes",
                "SCOPES",
                "What the key may do, with commas: inspections, webhooks, secrets, admin",
            )
            .required(true),
        )
        .arg(text("name", "NAME", "What the key is for"))
        .arg(flag(
            "testing",
            "Inspections made with it are marked as tests",
        ))
        .arg(flag("plain", "Prints the key alone, for $(…) in a shell").conflicts_with("json"));
    let revoke = Command::new("revoke")
        .about("Ends an API key, at once")
        .arg(
            Arg::new("id")
                .value_name("ID")
                .help("The key's id")
                .required(true),
        );
    group(
        "key",
        "API keys",
        vec![administration(create), administration(revoke)],
    )
}

fn user() -> Command {
    let create = Command::new("create")
        .about("Adds a person to a company and prints a link that signs in once")
        .arg(text("company", "ID", "The company").required(true))
        .arg(text("email", "EMAIL", "The person's e-mail address").required(true))
        .arg(
            text("role", "ROLE", "What the person may do")
                .value_parser(PossibleValuesParser::new(["owner", "admin", "producer"]))
                .default_value("producer"),
        )
        .arg(text("first-name", "NAME", "The person's first name"))
        .arg(text("last-name", "NAME", "The person's last name"))
        .arg(text(
            "internal-id",
            "ID",
            "The company's own name for this person",
        ))
        .arg(text(
            "invited-by",
            "ID",
            "The user of the company who asked this person in, and so sees this person's inspections",
        ));
    let list = Command::new("list")
        .about("Lists the people of a company with their ids and roles")
        .arg(text("company", "ID", "The company").required(true));
    let person = || text("user", "ID", "The person, as `heraldo user list` shows").required(true);
    let reset = Command::new("reset")
        .about(
            "Ends a person's password and sessions and prints a link that signs in once: for whoever forgot \
             the password",
        )
        .arg(person());
    let sign_out = Command::new("sign-out")
        .about("Ends every session of a person at once, in every browser; the password stays")
        .arg(person());
    let commands = [create, list, reset, sign_out];
    group("user", "People", commands.map(administration).into())
}

fn oauth() -> Command {
    let create = Command::new("create")
        .about("Registers an application and prints its secret, which is shown once")
        .arg(text("company", "ID", "The company that makes the application").required(true))
        .arg(text("name", "NAME", "What users are shown").required(true))
        .arg(
            text(
                "redirect",
                "URL",
                "Where browsers are sent with a code, exactly; may be given several times, the first one \
                 is meant when a link names none",
            )
            .required(true)
            .action(ArgAction::Append),
        );
    let code = Command::new("code")
        .about("Gives an application a code for a user, without a browser; it works once, for 10 minutes")
        .arg(text("app", "ID", "The application's client_app_id").required(true))
        .arg(text("user", "ID", "The user").required(true))
        .arg(
            text(
                "scopes",
                "SCOPES",
                "What the application may do, with commas: memberships, account, inspections",
            )
            .required(true),
        );
    let delete = Command::new("delete")
        .about("Deletes an application: what users gave it ends at once")
        .arg(
            Arg::new("id")
                .value_name("ID")
                .help("The application's client_app_id")
                .required(true),
        );
    let app = group(
        "app",
        "Applications",
        vec![administration(create), administration(delete)],
    );
    group(
        "oauth",
        "OAuth applications",
        vec![app, administration(code)],
    )
}

fn listen() -> Command {
    let command = Command::new("listen")
        .about("Hands a company's events to a receiver on this machine, signed, without a public address")
        .arg(text("forward-to", "URL", "The receiver, such as http://localhost:3000/webhook").required(true))
        .arg(text(
            "events",
            "EVENTS",
            "Only these, with commas; all without it",
        ))
        .arg(text(
            "secret",
            "SECRET",
            "Signs with this one; without it a new secret is made and shown",
        ));
    calling(command)
}

fn trigger() -> Command {
    let command = Command::new("trigger")
        .about("Makes a real sample event, for every webhook that is subscribed to it, and prints its id")
        .arg(
            Arg::new("event")
                .value_name("EVENT")
                .help("Its type, such as inspection_completed")
                .required(true),
        )
        .arg(text(
            "webhook",
            "ID",
            "Sends it to this webhook alone, marked as a test",
        ));
    calling(command)
}

/// A command that calls a server.
fn calling(command: Command) -> Command {
    with_settings(command, |setting| FOR_CALLING.contains(&setting.key))
        .arg(text(
            "url",
            "URL",
            "The server; without it the one that runs on the data folder [variable: HERALDO_URL]",
        ))
        .arg(text(
            "api-key",
            "KEY",
            "The company's key [variable: HERALDO_API_KEY]",
        ))
}

fn backup() -> Command {
    let file = Arg::new("file")
        .value_name("FILE")
        .help("The file to make; one that exists is not overwritten")
        .required(true);
    administration(Command::new("backup").about(
        "Copies the database as it is now to a file, also while a server runs; the master key and photos are not in it",
    ))
    .arg(file)
}

fn verify() -> Command {
    Command::new("verify")
        .about("Checks the signature of a body given on standard input; exit code 1 and the reason if it is wrong")
        .arg(text("secret", "SECRET", "The webhook's secret, whsec_…"))
        .arg(
            text("public-key", "KEY", "The webhook's public key, whpk_…, for the v1a signatures of a webhook-signature; may be given twice")
                .action(ArgAction::Append)
                .conflicts_with("secret")
                .required_unless_present("secret"),
        )
        .arg(
            text("signature", "SIGNATURE", "The value of autoinspector-signature or of webhook-signature")
                .required(true),
        )
        .arg(text("id", "ID", "The value of webhook-id, for a webhook-signature"))
        .arg(text("timestamp", "SECONDS", "The value of webhook-timestamp, for a webhook-signature"))
}

fn generated() -> [Arg; 2] {
    [
        Arg::new("file")
            .value_name("FILE")
            .help("Writes it there instead of printing it"),
        flag("check", "Writes nothing and fails if the file differs").requires("file"),
    ]
}

fn group(name: &'static str, about: &'static str, commands: Vec<Command>) -> Command {
    Command::new(name)
        .about(about)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(commands)
}

fn administration(command: Command) -> Command {
    with_settings(command, |setting| FOR_ADMINISTRATION.contains(&setting.key))
        .arg(flag("json", "Answers in JSON"))
}

fn text(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

fn with_settings(command: Command, keep: impl Fn(&Setting) -> bool) -> Command {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help(format!(
            "A TOML file with settings [variable: {CONFIG_ENV}]"
        ));
    let mut command = command.arg(config);
    for group in Group::ALL {
        for setting in all().filter(|setting| setting.group == group && keep(setting)) {
            let help = format!(
                "{} [default: {}] [variable: {}]",
                setting.help,
                setting.default_in_words(),
                setting.env()
            );
            command = command.arg(
                Arg::new(setting.key)
                    .long(setting.flag())
                    .value_name(setting.value)
                    .allow_hyphen_values(true)
                    .help_heading(group.title())
                    .help(help),
            );
        }
    }
    command
}

/// The settings' flags that were given, and the environment.
pub fn sources(matches: &ArgMatches, env: Vec<(OsString, OsString)>) -> Sources {
    let flags = all()
        .filter_map(|setting| {
            let text = matches.try_get_one::<String>(setting.key).ok().flatten()?;
            Some((setting.key, text.clone()))
        })
        .collect();
    let config = matches
        .try_get_one::<PathBuf>("config")
        .ok()
        .flatten()
        .cloned();
    Sources { flags, config, env }
}

/// A flag's text, if it was given.
pub fn given(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.try_get_one::<String>(name).ok().flatten().cloned()
}

/// A flag's texts, each time it was given.
pub fn given_all(matches: &ArgMatches, name: &str) -> Vec<String> {
    let texts = matches.try_get_many::<String>(name).ok().flatten();
    texts.into_iter().flatten().cloned().collect()
}

/// Whether a flag without a value was given.
pub fn is_set(matches: &ArgMatches, name: &str) -> bool {
    matches
        .try_get_one::<bool>(name)
        .ok()
        .flatten()
        .copied()
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read_words(words: &[&str]) -> ArgMatches {
        read(words.iter().map(OsString::from).collect()).unwrap()
    }

    #[test]
    fn the_commands_are_consistent() {
        command().debug_assert();
    }

    #[test]
    fn without_a_command_it_is_dev() {
        assert_eq!(read_words(&["heraldo"]).subcommand_name(), Some("dev"));
        let matches = read_words(&["heraldo", "--listen", "127.0.0.1:0"]);
        let (name, dev) = matches.subcommand().unwrap();
        assert_eq!(name, "dev");
        assert_eq!(
            sources(dev, Vec::new()).flags,
            [("listen", "127.0.0.1:0".to_owned())]
        );
    }

    #[test]
    fn the_help_of_serve_lists_every_setting_with_default_and_variable() {
        let mut command = command();
        let help = command
            .find_subcommand_mut("serve")
            .unwrap()
            .render_long_help()
            .to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for setting in all() {
            for part in [
                setting.flag(),
                setting.env(),
                setting.default_in_words().to_owned(),
            ] {
                assert!(help.contains(&part), "the help lacks {part}");
            }
        }
    }
}
