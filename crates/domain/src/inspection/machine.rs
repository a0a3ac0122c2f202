//! What can happen to an inspection (contract 5), decided purely: a state, a command and the time
//! give the next state and the events that tell of it.

mod details;
mod images;

pub use details::PRODUCTS_MAX;
pub use images::{IMAGES_MAX, is_approved, is_repeated};

use heraldo_wire::event::EventType;
use heraldo_wire::id::{ImageId, ProductId};
use heraldo_wire::object::{
    BlockedReason, CompletedBy, Consumer, Input, Metadata, ProductAttributes, Veredict,
};
use heraldo_wire::time::Timestamp;
use subtle::ConstantTimeEq;

use super::{Findings, Image, Inspection, Review, Said, State};
use crate::template::Template;

/// What somebody, or time, does to an inspection.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The consumer enters an access code.
    EnterCode(String),
    /// The company or the consumer says that no more photos come.
    Finish,
    /// The last photo has been looked at.
    Complete(Veredict),
    /// Its time is over.
    Expire,
    /// A reviewer sets the result.
    Review {
        veredict: Veredict,
        reason: Option<String>,
    },
    /// A reviewer sets what single photos came to; the result is computed again.
    ReviewImages {
        approved: Vec<(ImageId, bool)>,
        reason: Option<String>,
    },
    /// A photo was uploaded. Its id and whether it is an extra one are settled here.
    AddImage {
        product_id: ProductId,
        image: Box<Image>,
    },
    /// A photo was looked at.
    ExamineImage {
        image_id: ImageId,
        findings: Findings,
    },
    /// The outside processor answered.
    AnswerForImage { image_id: ImageId, said: Said },
    /// The outside processor's time is over; what it was to say is said to be not valid.
    GiveUpOnImage { image_id: ImageId, said: Said },
    /// The company says more about it.
    Describe(Box<Description>),
    /// More goods.
    AddProducts(Vec<ProductAttributes>),
    /// The company says more about one product.
    DescribeProduct {
        product_id: ProductId,
        attributes: ProductAttributes,
        inputs: Vec<Input>,
    },
}

/// What is said beside the photos; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Description {
    pub consumer: Option<Consumer>,
    pub metadata: Option<Metadata>,
    pub inputs: Vec<Input>,
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The inspection afterwards; `None` when nothing changed.
    pub next: Option<Inspection>,
    pub events: Vec<OwnEvent>,
    pub reply: Reply,
}

/// An event of this inspection; its body is rendered from the inspection after the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnEvent {
    pub event_type: EventType,
    /// Its number within the inspection, from 1, without a gap.
    pub sequence: u32,
    /// The photo that it is about, of the two events about photos.
    pub image_id: Option<ImageId>,
}

/// What to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Started,
    /// The right code again: nothing is counted, and wrong codes before it are forgotten.
    AlreadyStarted,
    WrongCode {
        attempts_left: u32,
    },
    /// The wrong code that used up the limit.
    BlockedNow,
    /// The same after the start: no more codes are taken.
    LockedNow,
    Finished,
    Completed,
    Expired,
    Reviewed,
    /// Nothing changed: it said what already held, or what was settled before.
    Unchanged,
    ImageAdded(ImageId),
    /// The outside processor's answer is awaited, or kept until the photo was looked at.
    ImageWaits,
    ImageProcessed,
    Described,
    /// The first of the new products is at this place.
    ProductsAdded {
        first: usize,
    },
}

/// Why a command is not possible in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the inspection is blocked: too many wrong access codes were entered")]
    BlockedByAttempts,
    #[error(
        "too many wrong access codes were entered: this inspection takes no more of them; whoever has entered \
         the code goes on, everybody else asks whoever sent the link"
    )]
    Locked,
    #[error("the inspection has expired; make a new one from it with its `children` route")]
    Expired,
    #[error("the inspection has not been started yet")]
    NotStarted,
    #[error("the inspection has been finished already")]
    Ended,
    #[error("the inspection is not completed yet")]
    NotCompleted,
    #[error("the inspection has not been finished yet")]
    NotProcessing,
    #[error("not all photos have been processed yet")]
    PhotosPending,
    #[error("the inspection's time is not over yet")]
    NotLapsed,
    #[error("a review sets `approved` or `disapproved`")]
    NotAVeredictToSet,
    #[error("the inspection has no such photo")]
    NoSuchImage,
    #[error("the photo has its result already")]
    AlreadyProcessed,
    #[error("the inspection has no such product")]
    NoSuchProduct,
    #[error("the inspection has {0} photos, as many as one may have")]
    TooManyImages(usize),
    #[error("the inspection has {0} products, as many as one may have")]
    TooManyProducts(usize),
    #[error("only an inspection of goods takes more products")]
    NotGoods,
}

/// Applies a command.
///
/// # Errors
/// [`Refused`] when the state does not allow it; the inspection stays as it is.
pub fn apply(
    inspection: &Inspection,
    template: &Template,
    command: &Command,
    now: Timestamp,
) -> Result<Step, Refused> {
    match command {
        Command::EnterCode(code) => enter_code(inspection, code, now),
        Command::Finish => finish(inspection, now),
        Command::Complete(veredict) => complete(inspection, *veredict, now),
        Command::Expire => expire(inspection, now),
        Command::Review { veredict, reason } => review(inspection, *veredict, reason.clone(), now),
        Command::ReviewImages { approved, reason } => {
            images::review(inspection, template, approved, reason.clone(), now)
        }
        Command::AddImage { product_id, image } => {
            images::add(inspection, template, *product_id, image, now)
        }
        Command::ExamineImage { image_id, findings } => {
            images::examine(inspection, template, *image_id, findings, now)
        }
        Command::AnswerForImage { image_id, said } => {
            images::answer(inspection, template, *image_id, said, now)
        }
        Command::GiveUpOnImage { image_id, said } => {
            images::give_up(inspection, template, *image_id, said, now)
        }
        Command::Describe(description) => Ok(details::describe(inspection, description, now)),
        Command::AddProducts(products) => details::add_products(inspection, products, now),
        Command::DescribeProduct {
            product_id,
            attributes,
            inputs,
        } => details::describe_product(inspection, *product_id, attributes, inputs, now),
    }
}

fn enter_code(inspection: &Inspection, code: &str, now: Timestamp) -> Result<Step, Refused> {
    let right = bool::from(
        code.trim()
            .as_bytes()
            .ct_eq(inspection.access_code.as_bytes()),
    );
    match &inspection.state {
        _ if inspection.has_lapsed(now) => Err(Refused::Expired),
        State::Created { .. } if right => Ok(changed(
            inspection,
            State::started(now),
            Some(EventType::InspectionStarted),
            Reply::Started,
            now,
        )),
        State::Created { wrong_codes } => Ok(count_wrong_code(inspection, *wrong_codes, now)),
        State::Started { .. } if inspection.is_locked() => Err(Refused::Locked),
        // Whoever enters it again (another tab, a reloaded page) is let in.
        State::Started { wrong_codes: 0, .. } if right => Ok(unchanged(Reply::AlreadyStarted)),
        State::Started { at, .. } if right => {
            let state = State::started(*at);
            Ok(changed(inspection, state, None, Reply::AlreadyStarted, now))
        }
        State::Started { at, wrong_codes } => Ok(count_wrong_code_after_start(
            inspection,
            *at,
            *wrong_codes,
            now,
        )),
        State::Processing { .. } | State::Completed { .. } => Err(Refused::Ended),
        State::Blocked { reason, .. } => Err(refused_by_block(*reason)),
    }
}

/// The last one blocks it.
fn count_wrong_code(inspection: &Inspection, wrong_codes: u32, now: Timestamp) -> Step {
    let wrong_codes = wrong_codes.saturating_add(1);
    let attempts_left = inspection.access_attempts_max.saturating_sub(wrong_codes);
    if attempts_left == 0 {
        let state = State::Blocked {
            reason: BlockedReason::MaxAttempts,
            at: now,
        };
        let event = Some(EventType::InspectionBlocked);
        return changed(inspection, state, event, Reply::BlockedNow, now);
    }
    let state = State::Created { wrong_codes };
    changed(
        inspection,
        state,
        None,
        Reply::WrongCode { attempts_left },
        now,
    )
}

/// The last one locks the entry and no more: a stranger who guesses must not end what the consumer is at.
fn count_wrong_code_after_start(
    inspection: &Inspection,
    at: Timestamp,
    wrong_codes: u32,
    now: Timestamp,
) -> Step {
    let wrong_codes = wrong_codes.saturating_add(1);
    let attempts_left = inspection.access_attempts_max.saturating_sub(wrong_codes);
    let reply = match attempts_left {
        0 => Reply::LockedNow,
        _ => Reply::WrongCode { attempts_left },
    };
    changed(
        inspection,
        State::Started { at, wrong_codes },
        None,
        reply,
        now,
    )
}

fn finish(inspection: &Inspection, now: Timestamp) -> Result<Step, Refused> {
    match &inspection.state {
        _ if inspection.has_lapsed(now) => Err(Refused::Expired),
        State::Created { .. } => Err(Refused::NotStarted),
        State::Started { .. } => {
            let state = State::Processing {
                completed_by: CompletedBy::Client,
                at: now,
            };
            Ok(changed(inspection, state, None, Reply::Finished, now))
        }
        State::Processing { .. } | State::Completed { .. } => Err(Refused::Ended),
        State::Blocked { reason, .. } => Err(refused_by_block(*reason)),
    }
}

fn complete(inspection: &Inspection, veredict: Veredict, now: Timestamp) -> Result<Step, Refused> {
    match &inspection.state {
        State::Processing { .. } if !inspection.is_all_processed() => Err(Refused::PhotosPending),
        State::Processing { completed_by, .. } => {
            let state = State::Completed {
                completed_by: *completed_by,
                veredict,
                at: now,
                review: None,
            };
            Ok(changed(
                inspection,
                state,
                Some(EventType::InspectionCompleted),
                Reply::Completed,
                now,
            ))
        }
        State::Created { .. } | State::Started { .. } => Err(Refused::NotProcessing),
        State::Completed { .. } => Err(Refused::Ended),
        State::Blocked { reason, .. } => Err(refused_by_block(*reason)),
    }
}

fn expire(inspection: &Inspection, now: Timestamp) -> Result<Step, Refused> {
    let lapsed = inspection.has_lapsed(now);
    match &inspection.state {
        State::Created { .. } | State::Started { .. } if !lapsed => Err(Refused::NotLapsed),
        State::Created { .. } => {
            let state = State::Blocked {
                reason: BlockedReason::Expired,
                at: now,
            };
            Ok(changed(
                inspection,
                state,
                Some(EventType::InspectionBlocked),
                Reply::Expired,
                now,
            ))
        }
        State::Started { .. } => {
            let state = State::Processing {
                completed_by: CompletedBy::Expiration,
                at: now,
            };
            Ok(changed(inspection, state, None, Reply::Expired, now))
        }
        State::Processing { .. } | State::Completed { .. } => Err(Refused::Ended),
        State::Blocked { reason, .. } => Err(refused_by_block(*reason)),
    }
}

fn review(
    inspection: &Inspection,
    veredict: Veredict,
    reason: Option<String>,
    now: Timestamp,
) -> Result<Step, Refused> {
    match veredict {
        Veredict::Approved | Veredict::Disapproved => {}
        Veredict::NotDefined | Veredict::NotProvided => return Err(Refused::NotAVeredictToSet),
    }
    match &inspection.state {
        State::Completed { veredict: held, .. } if *held == veredict => {
            Ok(unchanged(Reply::Unchanged))
        }
        State::Completed {
            completed_by, at, ..
        } => {
            let state = State::Completed {
                completed_by: *completed_by,
                veredict,
                at: *at,
                review: Some(Review { reason, at: now }),
            };
            Ok(changed(
                inspection,
                state,
                Some(EventType::InspectionReviewed),
                Reply::Reviewed,
                now,
            ))
        }
        State::Created { .. } | State::Started { .. } | State::Processing { .. } => {
            Err(Refused::NotCompleted)
        }
        State::Blocked { reason, .. } => Err(refused_by_block(*reason)),
    }
}

const fn refused_by_block(reason: BlockedReason) -> Refused {
    match reason {
        BlockedReason::MaxAttempts => Refused::BlockedByAttempts,
        BlockedReason::Expired => Refused::Expired,
    }
}

fn unchanged(reply: Reply) -> Step {
    Step {
        next: None,
        events: Vec::new(),
        reply,
    }
}

/// The inspection in another state, and the event that tells of it.
fn changed(
    inspection: &Inspection,
    state: State,
    event: Option<EventType>,
    reply: Reply,
    now: Timestamp,
) -> Step {
    let mut next = inspection.clone();
    next.state = state;
    step(next, event.map(|event_type| (event_type, None)), reply, now)
}

/// The changed inspection, with the next number for the event that tells of it.
fn step(
    mut next: Inspection,
    event: Option<(EventType, Option<ImageId>)>,
    reply: Reply,
    now: Timestamp,
) -> Step {
    next.updated_at = now;
    let events = event.map(|(event_type, image_id)| {
        next.event_count += 1;
        OwnEvent {
            event_type,
            sequence: next.event_count,
            image_id,
        }
    });
    Step {
        events: events.into_iter().collect(),
        next: Some(next),
        reply,
    }
}

#[cfg(test)]
mod tests;
