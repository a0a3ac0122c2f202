//! Facts about how requests read and answers show.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;
use crate::object::{InitialStatus, InspectionType, Metadata};

#[test]
fn a_create_needs_only_its_template_and_ignores_unknown_keys() {
    let request: CreateInspectionRequest = serde_json::from_value(
        json!({ "templateId": "easy", "inputValues": [], "later": { "x": 1 } }),
    )
    .unwrap();
    assert_eq!(
        request,
        CreateInspectionRequest {
            template_id: "easy".into(),
            ..Default::default()
        }
    );
    assert!(serde_json::from_value::<CreateInspectionRequest>(json!({})).is_err());
}

#[test]
fn a_whole_create_reads_every_field() {
    let given = json!({
        "templateId": "651ae032ff786d198dfa4ce4",
        "delivery": { "disabled": true },
        "locale": "es_MX",
        "consumer": { "firstName": "John", "sex": "male" },
        "producer": { "internalId": "7", "mustMatchUser": true },
        "inputs": [{ "identifier": "input_1", "value": "Oro" }],
        "metadata": { "policyId": "POL-1" },
        "initialStatus": "started",
        "callbackURL": "https://example.com/done",
        "access_token": "token",
        "car": { "plate": "AA000AA", "year": 2020 },
    });
    let mut request: CreateInspectionRequest = serde_json::from_value(given.clone()).unwrap();
    assert_eq!(serde_json::to_value(&request).unwrap(), given);
    assert_eq!(request.initial_status, Some(InitialStatus::Started));
    let products = request.take_products(InspectionType::Car);
    assert_eq!(
        products
            .iter()
            .map(|product| product.plate())
            .collect::<Vec<_>>(),
        [Some("AA000AA")]
    );
}

/// What is wrong with a body.
fn complaint<T: serde::de::DeserializeOwned>(body: Value) -> String {
    match serde_json::from_value::<T>(body.clone()) {
        Ok(_) => panic!("{body} was read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_array_is_no_object_even_if_its_elements_fit_the_fields() {
    let in_create = |key: &str, value: Value| {
        let mut body = json!({ "templateId": "easy" });
        body[key] = value;
        complaint::<CreateInspectionRequest>(body)
    };
    for key in ["consumer", "producer", "car", "metadata"] {
        let error = in_create(key, json!(["John"]));
        assert!(error.contains("sequence, expected an object"), "{error}");
        let error = in_create(key, json!(7));
        assert!(error.contains("`7`, expected an object"), "{error}");
    }
    in_create("delivery", json!([true]));
    in_create("inputs", json!([["input_1", "Oro"]]));
    in_create("goods", json!([[1]]));
    complaint::<ReviewRequest>(json!({ "images": [["651ae032ff786d198dfa4ce4", true]] }));
    complaint::<ChildrenRequest>(json!({ "delivery": [true] }));
}

#[test]
fn the_empty_array_that_php_writes_is_an_empty_object() {
    let empty = json!([]);
    let request: CreateInspectionRequest = serde_json::from_value(json!({
        "templateId": "easy", "consumer": empty, "producer": empty, "car": empty, "metadata": empty,
        "inputs": empty, "goods": empty,
    }))
    .unwrap();
    assert_eq!(
        serde_json::to_value(&request).unwrap(),
        json!({
            "templateId": "easy", "consumer": {}, "producer": {}, "car": {}, "metadata": {},
            "inputs": [], "goods": [],
        })
    );
    let request: UpdateWebhookRequest = serde_json::from_value(json!({ "headers": [] })).unwrap();
    assert_eq!(request.headers, Patch::Set(WebhookHeaders::new()));
    let request: ChildrenRequest = serde_json::from_value(json!({ "metadata": [] })).unwrap();
    assert_eq!(request.metadata, Some(Metadata::default()));
}

#[test]
fn a_word_is_a_text_and_nothing_else() {
    let as_key = json!({ "templateId": "easy", "initialStatus": { "started": null } });
    complaint::<CreateInspectionRequest>(as_key);
    complaint::<ReviewRequest>(json!({ "veredict": { "approved": null } }));
    let error = complaint::<ReviewRequest>(json!({ "veredict": "maybe" }));
    assert_eq!(
        error,
        "`maybe` is not known; use one of approved, disapproved"
    );
}

#[test]
fn every_type_but_goods_has_one_product() {
    for kind in InspectionType::ALL {
        let count = CreateInspectionRequest::default()
            .take_products(*kind)
            .len();
        assert_eq!(count, usize::from(*kind != InspectionType::Goods), "{kind}");
    }
}

#[test]
fn a_patch_tells_absent_null_and_set_apart() {
    let read = |given: Value| {
        serde_json::from_value::<UpdateWebhookRequest>(given)
            .unwrap()
            .timeout_ms
    };
    assert_eq!(read(json!({})), Patch::Absent);
    assert_eq!(read(json!({ "timeoutMs": null })), Patch::Null);
    assert_eq!(read(json!({ "timeoutMs": 500 })), Patch::Set(500));

    let text = json!({ "description": null, "retrySchedule": ["15m", "1h30m"] });
    let request: UpdateWebhookRequest = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(serde_json::to_value(&request).unwrap(), text);

    let mut stored = Some(1);
    Patch::Absent.apply(&mut stored);
    assert_eq!(stored, Some(1));
    Patch::Set(2).apply(&mut stored);
    assert_eq!(stored, Some(2));
    Patch::Null.apply(&mut stored);
    assert_eq!(stored, None);
}

#[test]
fn pages_count_as_the_contract_says() {
    let check = |total, page, limit, expected: Value| {
        let answer =
            serde_json::to_value(InspectionListAnswer::new(Vec::new(), total, page, limit))
                .unwrap();
        let shown = [
            "totalPages",
            "pagingCounter",
            "hasPrevPage",
            "hasNextPage",
            "prevPage",
            "nextPage",
        ]
        .map(|key| answer[key].clone());
        assert_eq!(
            Value::from(shown.to_vec()),
            expected,
            "{total} {page} {limit}"
        );
    };
    check(0, 1, 10, json!([1, 1, false, false, null, null]));
    check(10, 1, 10, json!([1, 1, false, false, null, null]));
    check(25, 1, 10, json!([3, 1, false, true, null, 2]));
    check(25, 2, 10, json!([3, 11, true, true, 1, 3]));
    check(25, 3, 10, json!([3, 21, true, false, 2, null]));
    check(0, 4, 10, json!([1, 31, false, false, null, null]));
    check(
        u64::MAX,
        u32::MAX,
        1,
        json!([u64::MAX, u32::MAX, true, true, u32::MAX - 1, u32::MAX]),
    );
}

#[test]
fn a_delivery_shows_the_documented_keys_in_their_order() {
    let head = json!({
        "_id": "651ae032ff786d198dfa4ce4", "eventId": "evt_651ae032ff786d198dfa4ce4",
        "event": "image_processed", "webhookId": "651ae032ff786d198dfa4ce5",
        "inspectionId": "651ae032ff786d198dfa4ce6", "status": "pending", "nextAttemptAt": null,
        "createdAt": "2026-11-20T14:03:22.118Z",
    });
    let attempt = json!({
        "_id": "651ae032ff786d198dfa4ce7", "number": 1, "cause": "first",
        "startedAt": "2026-11-20T14:03:22.118Z", "durationMs": 15000, "outcome": "failed",
        "errorClass": "timeout", "phase": "first_byte", "error": "no answer within 15s",
        "phases": {
            "resolveMs": null, "connectMs": 1, "tlsMs": null, "firstByteMs": null, "bodyMs": null,
        },
    });
    let join = |more: Value| {
        let mut joined = head.clone();
        joined
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        joined
    };
    let one = join(json!({ "attempts": [attempt] }));
    let delivery: Delivery = serde_json::from_value(one.clone()).unwrap();
    assert_eq!(serde_json::to_string(&delivery).unwrap(), one.to_string());
    let listed = join(json!({ "attemptCount": 1, "lastAttempt": attempt }));
    let summary: DeliverySummary = serde_json::from_value(listed.clone()).unwrap();
    assert_eq!(serde_json::to_string(&summary).unwrap(), listed.to_string());
}

#[test]
fn scopes_read_from_the_command_line_and_admin_implies_the_others() {
    assert_eq!(
        parse_scopes("webhooks, secrets,webhooks"),
        Ok(vec![Scope::Webhooks, Scope::Secrets])
    );
    for wrong in ["", "webhooks,", "all"] {
        assert!(parse_scopes(wrong).is_err(), "{wrong}");
    }
    for scope in Scope::ALL {
        assert!(Scope::Admin.allows(*scope));
        assert_eq!(Scope::Webhooks.allows(*scope), *scope == Scope::Webhooks);
    }
}

#[test]
fn answers_that_reveal_a_secret_do_not_show_it_when_logged() {
    let given = json!({ "secret": "whsec_abc", "createdAt": "2026-11-20T14:03:22.118Z", "previousValidUntil": null });
    let answer: SecretAnswer = serde_json::from_value(given.clone()).unwrap();
    assert_eq!(serde_json::to_value(&answer).unwrap(), given);
    assert!(!format!("{answer:?}").contains("abc"));
    let key: CreateKeyAnswer =
        serde_json::from_value(json!({ "_id": "651ae032ff786d198dfa4ce4", "apiKey": "hk_abc" }))
            .unwrap();
    assert!(!format!("{key:?}").contains("abc"));
}

#[test]
fn every_type_has_a_schema_that_names_only_schemas_it_brings_along() {
    use utoipa::{PartialSchema, ToSchema};

    fn check<T: ToSchema>() {
        let mut schemas = vec![(T::name().into_owned(), <T as PartialSchema>::schema())];
        T::schemas(&mut schemas);
        let names: Vec<String> = schemas.iter().map(|(name, _)| name.clone()).collect();
        let text = serde_json::to_string(
            &schemas
                .into_iter()
                .map(|(_, schema)| schema)
                .collect::<Vec<_>>(),
        )
        .unwrap();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(
                names.iter().any(|known| known == name),
                "{} lacks {name}",
                T::name()
            );
        }
    }

    check::<crate::event::Event>();
    check::<crate::problem::Problem>();
    check::<CreateInspectionRequest>();
    check::<CreateInspectionAnswer>();
    check::<InspectionListAnswer>();
    check::<CreateWebhookRequest>();
    check::<UpdateWebhookRequest>();
    check::<Webhook>();
    check::<SecretAnswer>();
    check::<RotateSecretAnswer>();
    check::<TestWebhookAnswer>();
    check::<PublishItem>();
    check::<PublishAnswer>();
    check::<Event>();
    check::<Delivery>();
    check::<DeliverySummary>();
    check::<ReviewRequest>();
    check::<ReviewAnswer>();
    check::<ChildrenRequest>();
    check::<AccessRequest>();
    check::<AccessAnswer>();
    check::<CreateKeyRequest>();
    check::<ApiKey>();
    check::<HealthAnswer>();
}

#[test]
fn a_page_by_cursor_has_a_schema_of_its_own_for_each_row() {
    use utoipa::OpenApi as _;

    #[utoipa::path(get, path = "/webhook", responses((status = 200, body = CursorPage<Webhook>)))]
    #[expect(dead_code, reason = "only its description is used")]
    fn list() {}

    #[derive(utoipa::OpenApi)]
    #[openapi(paths(list))]
    struct Described;

    let described = serde_json::to_value(Described::openapi()).unwrap();
    let schemas = described["components"]["schemas"].as_object().unwrap();
    for name in [
        "CursorPage_Webhook",
        "Webhook",
        "WebhookStatus",
        "EventType",
        "HumanDuration",
        "Timestamp",
    ] {
        assert!(
            schemas.contains_key(name),
            "{name} is missing in {:?}",
            schemas.keys()
        );
    }
}
