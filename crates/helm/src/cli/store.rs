//! The log store as the command line reaches it: with the instance's own secrets, also while no daemon runs.

use anyhow::{Context, Result, bail};
use hivematrix_shared::{config::Secret, db};
use sqlx::PgPool;

use crate::{
    control::{client::ask, protocol::Request},
    instance::{Layout, databases, installation, operator, secrets},
};

/// Opens the log store of the instance.
pub(super) async fn open(layout: &Layout) -> Result<PgPool> {
    let secrets = secrets::read(layout)?;
    let operator = operator::of_suite(layout)?;
    let url = databases::url_of(layout, "helm", &secrets, &operator)?;
    let pool = db::connect(Some(&Secret::new(url)), 2)?;
    let answers = sqlx::query_scalar!(r#"SELECT 1 AS "one!""#).fetch_one(&pool).await;
    if answers.is_err() && ask(layout, &Request::Hello).await?.is_none() {
        let where_else = match installation::of(layout)? {
            Some(_) => "in the journal: journalctl -u 'hivematrix-*'".to_owned(),
            None => format!("in {}", layout.home().join("*/logs").display()),
        };
        bail!(
            "the suite is not running, so its log store is closed; start it with `helm up`. What each service wrote \
             last lies {where_else}"
        );
    }
    answers.context("cannot read the log store")?;
    Ok(pool)
}
