//! What is read from where, and what is said about mistakes.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::ffi::OsString;
use std::time::Duration;

use super::*;

fn sources(
    flags: &[(&'static str, &str)],
    env: &[(&str, &str)],
    file: Option<&std::path::Path>,
) -> Sources {
    Sources {
        flags: flags
            .iter()
            .map(|(key, text)| (*key, (*text).to_owned()))
            .collect(),
        config: file.map(std::path::Path::to_owned),
        env: env
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect(),
    }
}

fn file_with(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn every_default_is_a_value_that_its_setting_takes() {
    let settings = resolve(&Sources::default()).unwrap();
    assert_eq!(settings.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(
        settings.webhook_defaults.retry.waits,
        [Duration::from_secs(900); 2]
    );
    assert_eq!(
        settings.master_key_file(),
        PathBuf::from("./heraldo-data/master.key")
    );
    let documented = heraldo_domain::retry::RetryPolicy::default();
    assert_eq!(settings.webhook_defaults.retry.retried, documented.retried);
    assert_eq!(settings.webhook_defaults.retry.waits, documented.waits);
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let file = file_with(
        "sweep_interval = \"3s\"\ndelivery_timeout = \"3s\"\ninspection_lifetime = \"3s\"\n",
    );
    let env = [
        ("HERALDO_SWEEP_INTERVAL", "2s"),
        ("HERALDO_DELIVERY_TIMEOUT", "2s"),
        ("PATH", "/bin"),
    ];
    let settings = resolve(&sources(
        &[("sweep_interval", "1s")],
        &env,
        Some(file.path()),
    ))
    .unwrap();
    assert_eq!(settings.sweep_interval, Duration::from_secs(1));
    assert_eq!(settings.webhook_defaults.timeout, Duration::from_secs(2));
    assert_eq!(settings.inspection_lifetime, Duration::from_secs(3));
}

#[test]
fn the_file_takes_numbers_and_lists() {
    let file = file_with("retry_schedule = [\"200ms\", \"1s\"]\nmax_access_attempts = 5\n");
    let settings = resolve(&sources(
        &[],
        &[("HERALDO_CONFIG", file.path().to_str().unwrap())],
        None,
    ))
    .unwrap();
    assert_eq!(
        settings.webhook_defaults.retry.waits,
        [Duration::from_millis(200), Duration::from_secs(1)]
    );
    assert_eq!(settings.max_access_attempts, 5);
}

#[test]
fn each_mistake_names_the_setting_its_source_and_what_is_allowed() {
    let check =
        |flags: &[(&'static str, &str)], env: &[(&str, &str)], file: &str, parts: &[&str]| {
            let file = file_with(file);
            let mistakes = resolve(&sources(flags, env, Some(file.path()))).unwrap_err();
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
            for part in parts {
                assert!(
                    mistakes.iter().any(|text| text.contains(part)),
                    "{mistakes:?} lacks {part}"
                );
            }
        };
    check(
        &[("listen", "here")],
        &[],
        "",
        &["listen", "--listen", "`here`", "127.0.0.1:8080"],
    );
    check(
        &[],
        &[("HERALDO_RETRY_SCHEDULE", "15")],
        "",
        &["retry_schedule", "HERALDO_RETRY_SCHEDULE", "15m"],
    );
    for empty in ["", " "] {
        check(
            &[],
            &[("HERALDO_RETRY_SCHEDULE", empty)],
            "",
            &["HERALDO_RETRY_SCHEDULE", "it is empty", "`none`"],
        );
        check(
            &[("retry_events", empty)],
            &[],
            "",
            &["--retry-events", "it is empty", "`none`"],
        );
    }
    check(
        &[("sweep_interval", "1s")],
        &[("HERALDO_SWEEP_INTERVAL", "1s")],
        "sweep_interval = \"soon\"",
        &["sweep_interval", "in the file", "`soon`"],
    );
    check(
        &[("sweep_interval", "1s")],
        &[("HERALDO_SWEEP_INTERVAL", "soon")],
        "",
        &["sweep_interval", "HERALDO_SWEEP_INTERVAL", "`soon`"],
    );
    check(
        &[],
        &[("HERALDO_SWEEP_INTERVAL", "1s")],
        "sweep_intervall = \"1s\"",
        &["no setting sweep_intervall", "did you mean sweep_interval?"],
    );
    check(
        &[],
        &[],
        "sweep_interval = \"1ms\"",
        &["sweep_interval", "in the file", "from 10ms to 1d"],
    );
    check(
        &[],
        &[],
        "sweep_interval = 1.5",
        &["sweep_interval", "wrong kind"],
    );
    check(
        &[],
        &[],
        "[delivery]\ntimeout = 1",
        &["no setting delivery", "in the file"],
    );
    check(&[], &[], "listen = ", &["is not TOML"]);
    check(
        &[],
        &[("HERALDO_RETRY_SHEDULE", "1s")],
        "",
        &["did you mean HERALDO_RETRY_SCHEDULE?"],
    );
    check(
        &[],
        &[("HERALDO_IMAGE_URL_LIFETIME", "0s")],
        "",
        &["HERALDO_IMAGE_URL_LIFETIME", "from 1s to 3650d"],
    );
    check(
        &[],
        &[("HERALDO_RETENTION", "0s")],
        "",
        &["HERALDO_RETENTION", "from 1s to 3650d"],
    );
    check(
        &[("store", "postgres://u:pw@h/db")],
        &[],
        "",
        &["store", "PostgreSQL is not available yet"],
    );
    check(
        &[("allow_networks", "10.0.0.0/8,home")],
        &[],
        "",
        &["`home` is not a network"],
    );
    check(
        &[("retry_events", "inspection_complete")],
        &[],
        "",
        &["inspection_completed"],
    );
    check(
        &[("public_url", "ftp://x")],
        &[],
        "",
        &["not an http or https URL"],
    );
    let long = format!("https://example.com/{}", "a".repeat(2_048));
    check(
        &[("public_url", &long)],
        &[],
        "",
        &["public_url", "longer than 2048 bytes"],
    );
    check(
        &[],
        &[("HERALDO_LOG", "loud")],
        "",
        &["HERALDO_LOG", "`loud` is not a level", "warn, info"],
    );
    check(
        &[("max_access_attempts", "0")],
        &[],
        "",
        &["from 1 to 1000"],
    );
    check(&[("body_bytes_max", "1MB")], &[], "", &["512KiB"]);
}

#[test]
fn what_is_kept_and_for_how_long_can_be_set() {
    let silent = resolve(&Sources::default()).unwrap();
    let day = Duration::from_secs(86_400);
    assert_eq!(
        (silent.retention, silent.audit_retention),
        (30 * day, 365 * day)
    );
    assert_eq!(silent.disk_free_min, 256 << 20);
    let given = [
        ("HERALDO_RETENTION", "2h"),
        ("HERALDO_AUDIT_RETENTION", "90d"),
        ("HERALDO_DISK_FREE_MIN", "1048576GiB"),
    ];
    let given = resolve(&sources(&[], &given, None)).unwrap();
    assert_eq!(given.retention, Duration::from_secs(7_200));
    assert_eq!(given.audit_retention, 90 * day);
    assert_eq!(given.disk_free_min, 1 << 50);
}

#[test]
fn a_password_in_the_address_of_a_database_is_not_repeated() {
    let mistakes = resolve(&sources(&[("store", "postgres://u:pw@h/db")], &[], None)).unwrap_err();
    assert!(
        mistakes.iter().all(|text| !text.contains("pw")),
        "{mistakes:?}"
    );
}

#[test]
fn the_variable_that_callers_keep_their_key_in_is_no_setting() {
    assert!(resolve(&sources(&[], &[("HERALDO_API_KEY", "x")], None)).is_ok());
}

#[test]
fn lists_are_emptied_by_none_and_by_an_empty_list_of_the_file() {
    let is_empty = |settings: &Settings| {
        settings.webhook_defaults.retry.waits.is_empty()
            && settings.webhook_defaults.retry.retried.is_empty()
            && settings.allow_networks.is_empty()
    };
    let flags = ["retry_schedule", "retry_events", "allow_networks"].map(|key| (key, "none"));
    assert!(is_empty(&resolve(&sources(&flags, &[], None)).unwrap()));
    let file = file_with("retry_schedule = []\nretry_events = []\nallow_networks = []\n");
    assert!(is_empty(
        &resolve(&sources(&[], &[], Some(file.path()))).unwrap()
    ));
    assert!(resolve(&sources(&[("retry_schedule", "1s,,2s")], &[], None)).is_err());
}

#[test]
fn what_holds_for_webhooks_that_say_nothing_is_set() {
    let flags = [
        ("webhook_rate_per_second", "25"),
        ("webhook_ordering", "none"),
        ("webhook_headers", "x-from=heraldo, x-token=a=b"),
        ("webhook_disable_after", "never"),
        ("webhook_disable_attempts_min", "3"),
        ("webhook_retry_on_recovery", "true"),
        ("webhook_challenge", "true"),
    ];
    let settings = resolve(&sources(&flags, &[], None)).unwrap();
    assert!(settings.webhook_challenge);
    let defaults = settings.webhook_defaults;
    assert_eq!(
        (defaults.disable.after, defaults.disable.attempts_min),
        (None, 3)
    );
    assert!(defaults.retry_on_recovery);
    assert_eq!(defaults.rate_per_second, Some(25));
    assert_eq!(defaults.ordering, heraldo_wire::api::Ordering::None);
    let headers: Vec<_> = defaults.headers.into_iter().collect();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        headers,
        [header("x-from", "heraldo"), header("x-token", "a=b")]
    );
    for (key, wrong) in [
        ("webhook_rate_per_second", "0"),
        ("webhook_ordering", "any"),
        ("webhook_headers", "x-from"),
        ("webhook_headers", "host=elsewhere"),
        ("webhook_headers", "x-a=1,X-A=2"),
        ("answer_headers", "server,Set-Cookie"),
        ("answer_headers", "two words"),
        ("retry_after_max", "31d"),
        ("webhook_disable_after", "366d"),
        ("webhook_disable_attempts_min", "0"),
        ("webhook_retry_on_recovery", "yes"),
    ] {
        assert!(
            resolve(&sources(&[(key, wrong)], &[], None)).is_err(),
            "{key}={wrong}"
        );
    }
}

#[test]
fn what_is_not_set_for_webhooks_is_what_the_rules_say_by_themselves() {
    let settings = resolve(&Sources::default()).unwrap();
    assert_eq!(
        settings.webhook_defaults,
        heraldo_domain::webhook::Defaults::default()
    );
    let file = file_with("webhook_challenge = true\n");
    let settings = resolve(&sources(&[], &[], Some(file.path()))).unwrap();
    assert!(settings.webhook_challenge);
}

#[test]
fn keys_are_distinct_words_and_every_help_is_a_sentence() {
    for (index, setting) in all().enumerate() {
        assert!(
            setting.key.chars().all(|letter| letter.is_ascii_lowercase()
                || letter.is_ascii_digit()
                || letter == '_')
        );
        assert!(
            all().skip(index + 1).all(|other| other.key != setting.key),
            "{}",
            setting.key
        );
        assert!(setting.help.ends_with('.'), "{}", setting.key);
        assert!(!setting.default_in_words().is_empty(), "{}", setting.key);
    }
}

#[test]
fn a_wildcard_address_is_reached_through_loopback() {
    let mut settings = resolve(&Sources::default()).unwrap();
    assert_eq!(
        settings.public_url("0.0.0.0:80".parse().unwrap()),
        "http://127.0.0.1:80"
    );
    assert_eq!(
        settings.public_url("[::]:80".parse().unwrap()),
        "http://[::1]:80"
    );
    settings.public_url = Some("https://heraldo.example.com".to_owned());
    assert_eq!(
        settings.public_url("0.0.0.0:80".parse().unwrap()),
        "https://heraldo.example.com"
    );
}

proptest::proptest! {
    /// The fuzz target `settings` does the same for longer.
    #[test]
    fn any_file_and_any_environment_give_settings_or_sentences(
        which in proptest::collection::vec(0..all().count(), 0..4),
        values in proptest::collection::vec("(none|[0-9]{1,12}(ms|s|m|h|d|KiB)?|http://[a-z:@/.0-9]{0,12}|[a-z=,.:/0-9]{0,16}|\\PC{0,8})", 4),
        rest in "\\PC{0,60}",
    ) {
        let keys: Vec<&Setting> = which.iter().filter_map(|index| all().nth(*index)).collect();
        let pairs = || keys.iter().zip(&values);
        let text: String = pairs()
            .map(|(setting, value)| format!("{} = {value:?}\n", setting.key))
            .chain([rest])
            .collect();
        let file = file_with(&text);
        let from_file = Sources { config: Some(file.path().to_owned()), ..Sources::default() };
        let env = pairs().map(|(setting, value)| (setting.env().into(), value.into())).collect();
        let from_env = Sources { env, ..Sources::default() };
        for sources in [from_file, from_env] {
            if let Err(mistakes) = resolve(&sources) {
                proptest::prop_assert!(mistakes.iter().all(|mistake| mistake.len() > 10));
            }
        }
    }
}
