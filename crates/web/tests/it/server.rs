//! What belongs to no resource: health, pages, unknown routes, a store that fails.

use heraldo_domain::store::{Store as _, StoreError};
use heraldo_wire::problem::ProblemCode;
use serde_json::json;

use crate::world::{HANG, PANIC, World};

#[tokio::test]
async fn health_says_live_and_why_not_ready() {
    let world = World::new().await;
    let read = async |path: &str| world.bare("GET", path).send().await;
    let ok = json!({"status": "ok", "reasons": []});
    assert_eq!(read("/health/live").await.json(200), ok);
    assert_eq!(read("/health/ready").await.json(200), ok);
    world
        .health
        .0
        .lock()
        .unwrap()
        .push("the store is closed".to_owned());
    assert_eq!(read("/health/live").await.json(200), ok);
    let not_ready = read("/health/ready").await.json(503);
    assert_eq!(
        not_ready,
        json!({"status": "unavailable", "reasons": ["the store is closed"]})
    );
}

/// One thread serves both: a look that waits must not hold it.
#[tokio::test]
async fn other_requests_are_served_while_a_look_waits() {
    let world = World::new().await;
    world.health.0.lock().unwrap().push(HANG.to_owned());
    let looking = world.bare("GET", "/health/ready").send();
    let meanwhile = async {
        let served = world.get("/v1/inspection").await;
        world.health.0.lock().unwrap().clear();
        served
    };
    let (looked, served) = tokio::join!(looking, meanwhile);
    served.json(200);
    assert_eq!(looked.json(200)["status"], "ok");
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing_and_ends_nothing_else() {
    let world = World::new().await;
    world.health.0.lock().unwrap().push(PANIC.to_owned());
    let detail = world
        .bare("GET", "/health/ready")
        .send()
        .await
        .problem(ProblemCode::Internal);
    assert!(!detail.contains("told to panic"), "{detail}");
    world.get("/v1/inspection").await.json(200);
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() {
    let world = World::new().await;
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v1/inspection/a/b/c",
        "/metrics/all",
        "//v1/inspection",
    ] {
        world.get(path).await.problem(ProblemCode::NotFound);
    }
    let allow = async |method: &str, path: &str, expected: &str| {
        let answer = world.request(method, path).send().await;
        answer.problem(ProblemCode::MethodNotAllowed);
        let mut allowed: Vec<_> = answer.header("allow").unwrap().split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), expected, "{path}");
    };
    allow("DELETE", "/v1/inspection", "GET,HEAD").await;
    allow("PUT", "/v1/inspection/car", "POST").await;
    allow("PUT", "/v1/inspection/template", "GET,HEAD,POST").await;
    allow("PUT", "/v1/notification/webhook/1", "DELETE,GET,HEAD,PATCH").await;
    allow("POST", "/health/live", "GET,HEAD").await;
    allow("POST", "/v1/inspection/me", "GET,HEAD").await;
    allow("OPTIONS", "/v1/notification/event", "GET,HEAD,POST").await;
    let id = "64f0c0ffee0123456789abcd";
    allow("POST", &format!("/v1/inspection/{id}"), "GET,HEAD,PUT").await;
    allow("GET", &format!("/v1/inspection/{id}/review"), "POST").await;
    // A word that is neither a type nor an id is no path at all.
    for (method, word) in [
        ("POST", "boat"),
        ("POST", "Car"),
        ("PUT", "boat"),
        ("DELETE", "cars"),
        ("POST", &id[1..]),
        ("GET", "boat"),
    ] {
        let path = format!("/v1/inspection/{word}");
        let answer = world.request(method, &path).send().await;
        answer.problem(ProblemCode::NotFound);
        assert_eq!(answer.header("allow"), None, "{method} {path}");
    }
    let head = world.request("HEAD", "/v1/inspection").send().await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
}

#[tokio::test]
async fn a_store_that_fails_is_a_503_with_a_time_to_come_back() {
    let world = World::new().await;
    let check = async |error: StoreError, code: ProblemCode| {
        world.store.fail_next(1, &error);
        let answer = world
            .post("/v1/inspection/car", &json!({"templateId": "easy"}))
            .await;
        answer.problem(code);
    };
    check(StoreError::Full, ProblemCode::StorageFull).await;
    check(StoreError::Overloaded, ProblemCode::Overloaded).await;
    check(
        StoreError::Failed("disk on fire".to_owned()),
        ProblemCode::Unavailable,
    )
    .await;
    // What is damaged stays so: that is no reason to come back.
    let damaged = "the inspection 68f0c0ffee0123456789abcd: the database holds a broken document";
    let damaged = StoreError::Unreadable(damaged.to_owned());
    check(damaged, ProblemCode::Internal).await;
    let listed = world.get("/v1/inspection").await.json(200);
    assert_eq!(listed["totalInspections"], 0);
    world.store.close().await.unwrap();
    world
        .get("/v1/inspection")
        .await
        .problem(ProblemCode::ShuttingDown);
}
