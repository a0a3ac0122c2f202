//! The JSON Schema of what to send when creating an inspection with a template (contract 2.9).
//!
//! It says no more than the readers of requests hold to: what the contract leaves open, such as the
//! attributes of a product, has hints and no rules. Words that are new here must be known to the checker.

use heraldo_wire::object::{
    DEFAULT_LOCALE, DeliveryChannel, InitialStatus, InputStage, InputType, InspectionType, Sex,
    TemplateInput, TemplateType,
};
use serde_json::{Map, Value, json};

use super::Template;
use super::value::CHECK_WORDS;

/// Colours of vehicles (contract 2.3).
const COLORS: &[&str] = &[
    "yellow", "blue", "white", "gold", "grey", "orange", "black", "red", "green",
];
const MACHINERY: &[&str] = &[
    "tractor",
    "combine_harvester",
    "sprayer",
    "seeder",
    "fumigator",
    "baler",
    "round_baler",
    "paver",
    "leveler",
    "crane",
    "excavator",
    "carts",
    "grader",
    "loader",
    "scrapers",
    "compacting_machine",
    "machine_soil_treatment",
    "forklift",
    "motor_vehicle_with_coupling_device",
    "fertilizer",
    "backhoe",
    "bulldozer",
    "compactor",
    "hidrogua",
    "trencher",
    "mixer",
    "hopper",
    "mechanical_shovel",
];
const GOODS_CATEGORIES: &[&str] = &[
    "sports",
    "electronics",
    "instruments",
    "jewellery",
    "art",
    "home",
    "mobility",
];
const GOODS: &[&str] = &[
    "skies",
    "surf_table",
    "kayak",
    "golf_set",
    "skate_board",
    "mobile",
    "laptop",
    "tablets",
    "monitor",
    "watch_digital",
    "printer_3d",
    "headsets",
    "camera",
    "controllers",
    "drone",
    "sax",
    "violin",
    "guitar",
    "drums",
    "keyboard",
    "amplifier",
    "jewel",
    "watch_luxury",
    "paint",
    "refrigerator",
    "microwave",
    "tv",
    "freezer",
    "bike",
    "scuter",
];

/// The schema of a template.
#[must_use]
pub fn schema(template: &Template) -> Value {
    let own_alias = template.kind == TemplateType::BuiltIn;
    let id = template.id.to_string();
    let names = if own_alias {
        json!([id, template.name])
    } else {
        json!([id])
    };
    let mut properties = Map::new();
    let mut say = |key: &str, schema: Value| properties.insert(key.to_owned(), schema);
    say("templateId", json!({"type": "string", "enum": names}));
    say("delivery", delivery());
    say(
        "locale",
        json!({
            "type": ["string", "null"], "maxLength": 35, "default": DEFAULT_LOCALE,
            "examples": ["es_AR", "es_MX", "es_CL", "es_UY", "es_PE"],
        }),
    );
    if let Some((key, schema)) = product(template.inspection_type) {
        say(key, schema);
    }
    say("consumer", consumer());
    say(
        "producer",
        json!({"type": ["object", "null"], "properties": {
            "internalId": {"type": ["string", "null"]},
            "mustMatchUser": {"type": ["boolean", "null"]},
        }}),
    );
    say("inputs", inputs(template));
    say(
        "metadata",
        json!({"type": ["object", "null"], "additionalProperties": {"type": "string"}, "maxProperties": 100}),
    );
    let mut statuses: Vec<Value> = words(InitialStatus::ALL);
    statuses.push(Value::Null);
    say(
        "initialStatus",
        json!({"enum": statuses, "default": InitialStatus::Created}),
    );
    say(
        "callbackURL",
        json!({"type": ["string", "null"], "format": "uri"}),
    );
    let mut required = vec!["templateId"];
    if due_at_create(template).next().is_some() {
        required.push("inputs");
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": template.name,
        "description": format!(
            "The body of POST /v1/inspection/{}. Unknown keys are ignored.", template.inspection_type
        ),
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": true,
    })
}

/// The inputs without which no inspection is created (contract U3): the template's own, and those of the photos
/// that it requires. Those of other photos are due when the photo was taken.
pub fn due_at_create(template: &Template) -> impl Iterator<Item = &TemplateInput> {
    let required = template.images.iter().filter(|image| image.required);
    let of_images = required.flat_map(|image| &image.inputs);
    let due = |input: &&TemplateInput| {
        input.validation_schema.required && input.stages == InputStage::Create
    };
    template.inputs.iter().chain(of_images).filter(due)
}

fn words<T: serde::Serialize>(all: &[T]) -> Vec<Value> {
    all.iter().map(|word| json!(word)).collect()
}

fn delivery() -> Value {
    json!({
        "type": ["object", "null"],
        "properties": {
            "disabled": {"type": "boolean"},
            "channel": {"enum": words(DeliveryChannel::ALL)},
            "destination": {"type": "string", "description": "An e-mail address or a telephone number"},
            "countryISO": {"type": ["string", "null"]},
        },
        "if": {"type": "object"},
        "then": {"anyOf": [
            {"properties": {"disabled": {"const": true}}, "required": ["disabled"]},
            {"required": ["channel", "destination"]},
        ]},
    })
}

fn consumer() -> Value {
    let mut properties = Map::new();
    for field in [
        "firstName",
        "lastName",
        "identification",
        "email",
        "phone",
        "birthdate",
        "country",
        "state",
        "city",
        "address",
    ] {
        properties.insert(field.to_owned(), json!({"type": ["string", "null"]}));
    }
    let mut sexes = words(Sex::ALL);
    sexes.extend([json!(0), json!(1), json!(2), json!(9)]);
    sexes.extend([json!("0"), json!("1"), json!("2"), json!("9"), Value::Null]);
    properties.insert(
        "sex".to_owned(),
        json!({"enum": sexes, "description": "A word, or the ISO 5218 number"}),
    );
    json!({"type": ["object", "null"], "properties": properties})
}

/// The key of the declared attributes, and their schema: hints, because what is unknown is kept as it comes
/// (contract 2.3).
fn product(kind: InspectionType) -> Option<(&'static str, Value)> {
    let object = |attributes: Value| json!({"type": ["object", "null"], "properties": attributes});
    let text = || json!({"description": "text"});
    let number = || json!({"description": "number"});
    let hint = |words: &[&str]| json!({"description": "text", "examples": words});
    let year = || json!({"description": "text or number", "examples": ["2020", 2020]});
    let schema = match kind {
        InspectionType::Car | InspectionType::Moto => object(json!({
            "plate": text(), "color": hint(COLORS), "milage": number(), "use": text(), "year": year(),
            "make": text(), "model": text(), "chassis": text(),
        })),
        InspectionType::Bike | InspectionType::Cellphone => object(json!({
            "make": text(), "model": text(), "price": number(), "serialNumber": text(),
        })),
        InspectionType::Machinery => object(json!({
            "type": hint(MACHINERY), "make": text(), "color": hint(COLORS), "year": year(),
            "model": text(), "purpose": hint(&["Agrícola", "Vial", "Industrial"]),
            "use": hint(&["OFICIAL", "PRIVADO", "PÚBLICO"]),
        })),
        InspectionType::Goods => {
            let one = json!({"type": "object", "properties": {
                "make": text(), "model": text(), "type": hint(GOODS),
                "category": hint(GOODS_CATEGORIES), "price": text(), "serialNumber": text(),
            }});
            json!({"type": ["array", "null"], "items": one, "maxItems": 50})
        }
        InspectionType::People => object(json!({"configuration": {"description": "object"}})),
        InspectionType::Custom => return None,
    };
    Some((kind.as_str(), schema))
}

fn inputs(template: &Template) -> Value {
    let asked: Vec<&TemplateInput> = template.asked().collect();
    if asked.is_empty() {
        return json!({"type": ["array", "null"], "maxItems": 0});
    }
    let identifiers: Vec<_> = asked.iter().map(|input| &input.identifier).collect();
    let rules: Vec<Value> = asked
        .iter()
        .map(|input| {
            json!({
                "if": named(input),
                "then": {"title": input.label, "properties": {"value": value(input)}},
            })
        })
        .collect();
    let due: Vec<Value> = due_at_create(template)
        .map(|input| {
            let mut one = named(input);
            set(&mut one, "required", json!(["identifier", "value"]));
            json!({"contains": one})
        })
        .collect();
    let mut schema = json!({
        "type": if due.is_empty() { json!(["array", "null"]) } else { json!("array") },
        "items": {
            "type": "object",
            "required": ["identifier"],
            "properties": {"identifier": {"enum": identifiers}},
            "allOf": rules,
        },
    });
    if !due.is_empty() {
        set(&mut schema, "allOf", Value::Array(due));
    }
    schema
}

/// Adds a word to a schema.
fn set(schema: &mut Value, word: &str, rule: Value) {
    if let Value::Object(words) = schema {
        words.insert(word.to_owned(), rule);
    }
}

fn named(input: &TemplateInput) -> Value {
    json!({"properties": {"identifier": {"const": input.identifier}}, "required": ["identifier"]})
}

/// The rules of one value, as far as a schema can say them: dates have their bounds in words, and the text
/// of a number is not looked into.
fn value(input: &TemplateInput) -> Value {
    let rules = &input.validation_schema;
    let mut schema = match input.kind {
        InputType::Text | InputType::Textare => json!({"type": ["string", "number"]}),
        InputType::Numeric => {
            json!({"type": ["number", "string"], "description": "A number; its text passes too"})
        }
        InputType::Date => json!({"type": "string", "format": "date"}),
        InputType::Select => {
            let labels: Vec<_> = input.options.iter().map(|option| &option.label).collect();
            json!({"enum": labels})
        }
        InputType::Check => {
            let [yes, no] = CHECK_WORDS;
            json!({"enum": [true, false, yes, no]})
        }
        InputType::File => json!({
            "type": "object", "required": ["type"], "properties": {"type": {"const": "Buffer"}},
            "description": "A file: a part of a multipart body named after the identifier, or \
                            {\"type\":\"Buffer\",\"data\":[…bytes]}",
        }),
    };
    let mut say = |word: &str, rule: Value| {
        if !rule.is_null() {
            set(&mut schema, word, rule);
        }
    };
    say("minLength", json!(rules.min_length));
    say("maxLength", json!(rules.max_length));
    say("minimum", json!(rules.minimum));
    say("maximum", json!(rules.maximum));
    if rules.email == Some(true) {
        say("format", json!("email"));
    }
    let days = [
        ("no earlier than", &rules.min_date),
        ("no later than", &rules.max_date),
    ];
    let days: Vec<String> = days
        .iter()
        .filter_map(|(word, day)| Some(format!("{word} {}", day.as_ref()?)))
        .collect();
    if !days.is_empty() {
        say("description", json!(days.join(", ")));
    }
    if rules.required {
        // Forms send an empty text for nothing.
        if input.kind != InputType::File && rules.min_length.is_none() {
            say("minLength", json!(1));
        }
        schema
    } else {
        json!({"anyOf": [schema, {"enum": [null, ""]}]})
    }
}

#[cfg(test)]
mod tests;
