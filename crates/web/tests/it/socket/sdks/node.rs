//! The Node SDK 2.9.1, and its 2.0 line where it sent something else.

use serde_json::json;

use super::*;

#[tokio::test]
async fn node_creates_webhooks_and_every_type() {
    let server = server().await;
    let webhook = json!({"events": ["inspection_created"], "endpoint": "https://example.com/hook"});
    let made = send(
        &server,
        201,
        node_json(&server, "POST", "/notification/webhook", &webhook),
    )
    .await;
    assert_eq!(keys(&made), ["_id"]);
    for kind in [
        "car",
        "moto",
        "bike",
        "machinery",
        "goods",
        "people",
        "custom",
        "cellphone",
    ] {
        let body = json!({"templateId": "easy", "delivery": {"disabled": true}, "locale": "es_AR",
            "metadata": {"policyId": kind}});
        let made = send(
            &server,
            201,
            node_create(&server, &format!("/inspection/{kind}"), &body),
        )
        .await;
        let product = if kind == "goods" {
            "productIds"
        } else {
            "productId"
        };
        assert_eq!(
            keys(&made),
            ["message", "inspectionId", "magicLink", product],
            "{kind}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn node_sends_a_file_in_json_as_its_buffer() {
    let server = server().await;
    let template = json!({"name": "Con archivo", "inspectionType": "custom",
        "images": [{"side": "front", "validations": []}],
        "inputs": [{"identifier": FILE_INPUT, "label": "Acta", "type": "file", "stages": "create"}]});
    let template = server
        .world
        .post("/v1/inspection/template", &template)
        .await
        .json(201);
    let body = json!({"templateId": template["_id"], "delivery": {"disabled": true}, "locale": "es_AR",
        "inputs": [{"identifier": FILE_INPUT, "value": {"type": "Buffer", "data": [37, 80, 68, 70]},
            "filename": "acta.pdf", "contentType": "application/pdf"}]});
    let made = send(
        &server,
        201,
        node_create(&server, "/inspection/custom", &body),
    )
    .await;
    let after = read(&server.world, &text(&made["inspectionId"])).await;
    let src = text(input(&after, FILE_INPUT).unwrap());
    let path = src.strip_prefix(crate::world::PUBLIC_URL).unwrap();
    assert_eq!(
        server.world.bare("GET", path).send().await.body,
        b"%PDF"[..]
    );
    server.stop().await;
}

#[tokio::test]
async fn node_updates_products_goods_and_bare_machinery() {
    let server = server().await;
    let (_, product) = started(&server.world, "car", &json!({})).await;
    let wrapped = json!({"car": {"plate": "AB123CD", "milage": 10, "year": "2020"}});
    let path = format!("/inspection/car/{product}");
    let answer = send(&server, 200, node_json(&server, "PUT", &path, &wrapped)).await;
    assert_eq!(keys(&answer), ["message"]);
    let (id, product) = started(&server.world, "machinery", &json!({})).await;
    let bare = json!({"type": "tractor", "make": "Deere", "purpose": "Agrícola"});
    let path = format!("/inspection/machinery/{product}");
    send(&server, 200, node_json(&server, "PUT", &path, &bare)).await;
    let after = read(&server.world, &id).await;
    assert_eq!(after["products"][0]["attributes"], bare);

    let empty = json!({"templateId": "easy", "delivery": {"disabled": true}, "locale": "es_AR"});
    let made = send(
        &server,
        201,
        node_create(&server, "/inspection/goods", &empty),
    )
    .await;
    // Samples spread what they keep of their own into each good.
    let goods = json!({"goods": [{"make": "A", "type": "tv", "price": "10", "_id": "x", "availableGoodId": "y"}]});
    let path = format!("/inspection/goods/{}", text(&made["inspectionId"]));
    let added = send(&server, 201, node_json(&server, "POST", &path, &goods)).await;
    let path = format!("/inspection/goods/{}", text(&added["productIds"][0]));
    let good = json!({"good": {"price": "20"}});
    let changed = send(&server, 200, node_json(&server, "POST", &path, &good)).await;
    assert_eq!(changed["productIds"], added["productIds"]);
    server.stop().await;
}

#[tokio::test]
async fn node_updates_an_inspection_with_a_chunked_form_and_a_nameless_file() {
    let server = server().await;
    let (id, _) = car(&server).await;
    let head = node(
        &server,
        "PUT",
        &format!("/inspection/{id}"),
        &node_form_type(),
    );
    let file = format!("name=\"{FILE_INPUT}\"\r\nContent-Type: application/octet-stream");
    let data =
        json!({"metadata": {"a": "1"}, "inputs": [{"identifier": TEXT_INPUT, "value": "Oro"}]})
            .to_string();
    let form = [
        (file.as_str(), &b"content of the file"[..]),
        ("name=\"data\"", data.as_bytes()),
    ];
    let answer = send(&server, 200, node_form(&head, &form)).await;
    assert_eq!(keys(&answer), ["message"]);
    let after = read(&server.world, &id).await;
    assert_eq!(after["metadata"], json!({"a": "1"}));
    assert_eq!(input(&after, TEXT_INPUT).unwrap(), "Oro");
    assert!(
        input(&after, FILE_INPUT)
            .unwrap()
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
    // Also without a file.
    let form = [("name=\"data\"", &br#"{"metadata":{"b":"2"}}"#[..])];
    send(&server, 200, node_form(&head, &form)).await;
    let after = read(&server.world, &id).await;
    assert_eq!(after["metadata"], json!({"a": "1", "b": "2"}));
    server.stop().await;
}

#[tokio::test]
async fn node_uploads_by_key_and_by_token_the_photo_first_and_without_a_name() {
    let server = server().await;
    let (id, product) = car(&server).await;
    let path = format!("/inspection/image/{product}");
    let (first, second) = (photo(1), photo(2));
    let data = json!({"productId": product, "side": "front",
        "coordinates": {"latitude": -34.6, "longitude": -58.4}, "date": "2026-11-18T00:00:00.000Z"});
    let data = data.to_string();
    let image = "name=\"image\"\r\nContent-Type: application/octet-stream";
    let form = [(image, &first[..]), ("name=\"data\"", data.as_bytes())];
    let head = node(&server, "POST", &path, &node_form_type());
    let answer = send(&server, 201, node_form(&head, &form)).await;
    assert_eq!(keys(&answer), ["message"]);

    let asked = json!({"side": "front"});
    let token_path = format!("/inspection/image/token/{product}");
    let token = send(
        &server,
        201,
        node_json(&server, "POST", &token_path, &asked),
    )
    .await;
    assert_eq!(keys(&token), ["token"]);
    let token = text(&token["token"]);
    // The token stands for the key, and axios names itself.
    let head = format!(
        "POST /v1{path} HTTP/1.1\r\nAccept: application/json, text/plain, */*\r\n{}x-image-token: {token}\r\n\
         User-Agent: axios/0.25.0\r\nHost: {}\r\nConnection: close\r\n",
        node_form_type(),
        server.address
    );
    let data = json!({"productId": product, "side": "front", "imageToken": token}).to_string();
    let named = "name=\"image\"; filename=\"front.jpg\"\r\nContent-Type: image/jpeg";
    let form = [(named, &second[..]), ("name=\"data\"", data.as_bytes())];
    send(&server, 201, node_form(&head, &form)).await;
    let images = &read(&server.world, &id).await["products"][0]["images"];
    assert_eq!(images.as_array().unwrap().len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn node_finishes_with_an_empty_object_and_asks_for_reports_with_an_empty_form() {
    let server = server().await;
    let (id, _) = started(&server.world, "car", &json!({})).await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for (path, expected) in [
        (format!("/inspection/{id}/report/request"), &["_id"][..]),
        (
            format!("/inspection/presign/detail/{id}"),
            &["accessToken", "expiresAt", "url"],
        ),
    ] {
        let head = node(&server, "POST", &path, form);
        let answer = send(&server, 201, format!("{head}Content-Length: 0\r\n\r\n")).await;
        assert_eq!(keys(&answer), expected);
    }
    let finish = format!("/inspection/finish/{id}");
    let answer = send(
        &server,
        200,
        node_json(&server, "POST", &finish, &json!({})),
    )
    .await;
    assert_eq!(keys(&answer), ["message"]);
    server.stop().await;
}

#[tokio::test]
async fn node_reads_lists_and_users_with_the_key_beside_the_token() {
    let server = server().await;
    let world = &server.world;
    let more = json!({"car": {"plate": "AB 123"}});
    let (id, _) = started(world, "car", &more).await;
    let list = "/inspection?page=1&limit=5&plate=AB+123&status=started";
    let found = send(&server, 200, node(&server, "GET", list, "") + "\r\n").await;
    assert_eq!(found["inspections"][0]["_id"], id);
    assert_eq!(found["totalInspections"], 1);

    let app = oauth::app(world).await;
    let user = oauth::user(world, "ana@example.com", None).await;
    let token = oauth::token(world, &app, user.user_id, "inspections,memberships").await;
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let one = node(&server, "GET", &format!("/inspection/{id}"), &bearer);
    assert_eq!(send(&server, 200, one + "\r\n").await["_id"], id);
    let mine = format!(
        "/inspection/me?membershipId={}&from=&to=",
        user.membership_id
    );
    for path in [
        "/account/membership/authenticated",
        "/inspection/template/oauth/list/all",
        mine.as_str(),
    ] {
        send(&server, 200, node(&server, "GET", path, &bearer) + "\r\n").await;
    }
    // What the SDK writes when its caller forgot the membership.
    let forgotten = node(
        &server,
        "GET",
        "/inspection/me?membershipId=undefined",
        &bearer,
    );
    let problem = send(&server, 400, forgotten + "\r\n").await;
    assert_eq!(keys(&problem)[..4], ["code", "status", "detail", "message"]);
    let body = json!({"templateId": "easy", "delivery": {"disabled": true}, "locale": "es_AR", "access_token": token});
    let made = send(&server, 201, node_create(&server, "/inspection/car", &body)).await;
    let producer = read(world, &text(&made["inspectionId"])).await["producer"].clone();
    assert_eq!(producer["userId"], json!(user.user_id));
    server.stop().await;
}

#[tokio::test]
async fn older_node_sdks_create_with_a_chunked_form() {
    let server = server().await;
    let more = format!(
        "{}Idempotency-Key: 6f1c3a52-6e4b-4a44-9a57-0b7b0f6c8c11\r\n",
        node_form_type()
    );
    let head = node(&server, "POST", "/inspection/moto", &more);
    let form = [(
        "name=\"data\"",
        &br#"{"templateId":"easy","inputValues":[]}"#[..],
    )];
    send(&server, 201, node_form(&head, &form)).await;
    server.stop().await;
}
