//! `helm completion`: what a shell needs to complete these commands.

use anyhow::Result;
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use super::output::write_raw;
use crate::config::Settings;

/// Arguments of `helm completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: KnownShell,
}

/// Shells that are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KnownShell {
    /// `source <(helm completion bash)`
    Bash,
    /// `helm completion zsh > "${fpath[1]}/_helm"`
    Zsh,
    /// `helm completion fish > ~/.config/fish/completions/helm.fish`
    Fish,
}

pub(super) fn run(args: &CompletionArgs) -> Result<()> {
    write_raw(&script(args.shell));
    Ok(())
}

fn script(shell: KnownShell) -> Vec<u8> {
    let shell = match shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Zsh => Shell::Zsh,
        KnownShell::Fish => Shell::Fish,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Settings::command(), "helm", &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_the_commands() {
        for shell in [KnownShell::Bash, KnownShell::Zsh, KnownShell::Fish] {
            let text = String::from_utf8(script(shell)).unwrap();
            for word in ["update-config", "keycloak", "write-dotenv", "correlation"] {
                assert!(text.contains(word), "{shell:?} does not know {word}");
            }
        }
    }
}
