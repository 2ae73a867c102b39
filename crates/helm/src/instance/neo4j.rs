//! The suite's own Neo4j below `<home>/neo4j`: a community server of its LTS line, on loopback, with a password of its own. It
//! is there where `helm install neo4j` has put it, and runs as long as the suite is told no other one.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{
    Layout,
    account::{self, Account},
    files,
    packages::Package,
};
use crate::domain::master_config::Neo4j;

/// Folder below the instance directory.
pub const FOLDER: &str = "neo4j";
/// User that the server has from the beginning.
pub const USER: &str = "neo4j";
/// What Maven puts together; also for the tests.
pub const POM: &str = include_str!("../../../../deploy/neo4j/pom.xml");
/// The files that come of it, as `sha256sum` writes them.
pub const SUMS: &str = include_str!("../../../../deploy/neo4j/SHA256SUMS");

/// The versions of Java that this server is made for.
const JAVA: [u32; 2] = [17, 21];
/// Written last: the programs are whole.
const COMPLETE: &str = "complete";
/// How often the server hashes a password that lies in its file.
const ROUNDS: usize = 1024;

/// A server that is ready to be started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    /// The program `java`.
    pub program: PathBuf,
    /// Its arguments; no secrets.
    pub args: Vec<String>,
    /// Working directory, and home of the server.
    pub folder: PathBuf,
    /// Account it runs under, when Helm is root.
    pub account: Option<Account>,
    /// Where it listens.
    pub port: u16,
}

/// The version that this program installs.
#[must_use]
pub fn version() -> &'static str {
    let inside = POM.split_once("<version>").and_then(|(_, rest)| rest.split_once("</version>"));
    inside.map_or("", |(version, _)| version)
}

/// Where the programs of that version lie.
#[must_use]
pub fn programs(layout: &Layout) -> PathBuf {
    layout.folder(FOLDER).join(format!("programs-{}", version()))
}

/// Whether they do.
#[must_use]
pub fn is_installed(layout: &Layout) -> bool {
    programs(layout).join(COMPLETE).exists()
}

/// Notes that the programs in a folder are whole.
///
/// # Errors
/// When the note cannot be written.
pub fn complete(folder: &Path) -> Result<()> {
    files::write_private(&folder.join(COMPLETE), b"")
}

/// Address of the own server.
#[must_use]
pub fn own_uri(port: u16) -> String {
    format!("bolt://127.0.0.1:{port}")
}

/// Whether the Neo4j that is used is the own one.
#[must_use]
pub fn is_own(place: &Neo4j, port: u16) -> bool {
    place.uri.trim_end_matches('/') == own_uri(port)
}

/// Writes the configuration and says how to start the server.
///
/// # Errors
/// In words: it was never installed, there is no Java for it, or something cannot be written.
pub fn prepare(layout: &Layout, port: u16, password: &str) -> Result<Server> {
    if !is_installed(layout) {
        bail!(
            "databases.neo4j.uri names the suite's own Neo4j {}, which is not installed: `helm install neo4j`",
            version()
        );
    }
    let program =
        java().with_context(|| format!("Neo4j needs Java 17 or 21: {}", Package::JAVA.command()))?;
    let account = account::for_server(&["hivematrix-neo4j", "neo4j", "nobody"])?;
    let folder = account::server_folder(&layout.folder(FOLDER), account)?;
    for name in ["conf", "data", "data/dbms", "logs", "import", "plugins", "licenses", "run"] {
        let path = folder.join(name);
        files::private_dir(&path)?;
        give(&path, account)?;
    }
    let config = folder.join("conf/neo4j.conf");
    files::write_private(&config, settings(port).as_bytes())?;
    give(&config, account)?;
    if !folder.join("data/databases").exists() {
        // Before the first start: afterwards the server keeps it itself.
        let file = folder.join("data/dbms/auth.ini");
        files::write_private(&file, first_password(password).as_bytes())?;
        give(&file, account)?;
    }
    let programs = folder.join(format!("programs-{}", version()));
    Ok(Server { program, args: arguments(&folder, &programs), folder, account, port })
}

fn give(path: &Path, account: Option<Account>) -> Result<()> {
    match account {
        Some(account) => account::give(path, account),
        None => Ok(()),
    }
}

/// Loopback alone, no web server, nothing that reads files of the machine, nothing that reports to its maker.
fn settings(port: u16) -> String {
    format!(
        "# Written by `helm up`.\n\
         server.default_listen_address=127.0.0.1\n\
         server.bolt.listen_address=127.0.0.1:{port}\n\
         server.http.enabled=false\n\
         server.https.enabled=false\n\
         server.memory.pagecache.size=128m\n\
         db.tx_log.preallocate=false\n\
         dbms.security.allow_csv_import_from_file_urls=false\n\
         dbms.usage_report.enabled=false\n"
    )
}

/// How the server is started; also what its unit for systemd says.
#[must_use]
pub fn arguments(folder: &Path, programs: &Path) -> Vec<String> {
    let fixed = [
        "-Xms128m",
        "-Xmx512m",
        // It is started again.
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:+DisableExplicitGC",
        "-Dfile.encoding=UTF-8",
        "-Dlog4j2.disable.jmx=true",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
        "--add-opens=java.base/java.io=ALL-UNNAMED",
        "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
        "-cp",
    ];
    let mut arguments: Vec<String> = fixed.map(str::to_owned).into();
    arguments.extend([
        format!("{}/*", programs.display()),
        "org.neo4j.server.CommunityEntryPoint".to_owned(),
        format!("--home-dir={}", folder.display()),
        format!("--config-dir={}", folder.join("conf").display()),
        "--console-mode".to_owned(),
    ]);
    arguments
}

/// A Java that this server is made for.
#[must_use]
pub fn java() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).chain(["/usr/bin".into(), "/usr/local/bin".into()]);
    // Where several are installed, the usual one may be another.
    let installed = std::fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
    on_path
        .chain(installed.map(|entry| entry.path().join("bin")))
        .map(|folder| folder.join("java"))
        .find(|program| program.is_file() && major(program).is_some_and(|major| JAVA.contains(&major)))
}

fn major(java: &Path) -> Option<u32> {
    let output = Command::new(java).arg("-version").env_clear().output().ok()?;
    // It speaks on the other stream.
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, rest) = said.split_once("version \"")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The line by which a server learns its first password: only a salted hash of it lies on the disk.
fn first_password(password: &str) -> String {
    let mut salt = [0_u8; 32];
    rand::rng().fill_bytes(&mut salt);
    password_line(password, &salt)
}

fn password_line(password: &str, salt: &[u8]) -> String {
    let mut hash = digest(&SHA256, &[salt, password.as_bytes()].concat());
    for _ in 1..ROUNDS {
        hash = digest(&SHA256, hash.as_ref());
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("{USER}:SHA-256,{},{},{ROUNDS}:\n", hex(hash.as_ref()), hex(salt))
}

/// A password that nobody guesses: 256 random bits in hex.
#[must_use]
pub fn new_password() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn the_first_password_is_hashed_as_the_server_does_it() {
        // What Neo4j's own `neo4j-admin dbms set-initial-password` has written.
        let salt: Vec<u8> = (0..32)
            .map(|i| {
                let text = "a3749fa0c14acd1009e4caaf388f68848c6e77d9f9c99aa96941cbe9bffc7393";
                u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()
            })
            .collect();
        assert_eq!(
            password_line("test-neo4j-password", &salt),
            "neo4j:SHA-256,58fefac697eab1f26616ecc6b2541ae50f481e8f865fd88e9dd6b44e5625bee7,\
             a3749fa0c14acd1009e4caaf388f68848c6e77d9f9c99aa96941cbe9bffc7393,1024:\n"
        );
    }

    #[test]
    fn every_program_has_a_checksum() {
        assert!(version().starts_with("5.26."), "{}", version());
        let names: Vec<&str> = SUMS.lines().filter_map(|line| Some(line.split_once("  ")?.1)).collect();
        for name in [format!("neo4j-{}.jar", version()), format!("neo4j-server-{}.jar", version())] {
            assert!(names.contains(&name.as_str()), "{name}");
        }
        assert!(names.iter().all(|name| name.ends_with(".jar") && !name.contains('/')));
    }

    #[test]
    fn the_password_stands_in_no_file_and_no_argument_and_the_files_are_closed() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().to_owned());
        let refused = prepare(&layout, 7697, "secret-word").unwrap_err().to_string();
        assert!(refused.contains("helm install neo4j"), "{refused}");
        fs::create_dir_all(programs(&layout)).unwrap();
        complete(&programs(&layout)).unwrap();
        let server = prepare(&layout, 7697, "secret-word").unwrap();
        assert!(server.args.iter().all(|argument| !argument.contains("secret-word")));
        for name in ["conf/neo4j.conf", "data/dbms/auth.ini"] {
            let path = server.folder.join(name);
            assert!(!fs::read_to_string(&path).unwrap().contains("secret-word"));
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
        let settings = fs::read_to_string(server.folder.join("conf/neo4j.conf")).unwrap();
        assert!(settings.contains("server.bolt.listen_address=127.0.0.1:7697\n"), "{settings}");
    }
}
