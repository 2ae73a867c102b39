//! Neo4j as the store.

use std::{
    io::{BufRead, IsTerminal as _, stdin},
    path::Path,
};

use anyhow::{Context as _, ensure};
use hivematrix_shared::config::{
    ConfWriter, Secret, ServiceConfig as _, conf_path, home_from_environment, ini_text,
};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

use super::{InitDbArgs, mirror};
use crate::{
    cli::say,
    config::Settings,
    store::{KnowledgeStore as _, neo4j::Neo4jStore},
};

/// Where nobody says anything.
const USUAL_URI: &str = "bolt://localhost:7687";
const USUAL_CODEX: &str = "http://localhost:5010";

/// A server of Neo4j, and Codex.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    pub uri: String,
    pub user: String,
    pub password: Secret,
    pub codex_url: String,
}

pub(super) async fn run(args: &InitDbArgs, settings: &Settings) -> anyhow::Result<()> {
    let graph = if args.headless {
        let password = args.neo4j_password.clone().context("--neo4j-password is required with --headless")?;
        let graph = suggested(args, settings, password);
        warn_of(&graph).await;
        graph
    } else if args.non_interactive {
        let known = settings.neo4j.neo4j_password.clone().filter(|password| !password.is_empty());
        let password = args.neo4j_password.clone().or(known);
        let graph = suggested(args, settings, password.context("no password of Neo4j is configured")?);
        warn_of(&graph).await;
        graph
    } else {
        ensure!(stdin().is_terminal(), "there is nobody to ask: give --headless or --non-interactive");
        asked(args, settings).await?
    };
    write(&conf_path(&home_from_environment(), Settings::SERVICE), &graph)?;
    mirror::graph(&graph);
    Ok(())
}

/// What arguments say, else what is configured, else what is usual.
fn suggested(args: &InitDbArgs, settings: &Settings, password: Secret) -> Graph {
    let known = &settings.neo4j;
    let uri = args.neo4j_uri.clone().or_else(|| known.neo4j_uri.clone()).filter(|uri| !uri.is_empty());
    let codex = args.codex_url.clone().or_else(|| settings.codex_url.clone());
    Graph {
        uri: uri.unwrap_or_else(|| USUAL_URI.to_owned()),
        user: args.neo4j_user.clone().unwrap_or_else(|| known.neo4j_user.clone()),
        password,
        codex_url: codex.unwrap_or_else(|| USUAL_CODEX.to_owned()),
    }
}

async fn tried(graph: &Graph) -> anyhow::Result<()> {
    let store = Neo4jStore::new(&graph.uri, &graph.user, &graph.password)?;
    Ok(store.ping().await?)
}

async fn warn_of(graph: &Graph) {
    match tried(graph).await {
        Ok(()) => say("Neo4j answers"),
        Err(error) => say(&format!("Warning: Neo4j does not answer now: {error:#}")),
    }
}

/// Asks until Neo4j answers, or nobody answers any more. What was typed is the suggestion of the next round.
async fn asked(args: &InitDbArgs, settings: &Settings) -> anyhow::Result<Graph> {
    let known = args.neo4j_password.clone().or_else(|| settings.neo4j.neo4j_password.clone());
    let mut graph = suggested(args, settings, known.unwrap_or_else(|| Secret::new("")));
    loop {
        graph.uri = ask("Address of Neo4j", &graph.uri, &mut stdin().lock())?;
        graph.user = ask("User", &graph.user, &mut stdin().lock())?;
        let shown = masked(&graph.password);
        let typed = hidden(|| ask("Password", &shown, &mut stdin().lock()))?;
        if typed != shown {
            graph.password = Secret::new(typed);
        }
        graph.codex_url = ask("Address of Codex", &graph.codex_url, &mut stdin().lock())?;
        if graph.password.is_empty() {
            say("A password is needed. Once more, or Ctrl+C:");
            continue;
        }
        match tried(&graph).await {
            Ok(()) => {
                say("Neo4j answers");
                return Ok(graph);
            }
            Err(error) => say(&format!("{error:#}. Once more, or Ctrl+C:")),
        }
    }
}

/// Asks; an empty line keeps what is suggested.
fn ask(what: &str, usual: &str, input: &mut dyn BufRead) -> anyhow::Result<String> {
    say(&format!("{what} [{usual}]:"));
    let mut line = String::new();
    ensure!(input.read_line(&mut line)? > 0, "the input has ended");
    let typed = line.trim();
    Ok(if typed.is_empty() { usual.to_owned() } else { typed.to_owned() })
}

/// Asks without showing what is typed.
fn hidden<T>(ask: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let terminal = stdin();
    let shown = tcgetattr(&terminal).context("cannot read the terminal's settings")?;
    let mut hidden = shown.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&terminal, SetArg::TCSAFLUSH, &hidden).context("cannot hide the password")?;
    let answer = ask();
    tcsetattr(&terminal, SetArg::TCSAFLUSH, &shown).context("cannot show typing again")?;
    answer
}

/// The last four letters of a password that has many more.
fn masked(password: &Secret) -> String {
    let letters: Vec<char> = password.expose().chars().collect();
    match letters.len() {
        0 => String::new(),
        1..12 => "****".to_owned(),
        length => format!("****{}", letters[length - 4..].iter().collect::<String>()),
    }
}

/// Writes it under the names that the original writes.
fn write(path: &Path, graph: &Graph) -> anyhow::Result<()> {
    let writer = ConfWriter::begin(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut text = writer.text()?;
    for (section, key, value) in [
        ("database", "neo4j_uri", graph.uri.as_str()),
        ("database", "neo4j_user", &graph.user),
        ("database", "neo4j_password", graph.password.expose()),
        ("services", "codex_url", &graph.codex_url),
    ] {
        let value = ini_text::written(value).with_context(|| format!("{key} cannot stand in a file"))?;
        text = ini_text::edit(&text, ini_text::Edit { section, key, value: Some(&value) });
    }
    writer.replace(&text).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("It is written to {}", path.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_password_at_most_its_end_is_shown() {
        for (password, shown) in
            [("", ""), ("short", "****"), ("elevenlong1", "****"), ("twelve-long1", "****ong1")]
        {
            assert_eq!(masked(&Secret::new(password)), shown, "{password}");
        }
    }

    #[test]
    fn what_is_typed_counts_and_an_empty_line_keeps_what_is_suggested() {
        assert_eq!(ask("User", "neo4j", &mut "\n".as_bytes()).unwrap(), "neo4j");
        assert_eq!(ask("User", "neo4j", &mut " tree \n".as_bytes()).unwrap(), "tree");
        assert!(ask("User", "neo4j", &mut "".as_bytes()).is_err(), "nobody is there any more");
    }

    #[test]
    fn the_file_gets_what_is_needed_and_keeps_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("knowledgetree.conf");
        std::fs::write(&path, "[sync]\nticket_seconds = 60\n[database]\nneo4j_uri = old\n").unwrap();
        let graph = Graph {
            uri: "bolt://graph:7687".to_owned(),
            user: "tree".to_owned(),
            password: Secret::new("s3cret # ; %"),
            codex_url: "http://codex:5010".to_owned(),
        };
        write(&path, &graph).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for line in ["ticket_seconds = 60", "neo4j_uri = bolt://graph:7687", "codex_url = http://codex:5010"]
        {
            assert!(text.lines().any(|have| have == line), "{line} is not in {text}");
        }
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
