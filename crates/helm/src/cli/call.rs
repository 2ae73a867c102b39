//! `helm call`: one request to a route of the suite, for tests and scripts (the original suite's `create_test_token.py` and
//! `test_with_token.sh`).

use std::{io::Read, time::Duration};

use anyhow::{Context, Result};
use clap::Args;
use hivematrix_shared::config::Secret;
use http::Method;

use super::{
    Permission, Quit, auth,
    core::{self, Core},
    output::{say, write_raw},
    token,
};
use crate::{
    instance::Layout,
    supervisor::probe::{local_client, words},
};

const PATIENCE: Duration = Duration::from_secs(60);
/// Life of the token.
const TTL: u32 = 120;
/// Exit codes for what the service refuses and what it fails at.
const REFUSED: u8 = 4;
const FAILED: u8 = 5;

/// Arguments of `helm call`.
#[derive(Debug, Args)]
pub struct CallArgs {
    /// GET, POST, PUT, PATCH, DELETE …
    #[arg(value_parser = parse_method)]
    pub method: Method,
    /// Path with query, such as `/codex/api/companies?limit=1`.
    #[arg(value_parser = parse_path)]
    pub path: String,
    /// Level of the user whose token is sent.
    #[arg(long = "as", value_enum, default_value = "admin", value_name = "LEVEL")]
    pub level: Permission,
    /// Send the token that `helm auth` keeps instead of a new one.
    #[arg(long, conflicts_with = "level")]
    pub kept: bool,
    /// Body, as JSON: the text itself, `@FILE`, or `-` for standard input.
    #[arg(long, value_name = "JSON")]
    pub data: Option<String>,
    /// Ask this service itself instead of the gateway; the path begins without its name then.
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Also print the status line and the headers of the answer, to standard error.
    #[arg(long, short)]
    pub include: bool,
}

fn parse_method(given: &str) -> Result<Method, String> {
    Method::from_bytes(given.to_ascii_uppercase().as_bytes())
        .map_err(|_| "a method such as GET or POST".to_owned())
}

fn parse_path(given: &str) -> Result<String, String> {
    let good = given.starts_with('/') && !given.starts_with("//");
    if good {
        Ok(given.to_owned())
    } else {
        Err("a path that begins with /, such as /codex/api/companies".to_owned())
    }
}

/// Exit code 0 when the answer is a success or a redirect, 4 when the request was refused, 5 when the service failed, 1
/// when there was no answer.
pub(super) async fn run(layout: &Layout, args: &CallArgs) -> Result<()> {
    let body = args.data.as_deref().map(body).transpose()?;
    let base = core::base(layout, args.service.as_deref().unwrap_or("nexus"))?;
    let token = match args.kept {
        // Whoever has a token need not have the instance's secrets.
        true => auth::stored()?,
        false => Secret::new(token::of_user(&Core::of(layout)?, args.level, TTL).await?),
    };
    let mut request = local_client()?
        .request(args.method.clone(), format!("{base}{}", args.path))
        .bearer_auth(token.expose())
        .header("Accept", "application/json, */*;q=0.5")
        .timeout(PATIENCE);
    if let Some(body) = body {
        request = request.header("Content-Type", "application/json").body(body);
    }
    let answer = request.send().await.map_err(|error| anyhow::anyhow!("{}: {}", args.path, words(&error)))?;
    let status = answer.status();
    if args.include {
        eprintln!("{status}");
        for (name, value) in answer.headers() {
            eprintln!("{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
    }
    let bytes = answer.bytes().await.context("the answer was cut off")?;
    match std::str::from_utf8(&bytes) {
        Ok("") => {}
        Ok(text) => say!("{}", text.trim_end_matches('\n')),
        Err(_) => write_raw(&bytes),
    }
    match refusal_code(status.as_u16()) {
        None => Ok(()),
        Some(code) => {
            eprintln!("helm: {} answered {status}", args.path);
            Err(Quit(code).into())
        }
    }
}

/// The exit code that says a status; `None` for a success or a redirect.
pub(super) fn refusal_code(status: u16) -> Option<u8> {
    match status {
        0..400 => None,
        400..500 => Some(REFUSED),
        _ => Some(FAILED),
    }
}

fn body(given: &str) -> Result<Vec<u8>> {
    if given == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    match given.strip_prefix('@') {
        Some(file) => std::fs::read(file).with_context(|| format!("cannot read {file}")),
        None => Ok(given.as_bytes().to_vec()),
    }
}
