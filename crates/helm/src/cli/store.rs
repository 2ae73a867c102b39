//! The log store as the command line reaches it: with the instance's own secrets, also while no daemon runs.

use anyhow::{Context, Result, bail};
use hivematrix_shared::{config::Secret, db};
use sqlx::PgPool;

use crate::{
    instance::{Layout, databases, secrets},
    suite,
};

/// Opens the log store of the instance.
pub(super) async fn open(layout: &Layout) -> Result<PgPool> {
    let secrets = secrets::read(layout)?;
    let operator = suite::operator_variables(layout)?;
    let Some(url) = databases::url_of(layout, "helm", &secrets, &operator)? else {
        bail!("no database is configured for helm");
    };
    let pool = db::connect(Some(&Secret::new(url)), 2)?;
    sqlx::query_scalar!(r#"SELECT 1 AS "one!""#)
        .fetch_one(&pool)
        .await
        .context("cannot read the log store")?;
    Ok(pool)
}
