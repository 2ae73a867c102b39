//! What can be done with plans and features, for the JSON routes and the forms of the page alike: each in one
//! transaction, in the name of the caller, with a line in the audit log.

mod features;
mod plans;

use hivematrix_shared::{auth::Caller, problem::Result};
use sqlx::{Postgres, Transaction};

pub use self::{
    features::{add_category, add_option, change_option, remove_category, remove_option, rename_category},
    plans::{
        Left, Removal, Removed, change, copy_terms, create, create_in_all_terms, import, remove, remove_row,
        save,
    },
};
use crate::{
    Codex,
    store::{changes, plans as store},
};

/// A transaction of a caller in which nobody else changes plans.
async fn begin(codex: &Codex, caller: &Caller) -> Result<Transaction<'static, Postgres>> {
    let mut tx = codex.pool.begin().await?;
    changes::acting(&mut tx, &caller.label()).await?;
    store::lock(&mut tx).await?;
    Ok(tx)
}
