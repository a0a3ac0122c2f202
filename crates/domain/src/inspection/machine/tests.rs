//! The whole state-by-command table, and what holds on every path through it.

use std::fmt::Write as _;

use heraldo_wire::event::EventType;
use heraldo_wire::id::{Id, InspectionId, ProductId, TemplateId};
use heraldo_wire::object::{
    BlockedReason, CompletedBy, Consumer, DeliveryPreference, InspectionStatus, InspectionType,
    Metadata, Producer, ProductAttributes, TemplateHead, TemplateType, Veredict,
};
use heraldo_wire::time::Timestamp;
use proptest::prelude::*;

use super::{Command, Refused, Reply, apply};
use crate::inspection::{Inspection, Product, State};

const CREATED_AT: Timestamp = Timestamp::from_millis(1_000);
const NOW: Timestamp = Timestamp::from_millis(2_000);
const EXPIRES_AT: Timestamp = Timestamp::from_millis(10_000);
const LATE: Timestamp = Timestamp::from_millis(10_000);

fn inspection(state: State) -> Inspection {
    Inspection {
        id: InspectionId(Id::from_parts(1, 1)),
        company_id: Default::default(),
        version: 1,
        inspection_type: InspectionType::Car,
        template: TemplateHead {
            name: "easy".into(),
            kind: TemplateType::BuiltIn,
            id: TemplateId::default(),
        },
        access_attempts_max: 3,
        producer: Producer::default(),
        testing: false,
        locale: "es_AR".into(),
        callback_url: None,
        delivery: DeliveryPreference::Disabled,
        metadata: Metadata::default(),
        consumer: Consumer::default(),
        products: vec![Product {
            id: ProductId(Id::from_parts(2, 2)),
            attributes: ProductAttributes::default(),
            inputs: Vec::new(),
        }],
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
        ("started", State::Started { at }),
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
    ]
}

#[test]
fn every_state_answers_every_command() {
    let mut table = String::new();
    for (when, now) in [("in time", NOW), ("once its time is over", LATE)] {
        for (state_name, state) in states() {
            writeln!(table, "{state_name}, {when}").expect("a string takes all");
            for (command_name, command) in commands() {
                let line = match apply(&inspection(state.clone()), &command, now) {
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
                writeln!(table, "    {command_name:20} -> {line}").expect("a string takes all");
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
        let step = apply(&current, &wrong, NOW).expect("codes are taken until it is blocked");
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
        apply(&current, &right, NOW),
        Err(Refused::BlockedByAttempts)
    );
}

fn any_command() -> impl Strategy<Value = Command> {
    let veredict = prop_oneof![
        Just(Veredict::Approved),
        Just(Veredict::Disapproved),
        Just(Veredict::NotDefined),
        Just(Veredict::NotProvided),
    ];
    prop_oneof![
        3 => Just(Command::EnterCode("5087".into())),
        3 => "[0-9]{4}".prop_map(Command::EnterCode),
        3 => Just(Command::Finish),
        3 => veredict.clone().prop_map(Command::Complete),
        1 => Just(Command::Expire),
        3 => veredict.prop_map(|veredict| Command::Review { veredict, reason: None }),
    ]
}

proptest! {
    /// A path is any sequence of commands at times that never go back.
    #[test]
    fn what_holds_on_every_path(
        started in any::<bool>(),
        path in proptest::collection::vec((any_command(), 0_i64..3_000), 0..40),
    ) {
        let first = if started { State::Started { at: CREATED_AT } } else { State::Created { wrong_codes: 0 } };
        let mut current = inspection(first);
        let mut now = CREATED_AT.as_millis();
        let mut sequences = vec![1];
        let mut completed = 0;
        for (command, pause) in path {
            now += pause;
            let before = current.clone();
            let Ok(step) = apply(&current, &command, Timestamp::from_millis(now)) else { continue };
            sequences.extend(step.events.iter().map(|event| event.sequence));
            completed += step
                .events
                .iter()
                .filter(|event| event.event_type == EventType::InspectionCompleted)
                .count();
            match step.next {
                Some(next) => current = next,
                None => prop_assert!(step.events.is_empty(), "an event of nothing"),
            }
            prop_assert!(before.status() != InspectionStatus::Blocked, "a path leaves blocked");
            prop_assert!(rank(current.status()) >= rank(before.status()), "a path goes back");
            prop_assert_eq!(u32::try_from(sequences.len()).ok(), Some(current.event_count));
        }
        prop_assert!(completed <= 1, "completed twice");
        let gapless: Vec<u32> = (1..).take(sequences.len()).collect();
        prop_assert_eq!(sequences, gapless);
    }
}

fn rank(status: InspectionStatus) -> u8 {
    match status {
        InspectionStatus::Created => 0,
        InspectionStatus::Started => 1,
        InspectionStatus::Processing => 2,
        InspectionStatus::Completed | InspectionStatus::Blocked => 3,
    }
}
