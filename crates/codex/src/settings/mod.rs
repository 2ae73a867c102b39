//! Settings that change while the service runs: `codex.conf` is written here and read again whenever it changed, by
//! this instance at once and by others within seconds. Arguments and environment win over the file.

pub mod change;
pub mod fields;
mod origin;

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use hivematrix_shared::config::{
    ConfWriter, FileKey, ServiceConfig as _,
    ini_text::{self, Edit},
};

use self::change::Sent;
pub use self::{
    fields::Field,
    origin::{Current, Loaded, Origin, Source},
};
use crate::config::Settings;

/// Time between two looks at the file.
pub const LOOK: std::time::Duration = std::time::Duration::from_secs(2);

/// The settings of this moment. Cheap to clone.
#[derive(Clone)]
pub struct LiveSettings(Arc<Inner>);

struct Inner {
    current: ArcSwap<Snapshot>,
    origin: Option<Origin>,
    /// The file as it was when it was last read.
    seen: Mutex<Option<Stamp>>,
}

/// What was read at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The settings.
    pub settings: Arc<Settings>,
    /// Each setting by its environment variable; empty when they came from no file, as in tests.
    pub values: BTreeMap<String, Current>,
    /// What is wrong with the file.
    pub complaints: Vec<String>,
}

/// What changes when a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let modified = (found.mtime(), found.mtime_nsec());
        Some(Self { inode: found.ino(), length: found.len(), modified })
    }
}

/// A change that was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Single values do not fit: `section.key` → sentence.
    #[error("some values are not allowed")]
    Invalid(BTreeMap<String, String>),
    /// These settings come from no file.
    #[error("this instance reads no settings file")]
    NoFile,
    /// The file that is there is broken, so a change would be built on sand.
    #[error("codex.conf cannot be read, mend it first: {0}")]
    Broken(String),
    /// The file cannot be written.
    #[error("codex.conf cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// The new value of one setting.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which.
    pub field: &'static Field,
    /// The text; `None` for the default.
    pub value: Option<String>,
}

impl LiveSettings {
    /// The settings as they are, and what the file says from now on.
    pub fn new(settings: Settings) -> Self {
        let origin = settings.origin.clone();
        let seen = origin.as_ref().and_then(|origin| Stamp::of(&origin.file()));
        let loaded = origin.as_ref().and_then(|origin| origin.load().ok());
        let snapshot = match loaded {
            Some(loaded) => Snapshot::from(loaded),
            None => {
                Snapshot { settings: Arc::new(settings), values: BTreeMap::new(), complaints: Vec::new() }
            }
        };
        Self(Arc::new(Inner { current: ArcSwap::from_pointee(snapshot), origin, seen: Mutex::new(seen) }))
    }

    /// The settings.
    pub fn load(&self) -> Arc<Settings> {
        self.0.current.load().settings.clone()
    }

    /// The settings with what is known about them.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.current.load_full()
    }

    /// The file, where there is one.
    pub fn file(&self) -> Option<PathBuf> {
        self.0.origin.as_ref().map(Origin::file)
    }

    /// Reads the file again if it has changed since; `true` when something was read. What cannot be understood is left as
    /// it was before the file changed.
    pub fn refresh(&self) -> bool {
        let Some(origin) = &self.0.origin else { return false };
        // Held over the reading, so that of two readers the later one has the last word.
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Stamp::of(&origin.file());
        if *seen == now {
            return false;
        }
        *seen = now;
        match origin.load() {
            Ok(loaded) if now.is_some() && loaded.complaints.is_empty() => {
                self.0.current.store(Arc::new(loaded.into()));
                tracing::info!("codex.conf has changed, its settings hold from now on");
                true
            }
            Ok(loaded) => self.complain(loaded.complaints),
            Err(error) => self.complain(vec![error.to_string()]),
        }
    }

    /// Keeps the settings and remembers what is wrong with the file.
    fn complain(&self, mut complaints: Vec<String>) -> bool {
        if complaints.is_empty() {
            complaints.push("the file is gone".to_owned());
        }
        tracing::warn!(
            complaints = complaints.join("; "),
            "codex.conf is not used, the settings stay as they were"
        );
        let before = self.snapshot();
        let settings = before.settings.clone();
        self.0.current.store(Arc::new(Snapshot { settings, values: before.values.clone(), complaints }));
        false
    }

    /// Checks what is sent against the file as it is, writes what changes and takes it up. Answers the changes, and the
    /// settings of before. Blocks, since files do.
    ///
    /// # Errors
    /// When a value is not allowed or cannot be stored, or the file not be read or written; then nothing has changed.
    pub fn change(&self, sent: &Sent) -> Result<(Vec<Change>, Snapshot), ChangeError> {
        let origin = self.0.origin.as_ref().ok_or(ChangeError::NoFile)?;
        // Nobody writes between the check and the change: a key that has just been stored would go to whatever server the
        // change names.
        let writer = ConfWriter::begin(&origin.file())?;
        let mut text = writer.text()?;
        let (_, before) = origin.load_with(&text).map_err(ChangeError::Broken)?;
        let before = Snapshot::from(before);
        let changes = change::plan(&before, sent).map_err(ChangeError::Invalid)?;
        if changes.is_empty() {
            return Ok((changes, before));
        }
        let mut refused = BTreeMap::new();
        for Change { field, value } in &changes {
            let line = value.as_deref().map(ini_text::written);
            if line == Some(None) {
                refused.insert(field.path(), "This cannot be written in one line.".to_owned());
                continue;
            }
            let value = line.flatten();
            for other in field.other_names() {
                text = ini_text::edit(&text, Edit { section: other.section, key: other.key, value: None });
            }
            text = ini_text::edit(
                &text,
                Edit { section: field.section, key: field.key, value: value.as_deref() },
            );
        }
        let (values, loaded) = origin.load_with(&text).map_err(ChangeError::Broken)?;
        for Change { field, value } in &changes {
            let Some(variable) = field.variable() else { continue };
            let understood = loaded.values.contains_key(variable);
            if !understood || values.get(variable) != value.as_deref() {
                refused.entry(field.path()).or_insert_with(|| "This cannot be stored.".to_owned());
            }
        }
        if let Some(complaint) = loaded.complaints.first().filter(|_| refused.is_empty()) {
            let named = changes.iter().find(|change| complaint.contains(&format!("] {} ", change.field.key)));
            match named {
                Some(change) => refused.insert(change.field.path(), "This cannot be understood.".to_owned()),
                None => return Err(ChangeError::Broken(complaint.clone())),
            };
        }
        if !refused.is_empty() {
            return Err(ChangeError::Invalid(refused));
        }
        writer.replace(&text)?;
        drop(writer);
        self.refresh();
        Ok((changes, before))
    }
}

impl From<Loaded> for Snapshot {
    fn from(loaded: Loaded) -> Self {
        Self { settings: Arc::new(loaded.settings), values: loaded.values, complaints: loaded.complaints }
    }
}

impl Field {
    /// The environment variable of the setting; none when this build does not read it.
    pub fn variable(&self) -> Option<&'static str> {
        let keys = Settings::FILE_KEYS.iter();
        keys.filter(|known| known.section == self.section && known.key == self.key)
            .map(|known| known.variable)
            .next()
    }

    /// Older names of the same setting in the file.
    fn other_names(&self) -> impl Iterator<Item = &'static FileKey> {
        let variable = self.variable();
        let keys = Settings::FILE_KEYS.iter().filter(move |known| Some(known.variable) == variable);
        keys.filter(|known| known.section != self.section || known.key != self.key)
    }
}

impl std::fmt::Debug for LiveSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveSettings").field("file", &self.file()).finish_non_exhaustive()
    }
}
