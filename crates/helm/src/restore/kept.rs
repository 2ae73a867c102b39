//! What stays as it is here whatever an archive says: the servers are not replaced, only what is in them.

use anyhow::Result;

use super::swap;
use crate::{
    domain::secrets::Secrets,
    instance::{Layout, files, master_config},
};

const NEO4J: [&str; 2] = ["databases", "neo4j"];
const NEO4J_URI: [&str; 3] = ["databases", "neo4j", "uri"];

/// Puts it into the files that come.
///
/// # Errors
/// When one of them cannot be read or written.
pub(super) fn keep(layout: &Layout) -> Result<()> {
    server_passwords(layout)?;
    neo4j(layout)
}

/// The passwords of the servers stay those of the servers, which are not replaced.
fn server_passwords(layout: &Layout) -> Result<()> {
    let path = Layout::new(swap::staged(layout)).secrets();
    let (Some(current), Some(coming)) =
        (files::read_json::<Secrets>(&layout.secrets())?, files::read_json::<Secrets>(&path)?)
    else {
        return Ok(());
    };
    let Secrets { postgres_password, redis_password, .. } = current;
    files::write_json(&path, &Secrets { postgres_password, redis_password, ..coming })
}

/// The Neo4j of a suite is not replaced, only what is in it: one that is used here is used afterwards.
fn neo4j(layout: &Layout) -> Result<()> {
    let staged = Layout::new(swap::staged(layout));
    if !staged.master_config().exists() {
        return Ok(());
    }
    let current = master_config::read(layout)?.document;
    if let Some(known) = current.get(&NEO4J).filter(|_| current.text(&NEO4J_URI).is_some()) {
        let known = known.clone();
        master_config::change(&staged, None, |document| document.set(&NEO4J, known))?;
    }
    Ok(())
}
