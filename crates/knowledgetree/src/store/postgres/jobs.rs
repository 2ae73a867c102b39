//! What jobs remember, and how much there is.

use sqlx::PgPool;

use crate::{
    domain::synced::Counts,
    store::{Result, retry::Attempt},
};

pub(super) async fn counts(pool: &PgPool) -> Result<Counts> {
    let row = sqlx::query!(
        r#"
        select count(*) filter (where p.path < '1/' and i.is_folder) as "folders!",
            count(*) filter (where p.path < '1/' and not i.is_folder) as "articles!",
            count(*) filter (where p.path < '1/' and s.source_kind in ('company', 'person', 'contact', 'asset', 'group')
                and s.source_id <> 'companies') as "company_items!",
            count(*) filter (where p.path < '1/' and s.source_kind = 'ticket' and not i.is_folder) as "tickets!",
            count(*) filter (where p.path >= '1/') as "trash!",
            (select count(*) from companies) as "companies!",
            (select count(*) from files f join tree_paths w on w.item_key = f.item_key and w.path < '1/') as "files!"
        from context_items i join tree_paths p on p.item_key = i.key left join synced_items s on s.item_key = i.key
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(Counts {
        folders: row.folders,
        articles: row.articles,
        files: row.files,
        company_items: row.company_items,
        tickets: row.tickets,
        companies: row.companies,
        trash: row.trash,
    })
}

pub(super) async fn state(pool: &PgPool, key: &str) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!("select value from job_state where key = $1", key).fetch_optional(pool).await?)
}

pub(super) async fn set_state(
    pool: &PgPool,
    key: &str,
    expected: Option<&str>,
    value: &str,
) -> Attempt<bool> {
    let written = match expected {
        None => {
            sqlx::query!(
                "insert into job_state (key, value) values ($1, $2) on conflict do nothing",
                key,
                value
            )
            .execute(pool)
            .await?
        }
        Some(expected) => {
            sqlx::query!(
                "update job_state set value = $3 where key = $1 and value = $2",
                key,
                expected,
                value
            )
            .execute(pool)
            .await?
        }
    };
    Ok(written.rows_affected() == 1)
}
