//! The file layer: `<home>/<service>/<service>.conf` (INI, no interpolation) and `<home>/<service>/.flaskenv` (KEY=VALUE).

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Arg, Command};
use ini::{Ini, ParseOption};

/// One key of the INI file and the environment variable whose argument it sets.
#[derive(Clone, Copy, Debug)]
pub struct FileKey {
    /// Section name without brackets.
    pub section: &'static str,
    /// Key in the section.
    pub key: &'static str,
    /// Environment variable of the argument.
    pub variable: &'static str,
}

impl FileKey {
    /// Declares that `[section] key` sets the argument of `variable`.
    pub const fn new(section: &'static str, key: &'static str, variable: &'static str) -> Self {
        Self { section, key, variable }
    }
}

/// Values found in a service's files, by environment variable name.
#[derive(Clone, Debug, Default)]
pub struct FileValues(BTreeMap<String, String>);

/// A settings file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {reason}")]
pub struct FileError {
    path: PathBuf,
    reason: String,
}

impl FileValues {
    /// Reads both files of `service` below `home`; a missing file has no values. The INI file wins over `.flaskenv`.
    ///
    /// Placeholders that installers leave (`CHANGE_ME`, `YOUR_…`) count as not set.
    pub fn read(home: &Path, service: &str, keys: &[FileKey]) -> Result<Self, FileError> {
        Self::read_by(home, service, keys, |path| fs::read_to_string(path))
    }

    /// As [`FileValues::read`], with `text` in the place of the INI file: to see what a file would mean before it is
    /// written.
    pub fn read_with(home: &Path, service: &str, keys: &[FileKey], text: &str) -> Result<Self, FileError> {
        let conf = conf_path(home, service);
        let read = |path: &Path| if path == conf { Ok(text.to_owned()) } else { fs::read_to_string(path) };
        Self::read_by(home, service, keys, read)
    }

    /// As [`FileValues::read`], for those who read the files of another account, which could lead them elsewhere: they say
    /// how a file is read.
    pub fn read_by(
        home: &Path,
        service: &str,
        keys: &[FileKey],
        read: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Self, FileError> {
        let mut values = BTreeMap::new();
        if let Some(env_file) = parse(&home.join(service).join(".flaskenv"), &read)? {
            for (key, value) in env_file.general_section().iter() {
                values.insert(key.to_owned(), value.to_owned());
            }
        }
        if let Some(conf) = parse(&conf_path(home, service), &read)? {
            if let Some(section) = conf.section(Some("settings")) {
                for (key, value) in section.iter() {
                    values.insert(key.to_ascii_uppercase(), value.to_owned());
                }
            }
            for FileKey { section, key, variable } in keys {
                if let Some(value) = conf.get_from(Some(*section), key) {
                    values.insert((*variable).to_owned(), value.to_owned());
                }
            }
        }
        values.retain(|_, value| {
            !value.is_empty() && !value.contains("CHANGE_ME") && !value.starts_with("YOUR_")
        });
        Ok(Self(values))
    }

    /// Makes the values the defaults of the arguments that read the same variables.
    pub fn as_defaults(&self, command: Command) -> Command {
        command.mut_args(|argument: Arg| {
            let value = argument.get_env().and_then(|name| name.to_str()).and_then(|name| self.0.get(name));
            match value {
                Some(value) => argument.default_value(value.clone()).required(false),
                None => argument,
            }
        })
    }

    /// The values with only one of them, to find out which one is wrong.
    pub fn only(&self, variable: &str) -> Self {
        Self(
            self.0
                .get_key_value(variable)
                .map(|(name, value)| (name.clone(), value.clone()))
                .into_iter()
                .collect(),
        )
    }

    /// The values without one of them.
    pub fn forget(&mut self, variable: &str) {
        self.0.remove(variable);
    }

    /// The environment variables that have a value.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The value for one environment variable.
    pub fn get(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str)
    }
}

/// A file of `KEY=VALUE` lines, such as an environment file of systemd, by a way to read it; a missing one has none.
///
/// # Errors
/// When it cannot be read.
pub fn environment_file(
    path: &Path,
    read: impl Fn(&Path) -> io::Result<String>,
) -> Result<BTreeMap<String, String>, FileError> {
    let file = parse(path, &read)?;
    let lines = file.iter().flat_map(|file| file.general_section().iter());
    Ok(lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

/// `<home>/<service>/<service>.conf`, the INI file of a service.
pub fn conf_path(home: &Path, service: &str) -> PathBuf {
    home.join(service).join(format!("{service}.conf"))
}

/// Values may hold `%`, `\` and quotes (passwords, URLs): nothing is interpolated or unescaped.
fn options() -> ParseOption {
    ParseOption { enabled_quote: true, enabled_escape: false, ..ParseOption::default() }
}

fn parse(path: &Path, read: &impl Fn(&Path) -> io::Result<String>) -> Result<Option<Ini>, FileError> {
    let error = |reason: String| FileError { path: path.to_owned(), reason };
    let text = match read(path) {
        Ok(text) => text,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(unreadable) => return Err(error(unreadable.to_string())),
    };
    // Some editors begin with a mark of the encoding.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ini::load_from_str_opt(text, options()).map(Some).map_err(|wrong| error(wrong.to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::*;
    use crate::config::{CommonSettings, Secret, ServiceConfig, load_from};

    #[derive(Parser, Debug)]
    struct Settings {
        #[command(flatten)]
        common: CommonSettings,
        #[arg(long, env = "TEST_FILE_DATABASE_URL", hide_env_values = true)]
        database_url: Option<Secret>,
    }

    impl ServiceConfig for Settings {
        const SERVICE: &'static str = "codex";
        const FILE_KEYS: &'static [FileKey] =
            &[FileKey::new("database", "connection_string", "TEST_FILE_DATABASE_URL")];

        fn common_mut(&mut self) -> &mut CommonSettings {
            &mut self.common
        }
    }

    fn home_with(conf: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("codex")).unwrap();
        fs::write(home.path().join("codex/codex.conf"), conf).unwrap();
        home
    }

    #[test]
    fn a_file_value_replaces_the_default_and_a_flag_wins_over_it() {
        let home = home_with(
            "[database]\nconnection_string = postgresql://u:p%40ss@h/db\n[settings]\nlog_level = DEBUG\n",
        );
        let settings: Settings = load_from(["codex"], home.path()).unwrap();
        assert_eq!(settings.database_url.unwrap().expose(), "postgresql://u:p%40ss@h/db");
        assert_eq!(settings.common.log_level, "DEBUG");
        let settings: Settings = load_from(["codex", "--log-level", "ERROR"], home.path()).unwrap();
        assert_eq!(settings.common.log_level, "ERROR");
    }

    #[test]
    fn placeholders_count_as_not_set() {
        let home = home_with("[database]\nconnection_string = postgresql://u:CHANGE_ME@h/db\n");
        let settings: Settings = load_from(["codex"], home.path()).unwrap();
        assert!(settings.database_url.is_none());
    }

    #[test]
    fn without_files_the_defaults_hold_and_the_service_has_its_own_name() {
        let home = tempfile::tempdir().unwrap();
        let settings: Settings = load_from(["codex"], home.path()).unwrap();
        assert_eq!(settings.common.service_name, "codex");
        assert_eq!(settings.common.log_level, "INFO");
    }
}
