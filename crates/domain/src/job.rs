//! Jobs: work that must be done some time after the commit that asked for it, whatever crashes.
//!
//! A job exists because a commit made it, and ends in the commit that holds its result. It may be run
//! more than once; what it writes names the versions it was decided on, so that it counts once.

use std::time::Duration;

use heraldo_wire::id::{
    CompanyId, ImageId, InspectionId, JobId, RecoverCountId, RecoveryId, ReportId,
};
use heraldo_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub company_id: CompanyId,
    pub task: Task,
    /// Not before this time.
    pub due_at: Timestamp,
    /// How often it was tried in vain.
    pub failures: u32,
    pub created_at: Timestamp,
}

/// A job's place in the order in which jobs come due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    pub at: Timestamp,
    pub id: JobId,
}

impl Job {
    #[must_use]
    pub const fn due(&self) -> Due {
        Due {
            at: self.due_at,
            id: self.id,
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Task {
    /// Look at an uploaded photo.
    ExamineImage {
        inspection_id: InspectionId,
        image_id: ImageId,
    },
    /// Ask the outside processor to look at it.
    AskProcessor {
        inspection_id: InspectionId,
        image_id: ImageId,
    },
    /// Stop waiting for an outside processor.
    GiveUpOnProcessor {
        inspection_id: InspectionId,
        image_id: ImageId,
    },
    /// Make a report's documents.
    RenderReport { report_id: ReportId },
    /// Tell the report's `callbackURL`.
    CallBackReport { report_id: ReportId },
    /// Send again what a webhook did not get.
    Recover { recovery_id: RecoveryId },
    /// Count what a recovery would send.
    CountRecover { recover_count_id: RecoverCountId },
}

/// The wait after the first failure; it doubles with each one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

impl Task {
    /// Somebody else's server may be away for hours; what is our own should be back in a minute.
    const fn longest_wait(self) -> Duration {
        match self {
            Self::CallBackReport { .. } => Duration::from_secs(3_600),
            // Its webhook may be paused for weeks, and should not be waited for once it is enabled.
            Self::Recover { .. } => Duration::from_secs(5),
            Self::ExamineImage { .. }
            | Self::AskProcessor { .. }
            | Self::GiveUpOnProcessor { .. }
            | Self::RenderReport { .. }
            | Self::CountRecover { .. } => Duration::from_secs(60),
        }
    }

    /// How long to wait after so many failures (at least 1) before the next try.
    #[must_use]
    pub fn wait_after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        (FIRST_WAIT * 2_u32.pow(doublings)).min(self.longest_wait())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_those_for_callbacks_up_to_an_hour() {
        let report_id = ReportId::default();
        let waits = |task: Task| {
            [0, 1, 2, 3, 7, 12, 1_000].map(|failures| task.wait_after(failures).as_secs())
        };
        assert_eq!(
            waits(Task::RenderReport { report_id }),
            [1, 1, 2, 4, 60, 60, 60]
        );
        assert_eq!(
            waits(Task::CallBackReport { report_id }),
            [1, 1, 2, 4, 64, 2_048, 3_600]
        );
    }
}
