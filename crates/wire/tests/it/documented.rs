//! Every event body that the documentation shows reads into its type and renders to the same keys in the
//! same order. The names of persons in them are the documentation's placeholder.

use heraldo_wire::event::{Event, EventType, Head, InspectionCreated, Sample, render, sample};
use heraldo_wire::id::Id;
use heraldo_wire::object::{
    InspectionStatus, InspectionType, Producer, TemplateHead, TemplateType,
};
use heraldo_wire::time::Timestamp;
use serde_json::Value;

/// Each documented body.
const EXAMPLES: [(&str, &str); 10] = [
    (
        "inspection_created",
        include_str!("documented/page_inspection_created.json"),
    ),
    (
        "inspection_created",
        include_str!("documented/inspection_created.json"),
    ),
    (
        "children_inspection_created",
        include_str!("documented/children_inspection_created.json"),
    ),
    (
        "inspection_started",
        include_str!("documented/inspection_started.json"),
    ),
    (
        "image_processed",
        include_str!("documented/image_processed.json"),
    ),
    (
        "image_processed",
        include_str!("documented/image_processed_identity.json"),
    ),
    (
        "extra_image_processed",
        include_str!("documented/extra_image_processed.json"),
    ),
    (
        "inspection_blocked",
        include_str!("documented/inspection_blocked.json"),
    ),
    (
        "inspection_completed",
        include_str!("documented/inspection_completed.json"),
    ),
    (
        "inspection_reviewed",
        include_str!("documented/inspection_reviewed.json"),
    ),
];

/// The text without its spacing; keys keep their order.
fn compact(text: &str) -> String {
    serde_json::from_str::<Value>(text).unwrap().to_string()
}

#[test]
fn every_documented_body_renders_to_itself() {
    for (name, text) in EXAMPLES {
        let event: Event =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(event.event_type().as_str(), name);
        assert_eq!(String::from_utf8(render(&event)).unwrap(), compact(text));
    }
}

#[test]
fn every_event_has_a_documented_body() {
    for event in EventType::ALL {
        assert!(
            EXAMPLES.iter().any(|(name, _)| *name == event.as_str()),
            "{event}"
        );
    }
}

/// The inspection object reference that the documentation points to.
#[test]
fn the_reference_explains_every_event_and_shows_its_body_in_both_languages() {
    for page in [
        include_str!("../../../../docs/guide/en/reference.md"),
        include_str!("../../../../docs/guide/es/referencia.md"),
    ] {
        for event in EventType::ALL {
            let section = page.split(&format!("\n## `{event}`\n")).nth(1);
            let section = section.unwrap_or_else(|| panic!("{event} is not there"));
            let section = section.split("\n## ").next().unwrap();
            let example = section.split("```json\n").nth(1).unwrap();
            let example = example.split("\n```").next().unwrap();
            let read: Event = serde_json::from_str(example).unwrap();
            assert_eq!(read.event_type(), event);
            assert_eq!(String::from_utf8(render(&read)).unwrap(), compact(example));
            let body: Value = serde_json::from_str(example).unwrap();
            for key in body["payload"].as_object().unwrap().keys() {
                let row = format!("\n| `{key}` | ");
                assert!(section.contains(&row), "{event}: nothing is said of {key}");
            }
        }
    }
}

#[test]
fn an_inspection_created_built_by_hand_is_the_body_of_the_page() {
    fn id(text: &str) -> Id {
        text.parse().unwrap()
    }
    let event = Event::InspectionCreated(InspectionCreated {
        head: Head {
            id: heraldo_wire::id::InspectionId(id("651ae032ff786d198dfa4ce4")),
            status: InspectionStatus::Created,
            veredict: None,
            producer: Producer {
                user_id: Some(heraldo_wire::id::UserId(id("61478404b9a70800551878b6"))),
                membership_id: Some(heraldo_wire::id::MembershipId(id(
                    "61c28b777b0c420012bd4a68",
                ))),
                company_id: heraldo_wire::id::CompanyId(id("6147843bb9a70800551878bd")),
                first_name: Some("John".into()),
                last_name: Some("Doe".into()),
                username: Some("johndoe".into()),
                email: Some("johndoe@gmail.com".into()),
                internal_id: None,
            },
            kind: InspectionType::Car,
            metadata: [("my_custom_key", "my_custom_value")].into_iter().collect(),
            testing: false,
            template: TemplateHead {
                name: "easy".into(),
                kind: TemplateType::BuiltIn,
                id: heraldo_wire::id::TemplateId(id("62be865212ca0918bcabf2a5")),
            },
        },
        magic_link:
            "https://app.autoinspector.ai/inspection/651ae032ff786d198dfa4ce4?accessCode=5087"
                .into(),
    });
    let (_, page) = EXAMPLES[0];
    assert_eq!(String::from_utf8(render(&event)).unwrap(), compact(page));
    assert_eq!(
        event.inspection_id().to_string(),
        "651ae032ff786d198dfa4ce4"
    );
}

/// The paths of all keys of a body, in order; array elements count once each.
fn keys(value: &Value, path: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = format!("{path}.{key}");
                into.push(path.clone());
                if key != "metadata" {
                    keys(value, &path, into);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, path, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_sample_has_at_least_the_keys_of_the_documented_body() {
    let Event::InspectionCreated(created) = serde_json::from_str(EXAMPLES[0].1).unwrap() else {
        panic!("the page shows inspection_created")
    };
    let from = Sample {
        inspection_id: created.head.id,
        first_part_id: "651ae033ff786d198dfa4ce4".parse().unwrap(),
        producer: created.head.producer,
        template: created.head.template,
        metadata: created.head.metadata,
        at: Timestamp::from_millis(0),
        public_url: "https://app.autoinspector.ai".into(),
        access_code: "5087".into(),
    };
    for (name, text) in EXAMPLES {
        let documented: Value = serde_json::from_str(text).unwrap();
        if documented.pointer("/payload/identity/image").is_some() {
            continue; // Samples are about a car.
        }
        let event = sample(name.parse().unwrap(), &from);
        let body = render(&event);
        assert_eq!(serde_json::from_slice::<Event>(&body).unwrap(), event);
        let (mut expected, mut given) = (Vec::new(), Vec::new());
        keys(&documented, "", &mut expected);
        keys(&serde_json::from_slice(&body).unwrap(), "", &mut given);
        for key in expected {
            assert!(given.contains(&key), "the sample of {name} lacks {key}");
        }
    }
}
