//! Writing companies (codex-api.md §6.5).

use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use super::sync_tickets::Written;
use crate::providers::PsaCompany;

/// What identifies a stored company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCompany {
    /// Our key.
    pub account_number: String,
    /// The vendor's key, where the company came from a vendor.
    pub external_id: Option<i64>,
    /// Name of that vendor.
    pub external_source: String,
}

/// A company as it is written: the vendor's row with what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompanyRow {
    /// The vendor's row, whose account number is known.
    #[serde(flatten)]
    pub company: PsaCompany,
    /// Canonical form of the term.
    pub contract_term_length: Option<String>,
    /// Last day of the contract, `YYYY-MM-DD`.
    pub contract_end_date: Option<String>,
    /// From the plan.
    pub support_level: Option<String>,
}

/// The keys of all stored companies.
///
/// # Errors
/// When the database cannot be read.
pub async fn stored(pool: &PgPool) -> sqlx::Result<Vec<StoredCompany>> {
    sqlx::query_as!(StoredCompany, "select account_number, external_id, external_source from companies")
        .fetch_all(pool)
        .await
}

/// Number of the stored company that a company of the vendor is: by the vendor's id, else the one company of no vendor
/// that has its name; `None` when that is not certain.
///
/// # Errors
/// When the database cannot be read.
pub async fn unnumbered(
    pool: &PgPool,
    provider: &str,
    id: i64,
    squeezed_name: &str,
) -> sqlx::Result<Option<String>> {
    let mut found = sqlx::query_scalar!(
        r#"
        with mine as (select account_number from companies where external_source = $1 and external_id = $2)
        select account_number as "number!" from mine
        union all
        select account_number from companies
        where external_id is null and lower(regexp_replace(name, '\s', '', 'g')) = $3 and not exists (select from mine)
        "#,
        provider,
        id,
        squeezed_name
    )
    .fetch_all(pool)
    .await?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

/// Whether any company is stored.
///
/// # Errors
/// When the database cannot be read.
pub async fn any(pool: &PgPool) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from companies) as "exists!""#).fetch_one(pool).await
}

/// Renames keys, everything that refers to them included. Goes through names nobody uses, so that companies may also
/// exchange their numbers.
///
/// # Errors
/// When a new number is taken or the database cannot be written.
pub async fn rename(conn: &mut PgConnection, renames: &[(String, String)]) -> sqlx::Result<()> {
    let (old, new): (Vec<String>, Vec<String>) = renames.iter().cloned().unzip();
    let between: Vec<String> = old.iter().map(|number| format!("moving:{number}")).collect();
    for (from, to) in [(&old, &between), (&between, &new)] {
        sqlx::query!(
            "update companies c set account_number = r.new from unnest($1::text[], $2::text[]) as r (old, new)
             where c.account_number = r.old",
            from,
            to
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Stores companies under their account numbers; fields that a person has edited stay.
///
/// # Errors
/// When the database refuses a row or cannot be reached.
pub async fn upsert(conn: &mut PgConnection, provider: &str, rows: &[CompanyRow]) -> sqlx::Result<Written> {
    let rows = sqlx::query_scalar!(
        r#"
        insert into companies as c (
            account_number, psa_provider, external_id, external_source, name, description, address, domains,
            created_at, updated_at, head_user_id, head_name, prime_user_id, prime_user_name, workspace_id,
            plan_selected, managed_users, managed_devices, managed_network, contract_term, contract_start_date,
            contract_end_date, company_start_date, profit_or_non_profit, company_main_number, billing_plan,
            contract_term_length, support_level, phone_system, email_system)
        select
            i.account_number, $2, i.external_id, $2, i.name, i.description, i.address, i.domains,
            i.created_at, i.updated_at, i.head_user_id, i.head_name, i.prime_user_id, i.prime_user_name,
            i.workspace_id, i.plan_selected, i.managed_users, i.managed_devices, i.managed_network, i.contract_term,
            i.contract_start_date, i.contract_end_date, i.company_start_date, i.profit_or_non_profit,
            i.company_main_number, i.plan_selected, i.contract_term_length, i.support_level, i.phone_system,
            i.email_system
        from jsonb_to_recordset($1) as i (
            account_number text, external_id bigint, name text, description text, address text, domains jsonb,
            created_at timestamptz, updated_at timestamptz, head_user_id bigint, head_name text,
            prime_user_id bigint, prime_user_name text, workspace_id bigint, plan_selected text, managed_users text,
            managed_devices text, managed_network text, contract_term text, contract_start_date text,
            contract_end_date text, company_start_date text, profit_or_non_profit text, company_main_number text,
            contract_term_length text, support_level text, phone_system text, email_system text)
        on conflict (account_number) do update set
            psa_provider = excluded.psa_provider, external_id = excluded.external_id,
            external_source = excluded.external_source, created_at = excluded.created_at,
            updated_at = excluded.updated_at, workspace_id = excluded.workspace_id,
            plan_selected = excluded.plan_selected, contract_term = excluded.contract_term,
            profit_or_non_profit = excluded.profit_or_non_profit,
            name = unless_edited(c.edited_fields, 'name', c.name, excluded.name),
            description = unless_edited(c.edited_fields, 'description', c.description, excluded.description),
            -- the vendor has no such field everywhere; what it does not say, it does not take away
            address = unless_edited(c.edited_fields, 'address', c.address, coalesce(excluded.address, c.address)),
            phone_system = unless_edited(c.edited_fields, 'phone_system', c.phone_system,
                coalesce(excluded.phone_system, c.phone_system)),
            email_system = unless_edited(c.edited_fields, 'email_system', c.email_system,
                coalesce(excluded.email_system, c.email_system)),
            domains = unless_edited(c.edited_fields, 'domains', c.domains, excluded.domains),
            head_user_id = unless_edited(c.edited_fields, 'head_user_id', c.head_user_id, excluded.head_user_id),
            head_name = unless_edited(c.edited_fields, 'head_user_id', c.head_name, excluded.head_name),
            prime_user_id = unless_edited(c.edited_fields, 'prime_user_id', c.prime_user_id, excluded.prime_user_id),
            prime_user_name = unless_edited(c.edited_fields, 'prime_user_id', c.prime_user_name,
                excluded.prime_user_name),
            managed_users = unless_edited(c.edited_fields, 'managed_users', c.managed_users, excluded.managed_users),
            managed_devices = unless_edited(c.edited_fields, 'managed_devices', c.managed_devices,
                excluded.managed_devices),
            managed_network = unless_edited(c.edited_fields, 'managed_network', c.managed_network,
                excluded.managed_network),
            contract_start_date = unless_edited(c.edited_fields, 'contract_start_date', c.contract_start_date,
                excluded.contract_start_date),
            contract_end_date = unless_edited(c.edited_fields, 'contract_end_date', c.contract_end_date,
                excluded.contract_end_date),
            company_start_date = unless_edited(c.edited_fields, 'company_start_date', c.company_start_date,
                excluded.company_start_date),
            company_main_number = unless_edited(c.edited_fields, 'company_main_number', c.company_main_number,
                excluded.company_main_number),
            billing_plan = unless_edited(c.edited_fields, 'billing_plan', c.billing_plan, excluded.billing_plan),
            contract_term_length = unless_edited(c.edited_fields, 'contract_term_length', c.contract_term_length,
                excluded.contract_term_length),
            support_level = unless_edited(c.edited_fields, 'support_level', c.support_level, excluded.support_level)
        returning (c.xmax = 0) as "created!"
        "#,
        sqlx::types::Json(rows) as _,
        provider
    )
    .fetch_all(conn)
    .await?;
    let created = rows.iter().filter(|created| **created).count() as u64;
    Ok(Written { created, updated: rows.len() as u64 - created })
}

/// Removes companies whose departments are gone. Their tickets stay, without a company.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(conn: &mut PgConnection, provider: &str, ids: &[i64]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from companies where external_source = $1 and external_id = any ($2)",
        provider,
        ids
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
