//! `helm keys`: the keys that sign tokens (core.md §5). Core makes and keeps them; this only asks it to.

use anyhow::Result;
use chrono::{DateTime, Local, TimeDelta};
use clap::{Args, Subcommand};
use hivematrix_shared::{
    clock::Clock,
    contracts::core::{KeyState, KeysRotated, RotateKeys, SigningKey, SigningKeys},
};
use http::Method;

use super::{
    core::{self, Core},
    output::{answer, say},
};
use crate::instance::Layout;

/// What `helm keys` can do.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a new signing key. It is published first and signs after six minutes; the old one counts until its last token
    /// has expired. No request fails.
    Rotate(RotateArgs),
    /// The keys and their times.
    Status(KeysStatusArgs),
}

/// Arguments of `helm keys rotate`.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// For a stolen key: the new one signs at once, no other counts any more, and everybody has to sign in again.
    #[arg(long)]
    pub now: bool,
    /// As JSON: sessions_ended, and the keys as `helm keys status` has them.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm keys status`.
#[derive(Debug, Args)]
pub struct KeysStatusArgs {
    /// As JSON: kid, state, created_at, signs_from, retires_at (Unix seconds).
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn run(layout: &Layout, command: &KeysCommand) -> Result<()> {
    match command {
        KeysCommand::Rotate(args) => rotate(layout, args).await,
        KeysCommand::Status(args) => status(layout, args).await,
    }
}

async fn rotate(layout: &Layout, args: &RotateArgs) -> Result<()> {
    let request = Core::of(layout)?.request(Method::POST, "/api/internal/keys/rotate")?;
    let rotated: KeysRotated = core::answer(request.json(&RotateKeys { now: args.now })).await?;
    if args.json {
        answer(&rotated)?;
        return Ok(());
    }
    if args.now {
        say!("A new key signs from now on. No other key counts any more.");
        say!("{} ended: everybody has to sign in again.", sessions(rotated.sessions_ended));
    } else {
        say!("A new key was made. No request fails meanwhile; nothing else has to be done.");
    }
    print(&rotated.keys);
    Ok(())
}

async fn status(layout: &Layout, args: &KeysStatusArgs) -> Result<()> {
    let request = Core::of(layout)?.request(Method::GET, "/api/internal/keys")?;
    let status: SigningKeys = core::answer(request).await?;
    if args.json {
        answer(&status.keys)?;
    } else {
        print(&status.keys);
    }
    Ok(())
}

fn sessions(count: usize) -> String {
    if count == 1 { "1 session was".into() } else { format!("{count} sessions were") }
}

fn print(keys: &[SigningKey]) {
    let now = Clock::system().unix();
    for key in keys {
        say!("  {}", line(key, now, local));
    }
}

/// One key in words; `when` writes a time (Unix seconds) for people.
fn line(key: &SigningKey, now: i64, when: impl Fn(i64) -> String) -> String {
    let what = match key.state {
        KeyState::Signing if key.signs_from == 0 => "signs, since the beginning".to_owned(),
        KeyState::Signing => format!("signs, since {}", when(key.signs_from)),
        KeyState::Waiting => {
            format!("will sign from {}, in {}", when(key.signs_from), span(key.signs_from - now))
        }
        KeyState::Retiring => "does not sign any more".to_owned(),
    };
    match key.retires_at {
        Some(at) => {
            format!("{}  {what}; its tokens count until {}, for {}", key.kid, when(at), span(at - now))
        }
        None => format!("{}  {what}", key.kid),
    }
}

fn local(unix: i64) -> String {
    let time = DateTime::from_timestamp(unix, 0).unwrap_or_default().with_timezone(&Local);
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A length of time in its largest unit.
fn span(seconds: i64) -> String {
    let length = TimeDelta::seconds(seconds.max(0));
    match (length.num_hours(), length.num_minutes()) {
        (0, 0) => format!("{} s", length.num_seconds()),
        (0, minutes) => format!("{minutes} min"),
        (hours, _) => format!("{hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(state: KeyState, signs_from: i64, retires_at: Option<i64>) -> SigningKey {
        SigningKey { kid: "K".into(), state, created_at: 0, signs_from, retires_at }
    }

    #[test]
    fn every_state_of_a_key_is_said_in_words() {
        let when = |unix: i64| format!("@{unix}");
        for (key, words) in [
            (key(KeyState::Signing, 0, None), "K  signs, since the beginning"),
            (key(KeyState::Signing, 50, None), "K  signs, since @50"),
            (
                key(KeyState::Signing, 0, Some(90_100)),
                "K  signs, since the beginning; its tokens count until @90100, for 25 h",
            ),
            (key(KeyState::Waiting, 460, None), "K  will sign from @460, in 6 min"),
            (
                key(KeyState::Retiring, 0, Some(130)),
                "K  does not sign any more; its tokens count until @130, for 30 s",
            ),
        ] {
            assert_eq!(line(&key, 100, when), words);
        }
    }
}
