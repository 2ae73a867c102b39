//! What a restore reads: an archive of ours, or one of the original suite.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc;

use super::{
    detour,
    graph::{self, GraphStep},
    load::{Loader, Target},
    plan::{Selection, Step, plan},
    theirs::Theirs,
    upstream::Zip,
};
use crate::{
    backup::{
        archive::{self, Sink},
        keys,
    },
    domain::{
        backup::{
            graph::GraphFacts,
            manifest::{DatabaseFacts, Manifest, Part},
            parts::Kind,
        },
        keycloak_in_use::keycloak_in_use,
        master_config::MasterConfig,
    },
    instance::{Layout, master_config, operator},
};

/// An archive that was read from beginning to end and found whole.
pub enum Source {
    /// Ours.
    Own {
        /// Where it lies.
        path: PathBuf,
        /// What opens it.
        identities: Vec<Box<dyn age::Identity + Send + Sync>>,
        /// What it holds.
        manifest: Box<Manifest>,
        /// Services of the original suite, whose files lie elsewhere.
        theirs: Theirs,
    },
    /// The original suite's.
    Upstream(Arc<Zip>),
}

/// Whether people sign in by a Keycloak in this suite.
fn uses_keycloak(layout: &Layout) -> Result<bool> {
    let config = MasterConfig::from(master_config::read(layout)?.document);
    Ok(keycloak_in_use(&config, &operator::of_next_up(layout)?).is_some())
}

impl Source {
    /// Reads and checks an archive; touches nothing else.
    ///
    /// # Errors
    /// In words: no archive, another key, damaged, cut off, or of a later version.
    pub fn open(layout: &Layout, path: &Path, identity: Option<&Path>) -> Result<Self> {
        let path = std::path::absolute(path).context("the archive's path is not valid")?;
        if path.extension().is_some_and(|ending| ending == "zip") {
            let uses_keycloak = uses_keycloak(layout)?;
            return Ok(Self::Upstream(Arc::new(Zip::open(&path, Theirs::of(layout)?, uses_keycloak)?)));
        }
        let identities = keys::identities(layout, identity)?;
        let manifest = archive::read(&path, &identities, &mut ())?;
        // A damaged registry is what a restore puts right.
        let theirs = Theirs::of(layout).unwrap_or_else(|error| {
            tracing::warn!(error = format!("{error:#}"), "services of the original suite are not known");
            Theirs::default()
        });
        Ok(Self::Own { path, identities, manifest: Box::new(manifest), theirs })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Own { path, .. } => path,
            Self::Upstream(zip) => zip.path(),
        }
    }

    /// What a restore of it would do.
    ///
    /// # Errors
    /// When nothing of what is wanted is in it.
    pub fn plan(&self, selection: &Selection, force: bool) -> Result<Vec<Step>> {
        match self {
            Self::Own { manifest, theirs, .. } => {
                plan(manifest, selection, force, |service| theirs.folder(service))
            }
            Self::Upstream(zip) => zip.plan(selection),
        }
    }

    /// The databases that are wanted, by part.
    #[must_use]
    pub fn databases(&self, selection: &Selection) -> Vec<(String, DatabaseFacts)> {
        let mut databases = match self {
            Self::Own { manifest, .. } => manifest
                .saved()
                .filter_map(|part| Some((part.name.clone(), part.database.clone()?)))
                .collect(),
            Self::Upstream(zip) => zip.databases(),
        };
        databases.retain(|(part, _)| selection.takes(Kind::Postgresql, part));
        databases
    }

    /// The name of a service's database when it comes beside the one in use and does not take its place.
    #[must_use]
    pub fn beside(&self, service: &str) -> Option<String> {
        match self {
            Self::Own { .. } => None,
            Self::Upstream(zip) => zip.beside(service),
        }
    }

    /// The services of the original suite that run here.
    #[must_use]
    pub fn theirs(&self) -> &Theirs {
        match self {
            Self::Own { theirs, .. } => theirs,
            Self::Upstream(zip) => zip.theirs(),
        }
    }

    /// Whether files of this part that the archive does not hold are taken away. What else a foreign service keeps in its folder
    /// stays.
    #[must_use]
    pub fn takes_away(&self, selection: &Selection, kind: Kind, part: &str) -> bool {
        match self {
            Self::Own { manifest, .. } => {
                Kind::FILES.contains(&kind) && selection.takes(kind, part) && manifest.is_whole(kind, part)
            }
            // It never held all files of a kind.
            Self::Upstream(_) => false,
        }
    }

    /// Unpacks the files that are wanted below `folder`, which is private, and names them.
    ///
    /// # Errors
    /// When the archive changed since it was checked, or the disk does not take them.
    pub fn unpack(&self, selection: &Selection, folder: &Path) -> Result<Vec<PathBuf>> {
        match self {
            Self::Own { manifest, theirs, .. } => {
                let has_place = |part: &Part| {
                    part.foreign_service().is_none_or(|service| theirs.folder(service).is_some())
                };
                let wanted = |part: &Part| selection.takes(part.kind, &part.name) && has_place(part);
                let mut loader = Loader::unpacking(manifest, &folder.join("files"), wanted);
                self.read(&mut loader)?;
                loader.unpacked()
            }
            Self::Upstream(zip) => zip.unpack(selection, &folder.join("files")),
        }
    }

    /// Loads databases; `server` is the major version of the servers that they are for.
    ///
    /// # Errors
    /// When the archive changed since it was checked, or a server refuses a dump.
    pub async fn load(
        self: &Arc<Self>,
        layout: &Layout,
        loads: Vec<(Target, DatabaseFacts)>,
        server: i32,
    ) -> Result<()> {
        if let Self::Upstream(zip) = &**self {
            return detour::load(layout, zip, loads, server).await;
        }
        let source = self.clone();
        let targets = loads.into_iter().map(|(target, _)| target).collect();
        let loading = tokio::task::spawn_blocking(move || source.load_own(targets));
        loading.await.context("loading was ended")?
    }

    fn load_own(&self, targets: Vec<Target>) -> Result<()> {
        self.read(&mut Loader::of(targets))
    }

    /// The graph that is wanted, by part.
    #[must_use]
    pub fn graph(&self, selection: &Selection) -> Option<(String, GraphFacts)> {
        let Self::Own { manifest, .. } = self else { return None };
        let saved = |part: &Part| Some((part.name.clone(), part.graph.clone()?));
        manifest.saved().filter(|part| selection.takes(part.kind, &part.name)).find_map(saved)
    }

    /// Loads the graph beside the one in use.
    ///
    /// # Errors
    /// When the archive changed since it was checked, or the server refuses.
    pub async fn load_graph(self: &Arc<Self>, step: &GraphStep, facts: &GraphFacts) -> Result<()> {
        // A few pieces wait for the server.
        let (pieces, taken) = mpsc::channel(4);
        let (source, part) = (self.clone(), step.part.clone());
        let reading = tokio::task::spawn_blocking(move || source.read(&mut Pieces { part, pieces }));
        let loaded = graph::load(step, facts, taken).await;
        // Where the server has refused, nobody takes more of it.
        let read = reading.await.context("loading was ended")?;
        loaded.and(read)
    }

    /// Reads an archive of ours once more: what was looked at and agreed to is what must come.
    fn read(&self, loader: &mut impl Sink) -> Result<()> {
        let Self::Own { path, identities, manifest, .. } = self else { return Ok(()) };
        if archive::read(path, identities, loader)? != **manifest {
            bail!("{} became another archive meanwhile", path.display());
        }
        Ok(())
    }
}

/// Hands the bytes of one part on.
struct Pieces {
    part: String,
    pieces: mpsc::Sender<Vec<u8>>,
}

impl Sink for Pieces {
    fn data(&mut self, part: &str, bytes: &[u8]) -> Result<()> {
        if part == self.part {
            self.pieces.blocking_send(bytes.to_vec()).ok().context("nobody takes the graph any more")?;
        }
        Ok(())
    }

    fn end(&mut self, _: &str) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use age::x25519::Identity;

    use super::*;
    use crate::{
        backup::archive::Writer,
        domain::backup::manifest::{FORMAT, Header, State},
    };

    #[test]
    fn an_archive_that_takes_the_place_of_another_one_is_not_restored() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::generate();
        let write = |name: &str, saved_at: &str| {
            let created_at = saved_at.parse().unwrap();
            let header = Header { format: FORMAT, suite: env!("CARGO_PKG_VERSION").into(), created_at };
            let mut writer = Writer::create(folder.path(), name, &[identity.to_public()], &header).unwrap();
            let sha256 = writer.part("files").finish().unwrap().sha256;
            let part = Part { sha256, ..Part::absent("files", Kind::Files, State::Saved, "") };
            let manifest = Manifest { header, finished_at: created_at, parts: vec![part] };
            (writer.finish(&manifest).unwrap().0, manifest)
        };
        let (path, manifest) = write("a.tar.age", "2025-11-22T02:00:00Z");
        let (other, _) = write("b.tar.age", "2025-11-21T02:00:00Z");
        let source = Source::Own {
            path: path.clone(),
            identities: vec![Box::new(identity.clone())],
            manifest: Box::new(manifest),
            theirs: Theirs::default(),
        };
        let unpack = |name: &str| {
            let target = folder.path().join(name);
            source.unpack(&Selection::default(), &target)
        };
        assert_eq!(unpack("first").unwrap().len(), 0);
        std::fs::rename(other, path).unwrap();
        let refused = unpack("second").unwrap_err().to_string();
        assert!(refused.contains("another archive"), "{refused}");
    }
}
