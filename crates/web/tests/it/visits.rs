//! The consumer's page as a browser without scripts sees it: from the code to the end.

use axum::body::Body;
use bytes::Bytes;
use heraldo_media::testing::PhotoMaker;
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::world::{Answer, PUBLIC_URL, World};

mod questions;

const BOUNDARY: &str = "----WebKitFormBoundaryzuW5nPZQFQCwQtg4";
const ORIGIN: &str = PUBLIC_URL;
/// With the styles, the script and a page that asks for everything.
const WEIGHT_BYTES_MAX: usize = 100_000;

/// A consumer with a magic link, and a browser that has no script.
struct Consumer<'w> {
    world: &'w World,
    id: String,
    product: String,
    code: String,
    cookie: Option<String>,
}

impl<'w> Consumer<'w> {
    async fn of(world: &'w World, kind: &str, more: Value) -> Self {
        let mut body = json!({"templateId": "easy", "locale": "en_GB"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let path = format!("/v1/inspection/{kind}");
        let made = world.post(&path, &body).await.json(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let link = text(&made["magicLink"]);
        let product = match &made["productIds"] {
            Value::Array(ids) => text(&ids[0]),
            _ => text(&made["productId"]),
        };
        Self {
            world,
            id: text(&made["inspectionId"]),
            product,
            code: link.rsplit_once('=').unwrap().1.to_owned(),
            cookie: None,
        }
    }

    /// One who has entered the code.
    async fn inside(world: &'w World, kind: &str, more: Value) -> Self {
        let mut consumer = Self::of(world, kind, more).await;
        let code = consumer.code.clone();
        let entered = consumer.enter(&code).await;
        assert_eq!(entered.status, 303, "{}", entered.text());
        consumer
    }

    fn path(&self, more: &str) -> String {
        format!("/inspection/{}{more}", self.id)
    }

    async fn open(&self, more: &str) -> Answer {
        let mut call = self.world.bare("GET", &self.path(more));
        if let Some(cookie) = &self.cookie {
            call = call.header("cookie", cookie);
        }
        call.send().await
    }

    async fn enter(&mut self, code: &str) -> Answer {
        let call = self
            .world
            .bare("POST", &self.path("/code"))
            .header("origin", ORIGIN)
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = call.body(format!("accessCode={code}")).send().await;
        if let Some(cookie) = answer.header("set-cookie") {
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        answer
    }

    async fn post(&self, to: &str, parts: &[(&str, &[u8])]) -> Answer {
        self.post_from(ORIGIN, to, parts).await
    }

    async fn post_from(&self, origin: &str, to: &str, parts: &[(&str, &[u8])]) -> Answer {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let mut call = self.world.bare("POST", &self.path(to));
        call = call.header("origin", origin);
        call = call.header("content-type", &content_type);
        if let Some(cookie) = &self.cookie {
            call = call.header("cookie", cookie);
        }
        call.body(Body::from(form(parts))).send().await
    }

    async fn photo(&self, side: &str, upload: &str, image: &Bytes) -> Answer {
        let parts: [(&str, &[u8]); 6] = [
            ("place", b"photo-0-0"),
            ("productId", self.product.as_bytes()),
            ("side", side.as_bytes()),
            ("uploadId", upload.as_bytes()),
            ("date", b"2026-11-18T00:00:00.000Z"),
            ("image", image),
        ];
        self.post("/photo", &parts).await
    }

    async fn read(&self) -> Value {
        let path = format!("/v1/inspection/{}", self.id);
        self.world.get(&path).await.json(200)
    }

    async fn images(&self) -> usize {
        self.read().await["products"][0]["images"]
            .as_array()
            .unwrap()
            .len()
    }
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in parts {
        let file = if *name == "image" || name.ends_with("paper") {
            "; filename=\"photo.jpg\"\r\nContent-Type: image/jpeg"
        } else {
            ""
        };
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn photo(number: u32) -> Bytes {
    PhotoMaker::jpeg(640, 480).scene(number).make()
}

#[track_caller]
fn shows(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    // A page's own style and script are those that its policy lets in.
    let policy = answer.header("content-security-policy").unwrap();
    if let Some((_, nonce)) = policy.split_once("'nonce-") {
        let (nonce, _) = nonce.split_once('\'').unwrap();
        let own = format!(" nonce=\"{nonce}\"");
        let (all, known) = (
            answer.text().matches(" nonce=\"").count(),
            answer.text().matches(&own).count(),
        );
        assert!(known > 0 && all == known, "{}", answer.text());
    }
    assert!(answer.text().contains(text), "{text}: {}", answer.text());
}

fn to(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap()
}

fn wrong(code: &str) -> &'static str {
    if code == "0000" { "0001" } else { "0000" }
}

#[tokio::test]
async fn opening_the_link_changes_nothing_and_fills_the_code_in() {
    let world = World::new().await;
    let consumer = Consumer::of(&world, "car", json!({})).await;
    let page = consumer
        .open(&format!("?accessCode={}", consumer.code))
        .await;
    shows(&page, 200, &format!("value=\"{}\"", consumer.code));
    assert!(page.header("set-cookie").is_none());
    assert_eq!(consumer.read().await["status"], "created");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'nonce-"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    let script = consumer
        .open("?accessCode=%22%3E%3Cscript%3Ealert(1)%3C/script%3E9")
        .await;
    shows(&script, 200, "value=\"19\"");
    assert!(!script.text().contains("<script>"), "{}", script.text());
}

#[tokio::test]
async fn the_right_code_lets_this_browser_in_to_this_inspection_alone() {
    let world = World::new().await;
    let mut consumer = Consumer::of(&world, "car", json!({})).await;
    let other = Consumer::of(&world, "car", json!({})).await;
    let code = consumer.code.clone();
    let entered = consumer.enter(&code).await;
    assert_eq!(to(&entered), consumer.path(""));
    let cookie = entered.header("set-cookie").unwrap();
    let path = format!("Path=/inspection/{};", consumer.id);
    for part in [
        &*path,
        "Max-Age=86400;",
        "HttpOnly",
        "SameSite=Lax",
        "Secure",
    ] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert_eq!(consumer.read().await["status"], "started");
    shows(&consumer.open("").await, 200, "Take photo");
    let stranger = Consumer {
        cookie: consumer.cookie.clone(),
        ..other
    };
    shows(&stranger.open("").await, 200, "name=\"accessCode\"");
    let refused = stranger.photo("front", "u1", &photo(1)).await;
    assert_eq!(to(&refused), stranger.path(""));
    assert_eq!(stranger.images().await, 0);
    // Another product's id does not lead into another inspection either.
    let astray = Consumer {
        product: stranger.product,
        ..consumer
    };
    let answer = astray.photo("front", "u1", &photo(1)).await;
    assert_eq!(answer.status, 404);
    world.clock.step(24 * 3_600_000);
    shows(&astray.open("").await, 200, "name=\"accessCode\"");
}

#[tokio::test]
async fn wrong_codes_are_counted_until_the_inspection_is_blocked() {
    let world = World::new().await;
    let mut consumer = Consumer::of(&world, "car", json!({})).await;
    let code = consumer.code.clone();
    let wrong = wrong(&code);
    shows(&consumer.enter(wrong).await, 403, "Attempts left: 2");
    shows(&consumer.enter(wrong).await, 403, "Attempts left: 1");
    shows(
        &consumer.enter(wrong).await,
        423,
        "This inspection is blocked",
    );
    shows(
        &consumer.enter(&code).await,
        423,
        "This inspection is blocked",
    );
    shows(&consumer.open("").await, 200, "This inspection is blocked");
    assert_eq!(consumer.cookie, None);
    assert_eq!(consumer.read().await["status"], "blocked");
}

#[tokio::test]
async fn wrong_codes_after_the_start_lock_the_entry_and_whoever_is_in_goes_on() {
    let world = World::new().await;
    let inside = Consumer::inside(&world, "car", json!({})).await;
    let mut stranger = Consumer {
        cookie: None,
        id: inside.id.clone(),
        product: inside.product.clone(),
        code: inside.code.clone(),
        world: &world,
    };
    let (code, wrong) = (inside.code.clone(), wrong(&inside.code));
    let access = async |code: &str| {
        let path = format!("/v1/inspection/{}/access", inside.id);
        let call = world.bare("POST", &path);
        call.json(&json!({"accessCode": code})).send().await
    };
    shows(&stranger.enter(wrong).await, 403, "Attempts left: 2");
    let answer = access(wrong).await;
    answer.problem(ProblemCode::WrongAccessCode);
    assert_eq!(answer.json(403)["attemptsLeft"], 1);
    shows(&stranger.enter(wrong).await, 423, "No more codes are taken");
    shows(&stranger.enter(&code).await, 423, "No more codes are taken");
    access(&code).await.problem(ProblemCode::InspectionBlocked);
    shows(&stranger.open("").await, 200, "No more codes are taken");
    assert_eq!(stranger.cookie, None);
    assert_eq!(inside.read().await["status"], "started");
    shows(&inside.open("").await, 200, "Take photo");
    to(&inside.photo("front", "u1", &photo(1)).await);
    assert_eq!(inside.images().await, 1);
}

#[tokio::test]
async fn wrong_codes_of_one_address_are_counted_over_all_inspections() {
    let world = World::new().await;
    for _ in 0..10 {
        let mut consumer = Consumer::of(&world, "car", json!({})).await;
        let wrong = wrong(&consumer.code);
        for _ in 0..3 {
            assert_ne!(consumer.enter(wrong).await.status, 429);
        }
    }
    let mut consumer = Consumer::of(&world, "car", json!({})).await;
    let code = consumer.code.clone();
    let refused = consumer.enter(&code).await;
    shows(&refused, 429, "Wait a minute");
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(consumer.read().await["status"], "created");
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let world = World::new().await;
    let consumer = Consumer::inside(&world, "car", json!({})).await;
    for origin in ["https://evil.example.com", "null"] {
        let refused = consumer.post_from(origin, "/finish", &[]).await;
        assert_eq!(refused.status, 403, "{origin}");
    }
    let call = world
        .bare("POST", &consumer.path("/finish"))
        .header("cookie", consumer.cookie.as_deref().unwrap())
        .header("sec-fetch-site", "cross-site");
    assert_eq!(call.send().await.status, 403);
    assert_eq!(consumer.read().await["status"], "started");
    // A proxy may be reached by another name than the public one.
    let call = world
        .bare("POST", &consumer.path("/finish"))
        .header("cookie", consumer.cookie.as_deref().unwrap())
        .header("host", "inside.example.com:8443")
        .header("origin", "https://inside.example.com:8443")
        .header(
            "content-type",
            &format!("multipart/form-data; boundary={BOUNDARY}"),
        );
    let own = call
        .body(Body::from(form(&[("confirmed", b"yes")])))
        .send()
        .await;
    assert_eq!(to(&own), consumer.path("?view=finished"));
}

#[tokio::test]
async fn a_photo_goes_from_missing_to_approved_and_can_be_seen() {
    let world = World::new().await;
    let consumer = Consumer::inside(&world, "car", json!({})).await;
    shows(&consumer.open("").await, 200, "0 of 4");
    let sent = consumer.photo("front", "u1", &photo(1)).await;
    assert_eq!(to(&sent), format!("{}#photo-0-0", consumer.path("")));
    shows(&consumer.open("").await, 200, "we are checking it");
    world.run_jobs().await;
    let page = consumer.open("").await;
    shows(&page, 200, "1 of 4");
    shows(&page, 200, "Approved");
    let (_, rest) = page.text().split_once("<img src=\"").unwrap();
    let thumbnail = rest.split('"').next().unwrap();
    assert!(thumbnail.starts_with("/files/"), "{thumbnail}");
    let small = world.bare("GET", thumbnail).send().await;
    assert_eq!(small.header("content-type"), Some("image/jpeg"));
}

#[tokio::test]
async fn the_same_upload_is_taken_once_and_a_new_photo_always() {
    let world = World::new().await;
    let consumer = Consumer::inside(&world, "car", json!({})).await;
    for _ in 0..2 {
        to(&consumer.photo("front", "u1", &photo(1)).await);
    }
    assert_eq!(consumer.images().await, 1);
    // A browser's back button shows a form again; another photo in it is another photo.
    to(&consumer.photo("front", "u1", &photo(2)).await);
    to(&consumer.photo("front", "u2", &photo(1)).await);
    assert_eq!(consumer.images().await, 3);
    let (one, two) = (photo(7), photo(7));
    let (first, second) = tokio::join!(
        consumer.photo("back", "u3", &one),
        consumer.photo("back", "u3", &two)
    );
    to(&first);
    to(&second);
    assert_eq!(consumer.images().await, 4);
    let files = std::fs::read_dir(world.folder.path().join("inspections").join(&consumer.id));
    assert_eq!(files.unwrap().count(), 4);
}

#[tokio::test]
async fn a_photo_that_is_not_approved_says_why_and_can_be_retaken() {
    let world = World::new().await;
    let consumer = Consumer::inside(&world, "car", json!({"templateId": "deep"})).await;
    to(&consumer.photo("front", "u1", &photo(1)).await);
    world.run_jobs().await;
    let page = consumer.open("").await;
    shows(&page, 200, "Not approved");
    shows(&page, 200, "Share your location");
    shows(&page, 200, "Retake");
    assert!(!page.text().contains("last 24 hours"), "{}", page.text());
}

#[tokio::test]
async fn what_is_no_photo_is_refused_where_it_was_sent() {
    let world = World::new().await;
    let consumer = Consumer::inside(&world, "car", json!({})).await;
    let refused = consumer
        .photo("front", "u1", &Bytes::from_static(b"a text named .jpg"))
        .await;
    shows(
        &refused,
        400,
        "id=\"photo-0-0-error\" data-error role=\"alert\">The file is not a photo",
    );
    let empty = consumer.photo("front", "u1", &Bytes::new()).await;
    shows(&empty, 400, "Choose or take a photo first.");
    let huge = Bytes::from(vec![0; 21 * 1024 * 1024]);
    shows(
        &consumer.photo("front", "u1", &huge).await,
        413,
        "too large",
    );
    assert_eq!(consumer.images().await, 0);
}

#[tokio::test]
async fn an_incomplete_inspection_is_finished_only_when_that_is_confirmed() {
    let world = World::new().await;
    let callback = "https://customer.example.com/done?policy=1&mark=%C3%B1";
    let consumer = Consumer::inside(&world, "car", json!({"callbackURL": callback})).await;
    to(&consumer.photo("front", "u1", &photo(1)).await);
    let asked = consumer.post("/finish", &[]).await;
    assert_eq!(to(&asked), consumer.path("?view=confirm"));
    let page = consumer.open("?view=confirm").await;
    shows(&page, 200, "<li>Back: missing</li>");
    assert!(!page.text().contains("<li>Front"), "{}", page.text());
    assert_eq!(consumer.read().await["status"], "started");
    let finished = consumer.post("/finish", &[("confirmed", b"yes")]).await;
    assert_eq!(to(&finished), consumer.path("?view=finished"));
    let waits = consumer.open("?view=finished").await;
    shows(
        &waits,
        200,
        &format!("content=\"2;url={}\"", consumer.path("?view=finished")),
    );
    let onward = format!(
        "content=\"0;url=https://customer.example.com/done?policy=1&#38;mark=%C3%B1&#38;inspectionId={}\"",
        consumer.id
    );
    // After ten seconds, or with the verdict, the consumer goes on.
    world.clock.step(10_000);
    shows(&consumer.open("?view=finished").await, 200, &onward);
    world.run_jobs().await;
    assert_eq!(consumer.read().await["status"], "completed");
    shows(&consumer.open("?view=finished").await, 200, &onward);
    // Whoever comes back later is not driven away, and strangers learn nothing.
    let later = consumer.open("").await;
    shows(&later, 200, "Thank you!");
    assert!(!later.text().contains("http-equiv"), "{}", later.text());
    let stranger = Consumer {
        cookie: None,
        ..consumer
    };
    let ended = stranger.open("").await;
    shows(&ended, 200, "This inspection has ended");
    assert!(!ended.text().contains("customer.example.com"));
}

#[tokio::test]
async fn a_whole_inspection_is_finished_at_once() {
    let world = World::new().await;
    let consumer = Consumer::inside(&world, "bike", json!({})).await;
    to(&consumer.photo("sideLeft", "u1", &photo(1)).await);
    to(&consumer.photo("sideRight", "u2", &photo(2)).await);
    to(&consumer.photo("extra", "u3", &photo(3)).await);
    world.run_jobs().await;
    shows(&consumer.open("").await, 200, "2 of 2");
    let finished = consumer.post("/finish", &[]).await;
    assert_eq!(to(&finished), consumer.path("?view=finished"));
    shows(
        &consumer.open("?view=finished").await,
        200,
        "you can close this page",
    );
    let read = consumer.read().await;
    assert_eq!(read["veredict"], "approved");
    // The end takes nothing more, and says so.
    to(&consumer.photo("sideLeft", "u4", &photo(4)).await);
    shows(&consumer.open("").await, 200, "Thank you!");
    assert_eq!(consumer.images().await, 2);
}

#[tokio::test]
async fn the_page_speaks_the_inspections_language_then_the_browsers() {
    let world = World::new().await;
    let check = async |locale: &str, accepts: &str, query: &str, language: &str| {
        let more = json!({"locale": locale});
        let consumer = Consumer::of(&world, "car", more).await;
        let call = world.bare("GET", &consumer.path(query));
        let page = call.header("accept-language", accepts).send().await;
        shows(&page, 200, &format!("<html lang=\"{language}\">"));
        page
    };
    check("es_AR", "en", "", "es").await;
    check("en_US", "es", "", "en").await;
    check("pt_BR", "fr, en;q=0.8, es;q=0.5", "", "en").await;
    check("pt_BR", "fr", "", "es").await;
    let chosen = check("es_AR", "es", "?lang=en&accessCode=1234", "en").await;
    let cookie = chosen.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("heraldo_lang=en; Path=/inspection;"),
        "{cookie}"
    );
    shows(&chosen, 200, "?lang=es&#38;accessCode=1234");
    let consumer = Consumer::of(&world, "car", json!({"locale": "es_AR"})).await;
    let call = world.bare("GET", &consumer.path(""));
    let page = call.header("cookie", "a=b; heraldo_lang=en").send().await;
    shows(&page, 200, "<html lang=\"en\">");
}

#[tokio::test]
async fn what_is_over_or_unknown_is_said_in_a_page() {
    let world = World::new().await;
    let mut consumer = Consumer::of(&world, "car", json!({})).await;
    world.clock.step(8 * 86_400_000);
    shows(&consumer.open("").await, 200, "This inspection has expired");
    let code = consumer.code.clone();
    shows(
        &consumer.enter(&code).await,
        409,
        "This inspection has expired",
    );
    for path in [
        "/inspection/anything",
        "/inspection/651ae032ff786d198dfa4ce4",
    ] {
        let page = world.bare("GET", path).send().await;
        shows(&page, 404, "No encontramos esta inspección");
        let call = world.bare("POST", &format!("{path}/photo"));
        shows(&call.send().await, 404, "No encontramos");
    }
}

#[tokio::test]
async fn a_goods_inspection_asks_for_each_item() {
    let world = World::new().await;
    let goods = json!({"goods": [
        {"make": "Lenovo", "model": "X1", "type": "laptop"}, {"make": "", "type": "golf_set"},
        {"category": "art"}, {"price": "12"},
    ]});
    let consumer = Consumer::inside(&world, "goods", goods).await;
    let page = consumer.open("").await;
    shows(&page, 200, "<h2>Item 1: Lenovo X1</h2>");
    shows(&page, 200, "<h2>Item 2: golf set</h2>");
    shows(&page, 200, "<h2>Item 3: art</h2>");
    shows(&page, 200, "<h2>Item 4</h2>");
    shows(&page, 200, "0 of 8");
    // What an iPhone answers with a JPEG, and the camera all the same.
    let asks = "accept=\"image/jpeg,image/png,image/webp\" capture=\"environment\"";
    assert_eq!(page.text().matches(asks).count(), 9);
    assert!(!page.text().contains("image/*"));
}

#[tokio::test]
async fn the_whole_page_weighs_less_than_100_kb() {
    let world = World::new().await;
    let full = json!({"templateId": "full_control"});
    let consumer = Consumer::inside(&world, "car", full).await;
    let page = consumer.open("").await;
    let mut weight = page.body.len();
    let mut assets = 0;
    for part in page
        .text()
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
    {
        let asset = world.bare("GET", part).send().await;
        assert_eq!(asset.status, 200, "{part}");
        let kept = asset.header("cache-control");
        assert_eq!(kept, Some("public, max-age=31536000, immutable"));
        weight += asset.body.len();
        assets += 1;
    }
    assert_eq!(assets, 2);
    assert!(weight < WEIGHT_BYTES_MAX, "{weight} bytes");
    // Nothing is asked of anybody else.
    let text = page.text();
    assert!(
        !text.contains("http:") && !text.contains("https:"),
        "{text}"
    );
    let unknown = world.bare("GET", "/assets/visit-0.js").send().await;
    assert_eq!(unknown.status, 404);
}
