//! A whole restore: unpack, load, compare, swap; undone when any of it fails.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use hivematrix_shared::clock::Clock;
use sqlx::Connection;

use super::{
    file_swap::check,
    graph::{GraphStep, OwnServer},
    journal::{self, Cluster, DatabaseStep, FileStep, Journal, Stage},
    kept,
    load::Target,
    loading_role::{LoadingRole, Waiting},
    places::{Place, View},
    plan::Selection,
    server::Server,
    source::Source,
    swap, target,
};
use crate::{
    backup::{
        database,
        scan::{Root, scan},
    },
    domain::backup::parts::{Kind, part_of},
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
    /// Load as every role that the archive names instead of the service alone, and let an administrator make the settings of
    /// the databases.
    pub as_admin: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Restored {
    /// Databases that were replaced.
    pub databases: Vec<String>,
    /// Files that were written.
    pub files: usize,
    /// Nodes of the graph that was replaced, where one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph: Option<u64>,
    /// Roles that were made because a database names them; they cannot sign in.
    pub roles: Vec<String>,
}

/// What runs for a restore alone.
#[derive(Default)]
struct Servers {
    cluster: Option<Server>,
    neo4j: Option<OwnServer>,
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
    let mut servers = Servers::default();
    let outcome = attempt(layout, &source, order, clock, &mut servers).await;
    if let Some(server) = servers.cluster {
        server.stop().await?;
    }
    if let Some(server) = servers.neo4j {
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
    servers: &mut Servers,
) -> Result<Restored> {
    let mut journal = Journal {
        archive: source.path().to_owned(),
        started_at: clock.now(),
        stage: Stage::Loading,
        cluster: None,
        databases: Vec::new(),
        roles: Vec::new(),
        graph: None,
        files: Vec::new(),
        outside: BTreeMap::new(),
    };
    journal.write(layout)?;
    let unpacked = unpack(layout, source, order).await?;
    kept::keep(layout)?;
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
            servers.cluster = Some(Server::start(layout, view.port, &password).await?);
        }
        view.make(&places).await?;
        journal.databases = database_steps(&places, clock.unix()).await?;
        let loads = loads(&places, &journal.databases, order.as_admin);
        journal.roles = loads.iter().filter_map(|load| load.role.clone()).collect();
        journal.write(layout)?;
        roles = load(layout, source, &loads).await?;
    }
    let graph = source.graph(&order.selection);
    if let Some((part, facts)) = &graph {
        let step = GraphStep::of(layout, &View::of(layout)?, part)?;
        journal.graph = Some(step.clone());
        journal.write(layout)?;
        servers.neo4j = Box::pin(step.start(layout)).await?;
        Box::pin(source.load_graph(&step, facts)).await?;
    }
    swap::swap(layout, &mut journal).await?;
    swap::finish(&journal).await?;
    Ok(Restored {
        databases: journal.databases.iter().map(|step| step.name.clone()).collect(),
        files: journal.files.iter().filter(|step| step.comes).count(),
        graph: graph.map(|(_, facts)| facts.nodes),
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
    let coming: HashSet<&PathBuf> = unpacked.iter().collect();
    let mut going = Vec::new();
    for ((kind, part), content) in scan(&Root::home(layout.home())?)?.parts {
        if !source.takes_away(&order.selection, kind, &part) {
            continue;
        }
        if let Some(reason) = content.unreadable {
            bail!("{reason}; --without {part} restores the rest");
        }
        going.extend(content.files.into_iter().filter(|path| !coming.contains(path)));
    }
    let mut steps = Vec::new();
    let coming = unpacked.into_iter().map(|path| (path, true));
    for (path, comes) in coming.chain(going.into_iter().map(|path| (path, false))) {
        let (root, inner) = journal.place(layout, &path)?;
        let existed = !comes || root.join(inner).symlink_metadata().is_ok();
        check(root, inner).with_context(|| {
            let part = part_of(&path).map(|(_, name)| name).unwrap_or_default();
            format!("{} cannot be replaced (--without {part} restores the rest)", path.display())
        })?;
        steps.push(FileStep { path, comes, existed });
    }
    Ok(steps)
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

/// A database that is loaded, and by which role where that is not its own.
struct Load<'a> {
    place: &'a Place,
    step: &'a DatabaseStep,
    role: Option<LoadingRole>,
}

fn loads<'a>(places: &'a [Place], steps: &'a [DatabaseStep], as_admin: bool) -> Vec<Load<'a>> {
    let load = |(place, step): (&'a Place, &'a DatabaseStep)| {
        // Elsewhere there is no other role than the service's.
        let role = (as_admin && place.managed).then(|| LoadingRole::new(&place.server));
        Load { place, step, role }
    };
    places.iter().zip(steps).map(load).collect()
}

/// Loads every database beside the one in use and compares it with the snapshot it was saved from.
async fn load(layout: &Layout, source: &Arc<Source>, loads: &[Load<'_>]) -> Result<Vec<String>> {
    let (mut roles, mut targets, mut loaded) = (Vec::new(), Vec::new(), Vec::new());
    let mut oldest = i32::MAX;
    for Load { place, step, role } in loads {
        let mut server = database::connect(&place.server).await?;
        let major = target::major(&mut server).await?;
        oldest = oldest.min(major);
        roles.extend(target::ensure_roles(&mut server, &place.facts).await?);
        let owner = place.owner()?;
        target::create(&mut server, &step.fresh, &owner, &place.facts).await?;
        server.close().await?;
        let own_url = databases::with_database(&place.url, &step.fresh)?;
        let url = match role {
            Some(role) => role.make(&waiting(place, step, &owner)).await?,
            None => own_url.clone(),
        };
        // Nobody knows the version of the original's servers; its databases come from one of this version.
        let writer = if place.facts.server == 0 { major } else { place.facts.major() };
        let target = Target::new(&step.part, &url, &step.fresh, writer)?;
        targets.push((target.owned_by_another(owner != place.facts.owner), place.facts.clone()));
        loaded.push((own_url, owner));
    }
    source.load(layout, targets, oldest).await?;
    for (Load { place, step, role }, (own_url, owner)) in loads.iter().zip(loaded) {
        if let Some(role) = role {
            role.hand_over(&waiting(place, step, &owner)).await?;
        }
        let facts = &place.facts;
        let mut connection = database::connect(&own_url).await?;
        if !facts.tables.is_empty() {
            let told = facts.differences(database::checksums(&mut connection).await?);
            if !told.is_empty() {
                bail!("{} did not come out as it was saved: {}", facts.database, told.join(", "));
            }
        }
        // Without it the first questions are answered by guesses.
        target::run(&mut connection, "ANALYZE".to_owned()).await?;
        if role.is_some() {
            connection = database::connect(&place.server).await?;
        }
        target::set(&mut connection, &step.fresh, facts).await?;
        connection.close().await?;
    }
    roles.sort();
    roles.dedup();
    Ok(roles)
}

fn waiting<'a>(place: &'a Place, step: &'a DatabaseStep, owner: &'a str) -> Waiting<'a> {
    Waiting { fresh: &step.fresh, name: &step.name, owner, facts: &place.facts }
}

/// Everything that may be restored by itself, for the flags of the command line.
pub const CONFIGS: &[Kind] = &[Kind::Configuration, Kind::Keys, Kind::Secrets, Kind::Certificates];
