//! Which companies have which plan.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgExecutor};

use crate::domain::plans::Agreed;

/// Companies by plan name and term.
#[derive(Clone, Debug, Default)]
pub struct Usage(BTreeMap<(String, String), Vec<String>>);

impl Usage {
    /// Of all companies; of these alone, when they are given.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(executor: impl PgExecutor<'_>, only: Option<&[String]>) -> sqlx::Result<Self> {
        let rows = sqlx::query!(
            "select account_number, billing_plan, plan_selected, contract_term_length, contract_term from companies
             where ($1::text[] is null or account_number = any ($1)) and (billing_plan <> '' or plan_selected <> '')
             order by account_number",
            only
        )
        .fetch_all(executor)
        .await?;
        let mut usage = Self::default();
        for row in rows {
            let agreed = Agreed {
                billing_plan: row.billing_plan.as_deref(),
                plan_selected: row.plan_selected.as_deref(),
                contract_term_length: row.contract_term_length.as_deref(),
                contract_term: row.contract_term.as_deref(),
            };
            if let Some(key) = agreed.key() {
                usage.0.entry(key).or_default().push(row.account_number);
            }
        }
        Ok(usage)
    }

    /// Account numbers of the companies of a plan, in one term or in all.
    pub fn companies<'a>(
        &'a self,
        plan_name: &'a str,
        term_length: Option<&'a str>,
    ) -> impl Iterator<Item = &'a str> {
        let of_plan = move |name: &str, term: &str| {
            name == plan_name && term_length.is_none_or(|wanted| wanted == term)
        };
        let keys = self.0.iter().filter(move |((name, term), _)| of_plan(name, term));
        keys.flat_map(|(_, numbers)| numbers).map(String::as_str)
    }

    /// How many companies have a plan, in one term or in all.
    pub fn count(&self, plan_name: &str, term_length: Option<&str>) -> usize {
        self.companies(plan_name, term_length).count()
    }

    /// Names and terms that companies have.
    pub fn keys(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.keys()
    }
}

/// Gives companies another plan, as if a person had chosen it for each: a sync leaves it alone.
///
/// # Errors
/// When the database cannot be written.
pub async fn reassign(conn: &mut PgConnection, companies: &[String], plan_name: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update companies set billing_plan = $2,
            edited_fields = case when 'billing_plan' = any (edited_fields) then edited_fields
                else edited_fields || array['billing_plan'] end
         where account_number = any ($1)",
        companies,
        plan_name
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
