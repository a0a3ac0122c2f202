//! How many jobs may be under way: those that wait for somebody else's server have places of their own, so that
//! a server that never answers holds up nothing else.

use std::collections::HashMap;

use heraldo_domain::job::{Job, Task};
use heraldo_wire::id::CompanyId;

/// What a job waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Awaits {
    /// A file, a thread that decodes or writes, the store.
    Ourselves,
    /// The webhook whose deliveries it sends again, or counts: both read on and on.
    Webhook,
    /// The outside image processor.
    Processor,
    /// The `callbackURL` of a report.
    Callback,
}

impl Awaits {
    pub const fn of(task: Task) -> Self {
        match task {
            Task::ExamineImage { .. }
            | Task::GiveUpOnProcessor { .. }
            | Task::RenderReport { .. } => Self::Ourselves,
            Task::Recover { .. } | Task::CountRecover { .. } => Self::Webhook,
            Task::AskProcessor { .. } => Self::Processor,
            Task::CallBackReport { .. } => Self::Callback,
        }
    }

    /// Jobs under way that wait for it, of all companies and of one.
    const fn places(self) -> (usize, usize) {
        match self {
            Self::Ourselves => (16, 16),
            Self::Webhook => (8, 8),
            Self::Processor => (8, 4),
            Self::Callback => (8, 2),
        }
    }
}

/// The places that are taken.
#[derive(Debug, Default)]
pub struct Room {
    all: HashMap<Awaits, usize>,
    of_company: HashMap<(Awaits, CompanyId), usize>,
}

impl Room {
    /// Takes a place for the job, if there is one.
    pub fn enter(&mut self, job: &Job) -> bool {
        let awaits = Awaits::of(job.task);
        let (all_max, of_company_max) = awaits.places();
        let all = self.all.entry(awaits).or_default();
        let own = (awaits, job.company_id);
        if *all >= all_max || self.of_company.get(&own).copied() >= Some(of_company_max) {
            return false;
        }
        *all += 1;
        *self.of_company.entry(own).or_default() += 1;
        true
    }

    /// Gives the place of a job back that entered.
    pub fn leave(&mut self, job: &Job) {
        let awaits = Awaits::of(job.task);
        if let Some(all) = self.all.get_mut(&awaits) {
            *all = all.saturating_sub(1);
        }
        let own = (awaits, job.company_id);
        if let Some(of_company) = self.of_company.get_mut(&own) {
            *of_company = of_company.saturating_sub(1);
            if *of_company == 0 {
                self.of_company.remove(&own);
            }
        }
    }

    /// Whether any job that waits for it could enter.
    pub fn has_place(&self, awaits: Awaits) -> bool {
        let (all_max, _) = awaits.places();
        self.all.get(&awaits).copied().unwrap_or_default() < all_max
    }
}

#[cfg(test)]
mod tests {
    use heraldo_wire::id::{Id, ReportId};

    use super::*;

    fn job(company: u8, task: Task) -> Job {
        Job {
            id: Default::default(),
            company_id: CompanyId(Id::from_bytes([company; 12])),
            task,
            due_at: Default::default(),
            failures: 0,
            created_at: Default::default(),
        }
    }

    #[test]
    fn outside_calls_have_few_places_and_a_company_fewer_and_our_own_work_is_beside_them() {
        let report_id = ReportId::default();
        let call = |company| job(company, Task::CallBackReport { report_id });
        let render = |company| job(company, Task::RenderReport { report_id });
        let mut room = Room::default();
        let mut enter = |job: Job, times: usize| (0..times).filter(|_| room.enter(&job)).count();
        assert_eq!(enter(call(1), 100), 2);
        assert_eq!(enter(call(2), 100), 2);
        assert_eq!(
            (3..100)
                .map(|company| enter(call(company), 2))
                .sum::<usize>(),
            4
        );
        assert_eq!(enter(render(1), 100), 16);
        assert!(!room.has_place(Awaits::Ourselves) && !room.has_place(Awaits::Callback));
        room.leave(&call(2));
        assert!(!room.enter(&call(1)), "it has two");
        assert!(room.enter(&call(2)));
    }
}
