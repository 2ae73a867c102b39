//! PostgreSQL's own programs, and how they are told where to connect: never in an argument that others could read.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::JoinHandle,
};

use anyhow::{Context, Result, bail};
use url::Url;

use crate::domain::backup::version::Version;

/// Where Debian and others keep the programs of each major version.
const DISTRIBUTION: &str = "/usr/lib/postgresql";
/// Places that are looked at after that, beside the path.
const USUAL: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/usr/local/pgsql/bin"];

/// The folder with `program` for a server of this major version: of the same version, else the next later one that is
/// installed. An older program does not understand a later server.
///
/// # Errors
/// When there is none.
pub fn folder_of(program: &str, major: i32) -> Result<PathBuf> {
    let mut found = installed(program);
    found.retain(|(version, _)| *version >= major);
    let best = found.into_iter().next().map(|(_, bin)| bin);
    best.with_context(|| {
        format!(
            "{program} of PostgreSQL {major} or later is not installed (package postgresql-client-{major})"
        )
    })
}

/// The folder with the newest `program`.
///
/// # Errors
/// When there is none.
pub fn newest_folder_of(program: &str) -> Result<PathBuf> {
    let best = installed(program).pop().map(|(_, bin)| bin);
    best.with_context(|| format!("{program} is not installed (package postgresql-client)"))
}

/// Every folder with `program`, by major version.
fn installed(program: &str) -> Vec<(i32, PathBuf)> {
    let mut found: Vec<(i32, PathBuf)> = std::fs::read_dir(DISTRIBUTION)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join(program).is_file())
        .collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = std::env::split_paths(&path).chain(USUAL.map(PathBuf::from));
    for bin in elsewhere.filter(|bin| bin.join(program).is_file()) {
        found.extend(version_of(&bin.join(program)).map(|version| (version.major, bin)));
    }
    found.sort();
    found
}

/// Of which release a program is; `None` when it does not say.
#[must_use]
pub fn version_of(program: &Path) -> Option<Version> {
    let output = Command::new(program).arg("--version").env_clear().stdin(Stdio::null()).output().ok()?;
    Version::said(&String::from_utf8(output.stdout).ok()?)
}

/// A program that connects to the database at `url`. Address and password stand in its environment, which only its owner
/// can read.
///
/// # Errors
/// When the address names no server.
pub fn connecting(program: &Path, url: &str) -> Result<Command> {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .env("PGCONNECT_TIMEOUT", "15")
        .envs(environment(url)?)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    Ok(command)
}

fn environment(url: &str) -> Result<Vec<(&'static str, String)>> {
    // The parse error would repeat the address with its password.
    let url: Url = url.parse().ok().context("a database address is not valid")?;
    let decoded = |text: &str| -> Result<String> {
        let pair = format!("x={}", text.replace('+', "%2B"));
        let decoded =
            url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
        decoded.context("a database address is not valid")
    };
    let mut variables = Vec::new();
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        let host = decoded(host)?;
        variables.push(("PGHOST", host.trim_start_matches('[').trim_end_matches(']').to_owned()));
    }
    if let Some(port) = url.port() {
        variables.push(("PGPORT", port.to_string()));
    }
    if !url.username().is_empty() {
        variables.push(("PGUSER", decoded(url.username())?));
    }
    if let Some(password) = url.password() {
        variables.push(("PGPASSWORD", decoded(password)?));
    }
    let database = decoded(url.path().trim_start_matches('/'))?;
    if database.is_empty() {
        bail!("a database address names no database");
    }
    variables.push(("PGDATABASE", database));
    for (name, value) in url.query_pairs() {
        let variable = match name.as_ref() {
            "host" => "PGHOST",
            "port" => "PGPORT",
            "sslmode" | "ssl-mode" => "PGSSLMODE",
            "sslrootcert" | "ssl-root-cert" => "PGSSLROOTCERT",
            "sslcert" | "ssl-cert" => "PGSSLCERT",
            "sslkey" | "ssl-key" => "PGSSLKEY",
            _ => continue,
        };
        variables.retain(|(known, _)| *known != variable);
        variables.push((variable, value.into_owned()));
    }
    Ok(variables)
}

/// Most of what a program has said at last that is kept: a database can make `pg_restore` say any number of things.
const KEPT: usize = 64 << 10;

/// Reads what a program says while something else is done with it, so that it never waits for a reader.
pub fn listen(mut stderr: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stderr.read(&mut buffer) {
            said.extend_from_slice(&buffer[..read]);
            said.drain(..said.len().saturating_sub(KEPT));
        }
        said
    })
}

/// What a program said when it failed, in one line.
#[must_use]
pub fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let told = lines.iter().find(|line| line.contains("error") || line.contains("ERROR")).or(lines.last());
    told.map_or_else(|| "no reason given".to_owned(), |line| (*line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_variables() {
        let table = [
            (
                "postgres://co%40dex:p%2Fw%25+x@10.0.0.1:5433/codex_db?sslmode=require",
                vec![
                    ("PGHOST", "10.0.0.1"),
                    ("PGPORT", "5433"),
                    ("PGUSER", "co@dex"),
                    ("PGPASSWORD", "p/w%+x"),
                    ("PGDATABASE", "codex_db"),
                    ("PGSSLMODE", "require"),
                ],
            ),
            (
                "postgres://u@localhost/d?host=/run/postgresql",
                vec![("PGUSER", "u"), ("PGDATABASE", "d"), ("PGHOST", "/run/postgresql")],
            ),
            ("postgres://u@[::1]/d", vec![("PGHOST", "::1"), ("PGUSER", "u"), ("PGDATABASE", "d")]),
        ];
        for (url, expected) in table {
            let expected: Vec<_> =
                expected.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
            assert_eq!(environment(url).unwrap(), expected, "{url}");
        }
        for wrong in ["postgres://u:secret@host", "nonsense secret"] {
            assert!(!environment(wrong).unwrap_err().to_string().contains("secret"));
        }
    }

    #[test]
    fn the_password_is_in_no_argument() {
        let command = connecting(Path::new("pg_dump"), "postgres://u:secret-word@h/d").unwrap();
        assert!(command.get_args().next().is_none());
        assert!(command.get_envs().any(|(name, value)| name == "PGPASSWORD" && value.is_some()));
    }

    #[test]
    fn of_what_a_program_said_the_error_is_told() {
        let said = b"pg_restore: while PROCESSING TOC:\npg_restore: error: could not execute query: ERROR:  no\nCommand was: X\n";
        assert_eq!(last_words(said), "pg_restore: error: could not execute query: ERROR:  no");
        assert_eq!(last_words(b"\nabc\n"), "abc");
        assert_eq!(last_words(b""), "no reason given");
    }

    #[test]
    fn of_a_program_that_says_much_the_end_is_kept() {
        let script = "i=0; while [ $i -lt 20000 ]; do echo notice $i; i=$((i+1)); done; echo ERROR: the end";
        let mut child = Command::new("/bin/sh")
            .args(["-c", &format!("{{ {script}; }} >&2")])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = listen(child.stderr.take().unwrap()).join().unwrap();
        child.wait().unwrap();
        assert_eq!(said.len(), KEPT);
        assert_eq!(last_words(&said), "ERROR: the end");
    }

    #[test]
    fn a_version_that_nobody_has_is_named() {
        let error = folder_of("pg_dump", 999).unwrap_err().to_string();
        assert!(error.contains("PostgreSQL 999 or later is not installed"), "{error}");
    }
}
