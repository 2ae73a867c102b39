//! Whose data a caller may read.

use hivematrix_shared::{
    auth::{Caller, PermissionLevel},
    problem::Result,
};
use sqlx::PgPool;

use crate::domain::scope::Scope;

/// The scope of a caller: for a `client` the companies of the contact with its e-mail address, none without one.
pub async fn of(pool: &PgPool, caller: &Caller) -> Result<Scope> {
    match caller.acting_user() {
        Some(user) if user.permission_level == PermissionLevel::Client => {
            if user.email.is_empty() {
                return Ok(Scope::Companies(Vec::new()));
            }
            let own = sqlx::query_scalar!(
                "select l.company_account_number from contact_company_link l \
                 join contacts c on c.id = l.contact_id where lower(c.email) = lower($1) and c.active",
                user.email
            )
            .fetch_all(pool)
            .await?;
            Ok(Scope::Companies(own))
        }
        _ => Ok(Scope::Everything),
    }
}
