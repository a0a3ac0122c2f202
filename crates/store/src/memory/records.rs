//! Tokens, records, jobs and fingerprints: how changes write them and how they are read.

use heraldo_domain::account::{Company, KeyHash, Member};
use heraldo_domain::job::{Due, Job};
use heraldo_domain::photo::{FINGERPRINT_DISTANCE_MAX, Fingerprint};
use heraldo_domain::record::{Record, RecordKind};
use heraldo_domain::store::{Result, StoreError};
use heraldo_domain::token::Token;
use heraldo_wire::id::{CompanyId, Id, ImageId, JobId, UserId};
use heraldo_wire::time::Timestamp;

use super::apply::{Step, insert};
use super::state::{State, Table};

impl Step<'_> {
    pub(super) fn create_token(&mut self, token: Token) -> Result<()> {
        self.company_exists(token.company_id)?;
        insert(&mut self.state.tokens, token.hash, token)
    }

    pub(super) fn spend_token(&mut self, hash: KeyHash, now: Timestamp) -> Result<()> {
        self.state.token(hash, now).ok_or(StoreError::NotFound)?;
        self.state.tokens.remove(&hash);
        Ok(())
    }

    pub(super) fn create_record(&mut self, record: Record) -> Result<()> {
        self.company_exists(record.company_id)?;
        let place = (record.kind, record.id);
        if self.state.records.get(&place).is_some() {
            return Err(StoreError::Conflict);
        }
        self.state.name_is_free(&record)?;
        self.state.records.put(place, record);
        Ok(())
    }

    pub(super) fn update_record(&mut self, record: Record) -> Result<()> {
        let place = (record.kind, record.id);
        if self.stored_record(&record)?.version + 1 != record.version {
            return Err(StoreError::Conflict);
        }
        self.state.name_is_free(&record)?;
        self.state.records.put(place, record);
        Ok(())
    }

    pub(super) fn delete_record(&mut self, record: &Record) -> Result<()> {
        if self.stored_record(record)?.version != record.version {
            return Err(StoreError::Conflict);
        }
        self.state.records.remove(&(record.kind, record.id));
        Ok(())
    }

    pub(super) fn delete_records_of(&mut self, company: CompanyId, kind: RecordKind, subject: Id) {
        let rows = self.state.records.rows().iter();
        let is_of = |record: &Record| {
            record.company_id == company && record.kind == kind && record.subject == Some(subject)
        };
        let of: Vec<_> = rows
            .filter(|(_, record)| is_of(record))
            .map(|(place, _)| *place)
            .collect();
        for place in of {
            self.state.records.remove(&place);
        }
    }

    fn stored_record(&self, record: &Record) -> Result<&Record> {
        let stored = self.state.records.get(&(record.kind, record.id));
        let stored = stored.filter(|stored| stored.company_id == record.company_id);
        stored.ok_or(StoreError::NotFound)
    }

    pub(super) fn end_job(&mut self, id: JobId) -> Result<()> {
        self.state
            .jobs
            .remove(&id)
            .map(drop)
            .ok_or(StoreError::NotFound)
    }

    pub(super) fn update_job(&mut self, job: Job) -> Result<()> {
        self.state.jobs.get(&job.id).ok_or(StoreError::NotFound)?;
        self.state.jobs.put(job.id, job);
        Ok(())
    }

    pub(super) fn forget_expired(&mut self, now: Timestamp, limit: u32) -> u32 {
        let answers = &mut self.state.answers;
        let of_answers = forget(answers, |answer| answer.expires_at, now, limit);
        let tokens = &mut self.state.tokens;
        let of_tokens = forget(tokens, |token| token.expires_at, now, limit);
        let of_figures = self.state.forget_figures(now, limit);
        of_answers
            .saturating_add(of_tokens)
            .saturating_add(of_figures)
    }
}

/// Removes those that expired first; returns how many.
fn forget<K: Ord + Clone, V: Clone>(
    table: &mut Table<K, V>,
    expires_at: impl Fn(&V) -> Timestamp,
    now: Timestamp,
    limit: u32,
) -> u32 {
    let rows = table.rows().iter();
    let mut expired: Vec<_> = rows
        .map(|(key, row)| (expires_at(row), key.clone()))
        .filter(|(at, _)| *at <= now)
        .collect();
    expired.sort_unstable();
    expired.truncate(many(limit));
    for (_, key) in &expired {
        table.remove(key);
    }
    u32::try_from(expired.len()).unwrap_or(u32::MAX)
}

fn many(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl State {
    pub(super) fn token(&self, hash: KeyHash, now: Timestamp) -> Option<&Token> {
        self.tokens
            .get(&hash)
            .filter(|token| token.expires_at > now)
    }

    pub(super) fn memberships(&self, user: UserId) -> Vec<(Member, Company)> {
        let members = self.members.rows().values();
        let mut places: Vec<_> = members
            .filter(|member| member.user_id == user)
            .filter_map(|member| {
                let company = self.companies.get(&member.company_id)?;
                Some((member.clone(), company.clone()))
            })
            .collect();
        places.sort_by_key(|(member, _)| member.membership_id);
        places
    }

    fn name_is_free(&self, record: &Record) -> Result<()> {
        let taken = self.records.rows().values().any(|other| {
            (other.kind, other.company_id) == (record.kind, record.company_id)
                && other.id != record.id
                && other.name.is_some()
                && other.name == record.name
        });
        if taken {
            Err(StoreError::NameTaken)
        } else {
            Ok(())
        }
    }

    /// A company's records of a kind, newest first.
    pub(super) fn records(
        &self,
        kind: RecordKind,
        company: CompanyId,
        subject: Option<Id>,
    ) -> impl Iterator<Item = (&Id, &Record)> {
        let rows = self.records.rows().iter().rev();
        rows.filter(move |((of, _), record)| {
            *of == kind
                && record.company_id == company
                && (subject.is_none() || record.subject == subject)
        })
        .map(|((_, id), record)| (id, record))
    }

    pub(super) fn jobs(&self, after: Option<Due>, limit: u32) -> Vec<Job> {
        let later = |job: &&Job| after.is_none_or(|after| job.due() > after);
        let mut jobs: Vec<Job> = self.jobs.rows().values().filter(later).cloned().collect();
        jobs.sort_by_key(Job::due);
        jobs.truncate(many(limit));
        jobs
    }

    pub(super) fn similar_photos(
        &self,
        company: CompanyId,
        bits: u64,
        limit: u32,
    ) -> Vec<Fingerprint> {
        let first = (company, ImageId::default());
        let rows = self.fingerprints.rows().range(first..);
        rows.take_while(|((of, _), _)| *of == company)
            .map(|(_, fingerprint)| *fingerprint)
            .filter(|other| (other.bits ^ bits).count_ones() <= FINGERPRINT_DISTANCE_MAX)
            .take(many(limit))
            .collect()
    }
}
