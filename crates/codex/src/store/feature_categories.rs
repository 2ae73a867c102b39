//! Categories of features: a key that options, plans and agreements share, and a name.

use sqlx::{PgConnection, PgExecutor};

/// Whether any option, plan or agreement has this key.
///
/// # Errors
/// When the database cannot be read.
pub async fn exists(executor: impl PgExecutor<'_>, key: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from feature_options where feature_category = $1)
            or exists (select from plan_features where feature_type = $1)
            or exists (select from company_feature_overrides where feature_key = $1) as "exists!""#,
        key
    )
    .fetch_one(executor)
    .await
}

/// Keeps the name of a category; `replace` also over the one it has.
///
/// # Errors
/// When the database cannot be written.
pub async fn set_name(conn: &mut PgConnection, key: &str, name: &str, replace: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into feature_category_config as c (feature_key, display_name) values ($1, $2)
         on conflict (feature_key) do update set display_name = excluded.display_name
         where $3 and c.display_name <> excluded.display_name",
        key,
        name,
        replace
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives a category another key; options, plans and agreements follow. The new key must be free.
///
/// # Errors
/// When the database cannot be written.
pub async fn rename(conn: &mut PgConnection, old: &str, new: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "with options as (update feature_options set feature_category = $2 where feature_category = $1),
            plans as (update plan_features set feature_type = $2 where feature_type = $1),
            agreed as (update company_feature_overrides set feature_key = $2 where feature_key = $1)
         delete from feature_category_config where feature_key = $2",
        old,
        new
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update feature_category_config set feature_key = $2 where feature_key = $1", old, new)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes a category with its options and from all plans and agreements.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(conn: &mut PgConnection, key: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "with options as (delete from feature_options where feature_category = $1),
            plans as (delete from plan_features where feature_type = $1),
            agreed as (delete from company_feature_overrides where feature_key = $1)
         delete from feature_category_config where feature_key = $1",
        key
    )
    .execute(conn)
    .await?;
    Ok(())
}
