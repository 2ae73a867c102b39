//! Who reads, and whose data.

use axum::extract::FromRequestParts;
use hivematrix_shared::{
    auth::{Authenticated, Caller},
    problem::{Problem, Result},
};
use http::request::Parts;

use crate::{Codex, domain::scope::Scope, store};

/// A caller of class T (codex-api.md §1.1) with the companies it may see.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The caller.
    pub caller: Caller,
    /// Its companies.
    pub scope: Scope,
}

impl Reader {
    /// Refuses a company outside the scope.
    ///
    /// # Errors
    /// 403.
    pub fn may_see(&self, account_number: Option<&str>) -> Result<()> {
        if self.scope.includes(account_number) { Ok(()) } else { Err(foreign_company()) }
    }

    /// The account numbers to filter by: the one that is asked for, else all of the scope; none means no filter.
    ///
    /// # Errors
    /// 403 when the one asked for lies outside the scope.
    pub fn narrowed(&self, account_number: Option<&str>) -> Result<Option<Vec<String>>> {
        match account_number {
            Some(number) => {
                self.may_see(Some(number))?;
                Ok(Some(vec![number.to_owned()]))
            }
            None => Ok(self.scope.account_numbers().map(<[String]>::to_vec)),
        }
    }

    /// Refuses everybody who sees only own companies: data that belongs to no customer.
    ///
    /// # Errors
    /// 403.
    pub fn is_staff(&self) -> Result<()> {
        if self.scope == Scope::Everything { Ok(()) } else { Err(foreign_company()) }
    }
}

pub(crate) fn foreign_company() -> Problem {
    Problem::forbidden("You may read only the data of your own company.")
        .with("error", "Insufficient permissions")
}

impl FromRequestParts<Codex> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, codex: &Codex) -> Result<Self> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, codex).await?;
        let scope = store::scope::of(&codex.pool, &caller).await?;
        Ok(Self { caller, scope })
    }
}
