//! Inspections: their list, their page, and what people do with them.

use heraldo_domain::account::Role;
use heraldo_domain::ops::accounts::{Person, create_user};
use serde_json::{Value, json};

use super::Browser;
use super::browser::checked;
use crate::images::{photo, read, started, upload};
use crate::world::{World, id_in};

const LIST: &str = "/dashboard/inspections";

fn page_of(id: &str) -> String {
    format!("{LIST}/{id}")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn car(world: &World, more: &Value) -> String {
    let mut body = json!({"templateId": "easy"});
    let object = body.as_object_mut().unwrap();
    object.extend(more.as_object().unwrap().clone());
    let made = world.post("/v1/inspection/car", &body).await.json(201);
    text(&made["inspectionId"])
}

/// A completed inspection with a photo of each side that its template asks for.
pub async fn completed(world: &World) -> String {
    let more = json!({
        "consumer": {"firstName": "Íñigo <b>", "lastName": "Núñez", "identification": "30.111.222"},
        "car": {"plate": "AB123CD", "color": "<i>red</i>"},
        "metadata": {"policy": "<script>alert('x')</script>"},
    });
    let (id, product) = started(world, "car", &more).await;
    for (number, side) in (0..).zip(["front", "back", "sideLeft", "sideRight"]) {
        upload(world, &product, side, &photo(number))
            .await
            .json(201);
    }
    world.run_jobs().await;
    let path = format!("/v1/inspection/finish/{id}");
    world.post(&path, &json!({})).await.json(200);
    assert_eq!(read(world, &id).await["status"], "completed");
    id
}

#[tokio::test]
async fn the_list_pages_by_cursor_and_keeps_its_filters() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let page = browser.page(LIST, 200).await;
    assert!(page.contains("There are no inspections yet"), "{page}");
    let mut ids = Vec::new();
    for number in 0..28 {
        let plate = format!("AB{}", number % 2);
        let more = json!({
            "car": {"plate": plate},
            "consumer": {"firstName": "Ana", "identification": format!("{number}00")},
        });
        ids.push(car(&world, &more).await);
        world.clock.step(1);
    }
    let page = browser.page(LIST, 200).await;
    assert!(page.contains("28 inspections"), "{page}");
    assert_eq!(page.matches("<tr><th scope=\"row\">").count(), 25);
    assert!(page.contains(&ids[27]) && !page.contains(&ids[2]), "{page}");
    let older = format!("{LIST}?before={}", ids[3]);
    assert!(page.contains(&older[1..]), "{page}");
    // What is made meanwhile moves nothing.
    car(&world, &json!({})).await;
    let page = browser.page(&older, 200).await;
    assert_eq!(page.matches("<tr><th scope=\"row\">").count(), 3);
    assert!(
        page.contains(&ids[2]) && page.contains("← Newest"),
        "{page}"
    );

    for (query, rows) in [
        ("plate=ab1", 14),
        ("plate=AB1&consumerIdentification=100", 1),
        ("search=2700", 1),
        ("status=created&type=car&plate=AB0", 14),
        ("status=completed", 0),
        ("veredict=approved", 0),
        ("type=goods", 0),
        ("templateId=651ae032ff786d198dfa4ce4", 0),
        ("from=2026-11-19", 0),
        ("to=2026-11-17", 0),
        ("from=2026-11-18&to=2026-11-18&plate=AB1", 14),
        // They are made at 09:46 UTC: in the evening of the day before, or on the next, elsewhere.
        ("from=2026-11-18-10:00", 0),
        ("from=2026-11-17-10:00&to=2026-11-17-10:00&plate=AB1", 14),
        ("to=2026-11-18%2B14:30", 0),
        ("from=2026-11-19%2B14:30&plate=AB1", 14),
    ] {
        let page = browser.page(&format!("{LIST}?{query}"), 200).await;
        let found = page.matches("<tr><th scope=\"row\">").count();
        assert_eq!(found, rows, "{query}");
        assert_eq!(page.contains("No inspection matches"), rows == 0, "{query}");
        assert!(page.contains("Clear filters"), "{query}");
    }
    let page = browser
        .page(&format!("{LIST}?search=Ana&type=car"), 200)
        .await;
    assert!(page.contains("value=\"Ana\"") && page.contains("<option value=\"car\" selected>"));
    assert!(
        page.contains("type=car&#38;search=Ana&#38;before="),
        "{page}"
    );
}

#[tokio::test]
async fn wrong_filters_say_which_they_are() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    for (query, says) in [
        ("from=tomorrow", "href=\"#from\""),
        ("to=2026-13-40", "href=\"#to\""),
        ("to=2026-11-18-3", "href=\"#to\""),
        ("to=2026-11-18T00:00", "href=\"#to\""),
        ("to=2026-11-18-99:00", "href=\"#to\""),
        ("status=asleep", "status"),
        ("type=boat", "type"),
        ("before=x", "before"),
    ] {
        let answer = browser.get(&format!("{LIST}?{query}")).await;
        let page = checked(&answer, 400);
        assert!(page.contains(says), "{query}: {page}");
    }
}

#[tokio::test]
async fn a_whole_inspection_is_shown_with_its_photos_and_its_story() {
    let world = World::new().await;
    world.create_webhook().await;
    let id = completed(&world).await;
    let mut browser = Browser::signed_in(&world, Role::Admin).await;
    let page = browser.page(&page_of(&id), 200).await;
    for part in [
        "<h1>Car · AB123CD</h1>",
        "Completed</span>",
        "Íñigo &#60;b&#62; Núñez",
        "&#60;i&#62;red&#60;/i&#62;",
        "&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;",
        "alt=\"Left side\"",
        "Photo approved",
        "Distance: yes (it was taken near",
        "inspection_created</a>",
        "image_processed</a> · Front",
        "inspection_completed</a>",
        "<dt class=\"word\">Plate</dt><dd>AB123CD</dd>",
        "Completed</span> <a class=\"mono\" href=\"../../dashboard/events/evt_",
        "Pending</span></a> <small class=\"long\">https://receiver.example.com/hook</small>",
        &format!("dashboard/deliveries?subject={id}"),
        "its link no longer works",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<i>red") && !page.contains("<script>"));
    let thumbnails: Vec<_> = page
        .split("<img src=\"../../")
        .skip(1)
        .map(|rest| format!("/{}", rest.split('"').next().unwrap()))
        .collect();
    assert_eq!(thumbnails.len(), 4);
    for thumbnail in thumbnails {
        let answer = browser.get(&thumbnail).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("image/jpeg"));
    }
    browser.language = "es";
    let page = browser.page(&page_of(&id), 200).await;
    for part in [
        "Completada</span>",
        "Foto aprobada",
        "Distancia: sí (se tomó cerca",
        "Qué pasó y cuándo",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn the_link_and_the_code_are_shown_while_they_let_the_person_in() {
    let world = World::new().await;
    let id = car(&world, &json!({})).await;
    let shown = read(&world, &id).await;
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let path = page_of(&id);
    let page = browser.page(&path, 200).await;
    let code = text(&shown["accessCode"]);
    let link = text(&shown["magicLink"]);
    assert!(!page.contains(&code) && !page.contains(&link), "{page}");
    let action = format!("{path}/access");
    let page = checked(&browser.submit(&path, &action, &[]).await, 200);
    assert!(
        page.contains(&format!("<code id=\"code\">{code}</code>")) && page.contains(&link),
        "{page}"
    );
    // Opening its address does nothing, and every reveal is written down.
    assert_eq!(browser.get(&action).await.status, 405);
    let log = browser.page("/dashboard/audit", 200).await;
    let seen = "saw the link and the code of an inspection";
    assert_eq!(log.matches(&format!("{seen}</td>")).count(), 1);
    assert!(
        log.contains(&format!("href=\"../{}\"", &path[1..])),
        "{log}"
    );
    assert!(page.contains("It can be reviewed once it is completed."));
    assert!(!page.contains("Create child inspection"), "{page}");
}

#[tokio::test]
async fn a_review_changes_the_result_and_says_what_was_wrong() {
    let world = World::new().await;
    let id = completed(&world).await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let path = page_of(&id);
    let action = format!("{path}/review");
    let long = "x".repeat(2_049);
    for (fields, field) in [
        (&[][..], "veredict"),
        (&[("veredict", "maybe")][..], "veredict"),
        (
            &[("veredict", "approved"), ("reason", long.as_str())][..],
            "reason",
        ),
    ] {
        let page = checked(&browser.submit(&path, &action, fields).await, 400);
        let link = format!("<a href=\"#{field}\">");
        assert!(page.contains(&link), "{field}: {page}");
    }
    let before = text(&read(&world, &id).await["veredict"]);
    let (word, after) = match before.as_str() {
        "approved" => ("disapproved", "Disapproved</span>"),
        _ => ("approved", "Approved</span>"),
    };
    let fields = [("veredict", word), ("reason", "<b>seen</b> twice")];
    let (next, page) = browser.submit_and_follow(&path, &action, &fields).await;
    assert_eq!(next, path);
    for part in ["Review saved.", after, "&#60;b&#62;seen&#60;/b&#62; twice"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("inspection_reviewed</a>"), "{page}");
    assert_eq!(read(&world, &id).await["veredict"], word);
    let log = browser.page("/dashboard/audit", 200).await;
    let entry = format!("reviewed an inspection<br><small lang=\"en\">result: {word}</small>");
    assert_eq!(log.matches(&entry).count(), 1, "{log}");
}

#[tokio::test]
async fn photos_are_reviewed_one_by_one() {
    let world = World::new().await;
    let id = completed(&world).await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let path = page_of(&id);
    let action = format!("{path}/review-photos");
    let page = checked(&browser.submit(&path, &action, &[]).await, 400);
    assert!(page.contains("<a href=\"#photos\">"), "{page}");
    let names: Vec<_> = page
        .split("<select id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 4);
    let approve: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), "approve"))
        .collect();
    browser.submit_and_follow(&path, &action, &approve).await;
    assert_eq!(read(&world, &id).await["veredict"], "approved");
    let one = [(names[1].as_str(), "disapprove")];
    let (_, page) = browser.submit_and_follow(&path, &action, &one).await;
    assert_eq!(page.matches("Photo disapproved").count(), 1);
    let log = browser.page("/dashboard/audit", 200).await;
    // What already held is no decision.
    assert!(!log.contains("photos: 4 approved"), "{log}");
    assert!(log.contains("photos: 0 approved, 1 disapproved"), "{log}");
    assert_eq!(read(&world, &id).await["veredict"], "disapproved");
}

#[tokio::test]
async fn an_expired_inspection_has_one_child_however_often_the_form_is_sent() {
    let world = World::new().await;
    let id = car(&world, &json!({"car": {"plate": "AB123CD"}})).await;
    world.clock.step(8 * 86_400_000);
    let browser = Browser::signed_in(&world, Role::Owner).await;
    let path = page_of(&id);
    let page = browser.page(&path, 200).await;
    assert!(page.contains("its link no longer works"), "{page}");
    let once = page.split("name=\"once\" value=\"").nth(1).unwrap();
    let once = once.split('"').next().unwrap().to_owned();
    let action = format!("{path}/child");
    let token = page.split("name=\"form\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap().replace("&#43;", "+");
    let fields = [("form", token.as_str()), ("once", once.as_str())];
    let first = browser.post(&action, &fields).await;
    let again = browser.post(&action, &fields).await;
    assert_eq!(first.status, 303);
    assert_eq!(first.header("location"), again.header("location"));
    let child = first
        .header("location")
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let page = browser.page(&page_of(child), 200).await;
    for part in [
        "Child inspection created.",
        "Continues the inspection",
        &id,
        "AB123CD",
        "children_inspection_created</a>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let page = browser.page(LIST, 200).await;
    assert!(page.contains("2 inspections"), "{page}");
    let page = browser.page(&path, 200).await;
    assert!(
        page.contains("Child inspections")
            && page.contains(&format!("dashboard/inspections/{child}\"")),
        "{page}"
    );
    let log = browser.page("/dashboard/audit", 200).await;
    let entry = format!("made a child inspection<br><small lang=\"en\">a child of {id}</small>");
    assert_eq!(log.matches(&entry).count(), 1, "{log}");
    // One that goes on has none.
    let action = format!("{}/child", page_of(child));
    let refused = browser.post(&action, &[("form", token.as_str())]).await;
    let page = checked(&refused, 409);
    assert!(page.contains("only an inspection that expired"), "{page}");
}

#[tokio::test]
async fn a_report_is_asked_for_waited_for_and_opened() {
    let world = World::new().await;
    let id = completed(&world).await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let path = page_of(&id);
    let page = browser.page(&path, 200).await;
    assert!(page.contains("There are no reports yet."), "{page}");
    let action = format!("{path}/report");
    let (_, page) = browser.submit_and_follow(&path, &action, &[]).await;
    assert!(
        page.contains("Report requested") && page.contains("id=\"report-list\" data-live="),
        "{page}"
    );
    let log = browser.page("/dashboard/audit", 200).await;
    assert_eq!(log.matches("asked for a report</td>").count(), 1, "{log}");
    world.run_jobs().await;
    let page = browser.page(&path, 200).await;
    assert!(!page.contains("id=\"report-list\" data-live="), "{page}");
    for (name, kind) in [
        (">PDF<", "application/pdf"),
        (">Page<", "text/html; charset=utf-8"),
    ] {
        let before = page.split(name).next().unwrap();
        let file = before.rsplit("href=\"../../").next().unwrap();
        let file = format!("/{}", file.split('"').next().unwrap());
        let answer = browser.get(&file).await;
        assert_eq!(answer.status, 200, "{file}");
        assert_eq!(answer.header("content-type"), Some(kind));
    }
}

#[tokio::test]
async fn a_producer_sees_the_own_inspections_and_those_of_invited_people_and_changes_nothing() {
    let world = World::new().await;
    let others = car(&world, &json!({"car": {"plate": "OTHER1"}})).await;
    let person = |id: &str, invited_by| Person {
        internal_id: Some(id.to_owned()),
        email: Some(format!("{id}@example.com")),
        invited_by,
        ..Person::default()
    };
    let context = &world.context;
    let producer = create_user(context, world.company, Role::Producer, person("p1", None)).await;
    let producer = producer.unwrap();
    let invited = person("p2", Some(producer.user_id));
    create_user(context, world.company, Role::Producer, invited)
        .await
        .unwrap();
    let by = |id: &str, plate: &str| json!({"producer": {"internalId": id, "mustMatchUser": true}, "car": {"plate": plate}});
    let own = car(&world, &by("p1", "OWN111")).await;
    let of_invited = car(&world, &by("p2", "INVIT2")).await;
    let browser = Browser::new(&world);
    let token = producer.sign_in_token.reveal().to_owned();
    browser.post("/signin", &[("token", &token)]).await;
    let page = browser.page(LIST, 200).await;
    assert!(
        page.contains("OWN111") && page.contains("INVIT2") && !page.contains("OTHER1"),
        "{page}"
    );
    assert!(page.contains("2 inspections"));
    checked(&browser.get(&page_of(&others)).await, 404);
    for id in [own, of_invited] {
        let page = browser.page(&page_of(&id), 200).await;
        assert!(page.contains("Show the link and the code"), "{page}");
        for part in ["/review", "/report", "/child", "dashboard/audit"] {
            assert!(!page.contains(part), "{part}: {page}");
        }
    }
}

#[tokio::test]
async fn a_second_company_finds_no_inspection_of_the_first() {
    let world = World::new().await;
    let id = completed(&world).await;
    let other = world.other_company().await;
    let stranger = Browser::of(&world, other.company_id, Role::Owner).await;
    let page = stranger.page(LIST, 200).await;
    assert!(page.contains("There are no inspections yet"), "{page}");
    checked(&stranger.get(&page_of(&id)).await, 404);
    let page = stranger.page("/dashboard", 200).await;
    let token = page.split("name=\"form\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap().replace("&#43;", "+");
    for what in ["access", "review", "review-photos", "report", "child"] {
        let fields = [("form", token.as_str()), ("veredict", "approved")];
        let answer = stranger
            .post(&format!("{}/{what}", page_of(&id)), &fields)
            .await;
        checked(&answer, 404);
    }
    let listed = world.get("/v1/inspection").await.json(200);
    assert_eq!(id_in(&listed["inspections"][0]), id);
}

#[tokio::test]
async fn an_inspection_that_takes_no_more_codes_says_so() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, Role::Admin).await;
    let (id, _) = started(&world, "car", &json!({})).await;
    let said = "too many wrong ones came after the start";
    assert!(!browser.page(&page_of(&id), 200).await.contains(said));
    let code = text(&read(&world, &id).await["accessCode"]);
    let path = format!("/v1/inspection/{id}/access");
    for _ in 0..3 {
        let wrong = json!({"accessCode": format!("{code}0")});
        world.bare("POST", &path).json(&wrong).send().await;
    }
    assert!(browser.page(&page_of(&id), 200).await.contains(said));
}
