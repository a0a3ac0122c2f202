//! The whole state-by-command table, and what holds on every path through it.

use std::fmt::Write as _;

use heraldo_wire::event::EventType;
use heraldo_wire::id::{FileId, Id, ImageId, InspectionId, ProductId};
use heraldo_wire::object::{
    BlockedReason, CompletedBy, Consumer, DeliveryPreference, InspectionStatus, InspectionType,
    Metadata, Producer, ProductAttributes, Validation, Veredict,
};
use heraldo_wire::time::Timestamp;
use proptest::prelude::*;

use super::{Command, Refused, Reply, apply};
use crate::inspection::{Findings, Image, ImageState, Inspection, Product, Said, State};
use crate::photo::PhotoFormat;
use crate::template::{Template, built_in};

const CREATED_AT: Timestamp = Timestamp::from_millis(1_000);
const NOW: Timestamp = Timestamp::from_millis(2_000);
const EXPIRES_AT: Timestamp = Timestamp::from_millis(10_000);
const LATE: Timestamp = Timestamp::from_millis(10_000);

const INSPECTION: InspectionId = InspectionId(Id::from_bytes([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]));
const PRODUCT: ProductId = ProductId(Id::from_bytes([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]));
/// The photo that started, processing and completed inspections have.
const FIRST_IMAGE: ImageId = ImageId(Id::from_bytes([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3]));

/// The template asks for one photo, `front`, and requires its check `date`.
fn template() -> Template {
    let mut template = Template::clone(&built_in(InspectionType::Custom, "deep").expect("deep"));
    template.images.truncate(1);
    template
}

fn image(side: &str, state: ImageState) -> Image {
    Image {
        id: FIRST_IMAGE,
        file_id: FileId::default(),
        side: side.into(),
        extra: false,
        uploaded_at: CREATED_AT,
        format: PhotoFormat::Jpeg,
        width_pixels: 640,
        height_pixels: 480,
        size_bytes: 1_000,
        captured: None,
        location: None,
        upload: None,
        state,
    }
}

fn validation(kind: &str, valid: bool) -> Validation {
    Validation {
        id: Default::default(),
        kind: kind.into(),
        valid,
        confidence: 1.0,
    }
}

/// With one photo: not looked at before the end, approved after it, none where none could be uploaded.
fn inspection(state: State) -> Inspection {
    let image_state = match state {
        State::Created { .. } | State::Blocked { .. } => None,
        State::Started { .. } | State::Processing { .. } => {
            Some(ImageState::Uploaded { said: None })
        }
        State::Completed { .. } => Some(ImageState::Processed {
            approved: true,
            validations: vec![validation("date", true)],
            damages: Vec::new(),
            at: CREATED_AT,
        }),
    };
    let template = template();
    Inspection {
        id: INSPECTION,
        company_id: Default::default(),
        version: 1,
        inspection_type: template.inspection_type,
        template: template.head(),
        template_revision: None,
        access_attempts_max: 3,
        producer: Producer::default(),
        testing: false,
        locale: "es_AR".into(),
        callback_url: None,
        delivery: DeliveryPreference::Disabled,
        metadata: Metadata::default(),
        consumer: Consumer::default(),
        products: vec![Product {
            images: image_state
                .map(|state| image("front", state))
                .into_iter()
                .collect(),
            ..Product::new(PRODUCT, ProductAttributes::default())
        }],
        inputs: Vec::new(),
        part_count: 2,
        access_code: "5087".into(),
        parent_id: None,
        created_at: CREATED_AT,
        updated_at: CREATED_AT,
        expires_at: EXPIRES_AT,
        event_count: 1,
        state,
    }
}

fn states() -> Vec<(&'static str, State)> {
    let (at, review) = (CREATED_AT, None);
    let completed = |completed_by, veredict| State::Completed {
        completed_by,
        veredict,
        at,
        review: review.clone(),
    };
    vec![
        ("created", State::Created { wrong_codes: 0 }),
        ("created, 2 wrong codes", State::Created { wrong_codes: 2 }),
        ("started", State::started(at)),
        (
            "started, 2 wrong codes",
            State::Started { at, wrong_codes: 2 },
        ),
        ("started, locked", State::Started { at, wrong_codes: 3 }),
        (
            "processing",
            State::Processing {
                completed_by: CompletedBy::Client,
                at,
            },
        ),
        (
            "completed, approved",
            completed(CompletedBy::Client, Veredict::Approved),
        ),
        (
            "completed by expiration",
            completed(CompletedBy::Expiration, Veredict::NotProvided),
        ),
        (
            "blocked, max_attempts",
            State::Blocked {
                reason: BlockedReason::MaxAttempts,
                at,
            },
        ),
        (
            "blocked, expired",
            State::Blocked {
                reason: BlockedReason::Expired,
                at,
            },
        ),
    ]
}

fn commands() -> Vec<(&'static str, Command)> {
    let review = |veredict| Command::Review {
        veredict,
        reason: None,
    };
    vec![
        ("right code", Command::EnterCode("5087".into())),
        ("wrong code", Command::EnterCode("0000".into())),
        ("finish", Command::Finish),
        ("complete(approved)", Command::Complete(Veredict::Approved)),
        ("expire", Command::Expire),
        ("review(approved)", review(Veredict::Approved)),
        ("review(disapproved)", review(Veredict::Disapproved)),
        ("review(not_provided)", review(Veredict::NotProvided)),
        ("review_images(no)", review_images(FIRST_IMAGE, false)),
        (
            "review_images(unknown)",
            review_images(ImageId::default(), false),
        ),
        ("add_image(front)", add_image("front")),
        ("add_image(tailgate)", add_image("tailgate")),
        ("examine(date valid)", examine(FIRST_IMAGE, true, &[])),
        (
            "examine, ask for plate",
            examine(FIRST_IMAGE, true, &["plate"]),
        ),
        ("answer(plate)", answer(FIRST_IMAGE)),
        ("give_up", give_up(FIRST_IMAGE)),
        ("describe", Command::Describe(Box::default())),
        (
            "add_products",
            Command::AddProducts(vec![ProductAttributes::default()]),
        ),
        ("describe_product", describe_product()),
    ]
}

fn review_images(id: ImageId, approved: bool) -> Command {
    Command::ReviewImages {
        approved: vec![(id, approved)],
        reason: None,
    }
}

fn add_image(side: &str) -> Command {
    Command::AddImage {
        product_id: PRODUCT,
        image: Box::new(image(side, ImageState::Uploaded { said: None })),
    }
}

fn examine(image_id: ImageId, date_is_valid: bool, ask: &[&str]) -> Command {
    Command::ExamineImage {
        image_id,
        findings: Findings {
            validations: vec![
                validation("date", date_is_valid),
                validation("distance", true),
            ],
            ask: ask.iter().map(|kind| (*kind).to_owned()).collect(),
            deadline: NOW,
        },
    }
}

fn said() -> Said {
    Said {
        validations: vec![validation("plate", true)],
        damages: Vec::new(),
    }
}

fn answer(image_id: ImageId) -> Command {
    Command::AnswerForImage {
        image_id,
        said: said(),
    }
}

fn give_up(image_id: ImageId) -> Command {
    Command::GiveUpOnImage {
        image_id,
        said: said(),
    }
}

fn describe_product() -> Command {
    Command::DescribeProduct {
        product_id: PRODUCT,
        attributes: ProductAttributes::from_iter([("plate", "AB123CD")]),
        inputs: Vec::new(),
    }
}

#[test]
fn every_state_answers_every_command() {
    let mut table = String::new();
    for (when, now) in [("in time", NOW), ("once its time is over", LATE)] {
        for (state_name, state) in states() {
            writeln!(table, "{state_name}, {when}").expect("a string takes all");
            for (command_name, command) in commands() {
                let line = match apply(&inspection(state.clone()), &template(), &command, now) {
                    Ok(step) => {
                        let next = step.next.map_or("as it was".into(), |next| {
                            assert_eq!(next.updated_at, now);
                            format!("{:?}", next.state)
                        });
                        let events: Vec<_> = step
                            .events
                            .iter()
                            .map(|event| format!("{} #{}", event.event_type, event.sequence))
                            .collect();
                        format!("{:?}; {next}; events: [{}]", step.reply, events.join(", "))
                    }
                    Err(refused) => format!("refused: {refused:?}"),
                };
                writeln!(table, "    {command_name:22} -> {line}").expect("a string takes all");
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_third_wrong_code_blocks_and_even_the_right_one_is_refused_then() {
    let wrong = Command::EnterCode("1234".into());
    let mut current = inspection(State::Created { wrong_codes: 0 });
    let mut replies = Vec::new();
    for _ in 0..3 {
        let step =
            apply(&current, &template(), &wrong, NOW).expect("codes are taken until it is blocked");
        replies.push(step.reply);
        current = step.next.expect("a wrong code is counted");
    }
    assert_eq!(
        replies,
        [
            Reply::WrongCode { attempts_left: 2 },
            Reply::WrongCode { attempts_left: 1 },
            Reply::BlockedNow
        ]
    );
    let right = Command::EnterCode("5087".into());
    assert_eq!(
        apply(&current, &template(), &right, NOW),
        Err(Refused::BlockedByAttempts)
    );
}

#[test]
fn after_the_start_the_last_wrong_code_locks_the_entry_and_nothing_else() {
    let code = |code: &str| Command::EnterCode(code.into());
    let mut current = inspection(State::started(CREATED_AT));
    let mut enter = |entered: &str| {
        let step = apply(&current, &template(), &code(entered), NOW)?;
        assert_eq!(step.events, []);
        current = step.next.unwrap_or_else(|| current.clone());
        Ok(step.reply)
    };
    let left = |attempts_left| Ok(Reply::WrongCode { attempts_left });
    assert_eq!(enter("1234"), left(2));
    assert_eq!(enter("1234"), left(1));
    // The right one forgets the wrong ones before it (contract 5.3).
    assert_eq!(enter("5087"), Ok(Reply::AlreadyStarted));
    assert_eq!(enter("1234"), left(2));
    assert_eq!(enter("1234"), left(1));
    assert_eq!(enter("1234"), Ok(Reply::LockedNow));
    assert_eq!(enter("5087"), Err(Refused::Locked));
    assert_eq!(enter("1234"), Err(Refused::Locked));
    for possible in [add_image("front"), Command::Finish] {
        apply(&current, &template(), &possible, NOW).expect("it goes on");
    }
}

/// A photo by its number, so that paths meet again those that they made.
fn any_image() -> impl Strategy<Value = ImageId> {
    (0_u32..6).prop_map(|number| ImageId(Id::from_parts(1, 2 + number)))
}

fn any_command() -> impl Strategy<Value = Command> {
    let veredict = prop_oneof![
        Just(Veredict::Approved),
        Just(Veredict::Disapproved),
        Just(Veredict::NotDefined),
        Just(Veredict::NotProvided),
    ];
    let ask = prop_oneof![Just(&[][..]), Just(&["plate"][..])];
    prop_oneof![
        3 => Just(Command::EnterCode("5087".into())),
        3 => "[0-9]{4}".prop_map(Command::EnterCode),
        3 => Just(Command::Finish),
        3 => veredict.clone().prop_map(Command::Complete),
        1 => Just(Command::Expire),
        3 => veredict.prop_map(|veredict| Command::Review { veredict, reason: None }),
        3 => (any_image(), any::<bool>()).prop_map(|(id, yes)| review_images(id, yes)),
        4 => Just(add_image("front")),
        2 => Just(add_image("tailgate")),
        8 => (any_image(), any::<bool>(), ask).prop_map(|(id, valid, ask)| examine(id, valid, ask)),
        3 => any_image().prop_map(answer),
        3 => any_image().prop_map(give_up),
        1 => Just(Command::Describe(Box::default())),
        1 => Just(describe_product()),
    ]
}

proptest! {
    /// A path is any sequence of commands at times that never go back.
    #[test]
    fn what_holds_on_every_path(
        started in any::<bool>(),
        path in proptest::collection::vec((any_command(), 0_i64..1_000), 0..60),
    ) {
        let first = if started { State::started(CREATED_AT) } else { State::Created { wrong_codes: 0 } };
        let mut current = inspection(first);
        let mut now = CREATED_AT.as_millis();
        let mut events = Vec::new();
        for (command, pause) in path {
            now += pause;
            let before = current.clone();
            let Ok(step) = apply(&current, &template(), &command, Timestamp::from_millis(now)) else { continue };
            events.extend(step.events.iter().copied());
            match step.next {
                Some(next) => current = next,
                None => prop_assert!(step.events.is_empty(), "an event of nothing"),
            }
            if before.status() == InspectionStatus::Blocked {
                prop_assert_eq!(&before.state, &current.state, "a path leaves blocked");
                prop_assert!(step.events.is_empty(), "a blocked inspection has an event");
            }
            prop_assert!(rank(current.status()) >= rank(before.status()), "a path goes back");
            if current.status() == InspectionStatus::Completed {
                prop_assert!(current.is_all_processed(), "completed with a photo to look at");
            }
            prop_assert_eq!(u32::try_from(1 + events.len()).ok(), Some(current.event_count));
        }
        let of = |event_type| events.iter().filter(|event| event.event_type == event_type).count();
        prop_assert!(of(EventType::InspectionCompleted) <= 1, "completed twice");
        let sequences: Vec<u32> = events.iter().map(|event| event.sequence).collect();
        let gapless: Vec<u32> = (2..).take(sequences.len()).collect();
        prop_assert_eq!(sequences, gapless);
        for (_, image) in current.images() {
            let told = events.iter().filter(|event| event.image_id == Some(image.id)).count();
            prop_assert_eq!(told, usize::from(image.is_processed()), "a photo is told of once");
        }
    }
}

#[test]
fn the_newest_photo_of_a_side_counts_and_extra_ones_do_not() {
    let mut current = inspection(State::started(CREATED_AT));
    let mut go = |command: &Command| {
        let step = apply(&current, &template(), command, NOW).expect("possible");
        current = step.next.expect("something changes");
        current.judged(&template())
    };
    assert_eq!(go(&examine(FIRST_IMAGE, true, &[])), Veredict::Approved);
    assert_eq!(go(&add_image("front")), Veredict::Disapproved);
    let second = ImageId(Id::from_parts(1, 4));
    assert_eq!(go(&examine(second, false, &[])), Veredict::Disapproved);
    assert_eq!(go(&add_image("front")), Veredict::Disapproved);
    let third = ImageId(Id::from_parts(1, 5));
    assert_eq!(go(&examine(third, true, &[])), Veredict::Approved);
    assert_eq!(go(&add_image("tailgate")), Veredict::Approved);
    let none = inspection(State::Created { wrong_codes: 0 });
    assert_eq!(none.judged(&template()), Veredict::NotProvided);
}

#[test]
fn an_answer_that_comes_before_the_look_is_kept_for_it() {
    let mut current = inspection(State::started(CREATED_AT));
    let step = apply(&current, &template(), &answer(FIRST_IMAGE), NOW).expect("kept");
    assert_eq!(step.reply, Reply::ImageWaits);
    current = step.next.expect("kept");
    let again = apply(&current, &template(), &answer(FIRST_IMAGE), NOW);
    assert_eq!(again, Err(Refused::AlreadyProcessed));
    let step = apply(
        &current,
        &template(),
        &examine(FIRST_IMAGE, true, &["plate"]),
        NOW,
    );
    let step = step.expect("the look ends it");
    assert_eq!(step.reply, Reply::ImageProcessed);
    let next = step.next.expect("processed");
    let (_, image) = next.image(FIRST_IMAGE).expect("it is there");
    let kinds: Vec<_> = image
        .validations()
        .iter()
        .map(|one| &one.kind[..])
        .collect();
    assert_eq!(kinds, ["date", "distance", "plate"]);
    let refused = apply(&next, &template(), &answer(FIRST_IMAGE), NOW);
    assert_eq!(refused, Err(Refused::AlreadyProcessed));
}

fn rank(status: InspectionStatus) -> u8 {
    match status {
        InspectionStatus::Created => 0,
        InspectionStatus::Started => 1,
        InspectionStatus::Processing => 2,
        InspectionStatus::Completed | InspectionStatus::Blocked => 3,
    }
}
