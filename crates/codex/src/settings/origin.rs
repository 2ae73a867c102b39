//! Where the settings of this process come from, so that they can be read again and be told apart.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, parser::ValueSource};
use hivematrix_shared::config::{FileKey, FileValues, ServiceConfig, conf_path};
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Settings;

/// What gave a setting its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SettingSource)]
pub enum Source {
    /// Nobody: it is the default.
    Default,
    /// `codex.conf`.
    File,
    /// A variable of the environment, which wins over the file.
    Environment,
    /// An argument, which wins over everything.
    CommandLine,
}

impl Source {
    /// Whether a change of the file changes the value.
    pub const fn is_editable(self) -> bool {
        matches!(self, Self::Default | Self::File)
    }
}

/// The value of one setting, and what gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// The text, lists with commas; none when it is not set.
    pub raw: Option<String>,
    /// What gave it.
    pub source: Source,
}

/// The arguments and the folder that settings are read from.
#[derive(Clone, Debug)]
pub struct Origin {
    args: Vec<OsString>,
    home: PathBuf,
}

/// Settings as they were read, once.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Each setting by its environment variable.
    pub values: BTreeMap<String, Current>,
    /// Values of the file that were left out because they cannot be understood.
    pub complaints: Vec<String>,
}

impl Origin {
    /// Settings of these arguments and of the files below `home`.
    pub fn new(args: impl IntoIterator<Item = impl Into<OsString>>, home: impl Into<PathBuf>) -> Self {
        Self { args: args.into_iter().map(Into::into).collect(), home: home.into() }
    }

    /// `codex.conf`.
    pub fn file(&self) -> PathBuf {
        conf_path(&self.home, Settings::SERVICE)
    }

    /// Reads the settings. Single values of the file that cannot be understood are left out and complained about, a file
    /// that cannot be read at all gives none.
    ///
    /// # Errors
    /// When arguments or environment are wrong.
    pub fn load(&self) -> Result<Loaded, clap::Error> {
        match FileValues::read(&self.home, Settings::SERVICE, Settings::FILE_KEYS) {
            Ok(values) => self.with(values),
            Err(error) => {
                let mut loaded = self.with(self.copy())?;
                loaded.complaints.insert(0, error.to_string());
                Ok(loaded)
            }
        }
    }

    /// The values of the copy that is kept when the file is written, for as long as the file cannot be read.
    fn copy(&self) -> FileValues {
        let text = std::fs::read_to_string(self.file().with_extension("conf.bak")).unwrap_or_default();
        FileValues::read_with(&self.home, Settings::SERVICE, Settings::FILE_KEYS, &text).unwrap_or_default()
    }

    /// What the settings would be with another text of the file.
    ///
    /// # Errors
    /// The reason why the text cannot be read.
    pub fn load_with(&self, text: &str) -> Result<(FileValues, Loaded), String> {
        let values = FileValues::read_with(&self.home, Settings::SERVICE, Settings::FILE_KEYS, text)
            .map_err(|error| error.to_string())?;
        let loaded = self.with(values.clone()).map_err(|error| error.to_string())?;
        Ok((values, loaded))
    }

    fn with(&self, mut values: FileValues) -> Result<Loaded, clap::Error> {
        let mut complaints = Vec::new();
        let matches = match self.matches(&values) {
            Ok(matches) => matches,
            // Something is wrong: first look whether it is the file, and which values of it.
            Err(error) if helps(&error) => return Err(error),
            Err(_) => {
                self.matches(&FileValues::default())?;
                let variables: Vec<String> = values.variables().map(str::to_owned).collect();
                for variable in variables {
                    if self.matches(&values.only(&variable)).is_err() {
                        complaints
                            .push(format!("{} has a value that cannot be understood", in_file(&variable)));
                        values.forget(&variable);
                    }
                }
                self.matches(&values)?
            }
        };
        let mut settings = Settings::from_arg_matches(&matches)?;
        let common = settings.common_mut();
        if common.service_name.is_empty() {
            Settings::SERVICE.clone_into(&mut common.service_name);
        }
        settings.origin = Some(self.clone());
        Ok(Loaded { settings, values: currents(&matches, &values), complaints })
    }

    fn matches(&self, values: &FileValues) -> Result<ArgMatches, clap::Error> {
        values.as_defaults(Settings::command()).try_get_matches_from(&self.args)
    }
}

/// Whether somebody asked for help or the version.
fn helps(error: &clap::Error) -> bool {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    matches!(error.kind(), DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand)
}

/// The name of a setting in the file.
fn in_file(variable: &str) -> String {
    match Settings::FILE_KEYS.iter().find(|known| known.variable == variable) {
        Some(FileKey { section, key, .. }) => format!("[{section}] {key}"),
        None => format!("[settings] {}", variable.to_lowercase()),
    }
}

fn currents(matches: &ArgMatches, values: &FileValues) -> BTreeMap<String, Current> {
    let command: Command = Settings::command();
    let mut found = BTreeMap::new();
    for argument in command.get_arguments() {
        let Some(variable) = argument.get_env().and_then(|name| name.to_str()) else { continue };
        let id = argument.get_id().as_str();
        let source = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => Source::CommandLine,
            Some(ValueSource::EnvVariable) => Source::Environment,
            _ if values.get(variable).is_some() => Source::File,
            _ => Source::Default,
        };
        let raw = matches
            .get_raw(id)
            .map(|parts| parts.map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>().join(","));
        found.insert(variable.to_owned(), Current { raw: raw.filter(|raw| !raw.is_empty()), source });
    }
    found
}
