//! Who calls: API keys, users' access tokens, their scopes, and the limit on wrong ones (contract 1.1, 8.2).

use futures_util::TryFutureExt as _;
use heraldo_domain::account::{Caller, KeyHash};
use heraldo_domain::change::Actor;
use heraldo_domain::ops::oauth_tokens::{Access, access};
use heraldo_domain::ops::problem_of;
use heraldo_wire::api::{OauthScope, Scope};
use heraldo_wire::headers::API_KEY;
use heraldo_wire::object::Confidential;
use heraldo_wire::problem::ProblemCode;
use http::header::AUTHORIZATION;

use crate::call::Call;
use crate::limits::{Look, Source, TooMany};
use crate::problem::Failure;

impl Call {
    /// The company that the API key stands for, when the key may do all of `needed`. Users' access tokens,
    /// which win over keys, may do nothing here.
    pub async fn caller(&mut self, needed: &[Scope]) -> Result<Caller, Failure> {
        if self.bearer_access().await?.is_some() {
            return Err(ProblemCode::ForbiddenScope
                .problem(
                    "an access token cannot do this, whatever its scopes; leave `Authorization` out and \
                     send an API key in `x-api-key`",
                )
                .into());
        }
        self.key_caller(needed).await
    }

    /// The user whom the access token stands for, or the company of the API key.
    pub async fn caller_or_user(&mut self, needed: Scope) -> Result<Caller, Failure> {
        match self.bearer_access().await? {
            Some(access) => user_caller(access),
            None => self.key_caller(&[needed]).await,
        }
    }

    /// The user whom the access token in the `Authorization` header stands for, within `needed`.
    pub async fn user(&mut self, needed: OauthScope) -> Result<Access, Failure> {
        let access = self.bearer_access().await?.ok_or_else(|| {
            ProblemCode::MissingCredentials
                .problem("send a user's access token in the header `Authorization: Bearer …`")
        })?;
        within(access, needed)
    }

    /// The user whom the access token of a create's body stands for. It wins over the API key, but not over
    /// the `Authorization` header (contract 1.1).
    pub async fn user_of_body(&mut self, token: &Confidential) -> Result<Caller, Failure> {
        let known = access(self.context(), token.reveal()).await?;
        user_caller(known.ok_or_else(|| self.wrong_token("`access_token` in the body"))?)
    }

    /// Whether a credential stands in the `Authorization` header.
    pub fn has_bearer(&self) -> bool {
        self.bearers().next().is_some()
    }

    /// What the `Authorization` header stands for. One that is present but wrong is refused even beside a
    /// valid key (contract 1.1).
    async fn bearer_access(&mut self) -> Result<Option<Access>, Failure> {
        let mut bearers = self.bearers();
        let Some(token) = bearers.next() else {
            return Ok(None);
        };
        if bearers.next().is_some() {
            return Err(ProblemCode::InvalidHeader
                .problem("two `Authorization` headers were sent; send one")
                .into());
        }
        let token = std::str::from_utf8(token).unwrap_or_default();
        match access(self.context(), token).await? {
            Some(access) => Ok(Some(access)),
            None => Err(self.wrong_token("the `Authorization` header")),
        }
    }

    fn bearers(&self) -> impl Iterator<Item = &[u8]> {
        let given = self.parts.headers.get_all(AUTHORIZATION).iter();
        given.filter_map(|value| {
            let mut words = value.as_bytes().splitn(2, |byte| *byte == b' ');
            let scheme = words.next()?;
            let token = words.next().unwrap_or_default().trim_ascii();
            scheme.eq_ignore_ascii_case(b"bearer").then_some(token)
        })
    }

    /// The key is looked up before wrong ones are counted: a right key works from every address.
    pub async fn key_caller(&mut self, needed: &[Scope]) -> Result<Caller, Failure> {
        let mut keys = self.parts.headers.get_all(API_KEY).iter();
        let key = keys.next();
        if keys.next().is_some() {
            return Err(ProblemCode::InvalidHeader
                .problem("two `x-api-key` headers were sent; send one")
                .into());
        }
        let key = match key {
            Some(key) if !key.is_empty() => key,
            Some(_) | None => {
                return Err(ProblemCode::MissingCredentials
                    .problem("send your API key in the `x-api-key` header")
                    .into());
            }
        };
        let hash = key.to_str().ok().map(KeyHash::of);
        let known = match hash {
            Some(hash) => self
                .context()
                .store
                .api_key(hash)
                .await
                .map_err(problem_of)?,
            None => None,
        };
        let Some(known) = known else {
            return Err(self.wrong_credential(
                "API keys",
                "the API key is wrong or was revoked; check `x-api-key`",
            ));
        };
        self.context().key_uses.note(known.id, self.now());
        for scope in needed {
            if !known.may(*scope) {
                return Err(ProblemCode::ForbiddenScope
                    .problem(format!(
                        "this needs the scope `{scope}`, which the API key does not have; use another key"
                    ))
                    .into());
            }
        }
        Ok(Caller {
            company_id: known.company_id,
            actor: Actor::ApiKey(known.id),
            testing: known.testing,
        })
    }

    /// Counts a try of a password, for the caller's address and for the e-mail address, before it is looked
    /// at: so many at once are counted, too. A right one is taken back by [`Call::right_password`].
    pub fn try_password(&self, email: &str) -> Result<(), TooMany> {
        let (tries, now) = (&self.state.wrong_passwords, self.now());
        tries.count(self.address(), now)?;
        tries.count(Source::login(email), now)
    }

    pub fn right_password(&self, email: &str) {
        let (tries, now) = (&self.state.wrong_passwords, self.now());
        tries.forgive(self.address(), now);
        tries.forgive(Source::login(email), now);
    }

    /// Lets an access code be looked at. Of many at once of one address no more are than may be wrong, and a guesser
    /// does not learn of a right one among too many; the code counts unless [`Look::forgive`] is called.
    pub fn look_at_code(&self) -> impl Future<Output = Result<Look<'_>, Failure>> {
        let look = self.state.wrong_codes.look(self.address(), self.now());
        look.map_err(|too_many| {
            Failure::too_many(ProblemCode::TooManyWrongCodes, "access codes", too_many)
        })
    }

    fn wrong_token(&self, place: &str) -> Failure {
        let detail = format!(
            "{place} holds no valid access token; it may have expired: send a new one, or leave it out and \
             send `x-api-key`"
        );
        self.wrong_credential("credentials", &detail)
    }

    /// Counts a wrong credential for the caller's address (contract 8.2, "Limits that protect").
    pub fn wrong_credential(&self, what: &str, detail: &str) -> Failure {
        match self.state.wrong_keys.count(self.address(), self.now()) {
            Ok(()) => ProblemCode::InvalidCredentials.problem(detail).into(),
            Err(too_many) => Failure::too_many(ProblemCode::TooManyWrongKeys, what, too_many),
        }
    }
}

/// A user who creates and reads inspections.
fn user_caller(access: Access) -> Result<Caller, Failure> {
    let access = within(access, OauthScope::Inspections)?;
    Ok(Caller {
        company_id: access.company_id,
        actor: Actor::User(access.user_id),
        testing: false,
    })
}

fn within(access: Access, needed: OauthScope) -> Result<Access, Failure> {
    if access.scopes.contains(&needed) {
        return Ok(access);
    }
    Err(ProblemCode::ForbiddenScope
        .problem(format!(
            "this needs the scope `{needed}`, which the user did not give; ask for it on the consent page"
        ))
        .into())
}
