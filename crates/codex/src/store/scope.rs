//! Whose data a caller may read.

use hivematrix_shared::{
    auth::{Caller, PermissionLevel},
    problem::Result,
};
use sqlx::PgPool;

use crate::domain::scope::Scope;

/// The scope of a caller: for a `client` the companies of the contact with its e-mail address, none without one.
///
/// # Errors
/// 403 when nobody vouches for that address.
pub async fn of(pool: &PgPool, caller: &Caller) -> Result<Scope> {
    let Some(user) = caller.acting_user().filter(|user| user.permission_level == PermissionLevel::Client)
    else {
        return Ok(Scope::Everything);
    };
    let Some(email) = user.confirmed_email()? else { return Ok(Scope::Companies(Vec::new())) };
    // Only letters of ASCII are the same in either case: the small form of other letters, such as the sign for kelvin, can
    // be one of ASCII, and with it somebody else's address.
    let own = sqlx::query_scalar!(
        "select l.company_account_number from contact_company_link l \
         join contacts c on c.id = l.contact_id where lower(c.email) = $1 and c.active",
        email.to_ascii_lowercase()
    )
    .fetch_all(pool)
    .await?;
    Ok(Scope::Companies(own))
}
