//! The numbers and bytes that stand for values in the database. They are never changed, only added to.

use heraldo_domain::change::Origin;
use heraldo_domain::delivery::Fallback;
use heraldo_domain::record::RecordKind;
use heraldo_wire::api::{DeliveryStatus, Resolution};
use heraldo_wire::attempt::{AttemptOutcome, Cause, ErrorClass, Phase};
use heraldo_wire::event::EventType;
use heraldo_wire::id::Id;
use heraldo_wire::object::{InspectionStatus, InspectionType, Veredict};
use heraldo_wire::time::Timestamp;
use rusqlite::Row;

use super::fault::{Done, Fault};

/// A value that the database knows by a number.
pub(super) trait Code: Copy {
    fn code(self) -> i64;
    fn from_code(code: i64) -> Option<Self>;
}

macro_rules! codes {
    ($($type:ident { $($variant:ident = $code:literal,)+ })+) => {$(
        impl Code for $type {
            fn code(self) -> i64 {
                match self { $(Self::$variant => $code,)+ }
            }

            fn from_code(code: i64) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    )+};
}

codes! {
    EventType {
        InspectionCreated = 0,
        ChildrenInspectionCreated = 1,
        InspectionStarted = 2,
        ImageProcessed = 3,
        ExtraImageProcessed = 4,
        InspectionBlocked = 5,
        InspectionCompleted = 6,
        InspectionReviewed = 7,
        WebhookDisabled = 8,
    }
    Origin {
        Inspection = 0,
        Published = 1,
        Test = 2,
        Webhook = 3,
    }
    // The indexes of the table `delivery` name these numbers.
    DeliveryStatus {
        Pending = 0,
        Delivered = 1,
        Failed = 2,
        Cancelled = 3,
    }
    Cause {
        First = 0,
        Retry = 1,
        Manual = 2,
        Recover = 3,
    }
    AttemptOutcome {
        Delivered = 0,
        Failed = 1,
    }
    ErrorClass {
        Dns = 0,
        AddressRefused = 1,
        Connect = 2,
        Tls = 3,
        Timeout = 4,
        Reset = 5,
        Protocol = 6,
        Status = 7,
    }
    Phase {
        Resolve = 0,
        Connect = 1,
        Tls = 2,
        FirstByte = 3,
        Body = 4,
    }
    // The index `inspection_lapse` names these numbers.
    InspectionStatus {
        Created = 0,
        Started = 1,
        Processing = 2,
        Completed = 3,
        Blocked = 4,
    }
    InspectionType {
        Car = 0,
        Moto = 1,
        Bike = 2,
        Machinery = 3,
        Goods = 4,
        People = 5,
        Custom = 6,
        Cellphone = 7,
    }
    Veredict {
        Approved = 0,
        Disapproved = 1,
        NotDefined = 2,
        NotProvided = 3,
    }
    Resolution {
        Minute = 0,
        Hour = 1,
        Day = 2,
    }
    RecordKind {
        Template = 0,
        TemplateRevision = 1,
        Report = 2,
        OauthApp = 3,
        OauthConnection = 4,
        Invitation = 5,
        Recovery = 16,
        Child = 17,
        RecoverCount = 18,
    }
}

/// A fallback as its number and, for a planned retry, its time.
pub(super) const fn fallback_code(fallback: Fallback) -> (i64, Option<i64>) {
    match fallback {
        Fallback::Schedule => (0, None),
        Fallback::RetryAt(at) => (1, Some(at.as_millis())),
        Fallback::Delivered => (2, None),
        Fallback::Failed => (3, None),
        Fallback::Cancelled => (4, None),
    }
}

pub(super) const fn fallback_from(code: i64, at: Option<i64>) -> Option<Fallback> {
    match (code, at) {
        (0, _) => Some(Fallback::Schedule),
        (1, Some(at)) => Some(Fallback::RetryAt(Timestamp::from_millis(at))),
        (2, _) => Some(Fallback::Delivered),
        (3, _) => Some(Fallback::Failed),
        (4, _) => Some(Fallback::Cancelled),
        _ => None,
    }
}

/// The first 8 bytes of an id as a signed number that orders as the id does.
pub(super) const fn signed(key: u64) -> i64 {
    (key ^ (1 << 63)).cast_signed()
}

pub(super) fn key_of(id: Id) -> i64 {
    signed(id.key())
}

pub(super) fn tail_of(id: Id) -> i64 {
    i64::from(id.tail())
}

/// The id whose key and tail stand in these two columns, which follow each other.
pub(super) fn id_at(row: &Row<'_>, column: usize) -> Done<Id> {
    Ok(id_from(row.get(column)?, row.get(column + 1)?))
}

/// The id of this key and this tail.
pub(super) fn id_from(key: i64, tail: u32) -> Id {
    Id::from_parts(key.cast_unsigned() ^ (1 << 63), tail)
}

/// The id whose 12 bytes stand in this column.
pub(super) fn id_blob_at(row: &Row<'_>, column: usize) -> Done<Id> {
    Ok(Id::from_bytes(row.get(column)?))
}

/// The value whose number stands in this column.
pub(super) fn code_at<T: Code>(row: &Row<'_>, column: usize) -> Done<T> {
    let code: i64 = row.get(column)?;
    T::from_code(code).ok_or_else(|| Fault::unreadable("a number that stands for nothing"))
}

pub(super) fn time_at(row: &Row<'_>, column: usize) -> Done<Timestamp> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

pub(super) fn time_if_at(row: &Row<'_>, column: usize) -> Done<Option<Timestamp>> {
    Ok(row
        .get::<_, Option<i64>>(column)?
        .map(Timestamp::from_millis))
}
