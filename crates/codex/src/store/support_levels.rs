//! The support level of companies follows their plans (codex-api.md §6.5).

use std::collections::HashMap;

use sqlx::{PgConnection, PgExecutor};

use crate::domain::{contract::BILLED_HOURLY, plans::Agreed};

/// Support level of each plan and term.
#[derive(Clone, Debug, Default)]
pub struct SupportLevels(HashMap<(String, String), String>);

impl SupportLevels {
    /// Of all plans.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(executor: impl PgExecutor<'_>) -> sqlx::Result<Self> {
        let rows = sqlx::query!("select plan_name, term_length, support_level from billing_plans")
            .fetch_all(executor)
            .await?;
        Ok(Self(rows.into_iter().map(|row| ((row.plan_name, row.term_length), row.support_level)).collect()))
    }

    /// The level of a company: none without a plan or a term, `Billed Hourly` when that plan is not listed.
    pub fn of(&self, agreed: &Agreed<'_>) -> Option<String> {
        let key = (agreed.plan()?.to_owned(), agreed.term()?);
        Some(self.0.get(&key).map_or_else(|| BILLED_HOURLY.to_owned(), Clone::clone))
    }
}

/// Gives companies the level of their plans: those with these account numbers, or all. A level that a person chose
/// stays. To be called in the transaction that changed plans, or a company's plan or term.
///
/// # Errors
/// When the database cannot be asked or written.
pub async fn refresh(conn: &mut PgConnection, only: Option<&[String]>) -> sqlx::Result<u64> {
    let levels = SupportLevels::load(&mut *conn).await?;
    let companies = sqlx::query!(
        "select account_number, billing_plan, plan_selected, contract_term_length, contract_term, support_level
         from companies
         where ($1::text[] is null or account_number = any ($1)) and not 'support_level' = any (edited_fields)
         order by account_number",
        only
    )
    .fetch_all(&mut *conn)
    .await?;
    let changes = companies.into_iter().filter_map(|company| {
        let level = levels.of(&Agreed {
            billing_plan: company.billing_plan.as_deref(),
            plan_selected: company.plan_selected.as_deref(),
            contract_term_length: company.contract_term_length.as_deref(),
            contract_term: company.contract_term.as_deref(),
        });
        (level != company.support_level).then_some((company.account_number, level))
    });
    let (numbers, new): (Vec<String>, Vec<Option<String>>) = changes.unzip();
    if numbers.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query!(
        "update companies c set support_level = i.level from unnest($1::text[], $2::text[]) as i (number, level)
         where c.account_number = i.number",
        &numbers,
        &new as &[Option<String>]
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
