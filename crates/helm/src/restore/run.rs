//! A whole restore: unpack, load, compare, swap; undone when any of it fails.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail};
use hivematrix_shared::clock::Clock;
use sqlx::Connection;

use super::{
    journal::{self, Cluster, DatabaseStep, FileStep, Journal, Stage},
    load::Target,
    places::{Place, View},
    plan::Selection,
    server::Server,
    source::Source,
    swap, target,
};
use crate::{
    backup::{database, files as saved_files},
    domain::{backup::parts::Kind, secrets::Secrets},
    instance::{
        Layout, databases,
        files::{self, FileLock},
        postgres,
    },
};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Which parts.
    pub selection: Selection,
    /// Load with the administrator's rights instead of the service's own.
    pub as_admin: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Restored {
    /// Databases that were replaced.
    pub databases: Vec<String>,
    /// Files that were written.
    pub files: usize,
    /// Roles that were made because a database names them; they cannot sign in.
    pub roles: Vec<String>,
}

/// Brings an archive back. The lock is the daemon's: nothing of the suite runs meanwhile.
///
/// # Errors
/// When anything fails; the old state is back then, or the journal says what is left to do.
pub async fn run(
    layout: &Layout,
    source: Arc<Source>,
    order: &Order,
    clock: &Clock,
    _lock: &FileLock,
) -> Result<Restored> {
    swap::recover(layout).await?;
    let mut server = None;
    let outcome = attempt(layout, &source, order, clock, &mut server).await;
    if let Some(server) = server {
        server.stop().await?;
    }
    match outcome {
        Ok(restored) => {
            Journal::close(layout)?;
            Ok(restored)
        }
        Err(error) => match swap::recover(layout).await {
            Ok(swap::Recovered::Finished) => Err(error.context("everything is restored, but")),
            Ok(_) => Err(error.context("nothing was changed")),
            Err(second) => bail!("{error:#}; then {second:#}; it is put right at the next start"),
        },
    }
}

async fn attempt(
    layout: &Layout,
    source: &Arc<Source>,
    order: &Order,
    clock: &Clock,
    server: &mut Option<Server>,
) -> Result<Restored> {
    let mut journal = Journal {
        archive: source.path().to_owned(),
        started_at: clock.now(),
        stage: Stage::Loading,
        cluster: None,
        databases: Vec::new(),
        files: Vec::new(),
        outside: BTreeMap::new(),
    };
    journal.write(layout)?;
    let unpacked = unpack(layout, source, order).await?;
    keep_server_passwords(layout)?;
    journal.outside = source.theirs().folders_of(layout, &unpacked)?;
    journal.files = file_steps(&journal, layout, source, order, unpacked)?;
    // On the disk before anything else is done: what is written later is only more of it.
    journal.write(layout)?;
    let wanted = source.databases(&order.selection);
    let mut roles = Vec::new();
    if !wanted.is_empty() {
        let view = View::of(layout)?;
        let mut places = view.places(&wanted)?;
        for place in &mut places {
            if let Some(name) = source.beside(&place.facts.service) {
                place.url = databases::with_database(&place.url, &name)?;
            }
        }
        if places.iter().any(|place| place.managed) && view.private {
            let made = !postgres::exists(layout);
            let password = view.secrets.postgres_password.clone();
            journal.cluster = Some(Cluster { port: view.port, password: password.clone(), made });
            journal.write(layout)?;
            *server = Some(Server::start(layout, view.port, &password).await?);
        }
        view.make(&places).await?;
        journal.databases = database_steps(&places, clock.unix()).await?;
        journal.write(layout)?;
        roles = load(layout, source, order, &places, &journal.databases).await?;
    }
    swap::swap(layout, &mut journal).await?;
    swap::finish(&journal).await?;
    Ok(Restored {
        databases: journal.databases.iter().map(|step| step.name.clone()).collect(),
        files: journal.files.iter().filter(|step| step.comes).count(),
        roles,
    })
}

async fn unpack(layout: &Layout, source: &Arc<Source>, order: &Order) -> Result<Vec<PathBuf>> {
    let (source, selection) = (source.clone(), order.selection.clone());
    let folder = journal::folder(layout);
    files::private_dir(&swap::staged(layout))?;
    let unpacking = tokio::task::spawn_blocking(move || source.unpack(&selection, &folder));
    unpacking.await.context("unpacking was ended")?
}

/// What comes and what goes; a file that the archive does not know and that is of a kind it has is taken away.
fn file_steps(
    journal: &Journal,
    layout: &Layout,
    source: &Source,
    order: &Order,
    unpacked: Vec<PathBuf>,
) -> Result<Vec<FileStep>> {
    let whole = source.whole_kinds(&order.selection);
    let found = saved_files::scan(layout.home())?;
    if let Some((_, reason)) = found.unreadable.into_iter().find(|(kind, _)| whole.contains(kind)) {
        bail!(reason);
    }
    let going: Vec<PathBuf> = found
        .files
        .into_iter()
        .filter(|(kind, _)| whole.contains(kind))
        .flat_map(|(_, paths)| paths)
        .filter(|path| !unpacked.contains(path))
        .collect();
    let mut steps = Vec::new();
    for path in unpacked {
        let (root, inner) = journal.place(layout, &path)?;
        let existed = root.join(inner).symlink_metadata().is_ok();
        steps.push(FileStep { path, comes: true, existed });
    }
    steps.extend(going.into_iter().map(|path| FileStep { path, comes: false, existed: true }));
    Ok(steps)
}

/// The passwords of the servers stay those of the servers, which are not replaced.
fn keep_server_passwords(layout: &Layout) -> Result<()> {
    let path = Layout::new(swap::staged(layout)).secrets();
    let (Some(current), Some(coming)) =
        (files::read_json::<Secrets>(&layout.secrets())?, files::read_json::<Secrets>(&path)?)
    else {
        return Ok(());
    };
    let Secrets { postgres_password, redis_password, .. } = current;
    files::write_json(&path, &Secrets { postgres_password, redis_password, ..coming })
}

/// Longest name that leaves room for the mark of a restore.
const LONGEST_NAME: usize = 48;

async fn database_steps(places: &[Place], mark: i64) -> Result<Vec<DatabaseStep>> {
    let mut steps = Vec::new();
    for place in places {
        let name = place.name()?;
        if name.len() > LONGEST_NAME {
            bail!("the name of the database {name} is too long to be replaced by renaming");
        }
        let mut server = database::connect(&place.server).await?;
        target::check(&mut server, &place.facts).await?;
        let existed = target::exists(&mut server, &name).await?;
        server.close().await?;
        if existed {
            check_migration(place).await?;
        }
        steps.push(DatabaseStep {
            part: place.part.clone(),
            server: place.server.clone(),
            fresh: format!("{name}_new_{mark}"),
            before: format!("{name}_old_{mark}"),
            name,
            existed,
        });
    }
    Ok(steps)
}

/// Older programs would refuse a database that newer ones have migrated, and nothing would start. What is in use shows how
/// far the programs here are; where it has never been migrated, they have never run.
async fn check_migration(place: &Place) -> Result<()> {
    let mut connection = database::connect(&place.url).await?;
    let known = database::migration(&mut connection).await?;
    connection.close().await?;
    match (place.facts.migration, known) {
        (Some(saved), Some(known)) if saved > known => bail!(
            "{} was saved after migration {saved}, and the programs here have come to {known}: update the suite first",
            place.facts.database
        ),
        _ => Ok(()),
    }
}

/// Loads every database beside the one in use and compares it with the snapshot it was saved from.
async fn load(
    layout: &Layout,
    source: &Arc<Source>,
    order: &Order,
    places: &[Place],
    steps: &[DatabaseStep],
) -> Result<Vec<String>> {
    let (mut roles, mut loads, mut loaded) = (Vec::new(), Vec::new(), Vec::new());
    let mut oldest = i32::MAX;
    for (place, step) in places.iter().zip(steps) {
        let mut server = database::connect(&place.server).await?;
        let major = target::major(&mut server).await?;
        oldest = oldest.min(major);
        roles.extend(target::ensure_roles(&mut server, &place.facts).await?);
        let owner = place.owner()?;
        target::create(&mut server, &step.fresh, &owner, &place.facts).await?;
        server.close().await?;
        let by = if order.as_admin { &place.server } else { &place.url };
        let url = databases::with_database(by, &step.fresh)?;
        // Nobody knows the version of the original's servers; its databases come from one of this version.
        let writer = if place.facts.server == 0 { major } else { place.facts.major() };
        let target = Target::new(&step.part, &url, &step.fresh, writer)?;
        loads.push((target.owned_by_another(owner != place.facts.owner), place.facts.clone()));
        loaded.push((databases::with_database(&place.url, &step.fresh)?, url, &step.fresh, &place.facts));
    }
    source.load(layout, loads, oldest).await?;
    for (own_url, url, name, facts) in loaded {
        if !facts.tables.is_empty() {
            let mut connection = database::connect(&own_url).await?;
            let told = facts.differences(database::checksums(&mut connection).await?);
            if !told.is_empty() {
                bail!("{} did not come out as it was saved: {}", facts.database, told.join(", "));
            }
            connection.close().await?;
        }
        let mut connection = database::connect(&url).await?;
        // Without it the first questions are answered by guesses.
        target::run(&mut connection, "ANALYZE".to_owned()).await?;
        target::set(&mut connection, name, facts).await?;
        connection.close().await?;
    }
    roles.sort();
    roles.dedup();
    Ok(roles)
}

/// Everything that may be restored by itself, for the flags of the command line.
pub const CONFIGS: &[Kind] = &[Kind::Configuration, Kind::Keys, Kind::Secrets, Kind::Certificates];
