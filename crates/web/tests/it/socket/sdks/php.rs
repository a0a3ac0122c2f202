//! The PHP SDK.

use serde_json::json;

use super::*;

#[tokio::test]
async fn php_creates_lists_and_finishes_with_what_it_leaves_out() {
    let server = server().await;
    let body = json!({"templateId": "easy", "inputs": [], "metadata": [], "consumer": {"sex": 1},
        "initialStatus": "started"});
    let made = send(
        &server,
        201,
        php_json(&server, "POST", "inspection/car", &body),
    )
    .await;
    let list = php(&server, "GET", "inspection/?limit=5&page=1") + "\r\n";
    assert_eq!(send(&server, 200, list).await["totalInspections"], 1);
    let id = text(&made["inspectionId"]);
    let update = json!({"inputs": [], "consumer": {"lastName": "Sosa"}});
    send(
        &server,
        200,
        php_json(&server, "PUT", &format!("inspection/{id}"), &update),
    )
    .await;
    // Neither a body, nor its type, nor its length.
    let finish = php(&server, "POST", &format!("inspection/finish/{id}")) + "\r\n";
    send(&server, 200, finish).await;
    let report = php(&server, "POST", &format!("inspection/{id}/report/request"))
        + "Content-Length: 0\r\n\r\n";
    send(&server, 201, report).await;
    assert_eq!(
        read(&server.world, &id).await["identity"]["lastName"],
        "Sosa"
    );
    server.stop().await;
}

#[tokio::test]
async fn php_updates_products_with_forms() {
    let server = server().await;
    let (id, product) = car(&server).await;
    let path = format!("inspection/car/{product}");
    let file = format!("name=\"{FILE_INPUT}\"; filename=\"acta.pdf\"");
    let data = json!({"productId": product, "car": {"plate": "AB123CD"},
        "inputs": [{"identifier": TEXT_INPUT, "value": "Oro"}]});
    let data = data.to_string();
    let parts = [
        (
            file.as_str(),
            "Content-Type: application/pdf\r\n",
            &b"%PDF"[..],
        ),
        ("name=\"data\"", "", data.as_bytes()),
    ];
    send(&server, 200, php_multipart(&server, "PUT", &path, &parts)).await;
    // Its empty list of inputs clears nothing.
    let data = json!({"productId": product, "car": {"color": "red"}, "inputs": []}).to_string();
    let parts = [("name=\"data\"", "", data.as_bytes())];
    send(&server, 200, php_multipart(&server, "PUT", &path, &parts)).await;
    let after = read(&server.world, &id).await;
    assert_eq!(
        after["products"][0]["attributes"],
        json!({"plate": "AB123CD", "color": "red"})
    );
    assert_eq!(input(&after, TEXT_INPUT).unwrap(), "Oro");
    assert!(input(&after, FILE_INPUT).is_some());

    let (id, product) = started(&server.world, "machinery", &json!({})).await;
    let path = format!("inspection/machinery/{product}");
    let data =
        json!({"productId": product, "machinery": {"type": "tractor"}, "inputs": []}).to_string();
    let parts = [("name=\"data\"", "", data.as_bytes())];
    send(&server, 200, php_multipart(&server, "PUT", &path, &parts)).await;
    let after = read(&server.world, &id).await;
    assert_eq!(
        after["products"][0]["attributes"],
        json!({"type": "tractor"})
    );
    server.stop().await;
}

#[tokio::test]
async fn php_asks_for_tokens_where_it_uploads_and_waits_before_it_sends_much() {
    let server = server().await;
    let (id, product) = car(&server).await;
    let path = format!("inspection/image/{product}");
    let asked = json!({"productId": product, "side": "front"});
    let token = send(&server, 201, php_json(&server, "POST", &path, &asked)).await;
    assert_eq!(keys(&token), ["token"]);
    let data = asked.to_string();
    let image = photo(1);
    let parts = [
        (
            "name=\"image\"; filename=\"front.jpg\"",
            "Content-Type: image/jpeg\r\n",
            &image[..],
        ),
        ("name=\"data\"", "", data.as_bytes()),
    ];
    send(&server, 201, php_multipart(&server, "POST", &path, &parts)).await;

    // Over a megabyte Guzzle asks first whether it may send the body.
    let body = php_form(&parts);
    let head = php(&server, "POST", &path);
    let head = format!(
        "{head}Content-Type: multipart/form-data; boundary={PHP_BOUNDARY}\r\nExpect: 100-Continue\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body).await.unwrap();
    let (head, body) = read_answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 201 "), "{head} {body}");
    let images = &read(&server.world, &id).await["products"][0]["images"];
    assert_eq!(images.as_array().unwrap().len(), 2);
    server.stop().await;
}
