//! Changes the master configuration.

use std::io::Read;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

use super::{
    super::output::{Colour, answer, coloured, paint, say},
    SetArgs, UnsetArgs,
};
use crate::{
    control::{client::ask, protocol::Request},
    domain::master_config::{Fault, HIDDEN, parse_path, schema},
    instance::{
        Layout, installation,
        master_config::{self, Stored},
    },
};

pub(super) fn refused(faults: Vec<Fault>) -> anyhow::Error {
    anyhow!(faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; "))
}

pub(super) async fn set(layout: &Layout, args: &SetArgs) -> Result<()> {
    let path = parse_path(&args.key).map_err(refused)?;
    let (text, is_argument) = match args.value.strip_prefix('@') {
        _ if args.value == "-" => (from_input()?, false),
        Some(file) => (std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?, false),
        None => (args.value.clone(), true),
    };
    let value = parsed(text.trim_end_matches(['\r', '\n']));
    if is_argument && holds_secret(&path, &value) {
        bail!(
            "a secret must not stand in a command, where others can read it: give - and write it to standard input"
        );
    }
    let stored = master_config::change(layout, None, |document| document.set(&path, value))?;
    done(layout, &args.key, &stored, args.json).await
}

pub(super) async fn unset(layout: &Layout, args: &UnsetArgs) -> Result<()> {
    let path = parse_path(&args.key).map_err(refused)?;
    let mut was_there = false;
    let stored = master_config::change(layout, None, |document| {
        was_there = document.unset(&path);
        Ok(())
    })?;
    if !was_there {
        bail!("{} is not set", args.key);
    }
    done(layout, &args.key, &stored, args.json).await
}

/// Says what was done, and who has to be restarted to notice.
async fn done(layout: &Layout, key: &str, stored: &Stored, json: bool) -> Result<()> {
    let reply = ask(layout, &Request::Reload).await?;
    if let Some(reply) = reply.as_ref().filter(|reply| !reply.ok) {
        bail!("{key} is stored, but the settings cannot be used: {}", reply.message);
    }
    let restart: Vec<String> =
        reply.into_iter().flat_map(|reply| reply.outdated).map(|outdated| outdated.name).collect();
    if json {
        let text = json!({"key": key, "version": stored.version, "restart": restart});
        answer(&text)?;
        return Ok(());
    }
    say!("{} {key} is stored", paint("✓", Colour::Green, coloured()));
    if !restart.is_empty() {
        say!("  These run with other settings until they are restarted: {}", restart.join(", "));
        match installation::of(layout)? {
            Some(_) => say!("  `helm up`, as root, hands them on and restarts these."),
            None => say!("  `helm restart NAME` restarts one, `helm up` all of them."),
        }
    }
    Ok(())
}

fn from_input() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
    Ok(text)
}

/// JSON where it is an object, a list, a number or a flag; any other text as it is.
fn parsed(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(
            value @ (Value::Object(_)
            | Value::Array(_)
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)),
        ) => value,
        _ => Value::from(text),
    }
}

fn holds_secret(path: &[&str], value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(name, value)| {
            let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
            holds_secret(&path, value)
        }),
        _ => schema::is_secret(path) && value != HIDDEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_json_or_text() {
        for (text, value) in [
            ("DEBUG", json!("DEBUG")),
            ("5432", json!(5432)),
            ("true", json!(true)),
            ("{\"a\": 1}", json!({"a": 1})),
            ("\"5432\"", json!("5432")),
            ("null", json!("null")),
            ("two words", json!("two words")),
            ("", json!("")),
        ] {
            assert_eq!(parsed(text), value, "{text}");
        }
    }

    #[test]
    fn secrets_are_seen_at_any_depth() {
        for (path, value, expected) in [
            (&["keycloak", "client_secret"][..], json!("x"), true),
            (&["apps", "codex"], json!({"db_name": "x"}), false),
            (&["apps", "codex"], json!({"sections": {"psa": {"api_key": "x"}}}), true),
            (&["apps", "codex"], json!({"db_password": "***"}), false),
            (&["system", "log_level"], json!("INFO"), false),
        ] {
            assert_eq!(holds_secret(path, &value), expected, "{path:?} {value}");
        }
    }
}
