//! Facts about event names, published events and samples.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;

#[test]
fn a_name_reads_back_and_is_what_json_carries() {
    for event in EventType::SUBSCRIBABLE {
        assert_eq!(EventType::subscribable(event.as_str()), Ok(event));
        let is_about_inspections = EventType::ALL.contains(&event);
        assert_eq!(
            event.as_str().parse::<EventType>().is_ok(),
            is_about_inspections
        );
        assert_eq!(
            serde_json::to_value(event).unwrap(),
            Value::from(event.as_str())
        );
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_eight() {
    let error = "inspection_exploded"
        .parse::<EventType>()
        .unwrap_err()
        .to_string();
    for event in EventType::ALL {
        assert!(error.contains(event.as_str()), "{error}");
    }
    assert!("Inspection_created".parse::<EventType>().is_err());
}

#[test]
fn exactly_three_events_are_retried_by_default() {
    let retried: Vec<_> = EventType::ALL
        .into_iter()
        .filter(|event| event.is_retried_by_default())
        .collect();
    assert_eq!(
        retried,
        [
            EventType::ImageProcessed,
            EventType::ExtraImageProcessed,
            EventType::InspectionCompleted
        ]
    );
}

#[test]
fn a_list_of_names_drops_duplicates_and_refuses_nothing_and_the_unknown() {
    let check = |names: &[&str], expected| assert_eq!(EventType::parse_list(names).ok(), expected);
    check(
        &["image_processed", "inspection_created", "image_processed"],
        Some(vec![
            EventType::ImageProcessed,
            EventType::InspectionCreated,
        ]),
    );
    check(&[], None);
    check(&["image_processed", "other"], None);
}

#[test]
fn a_published_payload_keeps_its_bytes() {
    let payload = "{ \"b\": 1.0,\n \"_id\": \"651ae032ff786d198dfa4ce4\", \"a\": \"\\u00f1\" }";
    let request =
        format!(" {{\"payload\": {payload} , \"event\":\"inspection_started\", \"x\": 1}}");
    let published = parse_published(request.as_bytes(), 1).unwrap();
    let [event] = published.as_slice() else {
        panic!("one event")
    };
    assert_eq!(event.inspection_id.to_string(), "651ae032ff786d198dfa4ce4");
    assert_eq!(
        String::from_utf8(render_published(event.event, event.payload)).unwrap(),
        format!("{{\"event\":\"inspection_started\",\"payload\":{payload}}}")
    );
}

#[test]
fn an_event_is_an_object_and_not_an_array_of_its_parts() {
    let parts = r#"["image_processed",{"_id":"651ae032ff786d198dfa4ce4"}]"#;
    for body in [format!("[{parts}]"), "7".to_owned(), "null".to_owned()] {
        let error = parse_published(body.as_bytes(), 5).unwrap_err();
        assert!(matches!(error, PublishError::Shape(_)), "{body}: {error}");
        assert!(error.to_string().contains("expected an object"), "{error}");
    }
}

#[test]
fn an_array_is_published_in_its_order() {
    let item =
        |n: u32| json!({ "event": "image_processed", "payload": { "_id": format!("{n:024x}") } });
    let request = Value::from_iter((0..3).map(item)).to_string();
    let ids: Vec<_> = parse_published(request.as_bytes(), 3)
        .unwrap()
        .iter()
        .map(|event| event.inspection_id.to_string())
        .collect();
    assert_eq!(ids, [0, 1, 2].map(|n| format!("{n:024x}")));
}

#[test]
fn a_wrong_publish_request_is_told_what_is_wrong() {
    let check = |request: &str, expected: &str| {
        let error = parse_published(request.as_bytes(), 2)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{request} gave: {error}");
    };
    let right = r#"{"event":"image_processed","payload":{"_id":"651ae032ff786d198dfa4ce4"}}"#;
    check("", "not valid JSON");
    check("{", "not valid JSON");
    check("[", "not valid JSON");
    check("[]", "empty");
    check("7", "or an array");
    check("{}", "missing field `event`");
    check(r#"{"event":"image_processed"}"#, "missing field `payload`");
    check(r#"{"event":7,"payload":{}}"#, "or an array");
    check(
        &format!("[{right},{right},{right}]"),
        "holds 3 events; send at most 2",
    );
    check(
        r#"{"event":"other","payload":{}}"#,
        "unknown event: `other`",
    );
    check(
        &format!(r#"[{right},{{"event":"other","payload":{{}}}}]"#),
        "event [1]: unknown event",
    );
    for payload in [
        "null",
        "{}",
        r#"["651ae032ff786d198dfa4ce4"]"#,
        r#""651ae032ff786d198dfa4ce4""#,
        r#"{"_id":7}"#,
        r#"{"_id":"651ae032"}"#,
        r#"{"_id":"evt_651ae032ff786d198dfa4ce4"}"#,
    ] {
        let request = format!(r#"{{"event":"image_processed","payload":{payload}}}"#);
        check(
            &request,
            "`payload` must be an object whose `_id` is 24 hex digits",
        );
    }
}

#[test]
fn an_image_event_reads_the_bare_object_and_needs_the_key_of_its_target() {
    let image = json!({
        "_id": "6710b3f0b2c3d4e5f6071811", "side": "front", "processed": true, "approved": true,
        "uploadedAt": "2026-11-20T14:03:22.118Z", "src": "https://example.com/1.jpg",
    });
    let read = |kind: &str, product: Value| {
        serde_json::from_value::<ImageProcessed>(json!({
            "_id": "6710aa01b2c3d4e5f6071801", "type": kind, "product": product,
            "producer": { "companyId": "66f00a11c4d5e6f708192a03" }, "metadata": {}, "inspectionType": "car",
        }))
    };
    let product = |image: Value| json!({ "_id": "6710aa01b2c3d4e5f6071802", "image": image });
    let listed = read("product", product(json!([image]))).unwrap();
    assert_eq!(read("product", product(image.clone())).unwrap(), listed);
    assert!(read("product", product(json!([image, image]))).is_err());
    let error = read("identity", product(image)).unwrap_err().to_string();
    assert!(error.contains("the key `identity` is missing"), "{error}");
}
