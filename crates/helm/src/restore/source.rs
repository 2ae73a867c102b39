//! What a restore reads: an archive of ours, or one of the original suite.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};

use super::{
    detour,
    load::{Loader, Target},
    plan::{Selection, Step, plan},
    theirs::Theirs,
    upstream::Zip,
};
use crate::{
    backup::{archive, keys},
    domain::{
        backup::{
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
        if !selection.wants(Kind::Postgresql) {
            return Vec::new();
        }
        match self {
            Self::Own { manifest, .. } => manifest
                .saved()
                .filter_map(|part| Some((part.name.clone(), part.database.clone()?)))
                .collect(),
            Self::Upstream(zip) => zip.databases(),
        }
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

    /// The kinds of files that are wanted and there, whose other files are taken away. What else a foreign service keeps in its
    /// folder stays.
    #[must_use]
    pub fn whole_kinds(&self, selection: &Selection) -> Vec<Kind> {
        match self {
            Self::Own { manifest, .. } => manifest
                .saved()
                .map(|part| part.kind)
                .filter(|kind| Kind::FILES.contains(kind) && selection.wants(*kind))
                .collect(),
            // It never held all files of a kind.
            Self::Upstream(_) => Vec::new(),
        }
    }

    /// Unpacks the files that are wanted below `folder`, which is private, and names them.
    ///
    /// # Errors
    /// When the archive changed since it was checked, or the disk does not take them.
    pub fn unpack(&self, selection: &Selection, folder: &Path) -> Result<Vec<PathBuf>> {
        match self {
            Self::Own { path, identities, manifest, theirs } => {
                let has_place = |part: &Part| {
                    part.foreign_service().is_none_or(|service| theirs.folder(service).is_some())
                };
                let mut loader = Loader::new(Vec::new(), manifest, folder)
                    .with_files(|part| selection.wants(part.kind) && has_place(part));
                archive::read(path, identities, &mut loader)?;
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
        let Self::Own { path, identities, .. } = self else { return Ok(()) };
        archive::read(path, identities, &mut Loader::of(targets)).map(drop)
    }
}
