//! Two records of one person become one.

use std::collections::HashSet;

use sqlx::{PgConnection, PgPool};

use super::{
    changes,
    contact_edit::{self, Locked},
};

/// Moves everything that hangs on `from` to `into`, removes `from` and remembers its key at the vendor, so that no sync
/// brings it back. Tickets keep what they say of their requester. `into` is as it was read; its new values are stored.
///
/// # Errors
/// When the database cannot be written.
pub async fn merge(conn: &mut PgConnection, mut into: Locked, from: Locked, by: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "with companies as (
             insert into contact_company_link (contact_id, company_account_number, origin)
             select $1, company_account_number, 'manual' from contact_company_link where contact_id = $2
             on conflict do nothing),
         assets as (
             insert into asset_contact_link (asset_id, contact_id)
             select asset_id, $1 from asset_contact_link where contact_id = $2
             on conflict do nothing)
         update contact_aliases set contact_id = $1 where contact_id = $2",
        into.id,
        from.id
    )
    .execute(&mut *conn)
    .await?;
    point_heads(conn, &into, &from).await?;
    contact_edit::delete(conn, from.id, &format!("merged into contact {} ({})", into.id, into.person.email))
        .await?;
    let mut changed = into.person.absorb(&from.person);
    match from.external_id {
        Some(id) if into.external_id.is_none() => {
            adopt(conn, into.id, &from.external_source, id).await?;
            // The record was made by hand, so its name and address are what somebody wanted them to be.
            changed.extend(["first_name", "last_name", "email"]);
        }
        Some(id) => alias(conn, into.id, &from.external_source, id, by).await?,
        None => {}
    }
    contact_edit::update(conn, into.id, &into.person, &changed, &[]).await?;
    let was = format!("{} <{}> ({})", from.person.name, from.person.email, from.id);
    changes::note(conn, "contacts", &into.id.to_string(), "merged", None, Some(&was)).await
}

/// Remembers that a record of a vendor is a contact we have.
///
/// # Errors
/// When the database cannot be written.
pub async fn alias(
    conn: &mut PgConnection,
    contact: i64,
    source: &str,
    id: i64,
    by: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into contact_aliases (external_source, external_id, contact_id, merged_at, merged_by)
         values ($1, $2, $3, now(), $4)
         on conflict (external_source, external_id) do update set contact_id = excluded.contact_id,
             merged_at = excluded.merged_at, merged_by = excluded.merged_by",
        source,
        id,
        contact,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The vendor's records that are somebody else's by a person's word.
///
/// # Errors
/// When the database cannot be read.
pub async fn aliases(pool: &PgPool, source: &str) -> sqlx::Result<HashSet<i64>> {
    let ids =
        sqlx::query_scalar!("select external_id from contact_aliases where external_source = $1", source)
            .fetch_all(pool)
            .await?;
    Ok(ids.into_iter().collect())
}

/// A contact that was made by hand becomes the vendor's.
async fn adopt(conn: &mut PgConnection, contact: i64, source: &str, id: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update contacts set external_source = $2, external_id = $3 where id = $1",
        contact,
        source,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Heads and prime users of companies are named by the vendor's id of the contact.
async fn point_heads(conn: &mut PgConnection, into: &Locked, from: &Locked) -> sqlx::Result<()> {
    let (Some(new), Some(old)) = (into.external_id, from.external_id) else { return Ok(()) };
    if into.external_source != from.external_source {
        return Ok(());
    }
    sqlx::query!(
        "update companies set
             head_user_id = case when head_user_id = $2 then $1 else head_user_id end,
             head_name = case when head_user_id = $2 then $3 else head_name end,
             prime_user_id = case when prime_user_id = $2 then $1 else prime_user_id end,
             prime_user_name = case when prime_user_id = $2 then $3 else prime_user_name end
         where external_source = $4 and (head_user_id = $2 or prime_user_id = $2)",
        new,
        old,
        into.person.name,
        into.external_source
    )
    .execute(conn)
    .await?;
    Ok(())
}
