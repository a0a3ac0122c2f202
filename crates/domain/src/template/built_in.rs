//! The templates that are compiled in: four aliases for every type (contract 8.2 "Templates").
//!
//! What needs a trained model is listed with `run: false`: Heraldo never claims a check that it does not
//! carry out (contract U25).

use std::sync::{Arc, LazyLock};

use heraldo_wire::id::{Id, TemplateId, TemplatePartId};
use heraldo_wire::object::{
    InspectionType, TemplateImage, TemplateParameters, TemplateType, TemplateValidation,
};
use heraldo_wire::time::Timestamp;
use sha2::{Digest as _, Sha256};

use super::Template;

/// When the catalogue was last changed: 2026-11-01.
const SAVED_AT: Timestamp = Timestamp::from_millis(1_793_491_200_000);

/// The id in the documented example of `inspection_created`; the others count on from it in their last
/// two bytes.
const FIRST_ID: [u8; 12] = [
    0x62, 0xbe, 0x86, 0x52, 0x12, 0xca, 0x09, 0x18, 0xbc, 0xab, 0xf2, 0xa5,
];

/// A level of thoroughness; its name is the alias.
struct Level {
    alias: &'static str,
    /// The checks that each photo gets.
    checks: &'static [Check],
    /// The views of this level.
    views: fn(InspectionType) -> Vec<View>,
}

struct Check {
    validation: &'static str,
    required: bool,
    run: bool,
}

/// A photo that is asked for.
struct View {
    side: &'static str,
    required: bool,
}

const fn check(validation: &'static str, required: bool, run: bool) -> Check {
    Check {
        validation,
        required,
        run,
    }
}

const LEVELS: [Level; 4] = [
    Level {
        alias: "easy",
        checks: &[check("date", false, true), check("distance", false, true)],
        views: basic,
    },
    Level {
        alias: "deep",
        checks: &[
            check("date", true, true),
            check("distance", true, true),
            check("sharpness", false, true),
            check("exposure", false, true),
            check("duplicate", false, true),
            check("recaptured", false, false),
        ],
        views: thorough,
    },
    Level {
        alias: "damage",
        checks: &[
            check("date", false, true),
            check("distance", false, true),
            check("sharpness", false, true),
            check("damage", false, false),
        ],
        views: thorough,
    },
    Level {
        alias: "full_control",
        checks: &[
            check("date", false, true),
            check("distance", false, true),
            check("sharpness", false, true),
            check("exposure", false, true),
            check("resolution", false, true),
            check("duplicate", false, true),
            check("recaptured", false, false),
            check("damage", false, false),
        ],
        views: everything,
    },
];

/// The views without which nothing can be judged.
fn basic(kind: InspectionType) -> Vec<View> {
    required(match kind {
        InspectionType::Car | InspectionType::Moto | InspectionType::Machinery => {
            &["front", "back", "sideLeft", "sideRight"]
        }
        InspectionType::Bike => &["sideLeft", "sideRight"],
        InspectionType::Goods | InspectionType::Cellphone => &["front", "back"],
        InspectionType::People => &["selfie"],
        InspectionType::Custom => &["front"],
    })
}

/// The basic views, and what identifies the thing.
fn thorough(kind: InspectionType) -> Vec<View> {
    let mut views = basic(kind);
    views.extend(required(match kind {
        InspectionType::Car => &["board", "chassis_number"],
        InspectionType::Moto => &["tank", "chassis_number"],
        InspectionType::Bike
        | InspectionType::Machinery
        | InspectionType::Goods
        | InspectionType::Cellphone => &["serial_number"],
        InspectionType::People => &["dni"],
        InspectionType::Custom => &["back"],
    }));
    views
}

/// The thorough views, and the parts; the parts are not required.
fn everything(kind: InspectionType) -> Vec<View> {
    let parts: &[&'static str] = match kind {
        InspectionType::Car => &[
            "roof",
            "hood",
            "windShield",
            "backWindow",
            "frontBumper",
            "backBumper",
            "frontLeftDoor",
            "frontRightDoor",
            "backLeftDoor",
            "backRightDoor",
            "wheel",
        ],
        InspectionType::Moto => &["seat", "handlebar", "headOptic", "tailOptic", "wheel"],
        InspectionType::Bike => &["seat", "handlebar", "wheel"],
        InspectionType::Machinery => &["cabin", "board", "chassis", "wheel"],
        InspectionType::Goods | InspectionType::Cellphone | InspectionType::Custom => {
            &["sideLeft", "sideRight"]
        }
        InspectionType::People => &["id"],
    };
    let mut views = thorough(kind);
    views.extend(parts.iter().map(|side| View {
        side,
        required: false,
    }));
    views
}

fn required(sides: &'static [&'static str]) -> Vec<View> {
    let view = |side: &&'static str| View {
        side,
        required: true,
    };
    sides.iter().map(view).collect()
}

static CATALOGUE: LazyLock<Vec<Arc<Template>>> = LazyLock::new(|| {
    let mut templates = Vec::new();
    for (row, kind) in (0_u8..).zip(InspectionType::ALL) {
        for (column, level) in (0_u8..).zip(&LEVELS) {
            templates.push(Arc::new(template(row, column, *kind, level)));
        }
    }
    templates
});

fn template(row: u8, column: u8, kind: InspectionType, level: &Level) -> Template {
    let mut id = FIRST_ID;
    let [.., type_byte, level_byte] = &mut id;
    *type_byte = type_byte.wrapping_add(row);
    *level_byte = level_byte.wrapping_add(column);
    let id = Id::from_bytes(id);
    let images = (level.views)(kind).into_iter().map(|view| TemplateImage {
        id: part_id(id, view.side),
        side: view.side.to_owned(),
        required: view.required,
        validations: level
            .checks
            .iter()
            .map(|check| TemplateValidation {
                id: part_id(id, &format!("{} {}", view.side, check.validation)),
                validation: check.validation.to_owned(),
                required: check.required,
                run: check.run,
            })
            .collect(),
        inputs: Vec::new(),
        features: Vec::new(),
    });
    Template {
        id: TemplateId(id),
        company_id: None,
        revision: None,
        version: 1,
        kind: TemplateType::BuiltIn,
        inspection_type: kind,
        name: level.alias.to_owned(),
        parameters: TemplateParameters::default(),
        images: images.collect(),
        inputs: Vec::new(),
        features: Vec::new(),
        variables: Vec::new(),
        created_at: SAVED_AT,
        updated_at: SAVED_AT,
    }
}

/// An id that is the same in every run.
fn part_id(template: Id, part: &str) -> TemplatePartId {
    let digest = Sha256::new()
        .chain_update(template.as_bytes())
        .chain_update(part.as_bytes())
        .finalize();
    let mut bytes = [0; 12];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    TemplatePartId(Id::from_bytes(bytes))
}

/// Every built-in template, by type and then from the least to the most thorough.
#[must_use]
pub fn built_ins() -> &'static [Arc<Template>] {
    &CATALOGUE
}

/// The built-in template of this type with this id or alias.
#[must_use]
pub fn built_in(inspection_type: InspectionType, id_or_alias: &str) -> Option<Arc<Template>> {
    let id: Option<TemplateId> = id_or_alias.parse().ok();
    CATALOGUE
        .iter()
        .filter(|template| template.inspection_type == inspection_type)
        .find(|template| template.name == id_or_alias || Some(template.id) == id)
        .cloned()
}

/// The built-in template with this id.
#[must_use]
pub fn built_in_by_id(id: TemplateId) -> Option<Arc<Template>> {
    CATALOGUE.iter().find(|template| template.id == id).cloned()
}

/// The aliases that exist for a type, for error messages.
#[must_use]
pub fn aliases(inspection_type: InspectionType) -> Vec<&'static str> {
    CATALOGUE
        .iter()
        .filter(|template| template.inspection_type == inspection_type)
        .map(|template| template.name.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_built_in_template_is_found_by_its_alias_and_by_its_id() {
        for kind in InspectionType::ALL {
            for alias in ["easy", "deep", "damage", "full_control"] {
                let found = built_in(*kind, alias).expect("the alias");
                assert_eq!(found.inspection_type, *kind);
                assert_eq!(built_in(*kind, &found.id.to_string()), Some(found.clone()));
                assert_eq!(built_in_by_id(found.id), Some(found));
            }
        }
        assert_eq!(built_in(InspectionType::Car, "missing"), None);
    }

    #[test]
    fn the_documented_id_is_that_of_the_easy_car() {
        let easy = built_in(InspectionType::Car, "easy").expect("the alias");
        assert_eq!(easy.id.to_string(), "62be865212ca0918bcabf2a5");
        assert_eq!(built_in(InspectionType::Moto, &easy.id.to_string()), None);
    }

    #[test]
    fn ids_and_sides_are_told_apart() {
        let ids: HashSet<_> = built_ins().iter().map(|template| template.id).collect();
        assert_eq!(ids.len(), 32);
        for template in built_ins() {
            let sides: HashSet<_> = template.images.iter().map(|image| &image.side).collect();
            assert_eq!(sides.len(), template.images.len(), "{}", template.name);
        }
    }

    #[test]
    fn no_built_in_template_runs_a_check_that_heraldo_cannot_make() {
        for template in built_ins() {
            for check in template.images.iter().flat_map(|image| &image.validations) {
                let outside = ["recaptured", "damage"].contains(&check.validation.as_str());
                assert_eq!(check.run, !outside, "{}", check.validation);
            }
        }
    }
}
