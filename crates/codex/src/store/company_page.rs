//! What the page of a company shows beside its lists (codex-pages.md §3.2). One bounded query per block.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// Most people a select offers.
const MAX_PEOPLE: i64 = 1000;

/// All of a company.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Account number.
    pub account_number: String,
    /// Name.
    pub name: String,
    /// Vendor's id.
    pub external_id: Option<i64>,
    /// Vendor, or `manual`.
    pub external_source: String,
    /// `standard`, `cjis` or `hipaa`.
    pub compliance_level: String,
    /// Free text.
    pub description: Option<String>,
    /// Main address.
    pub address: Option<String>,
    /// Domain names.
    pub domains: Vec<String>,
    /// Vendor's id of the head.
    pub head_user_id: Option<i64>,
    /// Name of the head.
    pub head_name: Option<String>,
    /// Vendor's id of the prime user.
    pub prime_user_id: Option<i64>,
    /// Name of the prime user.
    pub prime_user_name: Option<String>,
    /// The vendor's plan.
    pub plan_selected: Option<String>,
    /// The plan in force.
    pub plan: Option<String>,
    /// Own columns.
    pub managed_users: Option<String>,
    /// Own columns.
    pub managed_devices: Option<String>,
    /// Own columns.
    pub managed_network: Option<String>,
    /// The vendor's term.
    pub contract_term: Option<String>,
    /// Canonical term.
    pub contract_term_length: Option<String>,
    /// Begin of the contract.
    pub contract_start_date: Option<String>,
    /// Last day of the contract.
    pub contract_end_date: Option<String>,
    /// Customer since.
    pub company_start_date: Option<String>,
    /// Telephone.
    pub company_main_number: Option<String>,
    /// Support level.
    pub support_level: Option<String>,
    /// Telephone system.
    pub phone_system: Option<String>,
    /// Mail system.
    pub email_system: Option<String>,
    /// Page of the company at the RMM.
    pub datto_portal_url: Option<String>,
    /// Fields that a person changed.
    pub edited_fields: Vec<String>,
    /// Number of contacts.
    pub contacts: i64,
    /// Number of assets.
    pub assets: i64,
}

/// A company, if there is one.
///
/// # Errors
/// When the database cannot be read.
pub async fn whole(pool: &PgPool, account_number: &str) -> sqlx::Result<Option<Whole>> {
    sqlx::query_as!(
        Whole,
        r#"
        select account_number, name, external_id, external_source, compliance_level, description, address,
            case when jsonb_typeof(domains) = 'array'
                then array(select jsonb_array_elements_text(domains)) else '{}' end as "domains!",
            head_user_id, head_name, prime_user_id, prime_user_name, plan_selected,
            coalesce(nullif(billing_plan, ''), plan_selected) as plan, managed_users, managed_devices,
            managed_network, contract_term, contract_term_length, contract_start_date, contract_end_date,
            company_start_date, company_main_number, support_level, phone_system, email_system, datto_portal_url,
            edited_fields,
            (select count(*) from contact_company_link where company_account_number = $1) as "contacts!",
            (select count(*) from assets where company_account_number = $1) as "assets!"
        from companies where account_number = $1
        "#,
        account_number
    )
    .fetch_optional(pool)
    .await
}

/// A person of the company.
#[derive(Clone, Debug)]
pub struct Person {
    /// Our id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Job title.
    pub title: Option<String>,
    /// Work, else mobile telephone.
    pub phone: Option<String>,
    /// Whether the person still works there.
    pub active: bool,
}

/// A page of the company's people: active ones first, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn people(
    pool: &PgPool,
    account_number: &str,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as!(
        Person,
        "select c.id, c.name, c.email, coalesce(c.job_title, c.title) as title,
            coalesce(nullif(c.work_phone_number, ''), nullif(c.mobile_phone_number, '')) as phone, c.active
         from contact_company_link l join contacts c on c.id = l.contact_id
         where l.company_account_number = $1
         order by not c.active, lower(c.name), c.id limit $2 offset $3",
        account_number,
        limit,
        offset
    )
    .fetch_all(pool)
    .await
}

/// A person who may be head or prime user.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Vendor's id.
    pub external_id: i64,
    /// Name.
    pub name: String,
}

/// The company's people whom the vendor knows, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn candidates(pool: &PgPool, account_number: &str) -> sqlx::Result<Vec<Candidate>> {
    sqlx::query_as!(
        Candidate,
        r#"select c.external_id as "external_id!", c.name
         from contact_company_link l join contacts c on c.id = l.contact_id
         where l.company_account_number = $1 and c.external_id is not null
         order by lower(c.name), c.id limit $2"#,
        account_number,
        MAX_PEOPLE
    )
    .fetch_all(pool)
    .await
}

/// A device of the company.
#[derive(Clone, Debug)]
pub struct Device {
    /// Our id.
    pub id: i64,
    /// Host name.
    pub hostname: String,
    /// Kind.
    pub kind: Option<String>,
    /// Operating system.
    pub operating_system: Option<String>,
    /// Whether it can be reached.
    pub online: Option<bool>,
    /// Last contact.
    pub last_seen: Option<DateTime<Utc>>,
}

/// A page of the company's devices by host name.
///
/// # Errors
/// When the database cannot be read.
pub async fn devices(
    pool: &PgPool,
    account_number: &str,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<Device>> {
    sqlx::query_as!(
        Device,
        "select id, hostname, coalesce(nullif(hardware_type, ''), device_type) as kind, operating_system, online,
            last_seen
         from assets where company_account_number = $1 order by lower(hostname), id limit $2 offset $3",
        account_number,
        limit,
        offset
    )
    .fetch_all(pool)
    .await
}

/// What the selects of the page offer.
#[derive(Clone, Debug, Default)]
pub struct Offered {
    /// Names of plans.
    pub plans: Vec<String>,
    /// Feature and one of its values.
    pub features: Vec<(String, String)>,
}

/// Plans, both listed ones and those that companies have, and the values of features.
///
/// # Errors
/// When the database cannot be read.
pub async fn offered(pool: &PgPool) -> sqlx::Result<Offered> {
    let rows = sqlx::query!(
        r#"
        select '' as "key!", plan_name as "value!" from billing_plans
        union select '', billing_plan from companies where billing_plan <> ''
        union select '', plan_selected from companies where plan_selected <> ''
        union select feature_category, option_value from feature_options
        order by 1, 2
        "#
    )
    .fetch_all(pool)
    .await?;
    let mut offered = Offered::default();
    for row in rows {
        if row.key.is_empty() {
            offered.plans.push(row.value);
        } else {
            offered.features.push((row.key, row.value));
        }
    }
    Ok(offered)
}

/// Names of the company's sites at the RMM.
///
/// # Errors
/// When the database cannot be read.
pub async fn sites(pool: &PgPool, account_number: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select coalesce(site_name, rmm_site_uid) as "name!" from rmm_site_links
         where company_account_number = $1 order by 1 limit 50"#,
        account_number
    )
    .fetch_all(pool)
    .await
}
