//! Numbers and short lists of the first page (codex-pages.md §2 and §10). One bounded query per block; `only` narrows to the
//! companies somebody may see.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::Page;

/// Rows of a short list.
const ROWS: i64 = 6;
/// Runs older than this are no news.
const RUNS: TimeDelta = TimeDelta::days(30);

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Companies.
    pub companies: i64,
    /// Contacts, inactive ones included.
    pub contacts: i64,
    /// Devices.
    pub assets: i64,
    /// Devices that cannot be reached.
    pub offline: i64,
    /// Platform users.
    pub agents: i64,
    /// Names of plans.
    pub plans: i64,
}

/// How much there is.
///
/// # Errors
/// When the database cannot be read.
pub async fn counts(pool: &PgPool, only: Option<&[String]>) -> sqlx::Result<Counts> {
    sqlx::query_as!(
        Counts,
        r#"
        select
            (select count(*) from companies
                where $1::text[] is null or account_number = any ($1)) as "companies!",
            (select count(*) from contacts c where $1::text[] is null or exists (
                select from contact_company_link l
                where l.contact_id = c.id and l.company_account_number = any ($1))) as "contacts!",
            (select count(*) from assets
                where $1::text[] is null or company_account_number = any ($1)) as "assets!",
            (select count(*) from assets where online = false
                and ($1::text[] is null or company_account_number = any ($1))) as "offline!",
            (select count(*) from agents) as "agents!",
            (select count(distinct plan_name) from billing_plans) as "plans!"
        "#,
        only
    )
    .fetch_one(pool)
    .await
}

/// A run of a kind.
#[derive(Clone, Debug)]
pub struct Run {
    /// Id.
    pub id: Uuid,
    /// `psa`, `rmm`, …
    pub script: String,
    /// Vendor.
    pub provider: Option<String>,
    /// Part and reach.
    pub sync_type: Option<String>,
    /// `running`, `completed`, `failed`.
    pub status: String,
    /// Begun.
    pub started_at: DateTime<Utc>,
    /// Ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub error: Option<String>,
    /// Outcome, once it has ended.
    pub success: Option<bool>,
    /// Rows it could not take as they were.
    pub errors: i64,
    /// Phase and counts.
    pub progress: Option<Value>,
}

/// All that run now, then the newest run of each kind that has ended in the last month: what runs has no result yet, and the
/// last one still counts.
///
/// # Errors
/// When the database cannot be read.
pub async fn runs(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Vec<Run>> {
    sqlx::query_as!(
        Run,
        r#"
        select id as "id!", script as "script!", provider, sync_type, status as "status!",
            started_at as "started_at!", completed_at, left(error, 300) as error, success, progress,
            (select count(*) from sync_job_errors e where e.job_id = shown.id) as "errors!"
        from (
            select * from sync_jobs where status = 'running'
            union all
            (select * from (
                select distinct on (script, provider, sync_type) * from sync_jobs
                where started_at > $1 and status <> 'running'
                order by script, provider, sync_type, started_at desc
            ) as newest order by started_at desc limit 12)
        ) as shown
        order by status <> 'running', started_at desc
        "#,
        now - RUNS
    )
    .fetch_all(pool)
    .await
}

/// A record with something to say about it.
#[derive(Clone, Debug)]
pub struct Note {
    /// Key of its page.
    pub key: String,
    /// Name.
    pub name: String,
    /// What there is to say.
    pub detail: Option<String>,
}

/// Contracts that end within some days from today on, the nearest first, and how many have ended before.
///
/// # Errors
/// When the database cannot be read.
pub async fn contracts(
    pool: &PgPool,
    only: Option<&[String]>,
    today: NaiveDate,
    days: i64,
) -> sqlx::Result<(Page<Note>, i64)> {
    // The form in which ends are stored, so that text compares like dates.
    let (from, to) = (today.to_string(), (today + TimeDelta::days(days)).to_string());
    let rows = sqlx::query!(
        r#"
        select account_number as "account_number!", name as "name!", contract_end_date, ended as "ended!",
            total as "total!"
        from (
            select account_number, name, contract_end_date, contract_end_date < $2 as ended,
                count(*) over (partition by contract_end_date < $2) as total,
                row_number() over (
                    partition by contract_end_date < $2 order by contract_end_date, account_number) as place
            from companies
            where contract_end_date ~ '^\d{4}-\d\d-\d\d' and contract_end_date <= $3
                and contract_term_length is distinct from 'Month to Month'
                and lower(coalesce(nullif(billing_plan, ''), plan_selected, '')) <> 'inactive'
                and ($1::text[] is null or account_number = any ($1))
        ) as found
        where place <= $4
        order by ended, place
        "#,
        only,
        from,
        to,
        ROWS
    )
    .fetch_all(pool)
    .await?;
    let total = |ended| rows.iter().find(|row| row.ended == ended).map_or(0, |row| row.total);
    let (ending, expired) = (total(false), total(true));
    let items = rows.into_iter().filter(|row| !row.ended);
    let items =
        items.map(|row| Note { key: row.account_number, name: row.name, detail: row.contract_end_date });
    Ok((Page { items: items.collect(), total: ending }, expired))
}

/// A device that cannot be reached.
#[derive(Clone, Debug)]
pub struct Offline {
    /// Our id.
    pub id: i64,
    /// Host name.
    pub hostname: String,
    /// Its company.
    pub company: String,
    /// Last contact.
    pub last_seen: Option<DateTime<Utc>>,
}

/// Devices that went offline last.
///
/// # Errors
/// When the database cannot be read.
pub async fn offline(pool: &PgPool, only: Option<&[String]>) -> sqlx::Result<Vec<Offline>> {
    sqlx::query_as!(
        Offline,
        "select a.id, a.hostname, c.name as company, a.last_seen
         from assets a join companies c on c.account_number = a.company_account_number
         where a.online = false and ($1::text[] is null or a.company_account_number = any ($1))
         order by a.last_seen desc nulls last, a.id limit $2",
        only,
        ROWS
    )
    .fetch_all(pool)
    .await
}

/// Active contacts that belong to no company.
///
/// # Errors
/// When the database cannot be read.
pub async fn homeless(pool: &PgPool) -> sqlx::Result<Page<Note>> {
    let rows = sqlx::query!(
        r#"
        select id, name, email, count(*) over () as "total!" from contacts c
        where active and not is_agent and not exists (select from contact_company_link l where l.contact_id = c.id)
        order by lower(name), id limit $1
        "#,
        ROWS
    )
    .fetch_all(pool)
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    let items =
        rows.into_iter().map(|row| Note { key: row.id.to_string(), name: row.name, detail: Some(row.email) });
    Ok(Page { items: items.collect(), total })
}

/// What a person has to decide, the newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn review(pool: &PgPool) -> sqlx::Result<Page<Note>> {
    let rows = sqlx::query!(
        r#"
        select kind, subject, detail, count(*) over () as "total!" from review_items
        where resolved_at is null order by found_at desc, id desc limit $1
        "#,
        ROWS
    )
    .fetch_all(pool)
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    let items =
        rows.into_iter().map(|row| Note { key: row.subject, name: row.kind, detail: Some(row.detail) });
    Ok(Page { items: items.collect(), total })
}

/// A bar of a chart.
#[derive(Clone, Debug)]
pub struct Share {
    /// `asset`, `plan` or `status`.
    pub of: String,
    /// The value; empty for none.
    pub value: String,
    /// How many have it.
    pub count: i64,
}

/// Assets by type, companies by plan, active tickets by status.
///
/// # Errors
/// When the database cannot be read.
pub async fn charts(pool: &PgPool, only: Option<&[String]>) -> sqlx::Result<Vec<Share>> {
    sqlx::query_as!(
        Share,
        r#"
        select 'asset' as "of!", coalesce(nullif(hardware_type, ''), device_type, '') as "value!", count(*) as "count!"
            from assets where $1::text[] is null or company_account_number = any ($1) group by 2
        union all
        select 'plan', coalesce(nullif(billing_plan, ''), plan_selected, ''), count(*)
            from companies where $1::text[] is null or account_number = any ($1) group by 2
        union all
        select 'status', coalesce(status, 'unknown'), count(*)
            from ticket_details where is_active and ($1::text[] is null or company_account_number = any ($1)) group by 2
        "#,
        only
    )
    .fetch_all(pool)
    .await
}
