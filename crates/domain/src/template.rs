//! Templates: what an inspection asks for. The built-in ones are compiled in (contract 8.2 "Templates").

use std::time::Duration;

use heraldo_wire::id::{Id, TemplateId};
use heraldo_wire::object::{InspectionType, TemplateHead, TemplateType};

/// What an inspection made from it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub head: TemplateHead,
    pub inspection_type: InspectionType,
    pub sides: Vec<Side>,
    /// Identifiers of the inputs it knows.
    pub inputs: Vec<String>,
    /// Wrong access codes until the inspection is blocked; `None`: the server's setting.
    pub access_attempts_max: Option<u32>,
    /// How long its inspections live; `None`: the server's setting.
    pub lifetime: Option<Duration>,
}

/// A photo that the template asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    pub name: &'static str,
    pub required: bool,
    pub checks: &'static [Check],
}

/// A validation that is run on a side's photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    pub validation: &'static str,
    /// An image whose required validation is not valid is disapproved.
    pub required: bool,
}

/// A built-in template as it is written down here.
struct BuiltIn {
    id: [u8; 12],
    inspection_type: InspectionType,
    name: &'static str,
    sides: &'static [&'static str],
    checks: &'static [Check],
}

/// `easy` runs both checks without requiring them.
const EASY: &[Check] = &[
    Check {
        validation: "date",
        required: false,
    },
    Check {
        validation: "distance",
        required: false,
    },
];

const BUILT_INS: [BuiltIn; 1] = [BuiltIn {
    // The id in the documented example of `inspection_created`.
    id: [
        0x62, 0xbe, 0x86, 0x52, 0x12, 0xca, 0x09, 0x18, 0xbc, 0xab, 0xf2, 0xa5,
    ],
    inspection_type: InspectionType::Car,
    name: "easy",
    sides: &["front", "back", "sideLeft", "sideRight"],
    checks: EASY,
}];

/// The built-in template of this type with this id or alias.
#[must_use]
pub fn built_in(inspection_type: InspectionType, id_or_alias: &str) -> Option<Template> {
    BUILT_INS
        .iter()
        .filter(|template| template.inspection_type == inspection_type)
        .find(|template| {
            template.name == id_or_alias
                || id_or_alias.parse() == Ok(TemplateId(Id::from_bytes(template.id)))
        })
        .map(|template| Template {
            head: TemplateHead {
                name: template.name.to_owned(),
                kind: TemplateType::BuiltIn,
                id: TemplateId(Id::from_bytes(template.id)),
            },
            inspection_type: template.inspection_type,
            sides: template
                .sides
                .iter()
                .map(|name| Side {
                    name,
                    required: true,
                    checks: template.checks,
                })
                .collect(),
            inputs: Vec::new(),
            access_attempts_max: None,
            lifetime: None,
        })
}

/// The aliases that exist for a type, for error messages.
#[must_use]
pub fn aliases(inspection_type: InspectionType) -> Vec<&'static str> {
    BUILT_INS
        .iter()
        .filter(|template| template.inspection_type == inspection_type)
        .map(|template| template.name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_in_template_is_found_by_its_alias_and_by_its_id() {
        let easy = built_in(InspectionType::Car, "easy").expect("the alias");
        assert_eq!(
            built_in(InspectionType::Car, &easy.head.id.to_string()),
            Some(easy)
        );
        assert_eq!(built_in(InspectionType::Car, "missing"), None);
        assert_eq!(built_in(InspectionType::Moto, "easy"), None);
    }
}
