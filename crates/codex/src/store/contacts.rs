//! People at companies.

use hivematrix_shared::contracts::codex::Contact;
use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, PgPool, types::Json};
use utoipa::ToSchema;

use super::Page;

/// A contact and one of its companies.
#[derive(Clone, Debug)]
pub struct CompanyContact {
    /// The company.
    pub account_number: String,
    /// The contact.
    pub contact: Contact,
}

/// A contact with its companies (codex-api.md §4.2).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ContactWithCompanies {
    /// The contact.
    #[serde(flatten)]
    pub contact: Contact,
    /// Account number of its first company.
    pub company_id: Option<String>,
    /// Name of that company.
    pub company_name: Option<String>,
    /// The strictest level among its companies: `hipaa`, `cjis` or `standard`; `null` without a company.
    pub company_compliance_level: Option<String>,
    /// All its companies.
    pub companies: Vec<CompanyOfContact>,
}

/// A company as a contact names it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct CompanyOfContact {
    /// Account number.
    pub company_id: String,
    /// Name.
    pub company_name: String,
    /// `standard`, `cjis` or `hipaa`.
    pub company_compliance_level: String,
}

/// The contacts of some companies, or of all, inactive ones included, by company and name.
pub async fn of_companies(
    executor: impl PgExecutor<'_>,
    only: Option<&[String]>,
) -> sqlx::Result<Vec<CompanyContact>> {
    let rows = sqlx::query!(
        r#"
        select l.company_account_number, c.id, c.name, c.email, c.title, c.employment_type, c.active,
            c.mobile_phone_number, c.work_phone_number, c.secondary_emails::text as secondary_emails
        from contact_company_link l
        join contacts c on c.id = l.contact_id
        where $1::text[] is null or l.company_account_number = any($1)
        order by l.company_account_number, lower(c.name), c.id
        "#,
        only
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| CompanyContact {
            account_number: row.company_account_number,
            contact: Contact {
                id: row.id,
                name: row.name,
                email: row.email,
                title: row.title,
                employment_type: Some(row.employment_type),
                active: row.active,
                mobile_phone_number: row.mobile_phone_number,
                work_phone_number: row.work_phone_number,
                secondary_emails: row.secondary_emails,
            },
        })
        .collect())
}

/// A page of contacts by name: of one company, of the companies that may be seen, or one contact by id.
pub async fn page(
    pool: &PgPool,
    only: Option<&[String]>,
    id: Option<i64>,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Page<ContactWithCompanies>> {
    let rows = sqlx::query!(
        r#"
        with matching as (
            select c.* from contacts c
            where ($2::bigint is null or c.id = $2)
                and ($1::text[] is null or exists (select from contact_company_link l
                    where l.contact_id = c.id and l.company_account_number = any($1)))
        )
        select (select count(*) from matching) as "total!", m.id as "id!", m.name as "name!", m.email as "email!", m.title,
            m.employment_type as "employment_type!", m.active as "active!", m.mobile_phone_number, m.work_phone_number,
            m.secondary_emails::text as secondary_emails, n.companies as "companies!: Json<Vec<CompanyOfContact>>"
        from matching m,
            lateral (select coalesce(jsonb_agg(jsonb_build_object('company_id', k.account_number, 'company_name', k.name,
                    'company_compliance_level', k.compliance_level) order by lower(k.name), k.account_number), '[]') as companies
                from contact_company_link l join companies k on k.account_number = l.company_account_number
                where l.contact_id = m.id and ($1::text[] is null or k.account_number = any($1))) n
        order by lower(m.name), m.id
        limit $3 offset $4
        "#,
        only,
        id,
        limit,
        offset
    )
    .fetch_all(pool)
    .await?;
    let total = match rows.first() {
        Some(row) => row.total,
        None => count(pool, only).await?,
    };
    let items = rows
        .into_iter()
        .map(|row| {
            let contact = Contact {
                id: row.id,
                name: row.name,
                email: row.email,
                title: row.title,
                employment_type: Some(row.employment_type),
                active: row.active,
                mobile_phone_number: row.mobile_phone_number,
                work_phone_number: row.work_phone_number,
                secondary_emails: row.secondary_emails,
            };
            with_companies(contact, row.companies.0)
        })
        .collect();
    Ok(Page { items, total })
}

/// One contact with those of its companies that may be seen.
pub async fn find(
    pool: &PgPool,
    only: Option<&[String]>,
    id: i64,
) -> sqlx::Result<Option<ContactWithCompanies>> {
    Ok(page(pool, only, Some(id), 1, 0).await?.items.into_iter().next())
}

/// Whether a contact exists, whoever may see it.
pub async fn exists(pool: &PgPool, id: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists(select from contacts where id = $1) as "exists!""#, id)
        .fetch_one(pool)
        .await
}

async fn count(pool: &PgPool, only: Option<&[String]>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from contacts c where $1::text[] is null or exists (
            select from contact_company_link l where l.contact_id = c.id and l.company_account_number = any($1))"#,
        only
    )
    .fetch_one(pool)
    .await
}

fn with_companies(contact: Contact, companies: Vec<CompanyOfContact>) -> ContactWithCompanies {
    let strictest = ["hipaa", "cjis", "standard"]
        .into_iter()
        .find(|level| companies.iter().any(|company| company.company_compliance_level == *level));
    let first = companies.first();
    ContactWithCompanies {
        contact,
        company_id: first.map(|company| company.company_id.clone()),
        company_name: first.map(|company| company.company_name.clone()),
        company_compliance_level: strictest.map(str::to_owned),
        companies,
    }
}
