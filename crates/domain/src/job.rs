//! Jobs: work that must be done some time after the commit that asked for it, whatever crashes.
//!
//! A job exists because a commit made it, and ends in the commit that holds its result. It may be run
//! more than once; what it writes names the versions it was decided on, so that it counts once.

use std::time::Duration;

use heraldo_wire::id::{CompanyId, ImageId, InspectionId, JobId, ReportId};
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
}

/// The wait after the first failure; it doubles with each one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long to wait after so many failures (at least 1) before the next try.
#[must_use]
pub fn wait_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_WAIT * 2_u32.pow(doublings)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits = [0, 1, 2, 3, 7, 1_000].map(|failures| wait_after(failures).as_secs());
        assert_eq!(waits, [1, 1, 2, 4, 60, 60]);
    }
}
