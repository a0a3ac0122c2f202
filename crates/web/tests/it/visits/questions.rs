//! What the consumer is asked beside the photos.

use heraldo_domain::change::{Change, Write};
use heraldo_domain::record::Record;
use heraldo_domain::store::Store as _;
use heraldo_domain::template::{TemplateRevision, built_in};
use heraldo_wire::id::{Id, TemplateId, TemplateRevisionId};
use heraldo_wire::object::{InspectionType, TemplateInput, TemplateType};
use serde_json::{Value, json};

use super::{Consumer, photo, shows, to};
use crate::world::World;

/// A template that asks questions; its id.
async fn questionnaire(world: &World) -> String {
    let input = |identifier: &str, kind: &str, stage: &str, more: Value| -> TemplateInput {
        let mut input = json!({
            "identifier": identifier, "label": format!("<{identifier}>"), "type": kind,
            "stages": stage, "validationSchema": {"required": kind == "text"},
        });
        let object = input.as_object_mut().unwrap();
        object.extend(more.as_object().unwrap().clone());
        serde_json::from_value(input).unwrap()
    };
    let mut template = (*built_in(InspectionType::Bike, "easy").unwrap()).clone();
    let id = Id::from_bytes([9; 12]);
    template.id = TemplateId(id);
    template.company_id = Some(world.company);
    template.revision = Some(TemplateRevisionId(Id::from_bytes([8; 12])));
    template.version = 1;
    template.kind = TemplateType::Created;
    template.name = "questions".to_owned();
    let options = json!({"options": [{"label": "Red"}, {"label": "Blue & green"}]});
    let hint = json!({"context": {"message": "Look below", "locale": "en"}});
    template.inputs = vec![
        input("owner", "text", "update", hint),
        input("colour", "select", "update", options),
        input("bought", "date", "update", json!({})),
        input("price", "numeric", "update", json!({})),
        input("locked", "check", "update", json!({})),
        input("paper", "file", "update", json!({})),
        input(
            "secret",
            "text",
            "create",
            json!({"validationSchema": {"required": false}}),
        ),
    ];
    let revision = TemplateRevision(template.clone());
    let writes = vec![
        Write::CreateRecord(Record::of(&template).unwrap()),
        Write::CreateRecord(Record::of(&revision).unwrap()),
    ];
    let change = Change {
        writes,
        ..Change::default()
    };
    world.store.commit(change).await.unwrap();
    id.to_string()
}

#[tokio::test]
async fn the_questions_of_the_template_are_answered_on_the_page() {
    let world = World::new().await;
    let template = questionnaire(&world).await;
    let consumer = Consumer::inside(&world, "bike", json!({"templateId": template})).await;
    let page = consumer.open("").await;
    for part in [
        "name=\"input.owner\"",
        "Look below",
        "&#60;owner&#62;",
        "<option>Blue &#38; green</option>",
        "type=\"date\"",
        "type=\"number\"",
        "type=\"checkbox\"",
        "type=\"file\" class=\"plain\"",
    ] {
        shows(&page, 200, part);
    }
    assert!(!page.text().contains("input.secret"), "asked at creation");
    let unasked = consumer.post("/answers", &[("input.secret", b"x")]).await;
    shows(&unasked, 400, "An answer is not valid");
    let wrong = consumer.post("/answers", &[("input.price", b"much")]).await;
    shows(&wrong, 400, "An answer is not valid");
    let answers: [(&str, &[u8]); 8] = [
        ("input.owner", b"Ana"),
        ("input.colour", b"Blue & green"),
        ("input.bought", b"2024-02-29"),
        ("input.price", b"1250.5"),
        ("input.locked", b"false"),
        ("input.locked", b"true"),
        ("input.paper", b"the paper"),
        ("input.unheard", b""),
    ];
    let kept = consumer.post("/answers", &answers).await;
    assert_eq!(to(&kept), consumer.path("?view=saved#questions"));
    let read = consumer.read().await;
    let value = |identifier: &str| {
        let inputs = read["products"][0]["inputs"].as_array().unwrap();
        let found = inputs.iter().find(|one| one["identifier"] == identifier);
        found.unwrap()["value"].clone()
    };
    assert_eq!(value("owner"), "Ana");
    assert_eq!(value("colour"), "Blue & green");
    assert_eq!(value("bought"), "2024-02-29");
    assert_eq!(value("price"), 1250.5);
    assert_eq!(value("locked"), true);
    let page = consumer.open("?view=saved").await;
    for part in [
        "Your answers are saved.",
        "value=\"Ana\"",
        "<option selected>Blue &#38; green</option>",
        "value=\"1250.5\"",
        "File received: photo.jpg",
    ] {
        shows(&page, 200, part);
    }
    // Answers that come with the finish count, too.
    let last: [(&str, &[u8]); 2] = [("input.owner", b"Bea"), ("confirmed", b"yes")];
    to(&consumer.post("/finish", &last).await);
    let read = consumer.read().await;
    assert_eq!(read["products"][0]["inputs"][0]["value"], "Bea");
}

#[tokio::test]
async fn a_required_answer_that_is_missing_is_named_before_the_end() {
    let world = World::new().await;
    let template = questionnaire(&world).await;
    let consumer = Consumer::inside(&world, "bike", json!({"templateId": template})).await;
    to(&consumer.post("/finish", &[]).await);
    let page = consumer.open("?view=confirm").await;
    shows(&page, 200, "Some answers are needed before you can finish");
    shows(&page, 200, "Answer: &#60;owner&#62;");
    assert!(!page.text().contains("Finish anyway"), "{}", page.text());
    // The form of an older page does not get further either.
    let insisted = consumer.post("/finish", &[("confirmed", b"yes")]).await;
    assert_eq!(to(&insisted), consumer.path("?view=confirm"));
    assert_eq!(consumer.read().await["status"], "started");
    to(&consumer.post("/answers", &[("input.owner", b"Ana")]).await);
    let page = consumer.open("?view=confirm").await;
    shows(&page, 200, "Finish anyway");
    assert!(!page.text().contains("Answer:"), "{}", page.text());
}

#[tokio::test]
async fn an_answer_is_taken_back_where_there_need_be_none() {
    let world = World::new().await;
    let template = json!({
        "name": "optional", "inspectionType": "bike", "images": [],
        "inputs": [
            {"identifier": "note", "label": "Note", "type": "text", "stages": "update"},
            {"identifier": "price", "label": "Price", "type": "numeric", "stages": "update"},
            {"identifier": "paper", "label": "Paper", "type": "file", "stages": "update"},
            {"identifier": "owner", "label": "Owner", "type": "text", "stages": "update",
             "validationSchema": {"required": true}},
        ],
    });
    let template = world.post("/v1/inspection/template", &template).await;
    let template = template.json(201)["_id"].clone();
    let consumer = Consumer::inside(&world, "bike", json!({"templateId": template})).await;
    let value = async |identifier: &str| {
        let read = consumer.read().await;
        let inputs = read["products"][0]["inputs"].as_array().unwrap();
        let found = inputs.iter().find(|one| one["identifier"] == identifier);
        found.map(|one| one["value"].clone()).unwrap_or_default()
    };
    let given: [(&str, &[u8]); 4] = [
        ("input.note", b"a scratch"),
        ("input.price", b"12"),
        ("input.paper", b"the paper"),
        ("input.owner", b"Ana"),
    ];
    to(&consumer.post("/answers", &given).await);
    assert_eq!(value("note").await, "a scratch");
    let page = consumer.open("").await;
    shows(&page, 200, "name=\"clear.paper\"");
    // As the form sends it that was emptied, with the box for the file.
    let emptied: [(&str, &[u8]); 5] = [
        ("input.note", b" "),
        ("input.price", b""),
        ("clear.paper", b"true"),
        ("input.paper", b""),
        ("input.owner", b""),
    ];
    to(&consumer.post("/answers", &emptied).await);
    assert_eq!(value("note").await, "");
    assert_eq!(value("price").await, "");
    assert_eq!(value("paper").await, Value::Null);
    assert_eq!(value("owner").await, "Ana", "it is required");
    let page = consumer.open("").await;
    assert!(!page.text().contains("a scratch") && !page.text().contains("File received"));
    assert!(!page.text().contains("clear.paper"), "{}", page.text());
    let refused = consumer.post("/answers", &[("clear.owner", b"true")]).await;
    shows(&refused, 400, "An answer is not valid");
}

/// A template whose photo `board`, required or not, goes with a required input of the stage `create`.
async fn with_dashboard(world: &World, required: bool) -> Value {
    let template = json!({
        "name": format!("board {required}"), "inspectionType": "bike",
        "images": [{"side": "board", "required": required, "validations": [], "inputs": [
            {"identifier": "km", "label": "Kilometres", "type": "numeric", "stages": "create",
             "validationSchema": {"required": true}},
            {"identifier": "scratches", "label": "Scratches", "type": "text", "stages": "update",
             "validationSchema": {"required": true}},
        ]}],
    });
    let made = world.post("/v1/inspection/template", &template).await;
    made.json(201)["_id"].clone()
}

#[tokio::test]
async fn an_input_of_a_photo_is_required_once_its_photo_is_there() {
    let world = World::new().await;
    let template = with_dashboard(&world, false).await;
    let consumer = Consumer::inside(&world, "bike", json!({"templateId": template})).await;
    let page = consumer.open("").await;
    shows(&page, 200, "Scratches <small>· Dashboard</small></label>");
    assert!(!page.text().contains("input.km"), "{}", page.text());
    to(&consumer.photo("board", "u1", &photo(1)).await);
    let page = consumer.open("").await;
    for asked in ["Scratches", "Kilometres"] {
        let label = format!("{asked} <small>· Dashboard</small> <small>(required)</small>");
        shows(&page, 200, &label);
    }
    to(&consumer.post("/finish", &[]).await);
    let page = consumer.open("?view=confirm").await;
    shows(&page, 200, "Answer: Kilometres (Dashboard)");
    let answers: [(&str, &[u8]); 2] = [("input.km", b"125000"), ("input.scratches", b"none")];
    to(&consumer.post("/answers", &answers).await);
    // The same form once more.
    to(&consumer.post("/answers", &answers).await);
    let other = consumer.post("/answers", &[("input.km", b"1")]).await;
    shows(&other, 400, "An answer is not valid");
    to(&consumer.post("/finish", &[("confirmed", b"yes")]).await);
    assert_eq!(
        consumer.read().await["products"][0]["inputs"][0]["value"],
        125_000
    );
}

#[tokio::test]
async fn what_a_create_did_not_have_to_bring_once_is_asked_of_the_consumer() {
    let world = World::new().await;
    let template = with_dashboard(&world, true).await;
    let inputs = json!([{"identifier": "km", "value": 7}]);
    let more = json!({"templateId": template, "inputs": inputs});
    let consumer = Consumer::inside(&world, "bike", more).await;
    assert!(!consumer.open("").await.text().contains("input.km"));
    let id = consumer.id.parse().unwrap();
    let mut old = world.store.inspection(id).await.unwrap().unwrap();
    old.products[0].inputs.clear();
    old.version += 1;
    let writes = vec![Write::UpdateInspection(Box::new(old))];
    let change = Change {
        writes,
        ..Change::default()
    };
    world.store.commit(change).await.unwrap();
    shows(&consumer.open("").await, 200, "name=\"input.km\"");
    to(&consumer.post("/answers", &[("input.km", b"9")]).await);
    assert_eq!(
        consumer.read().await["products"][0]["inputs"][0]["value"],
        9
    );
}
