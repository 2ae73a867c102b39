//! What can be chosen for each feature, and the names of the categories.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

use crate::domain::{features, plan_file::OptionRecord};

/// An option.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct FeatureOption {
    /// Row id.
    pub id: i64,
    /// Key of its category.
    pub feature_category: String,
    /// The value that plans have.
    pub option_value: String,
    /// How it is shown, where that is something else.
    pub display_name: Option<String>,
    /// What it is.
    pub description: Option<String>,
}

impl FeatureOption {
    /// How it is shown.
    pub fn label(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.option_value)
    }
}

/// Which options are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only the one with this id.
    pub id: Option<i64>,
    /// Only those of this category.
    pub category: Option<&'a str>,
}

/// Options by category and value.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    executor: impl PgExecutor<'_>,
    selection: Selection<'_>,
) -> sqlx::Result<Vec<FeatureOption>> {
    sqlx::query_as!(
        FeatureOption,
        "select id, feature_category, option_value, nullif(display_name, '') as display_name, description
         from feature_options
         where ($1::bigint is null or id = $1) and ($2::text is null or feature_category = $2)
         order by feature_category, lower(option_value), option_value",
        selection.id,
        selection.category
    )
    .fetch_all(executor)
    .await
}

/// One option.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(executor: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<FeatureOption>> {
    let found = list(executor, Selection { id: Some(id), ..Selection::default() }).await?;
    Ok(found.into_iter().next())
}

/// Display names of the categories that have options or that some plan has, by key.
///
/// # Errors
/// When the database cannot be read.
pub async fn categories(executor: impl PgExecutor<'_>) -> sqlx::Result<BTreeMap<String, String>> {
    let rows = sqlx::query!(
        r#"
        select k.key as "key!", c.display_name as "display_name?"
        from (select feature_category as key from feature_options union select feature_type from plan_features) k
        left join feature_category_config c on c.feature_key = k.key
        "#
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let name = row.display_name.unwrap_or_else(|| features::title_of(&row.key));
            (row.key, name)
        })
        .collect())
}

/// Display names of all categories by key, also of those that have a name and nothing else yet.
///
/// # Errors
/// When the database cannot be read.
pub async fn category_names(executor: impl PgExecutor<'_>) -> sqlx::Result<BTreeMap<String, String>> {
    let rows = sqlx::query!(
        r#"
        select coalesce(k.key, c.feature_key) as "key!", c.display_name as "display_name?"
        from (select feature_category as key from feature_options union select feature_type from plan_features) k
        full join feature_category_config c on c.feature_key = k.key
        "#
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let name = row.display_name.unwrap_or_else(|| features::title_of(&row.key));
            (row.key, name)
        })
        .collect())
}

/// Stores a new option. None when the category has one of this value.
///
/// # Errors
/// When the database cannot be written.
pub async fn insert(conn: &mut PgConnection, option: &OptionRecord) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into feature_options (feature_category, option_value, display_name, description)
         values ($1, $2, $3, $4) on conflict do nothing returning id",
        option.feature_category,
        option.option_value,
        option.display_name,
        option.description
    )
    .fetch_optional(conn)
    .await
}

/// Changes an option; plans and agreements with companies that have its old value get the new one.
///
/// # Errors
/// When the category has another option of this value, or the database cannot be written.
pub async fn update(conn: &mut PgConnection, option: &FeatureOption, old: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update feature_options set option_value = $2, display_name = $3, description = $4 where id = $1",
        option.id,
        option.option_value,
        option.display_name,
        option.description
    )
    .execute(&mut *conn)
    .await?;
    replace_value(conn, &option.feature_category, old, Some(&option.option_value)).await
}

/// Gives plans and agreements that have a value another one, or takes the feature away.
///
/// # Errors
/// When the database cannot be written.
pub async fn replace_value(
    conn: &mut PgConnection,
    category: &str,
    old: &str,
    new: Option<&str>,
) -> sqlx::Result<()> {
    match new {
        Some(new) => {
            sqlx::query!(
                "with agreed as (update company_feature_overrides set value = $3 where feature_key = $1 and value = $2)
                 update plan_features set feature_value = $3 where feature_type = $1 and feature_value = $2",
                category,
                old,
                new
            )
            .execute(conn)
            .await?
        }
        None => {
            sqlx::query!(
                "with agreed as (delete from company_feature_overrides where feature_key = $1 and value = $2)
                 delete from plan_features where feature_type = $1 and feature_value = $2",
                category,
                old
            )
            .execute(conn)
            .await?
        }
    };
    Ok(())
}

/// Removes an option; plans keep what they have.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(conn: &mut PgConnection, id: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from feature_options where id = $1", id).execute(conn).await?;
    Ok(())
}

/// How much depends on an option or a category.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Dependents {
    /// Plans, by name.
    pub plans: i64,
    /// Terms of these plans.
    pub plan_terms: i64,
    /// Companies with an agreement of their own.
    pub companies: i64,
}

impl Dependents {
    /// Whether nothing does.
    pub fn none(&self) -> bool {
        self.plan_terms == 0 && self.companies == 0
    }

    /// `2 plans and 1 company`.
    pub fn words(&self) -> String {
        let of = |n: i64, one: &str, many: &str| {
            (n > 0).then(|| format!("{n} {}", if n == 1 { one } else { many }))
        };
        let parts = [of(self.plans, "plan", "plans"), of(self.companies, "company", "companies")];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(" and ") }
    }
}

/// What depends on a value of a category; on any value but `Not Included` when none is given.
///
/// # Errors
/// When the database cannot be read.
pub async fn dependents(
    executor: impl PgExecutor<'_>,
    category: &str,
    value: Option<&str>,
) -> sqlx::Result<Dependents> {
    sqlx::query_as!(
        Dependents,
        r#"
        select count(distinct p.plan_name) as "plans!", count(p.id) as "plan_terms!",
            (select count(distinct company_account_number) from company_feature_overrides
                where feature_key = $1 and ($2::text is null or value = $2)) as "companies!"
        from plan_features f join billing_plans p on p.id = f.plan_id
        where f.feature_type = $1 and case when $2::text is null then f.feature_value <> 'Not Included' else f.feature_value = $2 end
        "#,
        category,
        value
    )
    .fetch_one(executor)
    .await
}

/// What depends on each option and on each category, all at once.
#[derive(Clone, Debug, Default)]
pub struct AllDependents(BTreeMap<(String, String), Dependents>);

impl AllDependents {
    /// Reads them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(executor: impl PgExecutor<'_>) -> sqlx::Result<Self> {
        // The empty value stands for the whole category.
        let rows = sqlx::query!(
            r#"
            with named as (
                select f.feature_type as key, f.feature_value as value, p.plan_name, p.id
                from plan_features f join billing_plans p on p.id = f.plan_id
                union all
                select f.feature_type, '', p.plan_name, p.id
                from plan_features f join billing_plans p on p.id = f.plan_id where f.feature_value <> 'Not Included'
            ), plans as (
                select key, value, count(distinct plan_name) as plans, count(id) as plan_terms from named group by 1, 2
            ), companies as (
                select a.feature_key as key, v.value, count(distinct a.company_account_number) as companies
                from company_feature_overrides a cross join lateral (values (a.value), ('')) v (value) group by 1, 2
            )
            select coalesce(p.key, c.key) as "key!", coalesce(p.value, c.value) as "value!",
                coalesce(p.plans, 0) as "plans!", coalesce(p.plan_terms, 0) as "plan_terms!", coalesce(c.companies, 0) as "companies!"
            from plans p full join companies c on c.key = p.key and c.value = p.value
            "#
        )
        .fetch_all(executor)
        .await?;
        let of = rows.into_iter().map(|row| {
            let used = Dependents { plans: row.plans, plan_terms: row.plan_terms, companies: row.companies };
            ((row.key, row.value), used)
        });
        Ok(Self(of.collect()))
    }

    /// As [`dependents`] has it.
    pub fn of(&self, category: &str, value: Option<&str>) -> Dependents {
        let key = (category.to_owned(), value.unwrap_or_default().to_owned());
        self.0.get(&key).copied().unwrap_or_default()
    }
}
