//! `client_feature_overrides`: features agreed on beside the plan (ledger.md §2.2).

use sqlx::{PgConnection, PgExecutor};

/// A row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FeatureRow {
    /// Whose.
    pub company_account_number: String,
    /// Which feature.
    pub feature_type: String,
    /// Whether it counts.
    pub override_enabled: bool,
    /// What it is.
    pub value: Option<String>,
}

/// Features of companies, of all without a list, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(executor: impl PgExecutor<'_>, only: Option<&[String]>) -> sqlx::Result<Vec<FeatureRow>> {
    sqlx::query_as!(
        FeatureRow,
        "select company_account_number, feature_type, override_enabled, value from client_feature_overrides
         where $1::text[] is null or company_account_number = any($1) order by company_account_number, id",
        only
    )
    .fetch_all(executor)
    .await
}

/// Stores what a feature is for a company; it counts from now on.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(
    connection: &mut PgConnection,
    account_number: &str,
    feature: &str,
    value: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into client_feature_overrides (company_account_number, feature_type, override_enabled, value)
         values ($1, $2, true, $3)
         on conflict (company_account_number, feature_type)
            do update set override_enabled = true, value = excluded.value",
        account_number,
        feature,
        value
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Goes back to what the plan says. False when nothing else was said.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(
    connection: &mut PgConnection,
    account_number: &str,
    feature: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from client_feature_overrides where company_account_number = $1 and feature_type = $2",
        account_number,
        feature
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
