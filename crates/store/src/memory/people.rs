//! Companies, their people, passwords, sessions and API keys: how changes write them and how they are read.

use heraldo_domain::account::{ApiKey, Company, Member, email_key};
use heraldo_domain::password::{Login, PasswordHash};
use heraldo_domain::store::{Result, StoreError};
use heraldo_wire::id::{ApiKeyId, CompanyId, UserId};
use heraldo_wire::time::Timestamp;

use super::apply::{Step, insert};
use super::state::State;

impl Step<'_> {
    pub(super) fn update_company(&mut self, was: &Company, now: Company) -> Result<()> {
        as_read(self.state.companies.get(&was.id), was)?;
        self.state.companies.put(was.id, now);
        Ok(())
    }

    pub(super) fn create_member(&mut self, member: Member) -> Result<()> {
        self.company_exists(member.company_id)?;
        let place = (member.company_id, member.user_id);
        insert(&mut self.state.members, place, member)
    }

    pub(super) fn expect_member(&self, member: &Member) -> Result<()> {
        let place = (member.company_id, member.user_id);
        as_read(self.state.members.get(&place), member)
    }

    pub(super) fn update_member(&mut self, was: &Member, now: Member) -> Result<()> {
        self.expect_member(was)?;
        self.state.members.put((was.company_id, was.user_id), now);
        Ok(())
    }

    pub(super) fn delete_member(&mut self, member: &Member) -> Result<()> {
        self.expect_member(member)?;
        let user = member.user_id;
        self.state.members.remove(&(member.company_id, user));
        if self.state.memberships(user).is_empty() {
            self.state.passwords.remove(&user);
        }
        Ok(())
    }

    pub(super) fn set_password(
        &mut self,
        user: UserId,
        was: Option<&PasswordHash>,
        now: Option<PasswordHash>,
    ) -> Result<()> {
        if self.state.passwords.get(&user) != was {
            return Err(StoreError::Conflict);
        }
        match now {
            Some(hash) => self.state.passwords.put(user, hash),
            None => drop(self.state.passwords.remove(&user)),
        }
        Ok(())
    }

    pub(super) fn end_sessions(&mut self, user: UserId, company: Option<CompanyId>) {
        let tokens = self.state.tokens.rows().values();
        let ended = tokens.filter(|token| {
            token.signs_in() == Some(user)
                && company.is_none_or(|company| company == token.company_id)
        });
        let ended: Vec<_> = ended.map(|token| token.hash).collect();
        for hash in ended {
            self.state.tokens.remove(&hash);
        }
    }

    pub(super) fn create_api_key(&mut self, key: ApiKey) -> Result<()> {
        self.company_exists(key.company_id)?;
        let mut others = self.state.api_keys.rows().values();
        if others.any(|other| other.hash == key.hash) {
            return Err(StoreError::Conflict);
        }
        insert(&mut self.state.api_keys, key.id, key)
    }

    pub(super) fn revoke_api_key(&mut self, company: CompanyId, id: ApiKeyId) -> Result<()> {
        self.state
            .api_keys
            .get(&id)
            .filter(|key| key.company_id == company)
            .ok_or(StoreError::NotFound)?;
        self.state.api_keys.remove(&id);
        Ok(())
    }

    pub(super) fn note_key_use(&mut self, id: ApiKeyId, at: Timestamp) {
        if let Some(key) = self.state.api_keys.get(&id) {
            let used = ApiKey {
                last_used_at: key.last_used_at.max(Some(at)),
                ..key.clone()
            };
            self.state.api_keys.put(id, used);
        }
    }
}

/// What is written was decided on what was read.
fn as_read<T: PartialEq>(stored: Option<&T>, read: &T) -> Result<()> {
    match stored {
        None => Err(StoreError::NotFound),
        Some(stored) if stored == read => Ok(()),
        Some(_) => Err(StoreError::Conflict),
    }
}

impl State {
    pub(super) fn logins(&self, email: &str, limit: u32) -> Vec<Login> {
        let key = email_key(email);
        let members = self.members.rows().values();
        let members = members.filter(|member| !key.is_empty() && email_key(&member.email) == key);
        let mut logins: Vec<_> = members
            .map(|member| Login {
                member: member.clone(),
                password: self.passwords.get(&member.user_id).cloned(),
            })
            .collect();
        logins.sort_by_key(|login| login.member.membership_id);
        logins.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        logins
    }
}
