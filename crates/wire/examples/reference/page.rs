//! The reference page: every event with its fields and an example, then every type that they use.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use heraldo_wire::event::{EventType, Sample, sample};
use heraldo_wire::id::{Id, TemplateId};
use heraldo_wire::object::{Metadata, Producer, TemplateHead, TemplateType};
use heraldo_wire::time::Timestamp;
use serde_json::Value;

use crate::meanings::{self, Meaning};
use crate::schema;

pub struct Language {
    pub file: &'static str,
    title: &'static str,
    introduction: &'static str,
    /// Field, type, always there, meaning.
    head: [&'static str; 4],
    yes: &'static str,
    retried: &'static str,
    once: &'static str,
    schema: &'static str,
    example: &'static str,
    types: &'static str,
    list_of: &'static str,
    text: &'static str,
    number: &'static str,
    truth: &'static str,
    any: &'static str,
    one_of: &'static str,
    instant: &'static str,
    id: &'static str,
    map: &'static str,
    pick: fn(&Meaning) -> &'static str,
}

pub const LANGUAGES: &[Language] = &[
    Language {
        file: "guide/en/reference.md",
        title: "Reference of the inspection object",
        introduction: "What each parameter of an event's payload means. Generated from the types of the \
            code: `cargo xtask generate`. Receivers ignore keys that they do not know; new ones may come. \
            Ids are 24 hex digits, instants ISO 8601 with milliseconds and `Z`.",
        head: ["Field", "Type", "Always there", "Meaning"],
        yes: "yes",
        retried: "Repeated when the first attempt gets no 2XX.",
        once: "Sent once.",
        schema: "JSON Schema",
        example: "Example",
        types: "Types",
        list_of: "list of",
        text: "text",
        number: "number",
        truth: "true or false",
        any: "any JSON",
        one_of: "one of",
        instant: "instant",
        id: "id",
        map: "object, text to text",
        pick: |meaning| meaning.en,
    },
    Language {
        file: "guide/es/referencia.md",
        title: "Referencia del objeto inspección",
        introduction: "Qué significa cada parámetro del payload de un evento. Se genera a partir de los \
            tipos del código: `cargo xtask generate`. Los receptores ignoran las claves que no conocen; \
            pueden llegar nuevas. Los ids son 24 dígitos hexadecimales; los instantes, ISO 8601 con \
            milisegundos y `Z`.",
        head: ["Campo", "Tipo", "Siempre está", "Significado"],
        yes: "sí",
        retried: "Se repite si el primer intento no recibe un 2XX.",
        once: "Se envía una sola vez.",
        schema: "JSON Schema",
        example: "Ejemplo",
        types: "Tipos",
        list_of: "lista de",
        text: "texto",
        number: "número",
        truth: "true o false",
        any: "cualquier JSON",
        one_of: "uno de",
        instant: "instante",
        id: "id",
        map: "objeto, texto a texto",
        pick: |meaning| meaning.es,
    },
];

/// The page, or what has no meaning yet, or has one for nothing.
pub fn text(language: &Language) -> Result<String, String> {
    let mut page = Page {
        language,
        types: BTreeMap::new(),
        wanted: BTreeSet::new(),
        used: BTreeSet::new(),
        text: format!("# {}\n\n{}\n", language.title, language.introduction),
    };
    for event in EventType::SUBSCRIBABLE {
        page.event(event)?;
    }
    page.named_types()?;
    for meaning in meanings::FIELDS {
        if !page.used.contains(&(meaning.owner, meaning.name)) {
            return Err(format!("no field is {}.{}", meaning.owner, meaning.name));
        }
    }
    Ok(page.text)
}

struct Page<'a> {
    language: &'a Language,
    types: BTreeMap<String, Value>,
    /// Types with fields of their own that were named and are still to be described.
    wanted: BTreeSet<String>,
    used: BTreeSet<(&'static str, &'static str)>,
    text: String,
}

impl Page<'_> {
    fn event(&mut self, event: EventType) -> Result<(), String> {
        let described = schema::of(event);
        self.types.extend(described.types);
        let meaning = meanings::event(event);
        let language = self.language;
        let repeated = if event.is_retried_by_default() {
            language.retried
        } else {
            language.once
        };
        write!(
            self.text,
            "\n## `{event}`\n\n{} {repeated} [{}](../../schemas/{event}.json).\n\n",
            (language.pick)(&meaning),
            language.schema,
        )
        .expect("a string takes all");
        let owner = if EventType::ALL.contains(&event) {
            "payload"
        } else {
            "webhook"
        };
        self.table(owner, &described.payload)?;
        let body = serde_json::to_string_pretty(&sample(event, &surroundings()))
            .map_err(|error| error.to_string())?;
        write!(
            self.text,
            "\n{}:\n\n```json\n{body}\n```\n",
            language.example
        )
        .expect("a string takes all");
        Ok(())
    }

    fn named_types(&mut self) -> Result<(), String> {
        write!(self.text, "\n## {}\n", self.language.types).expect("a string takes all");
        let mut done = BTreeSet::new();
        while let Some(name) = self.wanted.pop_first() {
            if !done.insert(name.clone()) {
                continue;
            }
            let schema = self.types.get(&name).cloned();
            let schema = schema.ok_or_else(|| format!("there is no type {name}"))?;
            write!(self.text, "\n### {name}\n\n").expect("a string takes all");
            self.table(&name, &schema)?;
        }
        Ok(())
    }

    fn table(&mut self, owner: &str, schema: &Value) -> Result<(), String> {
        let [field, kind, always, meaning] = self.language.head;
        write!(
            self.text,
            "| {field} | {kind} | {always} | {meaning} |\n| --- | --- | --- | --- |\n"
        )
        .expect("a string takes all");
        let mut fields = Vec::new();
        self.fields(schema, &mut fields);
        for (name, schema, required) in fields {
            let meaning = meanings::FIELDS
                .iter()
                .find(|meaning| meaning.owner == owner && meaning.name == name)
                .ok_or_else(|| format!("{owner}.{name} has no meaning"))?;
            self.used.insert((meaning.owner, meaning.name));
            let kind = self.kind(&schema);
            let always = if required { self.language.yes } else { "" };
            let meaning = (self.language.pick)(&meaning.words);
            writeln!(self.text, "| `{name}` | {kind} | {always} | {meaning} |")
                .expect("a string takes all");
        }
        Ok(())
    }

    /// The fields of an object, those that it takes over from others included.
    fn fields(&self, schema: &Value, fields: &mut Vec<(String, Value, bool)>) {
        if let Some(name) = referred(schema) {
            if let Some(schema) = self.types.get(name) {
                self.fields(schema, fields);
            }
            return;
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.fields(part, fields);
        }
        let required = schema["required"].as_array();
        let is_required =
            |name: &str| required.is_some_and(|names| names.iter().any(|one| one == name));
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            fields.push((name.clone(), schema.clone(), is_required(name)));
        }
    }

    /// What kind of value a field holds, in words.
    fn kind(&mut self, schema: &Value) -> String {
        let language = self.language;
        if let Some(name) = referred(schema) {
            let name = name.to_owned();
            let target = self.types.get(&name).cloned().unwrap_or_default();
            let mut fields = Vec::new();
            self.fields(&target, &mut fields);
            if fields.is_empty() {
                return self.kind_named(&name, &target);
            }
            self.wanted.insert(name.clone());
            return format!("[{name}](#{})", name.to_lowercase());
        }
        if let Some(choice) = schema["oneOf"].as_array()
            && let Some(value) = choice.iter().find(|one| one["type"] != "null")
        {
            return self.kind(&value.clone());
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
            return format!("{} `{}`", language.one_of, words.join("` `"));
        }
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            Value::String(kind) => vec![kind.as_str()],
            _ => Vec::new(),
        };
        match kinds.into_iter().find(|kind| *kind != "null") {
            Some("string") => language.text.to_owned(),
            Some("number" | "integer") => language.number.to_owned(),
            Some("boolean") => language.truth.to_owned(),
            Some("array") => {
                let items = self.kind(&schema["items"].clone());
                format!("{} {items}", language.list_of)
            }
            Some("object") => language.map.to_owned(),
            Some(_) | None => language.any.to_owned(),
        }
    }

    fn kind_named(&mut self, name: &str, schema: &Value) -> String {
        if name == "Timestamp" {
            self.language.instant.to_owned()
        } else if name.ends_with("Id") {
            self.language.id.to_owned()
        } else {
            self.kind(schema)
        }
    }
}

fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// What the examples take from their surroundings: the same in every run.
fn surroundings() -> Sample {
    let id = |text: &str| text.parse::<Id>().expect("an id written here");
    Sample {
        inspection_id: heraldo_wire::id::InspectionId(id("6710aa01b2c3d4e5f6071801")),
        first_part_id: id("6710aa01b2c3d4e5f6071802"),
        producer: Producer {
            user_id: Some(heraldo_wire::id::UserId(id("66f00a11c4d5e6f708192a01"))),
            membership_id: Some(heraldo_wire::id::MembershipId(id(
                "66f00a11c4d5e6f708192a02",
            ))),
            company_id: heraldo_wire::id::CompanyId(id("66f00a11c4d5e6f708192a03")),
            first_name: Some("John".to_owned()),
            last_name: Some("Doe".to_owned()),
            username: Some("jdoe".to_owned()),
            email: Some("jdoe@example.com".to_owned()),
            internal_id: None,
        },
        template: TemplateHead {
            name: "easy".to_owned(),
            kind: TemplateType::BuiltIn,
            id: TemplateId(id("62be865212ca0918bcabf2a5")),
        },
        metadata: Metadata::from_iter([("policyId", "POL-2291")]),
        at: Timestamp::from_millis(1_792_418_602_118),
        public_url: "https://inspect.example.com".to_owned(),
        access_code: "4821".to_owned(),
    }
}
