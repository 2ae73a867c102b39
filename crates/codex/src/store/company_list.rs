//! The list of companies: searched, filtered, sorted and paged (codex-api.md §4.6).

use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::{Counted, Page, Value};
use crate::domain::listing::Listing;

/// What the list can be sorted by; the default first.
pub const SORT_KEYS: &[&str] = &[
    "name",
    "account_number",
    "description",
    "plan_selected",
    "email_system",
    "phone_system",
    "contract_end_date",
];

/// A row.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CompanyRow {
    /// Account number.
    pub account_number: String,
    /// Name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// The plan in force: the edited one, else the PSA's.
    pub plan_selected: Option<String>,
    /// As the PSA has it, or edited.
    pub email_system: Option<String>,
    /// As the PSA has it, or edited.
    pub phone_system: Option<String>,
    /// Last day of the contract, computed.
    pub contract_end_date: Option<String>,
    /// Canonical term; `Month to Month` has no end.
    #[serde(skip)]
    pub contract_term_length: Option<String>,
}

/// Which companies are listed.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// Only these; none means all.
    pub only: Option<&'a [String]>,
    /// Only those of this plan, in any case; empty for all.
    pub plan: &'a str,
    /// Only those of this kind (`profit_or_non_profit`); empty for all.
    pub kind: &'a str,
    /// Without those whose plan says that they are no customers any more.
    pub hide_inactive: bool,
}

/// A page of the list and how many rows it has in all.
///
/// # Errors
/// When the database cannot be read.
pub async fn page(
    pool: &PgPool,
    selection: Selection<'_>,
    listing: &Listing,
) -> sqlx::Result<Page<CompanyRow>> {
    let items = sqlx::query_as!(
        CompanyRow,
        r#"
        select account_number, name, description, plan as plan_selected, email_system, phone_system,
            contract_end_date, contract_term_length
        from (
            select c.*, coalesce(nullif(billing_plan, ''), plan_selected) as plan,
                case $6
                    when 'name' then lower(name)
                    when 'account_number' then account_number
                    when 'description' then lower(nullif(description, ''))
                    when 'plan_selected' then lower(coalesce(nullif(billing_plan, ''), plan_selected))
                    when 'email_system' then lower(email_system)
                    when 'phone_system' then lower(phone_system)
                    when 'contract_end_date' then contract_end_date
                end as sort_value
            from companies c
        ) as c
        where ($1::text[] is null or account_number = any ($1))
            and ($2 = '' or strpos(lower(name), lower($2)) > 0 or strpos(lower(account_number), lower($2)) > 0
                or strpos(lower(description), lower($2)) > 0 or strpos(lower(domains::text), lower($2)) > 0)
            and ($3 = '' or lower(plan) = lower($3))
            and ($4 = '' or profit_or_non_profit = $4)
            and not ($5 and lower(trim(coalesce(plan, ''))) = 'inactive')
        order by case when not $7 then sort_value end asc nulls last,
            case when $7 then sort_value end desc nulls last, account_number
        limit $8 offset $9
        "#,
        selection.only,
        listing.search,
        selection.plan,
        selection.kind,
        selection.hide_inactive,
        listing.sort,
        listing.descending,
        listing.per_page,
        listing.offset()
    )
    .fetch_all(pool)
    .await?;
    let total = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from (select c.*, coalesce(nullif(billing_plan, ''), plan_selected) as plan from companies c) as c
        where ($1::text[] is null or account_number = any ($1))
            and ($2 = '' or strpos(lower(name), lower($2)) > 0 or strpos(lower(account_number), lower($2)) > 0
                or strpos(lower(description), lower($2)) > 0 or strpos(lower(domains::text), lower($2)) > 0)
            and ($3 = '' or lower(plan) = lower($3))
            and ($4 = '' or profit_or_non_profit = $4)
            and not ($5 and lower(trim(coalesce(plan, ''))) = 'inactive')
        "#,
        selection.only,
        listing.search,
        selection.plan,
        selection.kind,
        selection.hide_inactive
    )
    .fetch_one(pool)
    .await?;
    Ok(Page { items, total })
}

/// The plans and kinds of the companies somebody may see, each once whatever the case of its letters.
///
/// # Errors
/// When the database cannot be read.
pub async fn values(pool: &PgPool, only: Option<&[String]>) -> sqlx::Result<Vec<Value>> {
    sqlx::query_as!(
        Value,
        r#"
        select 'plan' as "of!", min(plan) as "value!"
        from (select coalesce(nullif(billing_plan, ''), plan_selected) as plan, account_number from companies) as c
        where plan <> '' and ($1::text[] is null or account_number = any ($1))
        group by lower(plan)
        union all
        select 'type', profit_or_non_profit from companies
        where profit_or_non_profit <> '' and ($1::text[] is null or account_number = any ($1))
        group by profit_or_non_profit
        order by 1, 2
        "#,
        only
    )
    .fetch_all(pool)
    .await
}

/// How many companies each plan and kind leaves, whatever is chosen of that filter itself. A plan shows its inactive companies,
/// as choosing it does.
///
/// # Errors
/// When the database cannot be read.
pub async fn counts(pool: &PgPool, selection: Selection<'_>, search: &str) -> sqlx::Result<Vec<Counted>> {
    sqlx::query_as!(
        Counted,
        r#"
        with found as (
            select lower(coalesce(nullif(billing_plan, ''), plan_selected, '')) as plan,
                coalesce(profit_or_non_profit, '') as kind
            from companies
            where ($1::text[] is null or account_number = any ($1))
                and ($2 = '' or strpos(lower(name), lower($2)) > 0 or strpos(lower(account_number), lower($2)) > 0
                    or strpos(lower(description), lower($2)) > 0 or strpos(lower(domains::text), lower($2)) > 0))
        select 'plan' as "of!", plan as "value!", count(*) as "count!" from found
        where plan <> '' and ($4 = '' or kind = $4) group by plan
        union all
        select 'type', lower(kind), count(*) from found
        where kind <> '' and ($3 = '' or plan = lower($3)) and not ($5 and trim(plan) = 'inactive') group by lower(kind)
        "#,
        selection.only,
        search,
        selection.plan,
        selection.kind,
        selection.hide_inactive
    )
    .fetch_all(pool)
    .await
}
