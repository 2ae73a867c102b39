//! Typed settings: flag over environment over file over default, every key listed by `--help`.
//!
//! A service declares one `clap` struct whose arguments carry their environment variable, default and meaning. Before it
//! is parsed, the values of the service's files become the arguments' defaults, so the environment still wins over them
//! and `--help` shows what would be used.

mod common;
mod database;
mod file;
pub mod ini_text;
mod secret;
mod version;
mod writer;

use std::path::PathBuf;

use clap::{CommandFactory, Parser, parser::ValueSource};

pub use self::{
    common::CommonSettings,
    database::DatabaseSettings,
    file::{FileError, FileKey, FileValues, conf_path, environment_file},
    secret::Secret,
    version::UNKNOWN as UNKNOWN_VERSION,
    writer::ConfWriter,
};

/// The settings of one service.
pub trait ServiceConfig: Parser {
    /// Registry name, such as `codex`.
    const SERVICE: &'static str;
    /// Keys of the service's INI file that set arguments (§3.4 of platform.md), beside those named after the variable.
    const FILE_KEYS: &'static [FileKey] = &[];

    /// The settings every service has.
    fn common_mut(&mut self) -> &mut CommonSettings;
}

/// Reads the settings of this process; prints help or the error and exits when asked to or when a value is wrong.
pub fn load<C: ServiceConfig>() -> C {
    load_from(std::env::args_os(), &home_from_environment()).unwrap_or_else(|error| error.exit())
}

/// Reads settings from given arguments and the files below `home`; the environment is read as well.
pub fn load_from<C, I, T>(args: I, home: &std::path::Path) -> Result<C, clap::Error>
where
    C: ServiceConfig,
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString> + Clone,
{
    let mut command = <C as CommandFactory>::command();
    let values = FileValues::read(home, C::SERVICE, C::FILE_KEYS)
        .map_err(|error| command.error(clap::error::ErrorKind::Io, error))?;
    command = values.as_defaults(command);
    let matches = command.try_get_matches_from(args)?;
    let mut settings = C::from_arg_matches(&matches)?;
    let common = settings.common_mut();
    common.log_level_is_chosen = matches!(
        matches.value_source("log_level"),
        Some(ValueSource::CommandLine | ValueSource::EnvVariable)
    );
    if common.service_name.is_empty() {
        common.service_name = C::SERVICE.to_owned();
    }
    Ok(settings)
}

/// The instance directory as the environment says, before any argument is parsed (files lie in it).
pub fn home_from_environment() -> PathBuf {
    std::env::var_os("HIVEMATRIX_HOME").map_or_else(|| PathBuf::from("instance"), PathBuf::from)
}

/// Reads `true`, `1`, `yes`, `on` and their opposites in any case, as upstream's environment files write them.
pub fn parse_bool(value: &str) -> Result<bool, String> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" | "" => Ok(false),
        _ => Err(format!("`{value}` is neither true nor false")),
    }
}
