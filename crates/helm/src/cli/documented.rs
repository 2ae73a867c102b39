//! `docs/HELM_CLI.md` is checked against the definition of the command line.

use clap::{CommandFactory, Parser};

use crate::config::Settings;

const PAGE: &str = include_str!("../../../../docs/HELM_CLI.md");

/// Calls in code spans.
fn calls() -> Vec<&'static str> {
    PAGE.split('`').skip(1).step_by(2).filter(|span| *span == "helm" || span.starts_with("helm ")).collect()
}

fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
    let inner: Vec<_> = command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help" && !inner.is_hide_set())
        .collect();
    if inner.is_empty() {
        found.push(path.to_owned());
    }
    for command in inner {
        leaves(command, &format!("{path} {}", command.get_name()), found);
    }
}

#[test]
fn every_call_that_is_written_down_is_understood() {
    let calls = calls();
    assert!(calls.len() > 50, "the page is read: {}", calls.len());
    for call in calls.into_iter().filter(|call| *call != "helm") {
        let parsed = Settings::try_parse_from(call.split_whitespace());
        assert!(parsed.is_ok(), "{call}: {}", parsed.unwrap_err());
    }
}

#[test]
fn every_command_is_written_down() {
    let mut commands = Vec::new();
    leaves(&Settings::command(), "helm", &mut commands);
    let calls = calls();
    for command in commands {
        let is_there = calls.iter().any(|call| *call == command || call.starts_with(&format!("{command} ")));
        assert!(is_there, "docs/HELM_CLI.md has no call of `{command}`");
    }
}
