//! Webhooks: whose setting holds, and how pairs of keys rotate.

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn secret(byte: u8) -> Secret {
    Secret::from_random([byte; 32])
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_random([byte; 32])
}

#[test]
fn a_pair_of_keys_rotates_with_the_secret() {
    let hour = Duration::from_secs(3_600);
    let keys = |secrets: &Secrets, now| {
        let keys = secrets.public_keys(now);
        keys.map(|(key, until)| (key, until.is_some()))
            .collect::<Vec<_>>()
    };
    let mut secrets = Secrets::new(secret(1), NOW);
    assert_eq!(keys(&secrets, NOW), []);
    let without = secrets.rotate(secret(2), key(2), hour, NOW);
    assert_eq!(keys(&without, NOW), [], "who has none gets none");
    secrets.sign_asymmetrically(true, key(1));
    secrets.sign_asymmetrically(true, key(9));
    let first = key(1).public_key();
    assert_eq!(keys(&secrets, NOW), [(first, false)], "the first stays");
    let mut rotated = secrets.rotate(secret(2), key(2), hour, NOW);
    let second = key(2).public_key();
    assert_eq!(keys(&rotated, NOW), [(second, false), (first, true)]);
    assert_eq!(keys(&rotated, NOW.plus(hour)), [(second, false)]);
    let at_once = secrets.rotate(secret(2), key(2), Duration::ZERO, NOW);
    assert_eq!(keys(&at_once, NOW), [(second, false)]);
    rotated.sign_asymmetrically(false, key(3));
    assert_eq!(keys(&rotated, NOW), []);
}

#[test]
fn a_webhooks_own_headers_win_over_the_servers_case_aside() {
    let headers = |pairs: &[(&str, &str)]| -> WebhookHeaders {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let server = Defaults {
        headers: headers(&[("x-from", "server"), ("x-region", "eu")]),
        ..Defaults::default()
    };
    let mut webhook = webhook();
    webhook.settings.headers = headers(&[("X-From", "own")]);
    assert_eq!(
        webhook.headers(&server).collect::<Vec<_>>(),
        [("x-region", "eu"), ("X-From", "own")]
    );
}

pub(crate) fn webhook() -> Webhook {
    Webhook {
        id: WebhookId::default(),
        company_id: CompanyId::default(),
        version: 1,
        settings: WebhookSettings {
            endpoint: "https://receiver.example".to_owned(),
            events: Vec::new(),
            description: None,
            status: WebhookStatus::Enabled,
            headers: WebhookHeaders::new(),
            ordering: None,
            retry_waits: None,
            retry_events: None,
            timeout_ms: None,
            concurrency: None,
            rate_per_second: None,
            tls: TlsSettings::default(),
            retry_on_recovery: None,
            disable_after: None,
            disable_attempts_min: None,
        },
        secrets: Secrets::new(secret(1), NOW),
        life: Life::default(),
        created_at: NOW,
        updated_at: NOW,
    }
}

#[test]
fn each_setting_is_the_servers_until_a_webhook_has_its_own() {
    let seconds = |seconds| Duration::from_secs(seconds);
    let server = Defaults {
        retry: RetryPolicy {
            waits: vec![seconds(1)],
            retried: vec![EventType::InspectionCreated],
            ..RetryPolicy::default()
        },
        timeout: seconds(2),
        concurrency: 6,
        rate_per_second: Some(3),
        ordering: Ordering::None,
        headers: WebhookHeaders::new(),
        retry_on_recovery: true,
        disable: DisablePolicy {
            after: Some(seconds(4)),
            attempts_min: 5,
        },
    };
    type Shown = fn(&Webhook, &Defaults) -> String;
    type Set = fn(&mut WebhookSettings);
    let table: [(&str, Shown, Set, &str, &str); 9] = [
        (
            "concurrency",
            |webhook, server| webhook.concurrency(server).to_string(),
            |own| own.concurrency = Some(7),
            "6",
            "7",
        ),
        (
            "retry schedule",
            |webhook, server| format!("{:?}", webhook.retry_policy(server).waits),
            |own| own.retry_waits = Some(vec![Duration::from_secs(60)]),
            "[1s]",
            "[60s]",
        ),
        (
            "retried events",
            |webhook, server| format!("{:?}", webhook.retry_policy(server).retried),
            |own| own.retry_events = Some(Vec::new()),
            "[InspectionCreated]",
            "[]",
        ),
        (
            "deadline",
            |webhook, server| format!("{:?}", webhook.timeout(server)),
            |own| own.timeout_ms = Some(700),
            "2s",
            "700ms",
        ),
        (
            "rate",
            |webhook, server| format!("{:?}", webhook.rate_per_second(server)),
            |own| own.rate_per_second = Some(30),
            "Some(3)",
            "Some(30)",
        ),
        (
            "order",
            |webhook, server| format!("{:?}", webhook.ordering(server)),
            |own| own.ordering = Some(Ordering::Strict),
            "None",
            "Strict",
        ),
        (
            "retry on recovery",
            |webhook, server| format!("{:?}", webhook.retry_on_recovery(server)),
            |own| own.retry_on_recovery = Some(false),
            "true",
            "false",
        ),
        (
            "disabling",
            |webhook, server| format!("{:?}", webhook.disable_policy(server).after),
            |own| own.disable_after = Some(DisableAfter::Never),
            "Some(4s)",
            "None",
        ),
        (
            "attempts before disabling",
            |webhook, server| format!("{:?}", webhook.disable_policy(server).attempts_min),
            |own| own.disable_attempts_min = Some(50),
            "5",
            "50",
        ),
    ];
    for (name, shown, set, default, own) in table {
        let mut webhook = webhook();
        assert_eq!(shown(&webhook, &server), default, "{name}");
        set(&mut webhook.settings);
        assert_eq!(shown(&webhook, &server), own, "{name}");
    }
}

#[test]
fn rotating_without_an_overlap_ends_the_old_secret_at_once() {
    let rotated = Secrets::new(secret(1), NOW).rotate(secret(2), key(2), Duration::ZERO, NOW);
    assert_eq!(rotated.signing(NOW), &secret(2));
    assert_eq!(rotated.valid(NOW).count(), 1);
}

#[test]
fn during_an_overlap_the_old_secret_signs_and_both_are_valid() {
    let hour = Duration::from_secs(3_600);
    let rotated = Secrets::new(secret(1), NOW).rotate(secret(2), key(2), hour, NOW);
    assert_eq!(rotated.signing(NOW), &secret(1));
    assert_eq!(
        rotated.valid(NOW).collect::<Vec<_>>(),
        [&secret(2), &secret(1)]
    );
    let after = NOW.plus(hour);
    assert_eq!(rotated.signing(after), &secret(2));
    assert_eq!(rotated.valid(after).count(), 1);
}

#[test]
fn rotating_during_an_overlap_ends_the_oldest() {
    let hour = Duration::from_secs(3_600);
    let twice = Secrets::new(secret(1), NOW)
        .rotate(secret(2), key(2), hour, NOW)
        .rotate(secret(3), key(3), hour, NOW);
    assert_eq!(
        twice.valid(NOW).collect::<Vec<_>>(),
        [&secret(3), &secret(2)]
    );
}
