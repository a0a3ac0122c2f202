//! Keeps the events of an inspection's end below what common receivers read of a body (contract 4.1), by leaving
//! out what the API still shows.

use heraldo_wire::event::{Event, InspectionCompleted, render};
use heraldo_wire::object::{Image, Section};

/// The bodies of `inspection_completed` and `inspection_reviewed` have at most so many bytes: Express reads 100 kB
/// unless it is told otherwise.
pub const END_BODY_BYTES_MAX: usize = 100_000;
/// Values of inputs up to this length are among the last things to go: they are what a form was filled in with.
const SHORT_INPUT_BYTES_MAX: usize = 1_024;

/// What is left out, step by step, until the rest fits (decision 0006).
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// Photos in whose place a newer one of their side counts.
    ReplacedPhotos,
    /// The values of long inputs.
    LongInputs,
    ExtraPhotos,
    /// What was found on photos that are approved.
    FindingsOfApproved,
    /// What was found on the others.
    Findings,
    /// The inputs that are left.
    Inputs,
    /// The photos that are left; the verdict stays.
    Photos,
}

const CUTS: [Cut; 7] = [
    Cut::ReplacedPhotos,
    Cut::LongInputs,
    Cut::ExtraPhotos,
    Cut::FindingsOfApproved,
    Cut::Findings,
    Cut::Inputs,
    Cut::Photos,
];

/// The bytes of one of the two events of the end, with no more left out than must be; `truncated` says so.
pub(super) fn render_end(mut event: Event) -> Vec<u8> {
    let mut body = render(&event);
    for cut in CUTS {
        if body.len() <= END_BODY_BYTES_MAX {
            break;
        }
        if let Event::InspectionCompleted(end) | Event::InspectionReviewed(end) = &mut event {
            leave_out(end, cut);
            end.truncated = true;
        }
        body = render(&event);
    }
    body
}

fn leave_out(end: &mut InspectionCompleted, cut: Cut) {
    for product in &mut end.products {
        let mut section = Section {
            images: std::mem::take(&mut product.images),
            extra_images: std::mem::take(&mut product.extra_images),
            inputs: std::mem::take(&mut product.inputs),
        };
        leave_out_of(&mut section, cut);
        product.images = section.images;
        product.extra_images = section.extra_images;
        product.inputs = section.inputs;
    }
    leave_out_of(&mut end.identity.section, cut);
    leave_out_of(&mut end.custom, cut);
}

fn leave_out_of(section: &mut Section, cut: Cut) {
    match cut {
        Cut::ReplacedPhotos => keep_newest(&mut section.images),
        Cut::LongInputs => {
            for input in &mut section.inputs {
                let is_long =
                    |value: &mut serde_json::Value| value.to_string().len() > SHORT_INPUT_BYTES_MAX;
                input.value.take_if(is_long);
            }
        }
        Cut::ExtraPhotos => section.extra_images.clear(),
        Cut::FindingsOfApproved => {
            let images = section.images.iter_mut();
            images.filter(|image| image.approved).for_each(forget);
        }
        Cut::Findings => section.images.iter_mut().for_each(forget),
        Cut::Inputs => section.inputs.clear(),
        Cut::Photos => section.images.clear(),
    }
}

/// Photos lie in the order in which they came.
fn keep_newest(images: &mut Vec<Image>) {
    let mut seen = std::collections::BTreeSet::new();
    let mut kept = Vec::with_capacity(images.len());
    for image in images.drain(..).rev() {
        if seen.insert(image.side.clone()) {
            kept.push(image);
        }
    }
    kept.reverse();
    *images = kept;
}

fn forget(image: &mut Image) {
    image.validations.clear();
    if let Some(damages) = &mut image.damages {
        damages.clear();
    }
}

#[cfg(test)]
mod tests {
    use heraldo_wire::event::{EventType, Sample, sample};
    use heraldo_wire::id::{Id, InspectionId, TemplateId};
    use heraldo_wire::object::{Input, Metadata, Producer, TemplateHead, TemplateType};
    use heraldo_wire::time::Timestamp;
    use serde_json::Value;

    use super::*;

    fn end() -> InspectionCompleted {
        let from = Sample {
            inspection_id: InspectionId::default(),
            first_part_id: Id::default(),
            producer: Producer::default(),
            template: TemplateHead {
                name: "easy".to_owned(),
                kind: TemplateType::BuiltIn,
                id: TemplateId::default(),
            },
            metadata: Metadata::default(),
            at: Timestamp::from_millis(0),
            public_url: "https://inspect.example.com".to_owned(),
            access_code: "4821".to_owned(),
        };
        match sample(EventType::InspectionCompleted, &from) {
            Event::InspectionCompleted(end) => end,
            other => panic!("{other:?}"),
        }
    }

    /// About a kilobyte: ten validations.
    fn photo(side: &str, approved: bool) -> Image {
        let mut photo = end().products.remove(0).images.remove(0);
        photo.validations = vec![photo.validations[0].clone(); 10];
        photo.side = side.to_owned();
        photo.approved = approved;
        photo
    }

    fn photos(count: usize, approved: bool) -> Vec<Image> {
        (0..count)
            .map(|n| photo(&format!("side {n}"), approved))
            .collect()
    }

    fn inputs(count: usize, bytes: usize) -> Vec<Input> {
        let mut input = end().products.remove(0).inputs.remove(0);
        input.value = Some("x".repeat(bytes).into());
        vec![input; count]
    }

    /// What is left of a section: photos, those of them with findings, extra photos, inputs, values of inputs;
    /// and whether it says that something was left out.
    fn left(
        images: Vec<Image>,
        extra_images: Vec<Image>,
        inputs: Vec<Input>,
    ) -> ([usize; 5], bool) {
        let mut end = end();
        let product = &mut end.products[0];
        (product.images, product.extra_images, product.inputs) = (images, extra_images, inputs);
        let body = render_end(Event::InspectionReviewed(end));
        assert!(body.len() <= END_BODY_BYTES_MAX, "{}", body.len());
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["event"], "inspection_reviewed");
        let (payload, product) = (&body["payload"], &body["payload"]["products"][0]);
        assert_eq!(payload["veredict"], "approved");
        assert_eq!(payload["identity"]["firstName"], "John");
        let list = |name: &str| product[name].as_array().unwrap();
        let has_findings = |image: &&Value| image["validations"][0].is_object();
        let has_value = |input: &&Value| input["value"].is_string();
        (
            [
                list("images").len(),
                list("images").iter().filter(has_findings).count(),
                list("extraImages").len(),
                list("inputs").len(),
                list("inputs").iter().filter(has_value).count(),
            ],
            payload["truncated"] == true,
        )
    }

    #[test]
    fn what_fits_is_left_whole() {
        let (photos, extra) = (photos(30, true), photos(10, false));
        assert_eq!(
            left(photos, extra, inputs(9, 2_000)),
            ([30, 30, 10, 9, 9], false)
        );
    }

    #[test]
    fn no_more_is_left_out_than_must_be_and_the_least_useful_first() {
        let twice = || vec![photo("front", false); 100];
        assert_eq!(
            left(twice(), photos(2, true), inputs(1, 5_000)),
            ([1, 1, 2, 1, 1], true)
        );
        let long = [inputs(7, 16_000), inputs(2, 10)].concat();
        assert_eq!(
            left(photos(3, true), photos(2, true), long),
            ([3, 3, 2, 9, 2], true)
        );
        assert_eq!(
            left(photos(40, true), photos(60, true), inputs(1, 10)),
            ([40, 40, 0, 1, 1], true)
        );
        let mixed = || [photos(99, true), vec![photo("roof", false)]].concat();
        assert_eq!(
            left(mixed(), Vec::new(), inputs(1, 10)),
            ([100, 1, 0, 1, 1], true)
        );
        assert_eq!(
            left(photos(99, false), Vec::new(), inputs(1, 10)),
            ([99, 0, 0, 1, 1], true)
        );
        assert_eq!(
            left(photos(3, true), Vec::new(), inputs(150, 900)),
            ([3, 0, 0, 0, 0], true)
        );
        let long_names = |n: usize| photo(&format!("{n} {}", "x".repeat(3_000)), true);
        let photos = (0..50).map(long_names).collect();
        assert_eq!(
            left(photos, Vec::new(), Vec::new()),
            ([0, 0, 0, 0, 0], true)
        );
    }
}
