//! Features of one company, and what is agreed with it.

use std::collections::BTreeMap;

use hivematrix_codex::{
    domain::features::Source,
    store::{features, support_levels},
};
use sqlx::PgPool;

use crate::plans::WORLD;

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_company_has_what_its_plan_gives_and_what_was_agreed(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    let of = async |number: &str| -> Vec<String> {
        let features = features::effective(&pool, number).await.unwrap();
        let source = |source| if source == Source::Plan { "plan" } else { "agreed" };
        let line = |f: hivematrix_codex::domain::features::EffectiveFeature| {
            format!("{}={} ({}, {})", f.display_name, f.value, source(f.source), f.plan_value)
        };
        features.into_iter().map(line).collect()
    };
    let web = "Web Filtering=Not Included (plan, Not Included)";
    assert_eq!(of("1").await, ["Antivirus=EDR (plan, EDR)", "SOC=Arctic Wolf (plan, Arctic Wolf)", web]);
    assert_eq!(
        of("2").await,
        ["Antivirus=Not Included (plan, Not Included)", "SOC=Arctic Wolf (plan, Arctic Wolf)", web],
        "the edited plan, month to month"
    );
    assert_eq!(
        of("3").await,
        ["Antivirus=Not Included (plan, Not Included)", "SOC=Arctic Wolf (agreed, Not Included)", web]
    );
    let plan = features::plan_of(&pool, "2").await.unwrap().unwrap();
    assert_eq!(
        (plan.id, plan.term_length.as_str(), plan.support_level.as_str()),
        (2, "Month to Month", "Unlimited")
    );
    for without in ["4", "none"] {
        assert_eq!(features::plan_of(&pool, without).await.unwrap(), None, "{without}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_was_agreed_is_replaced_as_a_whole(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    sqlx::query("update company_feature_overrides set override_enabled = false")
        .execute(&pool)
        .await
        .unwrap();
    let replace = async |pairs: &[(&str, &str)]| {
        let map: BTreeMap<String, String> =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut tx = pool.begin().await.unwrap();
        features::replace_overrides(&mut tx, "3", &map).await.unwrap();
        tx.commit().await.unwrap();
        sqlx::query_scalar::<_, Option<String>>(
            "select string_agg(feature_key || '=' || value || ' ' || override_enabled, ', ' order by feature_key) \
             from company_feature_overrides",
        )
        .fetch_one(&pool)
        .await
        .unwrap()
        .unwrap_or_default()
    };
    assert_eq!(
        replace(&[("soc", "Arctic Wolf"), ("sat", " ")]).await,
        "soc=Arctic Wolf true",
        "enabled again"
    );
    assert_eq!(
        replace(&[("soc", "Huntress"), ("antivirus", "EDR")]).await,
        "antivirus=EDR true, soc=Huntress true"
    );
    assert_eq!(replace(&[("antivirus", "EDR")]).await, "antivirus=EDR true");
    assert_eq!(replace(&[]).await, "");
    let log: Vec<(String, Option<String>, Option<String>)> = sqlx::query_as(
        "select field, old_value, new_value from change_log where entity = 'companies' order by id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let log: Vec<String> = log
        .into_iter()
        .map(|(field, old, new)| format!("{field} {}>{}", old.unwrap_or_default(), new.unwrap_or_default()))
        .collect();
    assert_eq!(
        log,
        [
            "feature:soc >Arctic Wolf",
            "feature:soc Arctic Wolf>",
            "feature:soc >Arctic Wolf",
            "feature:antivirus >EDR",
            "feature:soc Arctic Wolf>Huntress",
            "feature:soc Huntress>",
            "feature:antivirus EDR>",
        ],
        "the history of the company tells it"
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn only_the_companies_that_are_named_are_looked_at_again(pool: PgPool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    sqlx::query("update companies set support_level = 'Stale'").execute(&pool).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    assert_eq!(support_levels::refresh(&mut tx, Some(&["1".to_owned()])).await.unwrap(), 1);
    assert_eq!(support_levels::refresh(&mut tx, None).await.unwrap(), 3);
    assert_eq!(support_levels::refresh(&mut tx, None).await.unwrap(), 0);
    let levels: Option<String> = sqlx::query_scalar(
        "select string_agg(coalesce(support_level, '-'), ',' order by account_number) from companies",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!(levels.as_deref(), Some("Unlimited,-,Billed Hourly,-"));
}
