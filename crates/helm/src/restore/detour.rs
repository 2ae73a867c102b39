//! Plain SQL of somebody else by way of a cluster of its own: it is loaded there, and what it has become there is dumped and
//! loaded as any other database. Whatever else it orders (the end of its transaction, a dropped database, another password
//! for its role), it orders where nothing is that it could harm.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use sqlx::Connection;

use super::{
    load::{Loader, Target},
    target,
    upstream::Zip,
};
use crate::{
    backup::{archive::Sink, database, programs, scratch::Scratch},
    domain::backup::manifest::DatabaseFacts,
    instance::Layout,
};

/// Loads databases of the archive for servers of this major version.
///
/// # Errors
/// When there is no such cluster, the archive cannot be read, or a server refuses a statement.
pub async fn load(
    layout: &Layout,
    zip: &Arc<Zip>,
    loads: Vec<(Target, DatabaseFacts)>,
    major: i32,
) -> Result<()> {
    let scratch = Scratch::start(layout, major).await?;
    let program = programs::folder_of("pg_dump", major)?.join("pg_dump");
    for (target, facts) in loads {
        let mut server = database::connect(&scratch.admin_url()?).await?;
        target::ensure_roles(&mut server, &facts).await?;
        target::let_sign_in(&mut server, &facts.owner).await?;
        target::create(&mut server, &facts.database, &facts.owner, &facts).await?;
        server.close().await?;
        let url = scratch.url(&facts.owner, &facts.database)?;
        let mut dump = programs::connecting(&program, &url)?;
        dump.args(["--format=custom", "--compress=0", "--no-password"]).stdout(Stdio::piped());
        let zip = zip.clone();
        let loading = tokio::task::spawn_blocking(move || {
            zip.load(target.part(), &url)?;
            pass(dump, target)
        });
        loading.await.context("loading was ended")??;
    }
    Ok(())
}

/// What the program dumps into the database that waits for it.
fn pass(mut dump: Command, target: Target) -> Result<()> {
    let part = target.part().to_owned();
    let mut child = dump.spawn().context("cannot run pg_dump")?;
    let passed = pour(&mut child, &part, Loader::of(vec![target]));
    if passed.is_err() {
        let _ = child.kill();
    }
    let output = child.wait_with_output().context("cannot wait for pg_dump")?;
    passed?;
    if !output.status.success() {
        bail!("{part} cannot be loaded: {}", programs::last_words(&output.stderr));
    }
    Ok(())
}

fn pour(child: &mut Child, part: &str, mut loader: Loader) -> Result<()> {
    let mut stdout = child.stdout.take().context("pg_dump has no output")?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = stdout.read(&mut buffer).context("pg_dump cannot be read")?;
        if read == 0 {
            return loader.end(part);
        }
        loader.data(part, &buffer[..read])?;
    }
}
