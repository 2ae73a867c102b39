//! Companies.

use hivematrix_shared::contracts::codex::Company;
use sqlx::{PgExecutor, PgPool};

use super::Page;

/// Which companies are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only those with these account numbers.
    pub only: Option<&'a [String]>,
    /// Only those whose name or account number contains this text, in any case of letters.
    pub search: &'a str,
    /// At most so many.
    pub limit: Option<i64>,
    /// After so many.
    pub offset: i64,
}

/// Companies by name.
pub async fn list(executor: impl PgExecutor<'_>, selection: Selection<'_>) -> sqlx::Result<Vec<Company>> {
    sqlx::query_as!(
        Company,
        r#"
        select account_number as id, account_number, name, description, compliance_level as "compliance_level?",
            coalesce(nullif(billing_plan, ''), plan_selected) as billing_plan, contract_term_length, contract_start_date,
            contract_end_date, support_level, profit_or_non_profit, company_main_number, company_start_date,
            domains::text as domains, phone_system, email_system
        from companies
        where ($1::text[] is null or account_number = any($1))
            and ($2 = '' or strpos(lower(name), lower($2)) > 0 or strpos(lower(account_number), lower($2)) > 0)
        order by lower(name), account_number
        limit $3 offset $4
        "#,
        selection.only,
        selection.search,
        selection.limit,
        selection.offset
    )
    .fetch_all(executor)
    .await
}

/// A page of companies and how many there are.
pub async fn page(pool: &PgPool, selection: Selection<'_>) -> sqlx::Result<Page<Company>> {
    let items = list(pool, selection).await?;
    let total = sqlx::query_scalar!(
        r#"
        select count(*) as "count!" from companies
        where ($1::text[] is null or account_number = any($1))
            and ($2 = '' or strpos(lower(name), lower($2)) > 0 or strpos(lower(account_number), lower($2)) > 0)
        "#,
        selection.only,
        selection.search
    )
    .fetch_one(pool)
    .await?;
    Ok(Page { items, total })
}

/// One company.
pub async fn find(pool: &PgPool, account_number: &str) -> sqlx::Result<Option<Company>> {
    let only = [account_number.to_owned()];
    let found = list(pool, Selection { only: Some(&only), ..Selection::default() }).await?;
    Ok(found.into_iter().next())
}

/// Whether a company exists.
pub async fn exists(pool: &PgPool, account_number: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists(select from companies where account_number = $1) as "exists!""#,
        account_number
    )
    .fetch_one(pool)
    .await
}

/// What a ticket that is not stored needs to know of its company.
#[derive(Clone, Debug)]
pub struct CompanyLevel {
    /// Account number.
    pub account_number: String,
    /// `standard`, `cjis` or `hipaa`.
    pub compliance_level: String,
}

/// The company with this id at a vendor.
pub async fn by_vendor_id(pool: &PgPool, provider: &str, id: i64) -> sqlx::Result<Option<CompanyLevel>> {
    sqlx::query_as!(
        CompanyLevel,
        "select account_number, compliance_level from companies where external_source = $1 and external_id = $2",
        provider,
        id
    )
    .fetch_optional(pool)
    .await
}
