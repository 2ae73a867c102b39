//! `helm man`: manual pages.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::output::{say, write_raw};
use crate::{config::Settings, instance::files};

/// Arguments of `helm man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write the page of every command into this folder instead, such as /usr/local/share/man/man1.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs) -> Result<()> {
    let pages = pages()?;
    let Some(folder) = &args.out else {
        if let Some((_, page)) = pages.first() {
            write_raw(page);
        }
        return Ok(());
    };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, page) in &pages {
        files::write_public(&folder.join(format!("{name}.1")), page)?;
    }
    say!("Wrote {} pages to {}; `man helm` shows the first.", pages.len(), folder.display());
    Ok(())
}

/// Name and text of each page: the program's own first, then its commands and theirs.
fn pages() -> Result<Vec<(String, Vec<u8>)>> {
    let mut root = Settings::command();
    root.build();
    let mut pages = Vec::new();
    add(&root, "helm".to_owned(), &mut pages)?;
    Ok(pages)
}

fn add(command: &clap::Command, name: String, pages: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    let mut text = Vec::new();
    Man::new(command.clone().name(name.clone())).render(&mut text).context("a manual page cannot be made")?;
    pages.push((name.clone(), text));
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help" && !inner.is_hide_set())
    {
        add(inner, format!("{name}-{}", inner.get_name()), pages)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let pages = pages().unwrap();
        assert_eq!(pages[0].0, "helm");
        for name in ["helm-logs", "helm-config-set", "helm-keycloak-configure"] {
            let page = pages.iter().find(|(known, _)| known == name);
            let text = String::from_utf8(page.unwrap().1.clone()).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{name}: {text}");
        }
    }
}
