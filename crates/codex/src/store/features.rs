//! Features of one company: what its plan gives, and what was agreed instead.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgPool};

use crate::domain::{
    features::{self, EffectiveFeature},
    plans::Agreed,
};

/// The plan a company has, when it is one of the list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchingPlan {
    /// Row id.
    pub id: i64,
    /// Name.
    pub plan_name: String,
    /// Canonical term.
    pub term_length: String,
    /// Support level of its companies.
    pub support_level: String,
}

/// The plan of a company; none when it has none, or one that is not listed.
///
/// # Errors
/// When the database cannot be read.
pub async fn plan_of(pool: &PgPool, account_number: &str) -> sqlx::Result<Option<MatchingPlan>> {
    let row = sqlx::query!(
        "select billing_plan, plan_selected, contract_term_length, contract_term from companies
         where account_number = $1",
        account_number
    )
    .fetch_optional(pool)
    .await?;
    let key = row.as_ref().and_then(|row| {
        Agreed {
            billing_plan: row.billing_plan.as_deref(),
            plan_selected: row.plan_selected.as_deref(),
            contract_term_length: row.contract_term_length.as_deref(),
            contract_term: row.contract_term.as_deref(),
        }
        .key()
    });
    let Some((name, term)) = key else { return Ok(None) };
    sqlx::query_as!(
        MatchingPlan,
        "select id, plan_name, term_length, support_level from billing_plans
         where plan_name = $1 and term_length = $2",
        name,
        term
    )
    .fetch_optional(pool)
    .await
}

/// The effective features of a company by name: every category that has options, the plan's features, and what was
/// agreed. A company without a listed plan has only the latter.
///
/// # Errors
/// When the database cannot be read.
pub async fn effective(pool: &PgPool, account_number: &str) -> sqlx::Result<Vec<EffectiveFeature>> {
    let plan = plan_of(pool, account_number).await?.map(|plan| plan.id);
    let rows = sqlx::query!(
        r#"
        select 'category' as "kind!", feature_category as "key!", '' as "value!" from feature_options
            group by feature_category
        union all select 'name', feature_key, display_name from feature_category_config
        union all select 'plan', feature_type, feature_value from plan_features where plan_id = $2
        union all select 'override', feature_key, value from company_feature_overrides
            where company_account_number = $1 and override_enabled
        "#,
        account_number,
        plan
    )
    .fetch_all(pool)
    .await?;
    let of = |kind: &str| -> BTreeMap<String, String> {
        let rows = rows.iter().filter(|row| row.kind == kind);
        rows.map(|row| (row.key.clone(), row.value.clone())).collect()
    };
    let categories = rows.iter().filter(|row| row.kind == "category").map(|row| row.key.as_str());
    Ok(features::effective(categories, &of("plan"), &of("override"), &of("name")))
}

/// Replaces everything that was agreed with a company instead of its plan's features: key of the category → value.
/// Empty values are left out, as if they were not there.
///
/// # Errors
/// When there is no such company, or the database cannot be written.
pub async fn replace_overrides(
    conn: &mut PgConnection,
    account_number: &str,
    overrides: &BTreeMap<String, String>,
) -> sqlx::Result<()> {
    let filled = overrides.iter().map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
    let (keys, values): (Vec<_>, Vec<_>) =
        filled.filter(|(key, value)| !key.is_empty() && !value.is_empty()).unzip();
    sqlx::query!(
        "delete from company_feature_overrides where company_account_number = $1 and feature_key <> all ($2)",
        account_number,
        &keys
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into company_feature_overrides as o (company_account_number, feature_key, value)
         select distinct on (i.key) $1, i.key, i.value from unnest($2::text[], $3::text[]) as i (key, value)
         on conflict (company_account_number, feature_key) do update
         set value = excluded.value, override_enabled = true
         where not o.override_enabled or o.value is distinct from excluded.value",
        account_number,
        &keys,
        &values
    )
    .execute(conn)
    .await?;
    Ok(())
}
