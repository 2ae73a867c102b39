//! Tells Helm where the tree is kept, by Helm's own command beside this program: what Helm knows it hands to the service at its next
//! start, and a mixed suite's files are written anew. Whatever goes wrong here is a warning: the service reads its own file too.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use super::graph::Graph;
use crate::cli::say;

/// Neo4j: as the suite's graph, and as the kind of store of this service.
pub(super) fn graph(graph: &Graph) {
    tell(&[
        ("databases.neo4j.uri", &graph.uri),
        ("databases.neo4j.user", &graph.user),
        ("databases.neo4j.password", graph.password.expose()),
        ("apps.knowledgetree.database", "neo4j"),
        ("apps.knowledgetree.sections.services.codex_url", &graph.codex_url),
    ]);
}

/// PostgreSQL, whose address is Helm's own affair.
pub(super) fn database() {
    tell(&[("apps.knowledgetree.database", "postgresql")]);
}

fn tell(values: &[(&str, &str)]) {
    let beside = std::env::current_exe().ok();
    let helm = beside.as_deref().and_then(Path::parent).map(|folder| folder.join("helm"));
    let Some(helm) = helm.filter(|helm| helm.is_file()) else {
        say("Helm is not beside this program, and was not told");
        return;
    };
    for (key, value) in values {
        if let Err(reason) = set(&helm, key, value) {
            say(&format!("Warning: Helm was not told {key}: {reason}"));
            return;
        }
    }
    say("Helm knows it; `helm restart knowledgetree` hands it on");
}

/// By standard input: everybody on the machine can read arguments.
fn set(helm: &Path, key: &str, value: &str) -> Result<(), String> {
    let mut child = Command::new(helm)
        .args(["config", "set", key, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(value.as_bytes()).map_err(|error| error.to_string())?;
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().next().unwrap_or("it failed").to_owned())
}
