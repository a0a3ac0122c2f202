//! What the consumer's page shows, made from the inspection and its template.

use askama::Template;
use heraldo_domain::inspection::file::input_file;
use heraldo_domain::inspection::{
    AskedInput, Image, ImageState, Product, answer, missing_answers, missing_photos,
};
use heraldo_domain::links::Target;
use heraldo_domain::ops::Context;
use heraldo_domain::ops::visits::{Visited, questions};
use heraldo_domain::photo::judge::READABLE;
use heraldo_domain::sheet::Language;
use heraldo_domain::template::Template as Asked;
use heraldo_wire::object::{InputType, TemplateImage};
use heraldo_wire::time::Timestamp;
use serde_json::Value;
use std::time::Duration;

use super::browser::prefix;
use super::sides::{self, Outline};
use super::words::Words;
use crate::pages::asset::{VISIT_SCRIPT, VISIT_STYLE};

/// Photos outside of the template have this side.
pub const EXTRA: &str = "extra";
/// How long the page's own small pictures can be fetched.
const THUMBNAIL_LIFETIME: Duration = Duration::from_secs(3_600);

/// What every page of the visit has.
pub struct Frame {
    pub words: &'static Words,
    pub language: Language,
    /// Where to read this page in the other language.
    pub other: String,
    /// What the public URL puts before our paths.
    pub prefix: String,
    /// The path of the visit.
    pub base: String,
    /// Only what bears it is run or applied.
    pub nonce: String,
    /// Loads itself, or another page, after so many seconds.
    pub onward: Option<(u32, String)>,
}

impl Frame {
    pub fn style(&self) -> String {
        format!("{}/assets/{}", self.prefix, VISIT_STYLE.name)
    }

    pub fn script(&self) -> String {
        format!("{}/assets/{}", self.prefix, VISIT_SCRIPT.name)
    }
}

/// A page of the visit.
pub trait Page: Template {
    fn frame(&self) -> &Frame;
}

macro_rules! pages {
    ($($page:ident,)+) => {
        $(impl Page for $page {
            fn frame(&self) -> &Frame {
                &self.frame
            }
        })+
    };
}

pages! { Message, Code, Confirm, Photos, }

/// A page with a sentence or two.
#[derive(Template)]
#[template(path = "visit/message.html")]
pub struct Message {
    pub frame: Frame,
    pub title: &'static str,
    pub text: &'static str,
    /// Where it goes on.
    pub link: Option<String>,
}

/// Asks for the access code.
#[derive(Template)]
#[template(path = "visit/code.html")]
pub struct Code {
    pub frame: Frame,
    pub intro: &'static str,
    pub code: String,
    pub error: Option<String>,
}

/// Asks once more before an incomplete inspection is finished.
#[derive(Template)]
#[template(path = "visit/confirm.html")]
pub struct Confirm {
    pub frame: Frame,
    pub missing: Vec<String>,
    /// No answer is missing that the end needs.
    pub can_finish: bool,
}

/// Takes the photos.
#[derive(Template)]
#[template(path = "visit/photos.html")]
pub struct Photos {
    pub frame: Frame,
    pub drawings: Vec<&'static Outline>,
    pub products: Vec<ProductView>,
    pub extra: Extra,
    pub questions: Vec<Question>,
    pub done: usize,
    pub total: usize,
    pub any_pending: bool,
    pub asks_place: bool,
    pub error: Option<Refusal>,
    pub saved: bool,
}

/// What was refused, shown where it was tried.
#[derive(Debug, Clone, Default)]
pub struct Refusal {
    /// The element that it belongs to; empty: the page.
    pub place: String,
    pub text: String,
}

pub struct ProductView {
    pub title: Option<String>,
    pub sides: Vec<Side>,
}

pub struct Side {
    /// Names its element.
    pub key: String,
    pub product_id: String,
    pub side: String,
    pub name: String,
    pub required: bool,
    pub camera: &'static str,
    pub drawing: &'static str,
    pub turned: bool,
    pub photo: Photo,
    /// Tells this form's upload from others.
    pub upload: String,
}

/// How far a photo has come.
pub struct Photo {
    /// `missing`, `checking`, `approved` or `rejected`.
    pub status: &'static str,
    pub text: &'static str,
    pub reasons: Vec<String>,
    pub thumbnail: Option<String>,
}

pub struct Extra {
    pub photos: Vec<Photo>,
    pub product_id: String,
    pub upload: String,
}

/// An input that the consumer is asked for.
pub struct Question {
    pub key: String,
    pub field: String,
    pub label: String,
    /// The name of the photo that it goes with.
    pub side: Option<String>,
    pub hint: Option<String>,
    pub kind: &'static str,
    pub required: bool,
    pub value: String,
    pub options: Vec<String>,
    /// `minlength`, `max` and the like.
    pub limits: Vec<(&'static str, String)>,
    /// What a file that came already is called.
    pub file: Option<String>,
    /// The name of the box that takes this file back, where there need be none.
    pub clear: Option<String>,
}

/// What looks at an inspection needs beside it.
pub struct Look<'a> {
    pub context: &'a Context,
    pub language: Language,
    pub now: Timestamp,
    pub visited: &'a Visited,
}

impl Look<'_> {
    pub fn photos(&self, frame: Frame, error: Option<Refusal>, saved: bool) -> Photos {
        let Visited {
            inspection,
            template,
        } = self.visited;
        let several = inspection.products.len() > 1;
        let products: Vec<ProductView> = inspection
            .products
            .iter()
            .enumerate()
            .map(|(index, product)| ProductView {
                title: several.then(|| self.product_name(product, index)),
                sides: self.sides(product, index, &frame.nonce),
            })
            .collect();
        let mut drawings: Vec<&'static Outline> = Vec::new();
        for image in &template.images {
            let (drawing, _) = sides::outline(inspection.inspection_type, &image.side);
            if !drawings.contains(&drawing) {
                drawings.push(drawing);
            }
        }
        let all = || products.iter().flat_map(|product| &product.sides);
        let extra = self.extra(&frame.nonce);
        let pending = |photo: &Photo| photo.status == "checking";
        Photos {
            done: all().filter(|side| side.photo.status == "approved").count(),
            total: all().count(),
            any_pending: all().any(|side| pending(&side.photo)) || extra.photos.iter().any(pending),
            asks_place: asks_place(template),
            questions: questions(inspection, template)
                .enumerate()
                .map(|(index, asked)| self.question(asked, index))
                .collect(),
            drawings,
            products,
            extra,
            error,
            saved,
            frame,
        }
    }

    /// What is still missing, as the page asks once more.
    pub fn confirm(&self, frame: Frame) -> Confirm {
        let words = Words::of(self.language);
        let Visited {
            inspection,
            template,
        } = self.visited;
        let several = inspection.products.len() > 1;
        let photos = missing_photos(inspection, template).map(|photo| {
            let name = self.language.side(photo.side);
            let state = if photo.is_rejected {
                words.rejected
            } else {
                words.missing
            };
            let said = format!("{name}: {}", state.to_lowercase());
            match inspection.products.get(photo.product) {
                Some(product) if several => {
                    format!("{}, {said}", self.product_name(product, photo.product))
                }
                Some(_) | None => said,
            }
        });
        let answers: Vec<String> = missing_answers(inspection, template)
            .map(|asked| {
                let label = &asked.input.label;
                match self.side_of(asked) {
                    Some(side) => format!("{} {label} ({side})", words.answer_to),
                    None => format!("{} {label}", words.answer_to),
                }
            })
            .collect();
        Confirm {
            frame,
            can_finish: answers.is_empty(),
            missing: answers.into_iter().chain(photos).collect(),
        }
    }

    fn sides(&self, product: &Product, index: usize, nonce: &str) -> Vec<Side> {
        let kind = self.visited.inspection.inspection_type;
        let images = self.visited.template.images.iter().enumerate();
        images
            .map(|(number, image)| {
                let (drawing, turned) = sides::outline(kind, &image.side);
                let key = format!("photo-{index}-{number}");
                Side {
                    product_id: product.id.to_string(),
                    side: image.side.clone(),
                    name: self.language.side(&image.side),
                    required: image.required,
                    camera: if image.side == "selfie" {
                        "user"
                    } else {
                        "environment"
                    },
                    drawing: drawing.name,
                    turned,
                    photo: self.photo(product.newest(&image.side), Some(image)),
                    upload: format!("{nonce}-{key}"),
                    key,
                }
            })
            .collect()
    }

    fn extra(&self, nonce: &str) -> Extra {
        let inspection = &self.visited.inspection;
        let extra = inspection.images().filter(|(_, image)| image.extra);
        let first = inspection.products.first();
        Extra {
            photos: extra
                .map(|(_, image)| self.photo(Some(image), None))
                .collect(),
            product_id: first
                .map(|product| product.id.to_string())
                .unwrap_or_default(),
            upload: format!("{nonce}-{EXTRA}"),
        }
    }

    fn photo(&self, image: Option<&Image>, asked: Option<&TemplateImage>) -> Photo {
        let words = Words::of(self.language);
        let (status, text) = match image.map(|image| &image.state) {
            None => ("missing", words.missing),
            Some(ImageState::Uploaded { .. } | ImageState::Examined { .. }) => {
                ("checking", words.checking)
            }
            Some(ImageState::Processed { approved: true, .. }) => ("approved", words.approved),
            Some(ImageState::Processed {
                approved: false, ..
            }) => ("rejected", words.rejected),
        };
        let reasons = image
            .filter(|_| status == "rejected")
            .map(|image| self.reasons(image, asked));
        Photo {
            status,
            text,
            reasons: reasons.unwrap_or_default(),
            thumbnail: image.and_then(|image| self.thumbnail(image)),
        }
    }

    /// Why a photo was not approved: what was required of it and is not valid.
    fn reasons(&self, image: &Image, asked: Option<&TemplateImage>) -> Vec<String> {
        let words = Words::of(self.language);
        let required = |kind: &str| {
            let checks = asked
                .map(|asked| &asked.validations[..])
                .unwrap_or_default();
            let is_it = |check: &&heraldo_wire::object::TemplateValidation| {
                check.validation == kind && check.run && check.required
            };
            kind == READABLE || checks.iter().any(|check| is_it(&check))
        };
        let failed = image.validations().iter();
        failed
            .filter(|validation| !validation.valid && required(&validation.kind))
            .map(|validation| {
                let sentence = match validation.kind.as_str() {
                    "date" => words.reason_date,
                    "distance" => words.reason_distance,
                    "sharpness" => words.reason_sharpness,
                    "exposure" => words.reason_exposure,
                    "resolution" => words.reason_resolution,
                    "duplicate" => words.reason_duplicate,
                    READABLE => words.reason_readable,
                    other => return format!("{} {other}", words.reason_other),
                };
                sentence.to_owned()
            })
            .collect()
    }

    /// There is one once the photo was looked at and could be read.
    fn thumbnail(&self, image: &Image) -> Option<String> {
        let unreadable = image
            .validations()
            .iter()
            .any(|validation| validation.kind == READABLE && !validation.valid);
        if matches!(image.state, ImageState::Uploaded { .. }) || unreadable {
            return None;
        }
        let target = Target::Thumbnail {
            inspection_id: self.visited.inspection.id,
            image_id: image.id,
        };
        let links = &self.context.links;
        let text = links.sign(target, self.now.plus(THUMBNAIL_LIFETIME));
        Some(format!("{}/files/{text}.jpg", prefix(&links.public_url)))
    }

    fn side_of(&self, asked: AskedInput<'_>) -> Option<String> {
        asked.image.map(|image| self.language.side(&image.side))
    }

    /// Make and model, as the contract calls them (2.3), else what kind of thing it is.
    fn product_name(&self, product: &Product, index: usize) -> String {
        let text = |key: &str| {
            let text = product.attributes.0.get(key).and_then(Value::as_str);
            text.map(str::trim).filter(|text| !text.is_empty())
        };
        let name = match (text("make"), text("model")) {
            (Some(make), Some(model)) => Some(format!("{make} {model}")),
            (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
            (None, None) => ["type", "category", "serialNumber", "name", "description"]
                .into_iter()
                .find_map(text)
                .map(|word| word.replace('_', " ")),
        };
        let number = format!("{} {}", Words::of(self.language).product, index + 1);
        match name {
            Some(name) => format!("{number}: {name}"),
            None => number,
        }
    }

    fn question(&self, asked: AskedInput<'_>, index: usize) -> Question {
        let input = asked.input;
        let answer = answer(input, self.visited.inspection.inputs());
        let value = match answer.and_then(|answer| answer.value.as_ref()) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => String::new(),
        };
        let rules = &input.validation_schema;
        let number = |limit: Option<f64>| limit.map(|limit| limit.to_string());
        let length = |limit: Option<u32>| limit.map(|limit| limit.to_string());
        let (kind, limits) = match input.kind {
            InputType::Text | InputType::Textare => {
                let kind = match (input.kind, rules.email) {
                    (InputType::Textare, _) => "textarea",
                    (_, Some(true)) => "email",
                    (_, Some(false) | None) => "text",
                };
                let limits = vec![
                    ("minlength", length(rules.min_length)),
                    ("maxlength", length(rules.max_length)),
                ];
                (kind, limits)
            }
            InputType::Numeric => (
                "number",
                vec![
                    ("min", number(rules.minimum)),
                    ("max", number(rules.maximum)),
                    ("step", Some("any".to_owned())),
                ],
            ),
            InputType::Date => (
                "date",
                vec![
                    ("min", rules.min_date.clone()),
                    ("max", rules.max_date.clone()),
                ],
            ),
            InputType::Select => ("select", Vec::new()),
            InputType::Check => ("checkbox", Vec::new()),
            InputType::File => ("file", Vec::new()),
        };
        let hint = input.context.as_ref().map(|hint| hint.message.clone());
        let file = answer.and_then(input_file);
        let identifier = input.identifier.as_deref().unwrap_or_default();
        let clear =
            (file.is_some() && !rules.required).then(|| format!("{}{identifier}", super::CLEAR));
        Question {
            key: format!("question-{index}"),
            field: format!("{}{identifier}", super::INPUT),
            label: input.label.clone(),
            side: self.side_of(asked),
            clear,
            hint,
            kind,
            required: asked.is_due,
            value,
            options: input
                .options
                .iter()
                .map(|option| option.label.clone())
                .collect(),
            limits: limits
                .into_iter()
                .filter_map(|(name, limit)| Some((name, limit?)))
                .collect(),
            file: file.map(|file| file.filename.unwrap_or_else(|| "1".to_owned())),
        }
    }
}

/// Whether a check of the template needs to know where photos were taken.
fn asks_place(template: &Asked) -> bool {
    let mut checks = template.images.iter().flat_map(|image| &image.validations);
    checks.any(|check| check.validation == "distance" && check.run)
}
