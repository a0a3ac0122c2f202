//! Who calls: API keys, their scopes, and the limit on wrong ones (contract 1.1, 8.2).

use heraldo_domain::account::{Caller, KeyHash};
use heraldo_domain::ops::problem_of;
use heraldo_wire::api::Scope;
use heraldo_wire::headers::API_KEY;
use heraldo_wire::object::Confidential;
use heraldo_wire::problem::ProblemCode;
use http::header::AUTHORIZATION;

use crate::call::Call;
use crate::problem::Failure;

impl Call {
    /// The company that the API key stands for, when the key may do all of `needed`.
    ///
    /// The key is looked up before wrong ones are counted: a right key works from every address.
    pub async fn caller(&mut self, needed: &[Scope]) -> Result<Caller, Failure> {
        let mut keys = self.parts.headers.get_all(API_KEY).iter();
        let key = keys.next();
        if keys.next().is_some() {
            return Err(ProblemCode::InvalidHeader
                .problem("two `x-api-key` headers were sent; send one")
                .into());
        }
        if self.has_bearer() {
            return Err(no_oauth("the `Authorization` header"));
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
            return Err(self.wrong_key());
        };
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
            key_id: known.id,
            testing: known.testing,
        })
    }

    fn wrong_key(&self) -> Failure {
        match self.state.wrong_keys.count(self.address(), self.now()) {
            Ok(()) => ProblemCode::InvalidCredentials
                .problem("the API key is wrong or was revoked; check `x-api-key`")
                .into(),
            Err(too_many) => Failure::too_many(ProblemCode::TooManyWrongKeys, "API keys", too_many),
        }
    }

    fn has_bearer(&self) -> bool {
        self.parts
            .headers
            .get_all(AUTHORIZATION)
            .iter()
            .any(|value| {
                let scheme = value.as_bytes().split(|byte| *byte == b' ').next();
                scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
            })
    }
}

/// Refuses the `access_token` of a create request's body. A credential that is present but wrong is
/// refused even beside a valid weaker one (contract 1.1).
pub fn refuse_access_token(token: Option<&Confidential>) -> Result<(), Failure> {
    match token {
        Some(_) => Err(no_oauth("`access_token` in the body")),
        None => Ok(()),
    }
}

fn no_oauth(place: &str) -> Failure {
    ProblemCode::InvalidCredentials
        .problem(format!(
            "{place} holds no access token that this server gave out; leave it out and send `x-api-key`"
        ))
        .into()
}
