//! Published events, and events as they are read.

use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{World, id_in};

const PATH: &str = "/v1/notification/event";
const INSPECTION: &str = "651ae032ff786d198dfa4ce4";

fn item(number: u32) -> Value {
    json!({"event": "image_processed", "payload": {"_id": INSPECTION, "number": number}})
}

#[tokio::test]
async fn one_event_or_an_array_is_published_and_read_back_as_given() {
    let world = World::new().await;
    let body = format!(
        r#"{{"event":"image_processed","payload":{{ "_id" : "{INSPECTION}", "n": 1.50 }}}}"#
    );
    let call = world
        .request("POST", PATH)
        .header("content-type", "application/json");
    let one = call.body(body).send().await.json(202);
    let id = id_in(&one["data"][0]);
    assert!(id.starts_with("evt_"));
    let read = world.get(&format!("{PATH}/{id}")).await.json(200);
    let expected = json!({
        "_id": id,
        "event": "image_processed",
        "inspectionId": INSPECTION,
        "sequence": 1,
        "createdAt": "2026-11-18T09:46:40.000Z",
        "test": false,
        "body": format!(r#"{{"event":"image_processed","payload":{{ "_id" : "{INSPECTION}", "n": 1.50 }}}}"#),
    });
    assert_eq!(read, expected);
    let many = world
        .post(PATH, &json!([item(1), item(2), item(3)]))
        .await
        .json(202);
    assert_eq!(many["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn up_to_a_thousand_events_are_published_at_once() {
    let world = World::new().await;
    let array = |count: u32| Value::from((0..count).map(item).collect::<Vec<_>>());
    let published = world.post(PATH, &array(1_000)).await.json(202);
    assert_eq!(published["data"].as_array().unwrap().len(), 1_000);
    world
        .post(PATH, &array(1_001))
        .await
        .problem(ProblemCode::TooManyEvents);
}

#[tokio::test]
async fn one_wrong_event_publishes_none() {
    let world = World::new().await;
    let check = async |body: Value, code, says: &str| {
        let detail = world.post(PATH, &body).await.problem(code);
        assert!(detail.contains(says), "{detail}");
    };
    let unknown = json!({"event": "nothing", "payload": {"_id": INSPECTION}});
    check(json!([item(1), unknown]), ProblemCode::UnknownEvent, "[1]").await;
    let no_id = json!({"event": "image_processed", "payload": {}});
    check(no_id.clone(), ProblemCode::InvalidBody, "_id").await;
    check(json!([]), ProblemCode::InvalidBody, "empty").await;
    check(json!(7), ProblemCode::InvalidBody, "event").await;
    assert_eq!(world.get(PATH).await.json(200)["data"], json!([]));
}

#[tokio::test]
async fn events_are_filtered_and_paged() {
    let world = World::new().await;
    for number in 0..3 {
        world.post(PATH, &item(number)).await.json(202);
        world.clock.step(1_000);
    }
    world.create_inspection().await;
    let count = async |query: &str| {
        world.get(&format!("{PATH}?{query}")).await.json(200)["data"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count("").await, 4);
    assert_eq!(count("type=inspection_created").await, 1);
    assert_eq!(count(&format!("inspectionId={INSPECTION}")).await, 3);
    assert_eq!(count("from=2026-11-18T09:46:41.000Z").await, 3);
    assert_eq!(count("to=2026-11-18T09:46:41.000Z").await, 1);
    let first = world.get(&format!("{PATH}?limit=3")).await.json(200);
    let cursor = first["nextCursor"].as_str().unwrap();
    assert_eq!(cursor, id_in(&first["data"][2]));
    let second = world
        .get(&format!("{PATH}?limit=3&cursor={cursor}"))
        .await
        .json(200);
    assert_eq!(second["data"].as_array().unwrap().len(), 1);
    for bad in [
        "cursor=x",
        "limit=0",
        "type=nothing",
        "from=yesterday",
        "inspectionId=1",
    ] {
        let answer = world.get(&format!("{PATH}?{bad}")).await;
        answer.problem(ProblemCode::InvalidParameter);
    }
}
