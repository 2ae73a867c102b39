//! What `helm install --systemd` noted beside the programs: where the parts lie, and which files it put in place.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{Layout, files};
use crate::domain::systemd::{Places, TARGET, is_job};

/// Its name in the folder of the programs.
pub const NOTE: &str = "install.json";

/// An installed suite.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Where its parts lie.
    pub places: Places,
    /// The folder of the units.
    pub units: PathBuf,
    /// Everything put in place outside the folder of the programs, with the paths it has on the machine.
    pub files: BTreeSet<PathBuf>,
}

/// How an instance is installed for systemd, if it is.
///
/// # Errors
/// When the note of the installation cannot be read.
pub fn of(layout: &Layout) -> Result<Option<Installation>> {
    Ok(Installation::read(&programs()?)?.filter(|installation| installation.places.home == layout.home()))
}

/// The folder of this program: the others lie beside it.
///
/// # Errors
/// When the kernel does not say where this program lies.
pub fn programs() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    program.parent().map(Path::to_owned).context("this program lies nowhere")
}

impl Installation {
    /// The note in a folder of programs.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn read(programs: &Path) -> Result<Option<Self>> {
        files::read_json(&programs.join(NOTE))
    }

    /// The units that run as long as the suite does, the target first. This knows them when the registry cannot be read.
    #[must_use]
    pub fn members(&self) -> Vec<String> {
        let units = self.files.iter().filter(|path| path.parent() == Some(&self.units));
        let names = units.filter_map(|path| path.file_name()?.to_str());
        let services = names.filter(|name| name.ends_with(".service") && !is_job(name));
        [TARGET].into_iter().chain(services).map(str::to_owned).collect()
    }

    /// Writes the note. It holds no secrets.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, programs: &Path) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        files::write_public(&programs.join(NOTE), &text)
    }
}
