//! Taking plans and options from a file: what exists is skipped, every record stands for itself (codex-api.md §10).

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use utoipa::ToSchema;

use super::{feature_options, plans, support_levels};
use crate::domain::{
    plan_file::PlanFile,
    plans::{Features, Plan},
};

/// What became of a file.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, ToSchema)]
#[schema(as = PlanImportStatistics)]
pub struct Statistics {
    /// New plans, one for each term.
    pub plans_imported: usize,
    /// Plans whose name and term exist.
    pub plans_skipped: usize,
    /// Plans that could not be taken.
    pub plans_errors: usize,
    /// New options.
    pub features_imported: usize,
    /// Options that exist.
    pub features_skipped: usize,
    /// Options that could not be taken.
    pub features_errors: usize,
    /// Every record that could not be taken, and why.
    pub errors: Vec<String>,
    /// The new plans: `Gold (1 Year)`.
    pub new_plans: Vec<String>,
    /// The new options: `soc: Arctic Wolf`.
    pub new_options: Vec<String>,
}

/// Stores what is new. To be called in a transaction; each record has a savepoint of its own, so that one the database
/// refuses takes no other with it.
///
/// # Errors
/// When the database fails as a whole.
pub async fn import(conn: &mut PgConnection, file: PlanFile) -> sqlx::Result<Statistics> {
    plans::lock(conn).await?;
    let mut done = Statistics::default();
    for record in file.options {
        let option = match record {
            Ok(option) => option,
            Err((name, error)) => {
                done.features_errors += 1;
                done.errors.push(format!("{name}: {error}"));
                continue;
            }
        };
        let name = format!("{}: {}", option.feature_category, option.option_value);
        let mut savepoint = conn.begin().await?;
        match feature_options::insert(&mut savepoint, &option).await {
            Ok(stored) => {
                savepoint.commit().await?;
                match stored {
                    Some(_) => {
                        done.features_imported += 1;
                        done.new_options.push(name);
                    }
                    None => done.features_skipped += 1,
                }
            }
            Err(error) => {
                let words = refused(error)?;
                savepoint.rollback().await?;
                done.features_errors += 1;
                done.errors.push(format!("Option {name}: {words}"));
            }
        }
    }
    for record in file.plans {
        let (plan, features) = match record {
            Ok(plan) => plan,
            Err((name, error)) => {
                done.plans_errors += 1;
                done.errors.push(format!("{name}: {error}"));
                continue;
            }
        };
        let name = format!("{} ({})", plan.plan_name, plan.term_length);
        let mut savepoint = conn.begin().await?;
        match store(&mut savepoint, &plan, features).await {
            Ok(new) => {
                savepoint.commit().await?;
                if new {
                    done.plans_imported += 1;
                    done.new_plans.push(name);
                } else {
                    done.plans_skipped += 1;
                }
            }
            Err(error) => {
                let words = refused(error)?;
                savepoint.rollback().await?;
                done.plans_errors += 1;
                done.errors.push(format!("Plan {name}: {words}"));
            }
        }
    }
    if done.plans_imported > 0 {
        support_levels::refresh(conn, None).await?;
    }
    Ok(done)
}

async fn store(conn: &mut PgConnection, plan: &Plan, features: Features) -> sqlx::Result<bool> {
    let Some(id) = plans::insert(conn, plan).await? else { return Ok(false) };
    plans::replace_features(conn, &BTreeMap::from([(id, features)])).await?;
    Ok(true)
}

/// Words for a record that the database refuses; other failures end the import. The database's own words stay here.
fn refused(error: sqlx::Error) -> sqlx::Result<&'static str> {
    match &error {
        sqlx::Error::Database(cause)
            if cause.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23")) =>
        {
            tracing::warn!(%error, "a record of an import was refused");
            Ok("the database does not take it")
        }
        _ => Err(error),
    }
}
