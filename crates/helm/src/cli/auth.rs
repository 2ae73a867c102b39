//! `helm auth` (the original suite's `auth_cli.py`): a token that is kept for some calls, in a file of the caller's own.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, IsTerminal, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use hivematrix_shared::config::Secret;
use nix::{
    libc::O_NOFOLLOW,
    unistd::{Uid, User},
};
use serde_json::json;

use super::{
    Permission, Quit,
    call::refusal_code,
    core::{self, Core},
    output::{self, harmless, say},
    prompt::{first_line, hidden},
    token,
};
use crate::{
    instance::{Layout, files},
    supervisor::probe::{local_client, words},
};

/// Name of the file in the home folder.
const FILE: &str = ".hivematrix_token";
/// How much of an answer `helm auth test` shows.
const SHOWN: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(30);

/// What `helm auth` can do.
#[derive(Debug, Subcommand)]
pub enum AuthCommand {
    /// Take a token from Core and keep it in ~/.hivematrix_token, readable by its owner alone.
    Login(LoginArgs),
    /// Keep a token that you have: it is asked for, or comes by standard input.
    SetToken(SetTokenArgs),
    /// Call a URL, or a path of the gateway, with the kept token: status, size, and the beginning of the answer.
    Test(TestArgs),
}

/// Arguments of `helm auth login`.
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// Is not needed: Core gives the token to whoever has the instance.
    user: Option<String>,
    /// Never here: everybody on the machine could read it.
    #[arg(hide = true)]
    password: Option<String>,
    /// Level of the user.
    #[arg(long, value_enum, default_value = "admin")]
    permission: Permission,
    /// Life of the token in seconds.
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    ttl: u32,
}

/// Arguments of `helm auth set-token`.
#[derive(Debug, Args)]
pub struct SetTokenArgs {
    /// `-`, or nothing: never the token itself, which everybody on the machine could read.
    #[arg(value_name = "-")]
    source: Option<String>,
}

/// Arguments of `helm auth test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// On this machine, such as `/codex/api/companies`.
    url: String,
    /// As JSON: status, size, body.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(layout: &Layout, command: AuthCommand) -> Result<()> {
    match command {
        AuthCommand::Login(args) => {
            refuse_password(&args)?;
            let token = token::of_user(&Core::of(layout)?, args.permission, args.ttl).await?;
            keep(&Secret::new(token))
        }
        AuthCommand::SetToken(args) => set(args.source.as_deref()),
        AuthCommand::Test(args) => test(layout, &args).await,
    }
}

fn refuse_password(args: &LoginArgs) -> Result<()> {
    if args.password.is_some() {
        bail!(
            "a password is no argument, which everybody on the machine could read, and none is needed: `helm auth login` \
             alone takes a token. Change the password that stood here"
        );
    }
    Ok(())
}

fn set(source: Option<&str>) -> Result<()> {
    if source.is_some_and(|source| source != "-") {
        bail!("a token is no argument, which everybody on the machine could read: give it by standard input");
    }
    let line = match source {
        None if std::io::stdin().is_terminal() => hidden("Token")?,
        _ => first_line()?,
    };
    match line.trim() {
        "" => bail!("the token is missing"),
        token if !token.bytes().all(|b| b.is_ascii_graphic()) => bail!("that is no token"),
        token => keep(&Secret::new(token)),
    }
}

async fn test(layout: &Layout, args: &TestArgs) -> Result<()> {
    let token = stored()?;
    // Whoever has a token need not have the instance's secrets.
    let url = token::address(&args.url, || core::base(layout, "nexus"))?;
    let request = local_client()?.get(url).bearer_auth(token.expose()).timeout(PATIENCE);
    let answer = request.send().await.map_err(|error| anyhow::anyhow!("{}: {}", args.url, words(&error)))?;
    let status = answer.status();
    let bytes = answer.bytes().await.context("the answer was cut off")?;
    let text = String::from_utf8_lossy(&bytes);
    let beginning: String = text.chars().take(SHOWN).collect();
    if args.json {
        let facts = json!({ "status": status.as_u16(), "size": bytes.len(), "body": beginning });
        output::answer(&facts)?;
    } else {
        say!("Status: {status}");
        say!("Size:   {} bytes", bytes.len());
        say!("\n{}", harmless(&beginning));
    }
    match refusal_code(status.as_u16()) {
        None => Ok(()),
        Some(code) => {
            eprintln!(
                "helm: {} answered {status}; tokens end, and `helm auth login` takes a new one",
                args.url
            );
            Err(Quit(code).into())
        }
    }
}

/// The kept token.
///
/// # Errors
/// When there is none, or others could read or have written it.
pub(super) fn stored() -> Result<Secret> {
    read(&place()?)
}

fn read(path: &Path) -> Result<Secret> {
    let mut file = match OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("no token is kept in {}; `helm auth login` takes one", path.display())
        }
        file => file.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let metadata = file.metadata()?;
    if metadata.uid() != Uid::effective().as_raw() || metadata.mode() & 0o077 != 0 {
        bail!("{} must be yours and closed to others: chmod 600 it", path.display());
    }
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
    match text.trim() {
        "" => bail!("{} holds no token", path.display()),
        token => Ok(Secret::new(token)),
    }
}

fn keep(token: &Secret) -> Result<()> {
    let path = place()?;
    files::write_private(&path, format!("{}\n", token.expose()).as_bytes())?;
    say!("The token is kept in {}.", path.display());
    Ok(())
}

fn place() -> Result<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let of_account = || User::from_uid(Uid::effective()).ok().flatten().map(|user| user.dir);
    Ok(home.or_else(of_account).context("this account has no home folder")?.join(FILE))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn only_a_token_of_ones_own_that_nobody_else_reads_is_used() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE);
        assert!(read(&path).unwrap_err().to_string().contains("helm auth login"));
        files::write_private(&path, b"a.b.c\n").unwrap();
        assert_eq!(read(&path).unwrap().expose(), "a.b.c");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("chmod 600"));
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read(&link).is_err());
    }

    #[test]
    fn a_password_on_the_command_line_is_refused_and_a_name_is_not() {
        let args = |user: Option<&str>, password: Option<&str>| LoginArgs {
            user: user.map(str::to_owned),
            password: password.map(str::to_owned),
            permission: Permission::Admin,
            ttl: 60,
        };
        assert!(refuse_password(&args(Some("admin"), None)).is_ok());
        let refused = refuse_password(&args(Some("admin"), Some("hunter2"))).unwrap_err().to_string();
        assert!(refused.contains("no argument") && !refused.contains("hunter2"), "{refused}");
    }

    #[test]
    fn a_token_on_the_command_line_is_refused() {
        assert!(set(Some("a.b.c")).unwrap_err().to_string().contains("standard input"));
    }
}
