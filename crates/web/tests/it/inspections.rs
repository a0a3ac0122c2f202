//! Inspections from their creation to their review.

use heraldo_domain::account::Role;
use heraldo_domain::ops::accounts::{Person, create_user};
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::images::{photo, read, started, upload};
use crate::world::{PUBLIC_URL, World, id_in};

pub fn id(created: &Value) -> &str {
    created["inspectionId"].as_str().unwrap()
}

pub fn code(created: &Value) -> String {
    created["magicLink"]
        .as_str()
        .unwrap()
        .rsplit('=')
        .next()
        .unwrap()
        .to_owned()
}

pub fn wrong(code: &str) -> &'static str {
    if code == "0000" { "0001" } else { "0000" }
}

#[tokio::test]
async fn a_created_inspection_is_answered_retrieved_and_listed() {
    let world = World::new().await;
    let body = json!({
        "templateId": "easy",
        "locale": "es_AR",
        "delivery": {"disabled": true},
        "car": {"plate": "ab 123 cd", "year": 2020, "milage": 5},
        "consumer": {"firstName": "Bruno", "identification": "30111222", "sex": 1},
        "metadata": {"policyId": "POL-1"},
        "_id": "ignored",
    });
    let created = world.post("/v1/inspection/car", &body).await.json(201);
    let keys: Vec<_> = created.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["message", "inspectionId", "magicLink", "productId"]);
    let link = format!(
        "{PUBLIC_URL}/inspection/{}?accessCode={}",
        id(&created),
        code(&created)
    );
    assert_eq!(created["magicLink"], link);
    let read = world
        .get(&format!("/v1/inspection/{}", id(&created)))
        .await
        .json(200);
    assert_eq!(read["_id"], created["inspectionId"]);
    assert_eq!(read["status"], "created");
    assert_eq!(read["veredict"], "not_defined");
    assert_eq!(read["products"][0]["_id"], created["productId"]);
    assert_eq!(read["products"][0]["attributes"]["year"], 2020);
    assert_eq!(read["identity"]["sex"], "male");
    assert_eq!(read["metadata"], json!({"policyId": "POL-1"}));
    let listed = world.get("/v1/inspection").await.json(200);
    assert_eq!(listed["inspections"], json!([read]));
}

#[tokio::test]
async fn lists_are_filtered_and_paged_as_the_sdks_ask() {
    let world = World::new().await;
    for number in 0..12 {
        let body = json!({
            "templateId": "easy",
            "car": {"plate": format!("AB 1{number:02} CD")},
            "consumer": {"identification": format!("3011{number:02}")},
        });
        world.post("/v1/inspection/car", &body).await.json(201);
        world.clock.step(1);
    }
    let count = async |query: &str| {
        let page = world.get(&format!("/v1/inspection{query}")).await.json(200);
        let rows = page["inspections"].as_array().unwrap().len();
        (rows, page["totalInspections"].as_u64().unwrap())
    };
    assert_eq!(count("").await, (10, 12));
    assert_eq!(count("/?limit=3").await, (3, 12));
    assert_eq!(count("?limit=100").await, (12, 12));
    assert_eq!(count("?page=2").await, (2, 12));
    assert_eq!(count("?page=9&limit=5").await, (0, 12));
    assert_eq!(count("?plate=+ab+103+cd+").await, (1, 1));
    assert_eq!(count("?plate=AB%20103%20CD").await, (1, 1));
    assert_eq!(count("?consumerIdentification=301104").await, (1, 1));
    assert_eq!(
        count("?status=created&type=car&veredict=not_defined").await,
        (10, 12)
    );
    assert_eq!(count("?status=completed").await, (0, 0));
    assert_eq!(count("?status=&plate=").await, (10, 12));
    assert_eq!(count("?unknown=1").await, (10, 12));
    assert_eq!(
        count("?templateId=62be865212ca0918bcabf2a5").await,
        (10, 12)
    );
    let page = world.get("/v1/inspection?page=2&limit=5").await.json(200);
    let expected = json!({
        "totalInspections": 12, "limit": 5, "page": 2, "totalPages": 3, "pagingCounter": 6,
        "hasPrevPage": true, "hasNextPage": true, "prevPage": 1, "nextPage": 3,
    });
    let mut rest = page.clone();
    rest.as_object_mut().unwrap().shift_remove("inspections");
    assert_eq!(rest, expected);
}

#[tokio::test]
async fn each_filter_of_the_list_selects_and_together_they_narrow() {
    let world = World::new().await;
    let make = async |kind: &str, more: Value| started(&world, kind, &more).await;
    let plate = |plate: &str| json!({"plate": plate});
    let (car, product) = make(
        "car",
        json!({"car": plate("ab 1"), "consumer": {"identification": " x-1 "}}),
    )
    .await;
    let (other, _) = make("car", json!({"templateId": "deep", "car": plate("AB 2")})).await;
    let (moto, _) = make(
        "moto",
        json!({"moto": plate("ab 1"), "consumer": {"identification": "X-1"}}),
    )
    .await;
    let waiting = world.create_inspection().await["inspectionId"]
        .as_str()
        .unwrap()
        .to_owned();
    let sides = ["front", "back", "sideLeft", "sideRight"];
    for (number, side) in (1..).zip(sides) {
        upload(&world, &product, side, &photo(number))
            .await
            .json(201);
    }
    world.run_jobs().await;
    for id in [&car, &moto] {
        let finish = format!("/v1/inspection/finish/{id}");
        world.post(&finish, &json!({})).await.json(200);
    }
    let deep = read(&world, &other).await["template"]["_id"].clone();
    let deep = format!("templateId={}", deep.as_str().unwrap());
    let all = [&waiting, &moto, &other, &car];
    for (query, expected) in [
        ("", &all[..]),
        ("type=car", &[&waiting, &other, &car]),
        ("type=moto", &[&moto]),
        ("type=people", &[]),
        ("status=created", &[&waiting]),
        ("status=started", &[&other]),
        ("status=completed", &[&moto, &car]),
        ("veredict=approved", &[&car]),
        ("veredict=not_provided", &[&moto]),
        ("veredict=not_defined", &[&waiting, &other]),
        ("plate=AB+1", &[&moto, &car]),
        ("plate=ab+2", &[&other]),
        ("plate=AB", &[]),
        ("consumerIdentification=x-1+", &[&moto, &car]),
        (&deep, &[&other]),
        ("templateId=651ae032ff786d198dfa4ce4", &[]),
        (
            "plate=ab+1&type=car&status=completed&veredict=approved",
            &[&car],
        ),
        ("plate=ab+1&type=car&status=started", &[]),
        ("limit=2&page=2", &[&other, &car]),
    ] {
        let list = world
            .get(&format!("/v1/inspection?{query}"))
            .await
            .json(200);
        let rows = list["inspections"].as_array().unwrap().iter();
        let ids: Vec<String> = rows.map(id_in).collect();
        assert_eq!(ids.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let nothing = world.get("/v1/inspection?type=people").await.json(200);
    let empty = json!({"inspections": [], "totalInspections": 0, "limit": 10, "page": 1, "totalPages": 1,
        "pagingCounter": 1, "hasPrevPage": false, "hasNextPage": false, "prevPage": null, "nextPage": null});
    assert_eq!(nothing, empty);
}

#[tokio::test]
async fn the_producer_is_whom_the_internal_id_names_else_the_keys_owner() {
    let world = World::new().await;
    let person = Person {
        email: Some("ana@example.com".to_owned()),
        internal_id: Some("agent-7".to_owned()),
        ..Person::default()
    };
    let ana = create_user(&world.context, world.company, Role::Producer, person).await;
    let ana = json!(ana.unwrap().user_id);
    // Beside it a delivery as the PHP SDK describes it, without a country.
    let delivery = json!({"disabled": false, "channel": "wsp", "destination": "+5491155550000"});
    let made = async |producer: Value| {
        let body = json!({"templateId": "easy", "delivery": delivery, "producer": producer});
        let made = world.post("/v1/inspection/car", &body).await.json(201);
        read(&world, id(&made)).await["producer"].clone()
    };
    let owner = made(Value::Null).await;
    assert_eq!(owner["companyId"], json!(world.company));
    assert_ne!(owner["userId"], ana);
    let named = made(json!({"internalId": "agent-7", "mustMatchUser": true})).await;
    assert_eq!(
        (&named["userId"], &named["internalId"]),
        (&ana, &json!("agent-7"))
    );
    let unknown = made(json!({"internalId": "agent-8", "mustMatchUser": false})).await;
    assert_eq!(unknown["userId"], owner["userId"]);
    assert_eq!(unknown["internalId"], "agent-8");
}

#[tokio::test]
async fn bad_list_queries_name_the_parameter() {
    let world = World::new().await;
    let check = async |query: &str, name: &str| {
        let answer = world.get(&format!("/v1/inspection?{query}")).await;
        let detail = answer.problem(ProblemCode::InvalidParameter);
        assert!(detail.contains(&format!("`{name}`")), "{query}: {detail}");
    };
    check("limit=0", "limit").await;
    check("limit=101", "limit").await;
    check("limit=-1", "limit").await;
    check("limit=ten", "limit").await;
    check("page=0", "page").await;
    check("page=99999999999999999999", "page").await;
    check("status=asleep", "status").await;
    check("type=boat", "type").await;
    check("veredict=maybe", "veredict").await;
    world
        .get("/v1/inspection?page=4294967295&limit=100")
        .await
        .json(200);
}

#[tokio::test]
async fn the_right_code_starts_and_the_third_wrong_one_blocks() {
    let world = World::new().await;
    let created = world.create_inspection().await;
    let path = format!("/v1/inspection/{}/access", id(&created));
    let enter = async |code: &str| {
        world
            .bare("POST", &path)
            .json(&json!({"accessCode": code}))
            .send()
            .await
    };
    let right = code(&created);
    let refused = enter(wrong(&right)).await;
    refused.problem(ProblemCode::WrongAccessCode);
    assert_eq!(refused.json(403)["attemptsLeft"], 2);
    assert_eq!(enter(&right).await.json(200), json!({"status": "started"}));
    assert_eq!(enter(&right).await.json(200), json!({"status": "started"}));

    let created = world.create_inspection().await;
    let path = format!("/v1/inspection/{}/access", id(&created));
    let right = code(&created);
    for expected in [403, 403, 423] {
        let body = json!({"accessCode": wrong(&right)});
        world
            .bare("POST", &path)
            .json(&body)
            .send()
            .await
            .json(expected);
    }
    let body = json!({"accessCode": right});
    world
        .bare("POST", &path)
        .json(&body)
        .send()
        .await
        .problem(ProblemCode::InspectionBlocked);
}

#[tokio::test]
async fn a_blocked_inspection_is_in_the_wrong_status_to_everybody_but_the_consumer() {
    let world = World::new().await;
    let created = world.create_inspection().await;
    let id = id(&created);
    let body = json!({"accessCode": wrong(&code(&created))});
    let access = format!("/v1/inspection/{id}/access");
    for expected in [403, 403, 423, 423] {
        let call = world.bare("POST", &access).json(&body);
        call.send().await.json(expected);
    }
    for (path, body) in [
        (format!("/v1/inspection/finish/{id}"), json!({})),
        (
            format!("/v1/inspection/{id}/review"),
            json!({"veredict": "approved"}),
        ),
        (format!("/v1/inspection/{id}/children"), json!({})),
    ] {
        world
            .post(&path, &body)
            .await
            .problem(ProblemCode::Conflict);
    }
}

#[tokio::test]
async fn finish_takes_every_empty_body() {
    let world = World::new().await;
    let bodies = [
        (None, ""),
        (Some("application/x-www-form-urlencoded"), ""),
        (Some("application/json"), ""),
        (Some("application/json"), "{}"),
        (Some("application/json; charset=utf-8"), " {} "),
        (Some("text/plain"), ""),
        (Some("multipart/form-data; boundary=x"), ""),
    ];
    for (content_type, body) in bodies {
        let started = json!({"templateId": "easy", "initialStatus": "started"});
        let created = world.post("/v1/inspection/car", &started).await.json(201);
        let mut call = world.request("POST", &format!("/v1/inspection/finish/{}", id(&created)));
        if let Some(content_type) = content_type {
            call = call.header("content-type", content_type);
        }
        let finished = call.body(body).send().await.json(200);
        assert_eq!(finished, json!({"message": "Inspection finished"}));
    }
    let created = world.create_inspection().await;
    let again = world.request("POST", &format!("/v1/inspection/finish/{}", id(&created)));
    again.send().await.problem(ProblemCode::Conflict);
}

#[tokio::test]
async fn a_completed_inspection_is_reviewed() {
    let world = World::new().await;
    let started = json!({"templateId": "easy", "initialStatus": "started"});
    let created = world.post("/v1/inspection/car", &started).await.json(201);
    let review = format!("/v1/inspection/{}/review", id(&created));
    let approve = json!({"veredict": "approved", "reason": "seen"});
    world
        .post(&review, &approve)
        .await
        .problem(ProblemCode::Conflict);
    let finish = format!("/v1/inspection/finish/{}", id(&created));
    world.post(&finish, &json!({})).await.json(200);
    let reviewed = world.post(&review, &approve).await.json(200);
    assert_eq!(reviewed["veredict"], "approved");
    world
        .post(&review, &json!({"veredict": "maybe"}))
        .await
        .problem(ProblemCode::InvalidBody);
    world
        .post(&review, &json!({}))
        .await
        .problem(ProblemCode::InvalidBody);
}

#[tokio::test]
async fn an_expired_inspection_has_a_child() {
    let world = World::new().await;
    let created = world.create_inspection().await;
    let path = format!("/v1/inspection/{}/children", id(&created));
    world
        .request("POST", &path)
        .send()
        .await
        .problem(ProblemCode::Conflict);
    world.clock.step(7 * 86_400_000);
    let child = world.request("POST", &path).send().await.json(201);
    let read = world
        .get(&format!("/v1/inspection/{}", id(&child)))
        .await
        .json(200);
    assert_eq!(read["parentInspectionId"], created["inspectionId"]);
    let with_data = world
        .post(&path, &json!({"metadata": {"again": "yes"}}))
        .await
        .json(201);
    let read = world
        .get(&format!("/v1/inspection/{}", id(&with_data)))
        .await
        .json(200);
    assert_eq!(read["metadata"], json!({"again": "yes"}));
}

#[tokio::test]
async fn fixed_words_win_over_ids() {
    let world = World::new().await;
    for word in ["me", "all"] {
        let answer = world.get(&format!("/v1/inspection/{word}")).await;
        answer.problem(ProblemCode::MissingCredentials);
    }
    world
        .get("/v1/inspection/car")
        .await
        .problem(ProblemCode::MethodNotAllowed);
    for kind in [
        "moto",
        "bike",
        "machinery",
        "goods",
        "people",
        "custom",
        "cellphone",
    ] {
        let path = format!("/v1/inspection/{kind}");
        let answer = world.post(&path, &json!({"templateId": "missing"})).await;
        assert!(answer.problem(ProblemCode::UnknownTemplate).contains(kind));
    }
    world
        .post("/v1/inspection/boat", &json!({}))
        .await
        .problem(ProblemCode::NotFound);
}

#[tokio::test]
async fn a_line_of_children_gathers_no_more_metadata_than_one_inspection_may_have() {
    let world = World::new().await;
    let with = |metadata: Value| json!({"templateId": "easy", "metadata": metadata});
    let many = |from: usize, to: usize| -> Value {
        let entries = (from..to).map(|number| (format!("k{number}"), json!("v")));
        Value::Object(entries.collect())
    };
    let created = world.post("/v1/inspection/car", &with(many(0, 100))).await;
    let path = format!("/v1/inspection/{}/children", id(&created.json(201)));
    world.clock.step(7 * 86_400_000);
    let child = async |body: Value| world.post(&path, &body).await;
    let refused = child(json!({"metadata": many(100, 101)})).await;
    refused.problem(ProblemCode::InvalidBody);
    let long = json!({"disabled": false, "channel": "email", "destination": "x".repeat(3_000)});
    let refused = child(json!({"delivery": long})).await;
    refused.problem(ProblemCode::InvalidBody);
    child(json!({"metadata": many(0, 100)})).await.json(201);
}
