//! Deliveries with their attempts.

use heraldo_domain::delivery::{AttemptReport, AttemptResult, Claim, Received, settle};
use heraldo_domain::retry::RetryPolicy;
use heraldo_domain::store::Store as _;
use heraldo_wire::attempt::{ErrorClass, Phase, PhaseTimings};
use heraldo_wire::id::AttemptId;
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{World, id_in};

const PATH: &str = "/v1/notification/delivery";

/// Makes the attempts that are due, each with this result.
pub async fn attempt(world: &World, webhook: &str, result: &AttemptResult) {
    attempt_taking(world, webhook, result, PhaseTimings::default()).await;
}

/// The same, each taking so long in its phases.
pub async fn attempt_taking(
    world: &World,
    webhook: &str,
    result: &AttemptResult,
    timings: PhaseTimings,
) {
    let lease = world.store.open_epoch().await.unwrap();
    let now = world.context.clock.now();
    let webhook_id = webhook.parse().unwrap();
    let claim = Claim {
        webhook_id,
        lease,
        limit: 10,
        body_bytes_max: 1 << 20,
        now,
    };
    let claimed = world.store.claim(claim).await.unwrap();
    let id = AttemptId(world.context.ids.next(now, &*world.context.entropy));
    let settlements = claimed.leased.iter().map(|leased| {
        let report = AttemptReport {
            started_at: now,
            duration_ms: 12,
            result: result.clone(),
            timings,
        };
        settle(leased, report, id, &RetryPolicy::default(), now)
    });
    world.store.settle(settlements.collect()).await.unwrap();
}

#[tokio::test]
async fn a_delivery_tells_of_every_attempt() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let inspection = world.create_inspection().await;
    let listed = world.get(PATH).await.json(200);
    let waiting = &listed["data"][0];
    let id = id_in(waiting);
    let expected = json!({
        "_id": id,
        "eventId": waiting["eventId"],
        "event": "inspection_created",
        "webhookId": webhook,
        "inspectionId": inspection["inspectionId"],
        "status": "pending",
        "nextAttemptAt": waiting["nextAttemptAt"],
        "createdAt": "2026-11-18T09:46:40.000Z",
        "attemptCount": 0,
        "lastAttempt": null,
    });
    assert_eq!(*waiting, expected);

    let refused = AttemptResult::Failed {
        class: ErrorClass::Timeout,
        phase: Some(Phase::FirstByte),
        error: "no answer in time".to_owned(),
        status: None,
        part: None,
    };
    attempt(&world, &webhook, &refused).await;
    let read = world.get(&format!("{PATH}/{id}")).await.json(200);
    assert_eq!(read["status"], "failed");
    assert_eq!(read["nextAttemptAt"], Value::Null);
    assert!(read.get("lastAttempt").is_none());
    let attempt_read = &read["attempts"][0];
    assert_eq!(attempt_read["number"], 1);
    assert_eq!(attempt_read["cause"], "first");
    assert_eq!(attempt_read["outcome"], "failed");
    assert_eq!(attempt_read["errorClass"], "timeout");
    assert_eq!(attempt_read["error"], "no answer in time");
    assert_eq!(attempt_read["durationMs"], 12);
    assert!(attempt_read.get("statusCode").is_none());
    assert!(attempt_read.get("responseBody").is_none());

    let resent = world
        .request("POST", &format!("{PATH}/{id}/resend"))
        .send()
        .await
        .json(202);
    assert_eq!(resent["deliveryId"], id);
    let received = AttemptResult::Answered(Received {
        status: 200,
        body: "ok".to_owned(),
        headers: [("server".to_owned(), "nginx".to_owned())].into(),
        ..Received::default()
    });
    attempt(&world, &webhook, &received).await;
    let read = world.get(&format!("{PATH}/{id}")).await.json(200);
    assert_eq!(read["status"], "delivered");
    assert_eq!(read["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(read["attempts"][1]["cause"], "manual");
    assert_eq!(read["attempts"][1]["statusCode"], 200);
    assert_eq!(
        read["attempts"][1]["responseHeaders"],
        json!({"server": "nginx"})
    );
    assert_eq!(read["attempts"][0].get("responseHeaders"), None);
    assert_eq!(read["attempts"][1]["responseBody"], "ok");
    let listed = world.get(PATH).await.json(200);
    assert_eq!(listed["data"][0]["attemptCount"], 2);
    assert_eq!(listed["data"][0]["lastAttempt"], read["attempts"][1]);
}

#[tokio::test]
async fn deliveries_are_filtered_and_paged() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    let mut inspections = Vec::new();
    for _ in 0..3 {
        inspections.push(world.create_inspection().await);
        world.clock.step(1_000);
    }
    let count = async |query: &str| {
        world.get(&format!("{PATH}?{query}")).await.json(200)["data"]
            .as_array()
            .unwrap()
            .len()
    };
    let inspection = inspections[0]["inspectionId"].as_str().unwrap();
    assert_eq!(count("").await, 3);
    assert_eq!(
        count(&format!("webhookId={webhook}&status=pending")).await,
        3
    );
    assert_eq!(count(&format!("webhookId={inspection}")).await, 0);
    assert_eq!(count(&format!("inspectionId={inspection}")).await, 1);
    assert_eq!(count("event=inspection_created").await, 3);
    assert_eq!(count("status=delivered").await, 0);
    assert_eq!(
        count("from=2026-11-18T09:46:41.000Z&to=2026-11-18T09:46:42.000Z").await,
        1
    );
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world
            .get(&format!("{PATH}?limit=1&cursor={cursor}"))
            .await
            .json(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(id_in));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 3);
    assert!(seen.is_sorted_by(|a, b| a > b));
    for bad in [
        "cursor=x",
        "limit=101",
        "status=asleep",
        "event=nothing",
        "webhookId=1",
    ] {
        let answer = world.get(&format!("{PATH}?{bad}")).await;
        answer.problem(ProblemCode::InvalidParameter);
    }
}

#[tokio::test]
async fn statistics_count_events_and_attempts() {
    let world = World::new().await;
    let webhook = world.create_webhook().await;
    world.create_inspection().await;
    let path = "/v1/notification/statistics";
    let read = world.get(path).await.json(200);
    assert_eq!(read["backlog"][0]["webhookId"], webhook.as_str());
    assert_eq!(read["backlog"][0]["pending"], 1);

    let refused = AttemptResult::Failed {
        class: ErrorClass::Tls,
        phase: None,
        error: "no certificate".to_owned(),
        status: None,
        part: None,
    };
    attempt(&world, &webhook, &refused).await;
    for query in [
        String::new(),
        format!("?webhookId={webhook}&resolution=day"),
    ] {
        let read = world.get(&format!("{path}{query}")).await.json(200);
        let resolution = if query.is_empty() { "hour" } else { "day" };
        assert_eq!(read["resolution"], resolution);
        assert_eq!(read["data"].as_array().unwrap().len(), 1);
        let bucket = &read["data"][0];
        assert_eq!(bucket["failedByClass"]["tls"], 1);
        assert_eq!(bucket["duration"]["p95Ms"], 12);
        for figures in [bucket, &read["total"]] {
            assert_eq!(
                (&figures["events"], &figures["failed"]),
                (&json!(1), &json!(1))
            );
            assert_eq!(
                (&figures["delivered"], &figures["givenUp"]),
                (&json!(0), &json!(1))
            );
        }
        assert_eq!(read["backlog"], json!([]));
    }
    let other = world
        .get(&format!("{path}?webhookId={}", "0".repeat(24)))
        .await;
    assert_eq!(other.json(200)["data"], json!([]));
    for (query, word) in [
        (
            "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            "before",
        ),
        (
            "resolution=minute&from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z",
            "2880",
        ),
        ("resolution=week", "resolution"),
    ] {
        let problem = world.get(&format!("{path}?{query}")).await;
        let problem = problem.problem(ProblemCode::InvalidParameter);
        assert!(problem.to_string().contains(word), "{problem:?}");
    }
}
