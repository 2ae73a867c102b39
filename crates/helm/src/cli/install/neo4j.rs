//! `helm install neo4j`: a Neo4j of the suite's own, below the instance directory. Its programs come by Maven, as everybody's
//! do who builds on them; each must have the checksum that this program knows.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use aws_lc_rs::digest::{self, SHA256};
use serde_json::Value;

use super::super::{
    Quit,
    output::{answer, keep_for_answer, say},
};
use crate::{
    domain::{
        master_config::{Fault, MasterConfig},
        neo4j_in_use::neo4j_in_use,
        ports,
    },
    instance::{Layout, account, files, master_config, neo4j, operator, options::Given, packages::Package},
    suite::Basis,
};

/// Of the plug-in of Maven that puts the files into a folder.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
const URI: [&str; 3] = ["databases", "neo4j", "uri"];
const NAME: [&str; 3] = ["databases", "neo4j", "user"];
const PASSWORD: [&str; 3] = ["databases", "neo4j", "password"];

/// What is asked for.
pub(super) struct Order {
    /// A folder with the programs, where the machine cannot fetch them.
    pub(super) from: Option<PathBuf>,
    /// As JSON.
    pub(super) json: bool,
}

pub(super) fn run(layout: &Layout, order: &Order) -> Result<()> {
    if order.json {
        keep_for_answer();
    }
    match install(layout, order.from.as_deref()) {
        Ok(changed) => {
            let message = match changed {
                true => {
                    "Neo4j is installed; `helm up` starts it, and KnowledgeTree keeps its tree there from then on"
                }
                false => "Neo4j is installed already",
            };
            if order.json {
                answer(&serde_json::json!({
                    "module": "neo4j", "success": true, "message": message, "version": neo4j::version()
                }))?;
            } else {
                say!("{message}.");
            }
            Ok(())
        }
        Err(error) if order.json => {
            answer(
                &serde_json::json!({"module": "neo4j", "success": false, "message": format!("{error:#}")}),
            )?;
            Err(Quit(1).into())
        }
        Err(error) => Err(error),
    }
}

/// Whether something was other than before.
fn install(layout: &Layout, from: Option<&Path>) -> Result<bool> {
    let given = Given::from_environment()?;
    let told = operator::of_next_up(layout)?;
    if let Some(other) = told.get("NEO4J_URI") {
        bail!("NEO4J_URI names a Neo4j already ({other}): take it out of settings.env or the shell first");
    }
    let basis = Basis::of(layout, &given, &told)?;
    let port = ports::shifted(ports::NEO4J, basis.options.port_offset)?;
    let used = neo4j_in_use(&basis.config, &told);
    if let Some(other) = used.as_ref().filter(|place| !neo4j::is_own(place, port)) {
        bail!(
            "databases.neo4j.uri names another Neo4j ({}): `helm config unset databases.neo4j.uri` first",
            other.uri
        );
    }
    drop(basis);
    need_java()?;
    let fetched = !neo4j::is_installed(layout);
    if fetched {
        put(layout, from)?;
    }
    let is_known = used.is_some_and(|place| place.password.is_some());
    if !is_known {
        remember(layout, port)?;
    }
    Ok(fetched || !is_known)
}

fn need_java() -> Result<()> {
    if neo4j::java().is_none() {
        Package::JAVA.install("Java")?;
        if neo4j::java().is_none() {
            bail!(
                "Neo4j needs Java 17 or 21, and this machine's package is another one: install one of them"
            );
        }
    }
    Ok(())
}

/// Address and password, where the suite looks for them. The password lies in the file of secrets alone.
fn remember(layout: &Layout, port: u16) -> Result<()> {
    if layout.folder(neo4j::FOLDER).join("data/databases").exists() {
        bail!(
            "there is a graph in {} whose password nobody knows: put it into databases.neo4j.password (`helm config set … -`), with \
             databases.neo4j.uri {}",
            layout.folder(neo4j::FOLDER).display(),
            neo4j::own_uri(port)
        );
    }
    let password = neo4j::new_password();
    master_config::change(layout, None, |document| {
        document.set(&URI, Value::from(neo4j::own_uri(port)))?;
        document.set(&NAME, Value::from(neo4j::USER))?;
        document.set(&PASSWORD, Value::from(password))
    })?;
    Ok(())
}

/// Forgets the own server and takes its programs away. The data stays.
pub(super) fn remove(layout: &Layout) -> Result<()> {
    let programs = neo4j::programs(layout);
    let config = MasterConfig::from(master_config::read(layout)?.document);
    let own = |uri: &str| uri.starts_with("bolt://127.0.0.1:");
    if config.neo4j().is_some_and(|place| own(&place.uri)) {
        master_config::change(layout, None, |document| -> Result<(), Vec<Fault>> {
            // The password stays: it opens the data.
            document.unset(&URI);
            Ok(())
        })?;
    }
    if programs.exists() {
        fs::remove_dir_all(&programs).with_context(|| format!("cannot remove {}", programs.display()))?;
    }
    say!(
        "Neo4j's programs are gone and its address is forgotten; `helm up` runs the suite without it. The graph stays in {}.",
        layout.folder(neo4j::FOLDER).join("data").display()
    );
    Ok(())
}

/// Puts the programs in place, whole or not at all.
fn put(layout: &Layout, from: Option<&Path>) -> Result<()> {
    let account = account::for_server(&["hivematrix-neo4j", "neo4j", "nobody"])?;
    let folder = account::server_folder(&layout.folder(neo4j::FOLDER), account)?;
    let work = folder.join(format!("fetch.new.{}", std::process::id()));
    let outcome = fetch(&work, from).and_then(|programs| {
        check(&programs)?;
        neo4j::complete(&programs)?;
        if let Some(account) = account {
            // The server reads them; root has made them.
            for entry in fs::read_dir(&programs)?.flatten() {
                account::give(&entry.path(), account)?;
            }
            account::give(&programs, account)?;
        }
        let place = folder.join(format!("programs-{}", neo4j::version()));
        let _ = fs::remove_dir_all(&place);
        fs::rename(&programs, &place).with_context(|| format!("cannot create {}", place.display()))
    });
    let _ = fs::remove_dir_all(&work);
    outcome
}

/// A folder with the programs below `work`.
fn fetch(work: &Path, from: Option<&Path>) -> Result<PathBuf> {
    files::private_dir(work)?;
    let programs = work.join("programs");
    if let Some(from) = from {
        files::private_dir(&programs)?;
        for name in sums().keys() {
            let file = from.join(name);
            fs::copy(&file, programs.join(name))
                .with_context(|| format!("cannot copy {}", file.display()))?;
        }
        return Ok(programs);
    }
    if !has_maven() {
        Package::MAVEN.install("Maven")?;
    }
    say!("Fetching Neo4j {} by Maven, about 125 MB", neo4j::version());
    files::write_private(&work.join("pom.xml"), neo4j::POM.as_bytes())?;
    let output = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(work.join("pom.xml"))
        .args([COPY, "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", programs.display()))
        .stdin(Stdio::null())
        .output()
        .context("cannot run mvn")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let error =
            said.lines().find(|line| line.contains("[ERROR]")).unwrap_or("it does not say why").trim();
        bail!("Maven cannot fetch Neo4j: {error}; --from FOLDER takes its files from a machine that can");
    }
    Ok(programs)
}

fn has_maven() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("mvn").is_file())
}

/// What must be there, by name.
fn sums() -> BTreeMap<&'static str, &'static str> {
    neo4j::SUMS.lines().filter_map(|line| line.split_once("  ")).map(|(sum, name)| (name, sum)).collect()
}

/// Each file as it is known, and none besides: all of them are run.
fn check(programs: &Path) -> Result<()> {
    let sums = sums();
    let mut found = 0;
    for entry in fs::read_dir(programs).context("Maven has brought nothing")? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(expected) = sums.get(name.as_str()) else {
            bail!("{name} is no program of Neo4j {}", neo4j::version())
        };
        let content = fs::read(entry.path()).with_context(|| format!("cannot read {name}"))?;
        let sum: String =
            digest::digest(&SHA256, &content).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        if sum != **expected {
            bail!("{name} is another file than the one that this suite knows, and is not used");
        }
        found += 1;
    }
    if found != sums.len() {
        bail!("{found} of {} programs of Neo4j are there", sums.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_that_are_known_are_put_in_place() {
        let home = tempfile::tempdir().unwrap();
        let from = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().join("instance"));
        files::private_dir(layout.home()).unwrap();
        let missing = format!("{:#}", put(&layout, Some(from.path())).unwrap_err());
        assert!(missing.contains("cannot copy"), "{missing}");
        for name in sums().keys() {
            fs::write(from.path().join(name), "another").unwrap();
        }
        let other = put(&layout, Some(from.path())).unwrap_err().to_string();
        assert!(other.contains("is another file"), "{other}");
        assert!(!neo4j::is_installed(&layout));
        let left: Vec<_> = fs::read_dir(layout.folder(neo4j::FOLDER)).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn the_password_lies_in_the_file_of_secrets_alone() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().join("instance"));
        remember(&layout, 7697).unwrap();
        let config = MasterConfig::from(master_config::read(&layout).unwrap().document);
        let place = config.neo4j().unwrap();
        assert!(neo4j::is_own(&place, 7697));
        let password = place.password.unwrap();
        assert_eq!(password.len(), 64);
        assert!(!fs::read_to_string(layout.master_config()).unwrap().contains(&password));
        assert!(fs::read_to_string(layout.master_secrets()).unwrap().contains(&password));
    }
}
