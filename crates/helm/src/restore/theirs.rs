//! The services of the original suite that run in this one: whose database an archive of it replaces, and where their own
//! files lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    domain::backup::parts::{outside, service_outside},
    instance::{Layout, foreign, installation, options::Options, registry},
};

/// What is known of them.
#[derive(Debug, Clone, Default)]
pub struct Theirs {
    /// All services that are not ours and run here.
    foreign: BTreeSet<String>,
    /// Their folders, as paths of an archive.
    prefixes: BTreeMap<String, PathBuf>,
    /// Where those lie that are outside of the instance directory.
    folders: BTreeMap<String, PathBuf>,
}

impl Theirs {
    /// Looks at the registry and beside the instance; writes nothing.
    ///
    /// # Errors
    /// When the registry or the notes cannot be read.
    pub fn of(layout: &Layout) -> Result<Self> {
        let registry = registry::survey(layout, &Options::read(layout)?, &installation::programs()?)?;
        let mut theirs = Self::default();
        for (name, entry) in registry.iter() {
            if entry.start_command.is_none() || entry.is_remote() {
                continue;
            }
            theirs.foreign.insert(name.to_owned());
            let folder = foreign::folder(layout, entry);
            if !foreign::is_upstream(layout, entry) {
                continue;
            }
            if !foreign::is_inside(layout, &folder) {
                let folder = fs::canonicalize(&folder)
                    .with_context(|| format!("cannot enter {}", folder.display()))?;
                theirs.folders.insert(name.to_owned(), folder);
                theirs.prefixes.insert(name.to_owned(), outside(name));
            } else if let Ok(inside) = folder.strip_prefix(layout.home()) {
                theirs.prefixes.insert(name.to_owned(), inside.to_owned());
            }
        }
        Ok(theirs)
    }

    /// Whether the original's own service of that name runs here.
    #[must_use]
    pub fn run(&self, service: &str) -> bool {
        self.foreign.contains(service)
    }

    /// Where the settings file of a service belongs: the original's read it in their own folder.
    #[must_use]
    pub fn conf(&self, service: &str) -> PathBuf {
        let name = format!("{service}.conf");
        match self.prefixes.get(service) {
            Some(prefix) => prefix.join("instance").join(name),
            None => Path::new(service).join(name),
        }
    }

    /// The folder of a service outside of the instance directory.
    #[must_use]
    pub fn folder(&self, service: &str) -> Option<&Path> {
        self.folders.get(service).map(PathBuf::as_path)
    }

    /// The folders that these files go to. What comes takes its place by a new name, so it must be one file system.
    ///
    /// # Errors
    /// When one of them is on another file system than the instance, or may be somebody else's.
    pub fn folders_of(&self, layout: &Layout, files: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>> {
        let mut folders = BTreeMap::new();
        for (service, _) in files.iter().filter_map(|path| service_outside(path)) {
            let folder = self.folder(service).with_context(|| format!("{service} is no service here"))?;
            foreign::may_be_written(layout, service, folder)?;
            if fs::metadata(folder)?.dev() != fs::metadata(layout.home())?.dev() {
                bail!(
                    "{} is on another file system than {}: move it there for the restore, or choose parts without it",
                    folder.display(),
                    layout.home().display()
                );
            }
            folders.insert(service.to_owned(), folder.to_owned());
        }
        Ok(folders)
    }
}
