//! Webhooks: made, read, changed, deleted; their secrets; tests.

use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{World, id_in};

const PATH: &str = "/v1/notification/webhook";

#[tokio::test]
async fn a_new_webhook_is_answered_with_its_id_alone() {
    let world = World::new().await;
    let body = json!({
        "endpoint": "https://receiver.example.com/hook",
        "events": ["image_processed", "inspection_created", "image_processed"],
        "headers": {"x-team": "claims"},
        "retrySchedule": ["4s", "1h30m"],
        "timeoutMs": 5000,
        "unknown": {"ignored": true},
    });
    let answer = world.post(PATH, &body).await.json(201);
    assert_eq!(
        answer.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["_id"]
    );
    let read = world
        .get(&format!("{PATH}/{}", id_in(&answer)))
        .await
        .json(200);
    let expected = json!({
        "_id": id_in(&answer),
        "endpoint": "https://receiver.example.com/hook",
        "events": ["image_processed", "inspection_created"],
        "description": null,
        "status": "enabled",
        "headers": {"x-team": "claims"},
        "ordering": "inspection",
        "retrySchedule": ["4s", "1h30m"],
        "retryEvents": null,
        "timeoutMs": 5000,
        "concurrency": null,
        "ratePerSecond": null,
        "asymmetricSignature": false,
        "tls": null,
        "retryOnRecovery": null,
        "disableAfter": null,
        "disableAttemptsMin": null,
        "failingSince": null,
        "disabledAt": null,
        "disabledReason": null,
        "disabledDetail": null,
        "createdAt": "2026-11-18T09:46:40.000Z",
        "updatedAt": "2026-11-18T09:46:40.000Z",
    });
    assert_eq!(read, expected);
}

#[tokio::test]
async fn a_change_touches_what_it_names_and_null_resets() {
    let world = World::new().await;
    let path = format!("{PATH}/{}", world.create_webhook().await);
    let patch = async |body: Value| world.request("PATCH", &path).json(&body).send().await;
    let changed =
        patch(json!({"status": "paused", "timeoutMs": 900, "description": "claims", "ratePerSecond": 40, "ordering": "strict"})).await;
    let changed = changed.json(200);
    assert_eq!(changed["ratePerSecond"], 40);
    assert_eq!(changed["ordering"], "strict");
    assert_eq!(changed["status"], "paused");
    assert_eq!(changed["timeoutMs"], 900);
    assert_eq!(changed["endpoint"], "https://receiver.example.com/hook");
    let reset = json!({"timeoutMs": null, "ratePerSecond": null, "ordering": null});
    let reset = patch(reset).await.json(200);
    assert_eq!(reset["ratePerSecond"], Value::Null);
    assert_eq!(reset["ordering"], "inspection", "the server's");
    assert_eq!(reset["timeoutMs"], Value::Null);
    assert_eq!(reset["description"], "claims");
    assert_eq!(world.get(&path).await.json(200), reset);
    patch(json!({"endpoint": "ftp://x"}))
        .await
        .problem(ProblemCode::InvalidUrl);
    patch(json!({"events": ["nothing"]}))
        .await
        .problem(ProblemCode::UnknownEvent);
    patch(json!({"status": "asleep"}))
        .await
        .problem(ProblemCode::InvalidBody);
}

#[tokio::test]
async fn the_settings_of_its_life_are_set_read_and_reset() {
    let world = World::new().await;
    let path = format!("{PATH}/{}", world.create_webhook().await);
    let patch = async |body: Value| world.request("PATCH", &path).json(&body).send().await;
    let own = json!({"retryOnRecovery": true, "disableAfter": "12h", "disableAttemptsMin": 7});
    let set = patch(own.clone()).await.json(200);
    let listed = world.get(PATH).await.json(200);
    for shown in [&set, &listed["data"][0]] {
        for (name, value) in own.as_object().unwrap() {
            assert_eq!(shown[name], *value, "{name}");
        }
    }
    let never = patch(json!({"disableAfter": "never"})).await.json(200);
    assert_eq!(never["disableAfter"], "never");
    let null = json!({"retryOnRecovery": null, "disableAfter": null, "disableAttemptsMin": null});
    let reset = patch(null).await.json(200);
    for name in own.as_object().unwrap().keys() {
        assert_eq!(reset[name], Value::Null, "{name}");
    }
    for wrong in [
        json!({"disableAfter": "soon"}),
        json!({"disableAfter": "366d"}),
        json!({"disableAfter": 5}),
        json!({"disableAttemptsMin": 0}),
        json!({"retryOnRecovery": "yes"}),
    ] {
        patch(wrong).await.problem(ProblemCode::InvalidBody);
    }
}

#[tokio::test]
async fn what_is_tried_again_is_set_read_and_reset() {
    let world = World::new().await;
    let endpoint = "https://receiver.example.com/x";
    let create = json!({"endpoint": endpoint, "events": ["inspection_started"], "retryEvents": []});
    let made = id_in(&world.post(PATH, &create).await.json(201));
    let path = format!("{PATH}/{made}");
    assert_eq!(world.get(&path).await.json(200)["retryEvents"], json!([]));
    let patch = async |body: Value| world.request("PATCH", &path).json(&body).send().await;
    let names = json!([
        "inspection_started",
        "image_processed",
        "inspection_started"
    ]);
    let set = patch(json!({"retryEvents": names})).await.json(200);
    assert_eq!(
        set["retryEvents"],
        json!(["inspection_started", "image_processed"])
    );
    let other = patch(json!({"timeoutMs": 700})).await.json(200);
    assert_eq!(other["retryEvents"], set["retryEvents"]);
    let unknown = patch(json!({"retryEvents": ["inspection_lost"]})).await;
    let detail = unknown.problem(ProblemCode::UnknownEvent);
    assert!(
        detail.contains("`retryEvents`") && detail.contains("inspection_lost"),
        "{detail}"
    );
    for wrong in [json!("all"), json!([5])] {
        patch(json!({ "retryEvents": wrong }))
            .await
            .problem(ProblemCode::InvalidBody);
    }
    let reset = patch(json!({"retryEvents": null})).await.json(200);
    assert_eq!(reset["retryEvents"], Value::Null);
}

#[tokio::test]
async fn a_webhook_disabled_by_hand_says_so_and_the_others_are_told() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let body = json!({
        "endpoint": "https://receiver.example.com/news",
        "events": ["webhook_disabled"],
    });
    let other = id_in(&world.post(PATH, &body).await.json(201));
    let path = format!("{PATH}/{webhook}");
    let patch = async |body: Value| world.request("PATCH", &path).json(&body).send().await;
    let disabled = patch(json!({"status": "disabled"})).await.json(200);
    assert_eq!(disabled["disabledReason"], "manual");
    assert_eq!(disabled["disabledAt"], disabled["updatedAt"]);
    let detail = disabled["disabledDetail"].as_str().unwrap();
    assert!(detail.contains("set it to enabled"), "{detail}");

    let events = world.get("/v1/notification/event").await.json(200);
    let event = &events["data"][0];
    assert_eq!(event["event"], "webhook_disabled");
    let event_path = format!("/v1/notification/event/{}", id_in(event));
    let whole = world.get(&event_path).await.json(200);
    let body: Value = serde_json::from_str(whole["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["payload"]["_id"], webhook.as_str());
    assert_eq!(body["payload"]["reason"], "manual");
    assert_eq!(body["payload"]["detail"], detail);
    let deliveries = world.get("/v1/notification/delivery").await.json(200);
    assert_eq!(deliveries["data"].as_array().unwrap().len(), 1);
    assert_eq!(deliveries["data"][0]["webhookId"], other.as_str());

    let enabled = patch(json!({"status": "enabled"})).await.json(200);
    for name in ["disabledAt", "disabledReason", "disabledDetail"] {
        assert_eq!(enabled[name], Value::Null, "{name}");
    }
    // Whoever tells of webhooks cannot be published.
    let published = json!({"event": "webhook_disabled", "payload": {"_id": webhook}});
    world
        .post("/v1/notification/event", &published)
        .await
        .problem(ProblemCode::UnknownEvent);
}

#[tokio::test]
async fn a_deleted_webhook_is_gone() {
    let world = World::new().await;
    let path = format!("{PATH}/{}", world.create_webhook().await);
    let deleted = world.request("DELETE", &path).send().await.json(200);
    assert_eq!(deleted, json!({"message": "Webhook deleted"}));
    world.get(&path).await.problem(ProblemCode::NotFound);
    world
        .request("DELETE", &path)
        .send()
        .await
        .problem(ProblemCode::NotFound);
}

#[tokio::test]
async fn webhooks_are_listed_page_by_page_newest_first() {
    let world = World::new().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(world.create_webhook().await);
        world.clock.step(1);
    }
    made.reverse();
    let first = world.get(&format!("{PATH}?limit=2")).await.json(200);
    let ids = |page: &Value| {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(id_in)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&first), made[..2]);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = world
        .get(&format!("{PATH}?limit=2&cursor={cursor}"))
        .await
        .json(200);
    assert_eq!(ids(&second), made[2..]);
    assert_eq!(second["nextCursor"], Value::Null);
    assert!(!first.to_string().contains("whsec_"));
}

#[tokio::test]
async fn a_secret_is_revealed_and_rotated_with_and_without_an_overlap() {
    let world = World::new().await;
    let path = format!("{PATH}/{}/secret", world.create_webhook().await);
    let before = world.get(&path).await.json(200);
    assert!(before["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(before["previousValidUntil"], Value::Null);
    let rotate = format!("{path}/rotate");
    let rotated = world.request("POST", &rotate).send().await.json(200);
    assert_ne!(rotated["secret"], before["secret"]);
    assert_eq!(rotated["previousValidUntil"], Value::Null);
    let rotated = world
        .post(&rotate, &json!({"overlapSeconds": 60}))
        .await
        .json(200);
    assert_eq!(rotated["previousValidUntil"], "2026-11-18T09:47:40.000Z");
    let after = world.get(&path).await.json(200);
    assert_eq!(after["secret"], rotated["secret"]);
    assert_eq!(after["previousValidUntil"], rotated["previousValidUntil"]);
    world
        .post(&rotate, &json!({"overlapSeconds": -1}))
        .await
        .problem(ProblemCode::InvalidBody);
}

#[tokio::test]
async fn public_keys_are_shown_to_anybody_and_rotate_with_the_secret() {
    let world = World::new().await;
    let id = world.create_webhook().await;
    let path = format!("{PATH}/{id}");
    let keys = async || {
        let shown = world
            .bare("GET", &format!("{path}/public-key"))
            .send()
            .await;
        shown.json(200)["data"].as_array().unwrap().clone()
    };
    let patch = async |body: Value| {
        let changed = world.request("PATCH", &path).json(&body).send().await;
        changed.json(200)["asymmetricSignature"].clone()
    };
    world
        .bare("GET", &format!("{path}/public-key"))
        .send()
        .await
        .problem(ProblemCode::NotFound);
    assert_eq!(patch(json!({"asymmetricSignature": true})).await, true);
    let first = keys().await;
    assert_eq!(first.len(), 1);
    assert!(first[0]["publicKey"].as_str().unwrap().starts_with("whpk_"));
    assert_eq!(first[0]["validUntil"], Value::Null);
    assert_eq!(patch(json!({"asymmetricSignature": true})).await, true);
    assert_eq!(patch(json!({"timeoutMs": 500})).await, true);
    assert_eq!(keys().await, first, "the pair stays");
    let rotate = format!("{path}/secret/rotate");
    let rotated = world.post(&rotate, &json!({"overlapSeconds": 60})).await;
    rotated.json(200);
    let both = keys().await;
    assert_eq!(both.len(), 2);
    assert_ne!(both[0]["publicKey"], first[0]["publicKey"]);
    assert_eq!(both[1]["publicKey"], first[0]["publicKey"]);
    assert_eq!(both[1]["validUntil"], "2026-11-18T09:47:40.000Z");
    world.clock.step(60_000);
    assert_eq!(keys().await, both[..1]);
    assert_eq!(patch(json!({"asymmetricSignature": null})).await, false);
    world
        .bare("GET", &format!("{path}/public-key"))
        .send()
        .await
        .problem(ProblemCode::NotFound);
    let body = json!({"endpoint": "https://receiver.example.com", "events": ["image_processed"], "asymmetricSignature": true});
    let made = world.post(PATH, &body).await.json(201);
    let read = world.get(&format!("{PATH}/{}", id_in(&made))).await;
    assert_eq!(read.json(200)["asymmetricSignature"], true);
}

#[tokio::test]
async fn a_test_event_goes_to_one_webhook_and_is_marked() {
    let world = World::new().await;
    let (webhook, _other) = (world.create_webhook().await, world.create_webhook().await);
    let path = format!("{PATH}/{webhook}/test");
    let sent = world
        .post(&path, &json!({"event": "inspection_blocked"}))
        .await
        .json(202);
    let event_id = sent["eventId"].as_str().unwrap();
    let event = world
        .get(&format!("/v1/notification/event/{event_id}"))
        .await
        .json(200);
    assert_eq!(event["test"], true);
    assert_eq!(event["event"], "inspection_blocked");
    let deliveries = world.get("/v1/notification/delivery").await.json(200);
    assert_eq!(deliveries["data"].as_array().unwrap().len(), 1);
    assert_eq!(deliveries["data"][0]["_id"], sent["deliveryId"]);
    assert_eq!(deliveries["data"][0]["webhookId"], webhook.as_str());
    world
        .post(&path, &json!({"event": "nothing"}))
        .await
        .problem(ProblemCode::UnknownEvent);
}

#[tokio::test]
async fn no_more_webhooks_than_the_limit() {
    let world = World::new().await;
    for _ in 0..5 {
        world.create_webhook().await;
    }
    let body = json!({"endpoint": "https://receiver.example.com", "events": ["image_processed"]});
    world
        .post(PATH, &body)
        .await
        .problem(ProblemCode::LimitReached);
}
