//! Removing everything and making it anew.

use std::io::{BufRead as _, stdin};

use anyhow::{Context as _, ensure};
use hivematrix_shared::{clock::Clock, config::Secret, db};
use sqlx::{AssertSqlSafe, PgPool};

use super::migrate;
use crate::{cli::say, store::alone::Alone};

/// Removes everything and makes it anew, once somebody has typed that this is meant.
pub(super) async fn rebuild(url: &Secret, confirmed: Option<&str>) -> anyhow::Result<()> {
    let pool = db::connect(Some(url), 2)?;
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(&pool).await?;
    let phrase = format!("rebuild {name}");
    let typed = match confirmed {
        Some(phrase) => phrase.to_owned(),
        None => {
            say(&format!("All data in {name} will be lost. Type “{phrase}” to go on:"));
            let mut line = String::new();
            stdin().lock().read_line(&mut line)?;
            line
        }
    };
    ensure!(typed.trim() == phrase, "nothing was removed: “{phrase}” was not typed");
    remove_all(&pool).await?;
    pool.close().await;
    say(&format!("Everything in {name} is removed"));
    migrate(url).await
}

/// Removes every table, function and sequence of the schema, in one transaction and while no sync runs.
async fn remove_all(pool: &PgPool) -> anyhow::Result<()> {
    let known: bool =
        sqlx::query_scalar("select to_regclass('sync_jobs') is not null").fetch_one(pool).await?;
    let alone = match known {
        true => Some(Alone::begin(pool, Clock::system().now()).await?.context("nothing was removed")?),
        false => None,
    };
    let mut tx = pool.begin_with("begin; set local lock_timeout = '10s'").await?;
    let statements: Vec<String> = sqlx::query_scalar(
        "select format('drop %s if exists %s cascade', kind, name) from (
             select case relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end as kind,
                 oid::regclass::text as name, oid, 'pg_class'::regclass as class
             from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'S')
             union all
             select 'function', oid::regprocedure::text, oid, 'pg_proc'::regclass
             from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f') as objects
         -- what belongs to an extension goes and stays with it
         where not exists (select from pg_depend d
             where d.classid = objects.class and d.objid = objects.oid and d.deptype = 'e')",
    )
    .fetch_all(&mut *tx)
    .await?;
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    if let Some(alone) = alone {
        alone.end().await?;
    }
    Ok(())
}
