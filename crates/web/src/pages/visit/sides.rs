//! Drawings of how to take the photos of the templates' sides.

use heraldo_wire::object::InspectionType;

/// A drawing, 120 by 80.
#[derive(Debug, PartialEq, Eq)]
pub struct Outline {
    pub name: &'static str,
    /// The inside of an SVG symbol.
    pub shapes: &'static str,
}

/// The drawing for a side, and whether it is turned around.
pub fn outline(kind: InspectionType, side: &str) -> (&'static Outline, bool) {
    let drawing = match (side, kind) {
        ("chassis_number" | "serial_number", _) => &NUMBER,
        ("dni" | "id", _) => &DOCUMENT,
        ("selfie", _) => &FACE,
        ("board", _) => &DASHBOARD,
        ("wheel", _) => &WHEEL,
        ("front" | "hood" | "windShield" | "frontBumper", InspectionType::Car) => &CAR_FRONT,
        ("back" | "backWindow" | "backBumper", InspectionType::Car) => &CAR_BACK,
        (
            "sideLeft" | "sideRight" | "roof" | "frontLeftDoor" | "frontRightDoor" | "backLeftDoor"
            | "backRightDoor",
            InspectionType::Car,
        ) => &CAR_SIDE,
        ("sideLeft" | "sideRight" | "tank" | "seat", InspectionType::Moto) => &MOTO_SIDE,
        ("front" | "back" | "handlebar" | "headOptic" | "tailOptic", InspectionType::Moto) => {
            &MOTO_FRONT
        }
        ("sideLeft" | "sideRight" | "seat" | "handlebar", InspectionType::Bike) => &BIKE_SIDE,
        (
            "sideLeft" | "sideRight" | "front" | "back" | "cabin" | "chassis",
            InspectionType::Machinery,
        ) => &MACHINE,
        ("front" | "back" | "sideLeft" | "sideRight", InspectionType::Cellphone) => &PHONE,
        ("front" | "back" | "sideLeft" | "sideRight", InspectionType::Goods) => &BOX,
        _ => &FRAME,
    };
    let turned = matches!(side, "sideRight" | "frontRightDoor" | "backRightDoor");
    (drawing, turned)
}

const CAR_SIDE: Outline = Outline {
    name: "car-side",
    shapes: r#"<path d="M14 56H9c-3 0-5-2-5-5v-6c0-4 3-7 7-8l16-3 13-13c3-3 6-4 10-4h22c5 0 9 2 12 5l11 11 13 3c5 1 8 5 8 9v6c0 3-2 5-5 5h-5M36 56h46"/><circle cx="25" cy="56" r="10"/><circle cx="93" cy="56" r="10"/><circle cx="25" cy="56" r="4"/><circle cx="93" cy="56" r="4"/><path d="M36 34l9-9c2-2 4-3 7-3h7v12zM64 22h8c3 0 5 1 7 3l9 9H64zM61 36v16M66 41h5"/>"#,
};
const CAR_FRONT: Outline = Outline {
    name: "car-front",
    shapes: r#"<path d="M34 34l7-17c1-3 4-5 7-5h24c3 0 6 2 7 5l7 17"/><path d="M28 36c1-2 3-3 6-3h52c3 0 5 1 6 3l3 9v17H25V45z"/><path d="M40 32l6-13h28l6 13M28 62v7h12v-7M80 62v7h12v-7M34 34l-7-3M86 34l7-3"/><rect x="30" y="41" width="13" height="7" rx="3"/><rect x="77" y="41" width="13" height="7" rx="3"/><rect x="48" y="53" width="24" height="6" rx="1"/><path d="M49 44h22"/>"#,
};
const CAR_BACK: Outline = Outline {
    name: "car-back",
    shapes: r#"<path d="M33 36l8-19c1-3 4-5 7-5h24c3 0 6 2 7 5l8 19"/><path d="M28 38c1-2 3-3 6-3h52c3 0 5 1 6 3l3 9v15H25V47z"/><path d="M42 31l5-12h26l5 12zM28 62v7h12v-7M80 62v7h12v-7M25 56h70"/><path d="M29 41h12v8H27zM91 41H79v8h14z"/><rect x="48" y="42" width="24" height="8" rx="1"/>"#,
};
const MOTO_SIDE: Outline = Outline {
    name: "moto-side",
    shapes: r#"<circle cx="25" cy="54" r="15"/><circle cx="95" cy="54" r="15"/><circle cx="25" cy="54" r="4"/><circle cx="95" cy="54" r="4"/><path d="M25 54l13-28M34 18h8l3 8h15c5 0 7 4 9 8h22l8-3M43 27c-2 6 2 10 7 11h20l-5 16H49l-8-14M70 38l25 16H66"/><circle cx="37" cy="26" r="4"/>"#,
};
const MOTO_FRONT: Outline = Outline {
    name: "moto-front",
    shapes: r#"<rect x="53" y="40" width="14" height="34" rx="7"/><circle cx="60" cy="27" r="8"/><path d="M54 33l-3 24M66 33l3 24M28 22l10-4 15 5M92 22l-10-4-15 5M42 17l-4-9h-8M78 17l4-9h8M53 20c2-6 12-6 14 0"/>"#,
};
const BIKE_SIDE: Outline = Outline {
    name: "bike-side",
    shapes: r#"<circle cx="27" cy="52" r="18"/><circle cx="93" cy="52" r="18"/><path d="M27 52l12-30h38l16 30M77 22l-20 30-18-30M57 52h36M32 14h8l-1 8M70 14h14M77 22v-8"/><circle cx="57" cy="52" r="5"/>"#,
};
const MACHINE: Outline = Outline {
    name: "machine",
    shapes: r#"<rect x="32" y="54" width="62" height="17" rx="8"/><circle cx="42" cy="62" r="4"/><circle cx="84" cy="62" r="4"/><path d="M46 54V24h26v30M72 36h20v18M50 28h18v12H50zM46 34L24 18 8 42M8 42l-3 10h12l3-9z"/>"#,
};
const PHONE: Outline = Outline {
    name: "phone",
    shapes: r#"<rect x="42" y="6" width="36" height="68" rx="6"/><path d="M54 11h12M55 69h10M46 17h28v46H46z"/>"#,
};
const BOX: Outline = Outline {
    name: "box",
    shapes: r#"<path d="M22 26l38-16 38 16v32L60 74 22 58zM22 26l38 16 38-16M60 42v32M41 18l38 16v12"/>"#,
};
const FACE: Outline = Outline {
    name: "face",
    shapes: r#"<ellipse cx="60" cy="34" rx="19" ry="24"/><path d="M22 78c2-12 12-18 26-20M98 78c-2-12-12-18-26-20M53 46c4 3 10 3 14 0"/><circle cx="52" cy="32" r="1.5"/><circle cx="68" cy="32" r="1.5"/>"#,
};
const DOCUMENT: Outline = Outline {
    name: "document",
    shapes: r#"<rect x="16" y="14" width="88" height="54" rx="5"/><rect x="24" y="24" width="24" height="30" rx="2"/><circle cx="36" cy="34" r="5"/><path d="M28 52c1-8 15-8 16 0M56 28h38M56 38h38M56 48h26"/>"#,
};
const DASHBOARD: Outline = Outline {
    name: "dashboard",
    shapes: r#"<path d="M10 62V38c0-8 6-14 14-14h72c8 0 14 6 14 14v24z"/><circle cx="40" cy="46" r="14"/><circle cx="80" cy="46" r="14"/><path d="M40 46l7-8M80 46l-8-6M56 34h8M55 56h10"/>"#,
};
const WHEEL: Outline = Outline {
    name: "wheel",
    shapes: r#"<circle cx="60" cy="40" r="31"/><circle cx="60" cy="40" r="20"/><circle cx="60" cy="40" r="5"/><path d="M60 35V20M60 45v15M55 38l-14-5M65 38l14-5M57 44l-9 12M63 44l9 12"/>"#,
};
const NUMBER: Outline = Outline {
    name: "number",
    shapes: r#"<rect x="10" y="24" width="100" height="32" rx="4"/><path d="M22 34v12M32 34h6v12h-6zM48 34h7v6h-7v6h7M64 34h7v12h-7M66 40h5M80 34v6h7M87 34v12M97 34v12"/>"#,
};
const FRAME: Outline = Outline {
    name: "frame",
    shapes: r#"<path d="M16 26V12h16M88 12h16v14M104 54v14H88M32 68H16V54"/><circle cx="60" cy="40" r="12"/><path d="M60 34v12M54 40h12"/>"#,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_of_the_easy_templates_has_a_drawing_of_its_own() {
        for template in heraldo_domain::template::built_ins() {
            let easy = template.name == "easy";
            for image in template.images.iter().filter(|_| easy) {
                let kind = template.inspection_type;
                let (drawing, _) = outline(kind, &image.side);
                let plain = kind == InspectionType::Custom;
                assert_eq!(drawing == &FRAME, plain, "{kind} {}", image.side);
            }
        }
    }
}
