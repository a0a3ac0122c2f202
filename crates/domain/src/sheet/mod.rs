//! An inspection as people read it: what its report and its detail page show, in words, before anything is
//! laid out.

pub mod html;
mod words;

use heraldo_wire::event::EventType;
use heraldo_wire::id::ImageId;
use heraldo_wire::object::{Consumer, Input, Producer, Validation, Veredict};
use heraldo_wire::time::Timestamp;
use serde_json::Value;

pub use words::Language;

use crate::inspection::file::input_file;
use crate::inspection::{Image, ImageState, Inspection, Product, State};
use crate::photo::Captured;
use crate::template::Template;

/// One sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    pub language: Language,
    pub title: String,
    pub subtitle: String,
    /// What has to be known before anything else is read, such as that the inspection has not ended.
    pub notices: Vec<String>,
    pub verdict: Line,
    pub sections: Vec<Section>,
    /// When it was written, for the foot of its pages.
    pub written: String,
}

/// A part of a sheet under a heading of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    pub heading: String,
    /// Labels and values.
    pub rows: Vec<(String, String)>,
    pub photos: Vec<Photo>,
}

/// A photo with what was found on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    pub image_id: ImageId,
    pub caption: String,
    pub lines: Vec<Line>,
}

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub tone: Tone,
    pub text: String,
}

/// Whether a sentence is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    /// It could not be told.
    Unknown,
    Plain,
}

/// What a sheet is made from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub inspection: &'a Inspection,
    pub template: &'a Template,
    pub company_name: &'a str,
    /// What happened, oldest first.
    pub events: &'a [(EventType, Timestamp)],
    pub now: Timestamp,
}

/// Writes the sheet of an inspection.
#[must_use]
pub fn write(facts: Facts<'_>, language: Language) -> Sheet {
    let Facts {
        inspection, now, ..
    } = facts;
    let veredict = inspection.veredict();
    let mut sections = vec![summary(facts, language)];
    sections.extend(contents(facts, language));
    sections.push(time_line(facts, language));
    sections.retain(|section| !section.is_empty());
    Sheet {
        language,
        title: language.say("Inspección", "Inspection").to_owned(),
        subtitle: format!(
            "{} · {}",
            language.kind(inspection.inspection_type),
            inspection.id
        ),
        notices: notices(inspection, language),
        verdict: Line {
            tone: match veredict {
                Veredict::Approved => Tone::Good,
                Veredict::Disapproved => Tone::Bad,
                Veredict::NotProvided | Veredict::NotDefined => Tone::Plain,
            },
            text: format!(
                "{}: {}",
                language.say("Resultado", "Result"),
                language.veredict(veredict)
            ),
        },
        sections,
        written: format!("{} {}", language.say("Escrito el", "Written on"), date(now)),
    }
}

/// What an inspection is about: the person, who asked for it, what was answered, and each inspected thing with
/// its photos.
#[must_use]
pub fn contents(facts: Facts<'_>, language: Language) -> Vec<Section> {
    let inspection = facts.inspection;
    let mut sections = vec![
        consumer(&inspection.consumer, language),
        producer(&inspection.producer, facts.company_name, language),
        Section {
            heading: language.say("Datos pedidos", "Answers").to_owned(),
            rows: inputs(&inspection.inputs, language),
            photos: Vec::new(),
        },
    ];
    for (number, product) in (1..).zip(&inspection.products) {
        sections.push(part(facts, product, number, language));
    }
    sections.retain(|section| !section.is_empty());
    sections
}

impl Section {
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.photos.is_empty()
    }
}

fn notices(inspection: &Inspection, language: Language) -> Vec<String> {
    let mut notices = Vec::new();
    let has_ended = match inspection.state {
        State::Completed { .. } | State::Blocked { .. } => true,
        State::Created { .. } | State::Started { .. } | State::Processing { .. } => false,
    };
    if !has_ended {
        notices.push(format!(
            "{} {}.",
            language.say(
                "Esta inspección no ha terminado: lo que sigue puede cambiar todavía. Su estado es:",
                "This inspection has not ended: what follows may still change. Its status is:",
            ),
            language.status(inspection.status()).to_lowercase()
        ));
    }
    if inspection.testing {
        let text = language.say(
            "Es una inspección de prueba.",
            "This is an inspection made for testing.",
        );
        notices.push(text.to_owned());
    }
    notices
}

fn summary(facts: Facts<'_>, language: Language) -> Section {
    let inspection = facts.inspection;
    let mut rows = Rows(Vec::new());
    let status = language.status(inspection.status());
    rows.add(language.say("Estado", "Status"), status);
    match &inspection.state {
        State::Created { .. } | State::Started { .. } | State::Processing { .. } => {}
        State::Completed {
            completed_by,
            at,
            review,
            ..
        } => {
            let by = language.completed_by(*completed_by);
            rows.add(language.say("Terminada por", "Ended by"), by);
            rows.add(language.say("Terminada el", "Ended on"), date(*at));
            if let Some(review) = review {
                let label = language.say("Revisada el", "Reviewed on");
                rows.add(label, date(review.at));
                let label = language.say("Motivo de la revisión", "Reason of the review");
                rows.add_some(label, review.reason.clone());
            }
        }
        State::Blocked { reason, at } => {
            let reason = language.blocked(*reason);
            rows.add(
                language.say("Motivo del bloqueo", "Blocked because"),
                reason,
            );
            rows.add(language.say("Bloqueada el", "Blocked on"), date(*at));
        }
    }
    let template = inspection.template.name.clone();
    rows.add(language.say("Plantilla", "Template"), template);
    rows.add(
        language.say("Creada el", "Created on"),
        date(inspection.created_at),
    );
    rows.add(
        language.say("Vence el", "Expires on"),
        date(inspection.expires_at),
    );
    if let Some(parent) = inspection.parent_id {
        let label = language.say("Continúa la inspección", "Continues the inspection");
        rows.add(label, parent.to_string());
    }
    Section {
        heading: language.say("Resumen", "Summary").to_owned(),
        rows: rows.0,
        photos: Vec::new(),
    }
}

fn consumer(consumer: &Consumer, language: Language) -> Section {
    let mut rows = Rows(Vec::new());
    let names = [&consumer.first_name, &consumer.last_name];
    let name: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    rows.add(language.say("Nombre", "Name"), name.join(" "));
    let document = consumer.identification.clone();
    rows.add_some(language.say("Documento", "Identification"), document);
    rows.add_some(language.say("Correo", "E-mail"), consumer.email.clone());
    rows.add_some(
        language.say("Teléfono", "Telephone"),
        consumer.phone.clone(),
    );
    let born = consumer.birthdate.clone();
    rows.add_some(language.say("Fecha de nacimiento", "Date of birth"), born);
    let sex = consumer.sex.map(|sex| language.sex(sex).to_owned());
    rows.add_some(language.say("Sexo", "Sex"), sex);
    let Consumer {
        address,
        city,
        state,
        country,
        ..
    } = consumer;
    let lines = [address, city, state, country].into_iter().flatten();
    let lines: Vec<&str> = lines.map(String::as_str).collect();
    rows.add(language.say("Domicilio", "Address"), lines.join(", "));
    Section {
        heading: language.say("Persona", "Person").to_owned(),
        rows: rows.0,
        photos: Vec::new(),
    }
}

fn producer(producer: &Producer, company_name: &str, language: Language) -> Section {
    let mut rows = Rows(Vec::new());
    rows.add(language.say("Empresa", "Company"), company_name);
    let names = [&producer.first_name, &producer.last_name];
    let name: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    rows.add(language.say("Nombre", "Name"), name.join(" "));
    rows.add_some(language.say("Usuario", "User"), producer.username.clone());
    rows.add_some(language.say("Correo", "E-mail"), producer.email.clone());
    let own = producer.internal_id.clone();
    rows.add_some(language.say("Identificador interno", "Internal id"), own);
    Section {
        heading: language.say("Quién la pidió", "Requested by").to_owned(),
        rows: rows.0,
        photos: Vec::new(),
    }
}

/// One inspected thing, with its photos.
fn part(facts: Facts<'_>, product: &Product, number: usize, language: Language) -> Section {
    let inspection = facts.inspection;
    let kind = language.kind(inspection.inspection_type);
    let heading = if inspection.products.len() > 1 {
        format!("{kind} {number}")
    } else {
        kind.to_owned()
    };
    let mut rows = Rows(Vec::new());
    for (name, value) in &product.attributes.0 {
        rows.add(&language.attribute(name), text_of(value, language));
    }
    rows.0.extend(inputs(&product.inputs, language));
    let required = facts.template.images.iter().filter(|asked| asked.required);
    let missing: Vec<String> = required
        .filter(|asked| product.newest(&asked.side).is_none())
        .map(|asked| language.side(&asked.side))
        .collect();
    let label = language.say("Fotos que faltan", "Missing photos");
    rows.add(label, missing.join(", "));
    let photos = product.images.iter();
    Section {
        heading,
        rows: rows.0,
        photos: photos
            .map(|image| photo(product, image, language))
            .collect(),
    }
}

fn photo(product: &Product, image: &Image, language: Language) -> Photo {
    let mut caption = language.side(&image.side);
    if image.extra {
        caption.push_str(language.say(" (adicional)", " (extra)"));
    } else if product
        .newest(&image.side)
        .is_some_and(|newest| newest.id != image.id)
    {
        caption.push_str(language.say(
            " (reemplazada por una más nueva)",
            " (replaced by a newer one)",
        ));
    }
    let mut lines = findings(image, language);
    let mut plain = |text| {
        lines.push(Line {
            tone: Tone::Plain,
            text,
        });
    };
    if let Some(captured) = image.captured {
        plain(format!(
            "{} {}",
            language.say("Tomada el", "Taken on"),
            match captured {
                Captured::At(at) => date(at),
                Captured::SomewhereAt(shown) => local(shown),
            }
        ));
    }
    let sent = language.say("Enviada el", "Sent on");
    plain(format!("{sent} {}", date(image.uploaded_at)));
    plain(format!(
        "{} x {} px",
        image.width_pixels, image.height_pixels
    ));
    Photo {
        image_id: image.id,
        caption,
        lines,
    }
}

/// Whether a photo is approved, what its checks came to, and the damages on it.
#[must_use]
pub fn findings(image: &Image, language: Language) -> Vec<Line> {
    let mut lines = vec![match &image.state {
        ImageState::Uploaded { .. } | ImageState::Examined { .. } => Line {
            tone: Tone::Plain,
            text: language
                .say("Se está verificando", "Being checked")
                .to_owned(),
        },
        ImageState::Processed { approved: true, .. } => Line {
            tone: Tone::Good,
            text: language.say("Foto aprobada", "Photo approved").to_owned(),
        },
        ImageState::Processed {
            approved: false, ..
        } => Line {
            tone: Tone::Bad,
            text: language
                .say("Foto desaprobada", "Photo disapproved")
                .to_owned(),
        },
    }];
    let checks = image.validations().iter();
    lines.extend(checks.map(|check| judged(check, language)));
    lines.extend(image.damages().iter().map(|damage| Line {
        tone: Tone::Bad,
        text: format!(
            "{}: {}, {} ({})",
            language.say("Daño", "Damage"),
            damage.part,
            damage.kind,
            language.percent(damage.percentage)
        ),
    }));
    lines
}

/// What a check came to, and what it asked.
fn judged(check: &Validation, language: Language) -> Line {
    let asks = language.asks(&check.kind);
    let name = language.check(&check.kind);
    // Nobody could look at it: there is nothing to be more or less certain of.
    if !check.valid && check.confidence == 0.0 {
        let nothing = language.say("no se pudo saber", "it could not be told");
        return Line {
            tone: Tone::Unknown,
            text: format!("{name}: {nothing} ({asks})"),
        };
    }
    let (tone, word) = match check.valid {
        true => (Tone::Good, language.say("sí", "yes")),
        false => (Tone::Bad, "no"),
    };
    Line {
        tone,
        text: format!(
            "{name}: {word} ({asks}; {} {})",
            language.say("certeza", "confidence"),
            language.percent(check.confidence * 100.0),
        ),
    }
}

fn inputs(inputs: &[Input], language: Language) -> Vec<(String, String)> {
    let mut rows = Rows(Vec::new());
    for input in inputs {
        let label = if input.label.is_empty() {
            &input.identifier
        } else {
            &input.label
        };
        let value = match input_file(input) {
            Some(file) => file
                .filename
                .unwrap_or_else(|| language.say("un archivo", "a file").to_owned()),
            None => input
                .value
                .as_ref()
                .map(|value| text_of(value, language))
                .unwrap_or_default(),
        };
        rows.add(label, value);
    }
    rows.0
}

fn time_line(facts: Facts<'_>, language: Language) -> Section {
    let mut rows = Rows(Vec::new());
    for (event, at) in facts.events {
        if let Some(text) = language.event(*event) {
            rows.add(&date(*at), text);
        }
    }
    Section {
        heading: language
            .say("Qué pasó y cuándo", "What happened when")
            .to_owned(),
        rows: rows.0,
        photos: Vec::new(),
    }
}

/// Rows of a section; empty values are left out.
struct Rows(Vec<(String, String)>);

impl Rows {
    fn add(&mut self, label: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.trim().is_empty() {
            self.0.push((label.to_owned(), value));
        }
    }

    fn add_some(&mut self, label: &str, value: Option<String>) {
        self.add(label, value.unwrap_or_default());
    }
}

fn text_of(value: &Value, language: Language) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => language.yes_no(*yes).to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let texts = values.iter().map(|value| text_of(value, language));
            texts.collect::<Vec<_>>().join(", ")
        }
        Value::Object(_) => value.to_string(),
    }
}

/// A date to the minute, in UTC.
fn date(at: Timestamp) -> String {
    format!("{} UTC", local(at))
}

/// A date to the minute, of a clock whose zone is not known.
fn local(at: Timestamp) -> String {
    let text = at.to_string();
    let minute: String = text.split(['.', 'Z']).next().unwrap_or_default().into();
    let minute = minute
        .rsplit_once(':')
        .map_or(&*minute, |(minute, _)| minute);
    minute.replace('T', " ")
}

#[cfg(test)]
mod tests;
