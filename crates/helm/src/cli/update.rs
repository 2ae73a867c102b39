//! `helm update`.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use nix::unistd::Uid;
use serde::Serialize;

use super::output::{answer, keep_for_answer, say};
use crate::{
    domain::update::{Comparison, OFFER, UPDATE_FOLDER, compare},
    instance::{
        Layout,
        build::{Build, previous},
        files, installation,
    },
    update::{Outcome, Source, ThisMachine, Trusted, Updater},
};

/// Arguments of `helm update`.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// The other build: a folder, or an archive of one (.tar, .tar.gz, .tgz, .zip). Default `update` in the instance
    /// directory; where systemd runs the suite it must be named, and be root's or yours alone.
    #[arg(long, value_name = "DIR|ARCHIVE")]
    pub from: Option<PathBuf>,
    /// Only say whether another build lies there, and how it compares to this one.
    #[arg(long, conflicts_with_all = ["dry_run", "resume"])]
    pub check: bool,
    /// As JSON: outcome (`updated`, `discarded`, `rolled_back`, `nothing`), version, previous, reason. With --check or
    /// --dry-run: installed, offered, comparison (`same`, `newer`, `older`, `other`).
    #[arg(long)]
    pub json: bool,
    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// Finish or undo an update that was broken off.
    #[arg(long, conflicts_with_all = ["from", "dry_run"])]
    pub resume: bool,
}

/// What `--json` prints after an update.
#[derive(Debug, Serialize)]
struct Ended {
    outcome: &'static str,
    /// Of the programs in place.
    version: Option<String>,
    /// Where those before them are kept.
    previous: Option<PathBuf>,
    /// Why the new ones were not well.
    reason: Option<String>,
}

/// What `--check --json` prints.
#[derive(Debug, Serialize)]
struct Offer {
    installed: Option<String>,
    offered: Option<String>,
    comparison: Comparison,
}

pub(super) async fn run(layout: &Layout, args: &UpdateArgs) -> Result<()> {
    if args.json {
        keep_for_answer();
    }
    let programs = installation::programs()?;
    let by_systemd = installation::of(layout)?.is_some();
    if args.check || args.dry_run {
        let offer = offer(layout, &source(layout, args, by_systemd)?, &programs)?;
        return match (args.check, args.json) {
            (_, true) => Ok(answer(&offer)?),
            (true, false) => {
                check(&offer);
                Ok(())
            }
            (false, false) => {
                plan(&offer, &programs);
                Ok(())
            }
        };
    }
    if by_systemd && !Uid::effective().is_root() {
        bail!("systemd runs this suite: only root can update it");
    }
    let machine = ThisMachine { layout: layout.clone(), programs: programs.clone(), by_systemd };
    let updater = Updater::new(layout, &programs, &machine)?;
    let outcome = if args.resume {
        updater.resume().await?
    } else {
        Some(updater.run(&source(layout, args, by_systemd)?).await?)
    };
    if args.json {
        let is_kept = matches!(outcome, Some(Outcome::Updated));
        answer(&Ended {
            outcome: match &outcome {
                Some(Outcome::Updated) => "updated",
                Some(Outcome::Discarded) => "discarded",
                Some(Outcome::RolledBack(_)) => "rolled_back",
                None => "nothing",
            },
            version: Build::of(&programs)?.version(),
            previous: is_kept.then(|| previous(&programs)),
            reason: match &outcome {
                Some(Outcome::RolledBack(reason)) => Some(reason.clone()),
                _ => None,
            },
        })?;
    }
    match outcome {
        None => say!("No update was broken off."),
        Some(Outcome::Updated) => {
            say!("Updated. The programs before this are kept in {}.previous.", programs.display());
        }
        Some(Outcome::Discarded) => {
            say!("The broken-off update had changed nothing; what it left is removed.");
        }
        Some(Outcome::RolledBack(reason)) => {
            bail!(
                "the new programs were not well ({reason}); the old ones are in place again and everything is ready"
            )
        }
    }
    Ok(())
}

/// The instance directory of an installed suite is Helm's, which must not become root by what it puts there.
fn source(layout: &Layout, args: &UpdateArgs, by_systemd: bool) -> Result<Source> {
    match &args.from {
        None if by_systemd => bail!("systemd runs this suite: name the build with --from"),
        None => Source::at(&layout.home().join(UPDATE_FOLDER)),
        Some(from) if by_systemd && Uid::effective().is_root() => Source::at(from)?.trusted(&Trusted::here()),
        Some(from) => Source::at(from),
    }
}

/// Looks at the other build in a folder of its own, whatever it is packed in.
fn offer(layout: &Layout, source: &Source, programs: &Path) -> Result<Offer> {
    let installed = Build::of(programs)?;
    files::private_dir(&layout.folder("helm"))?;
    let look = layout.folder("helm").join(format!("{OFFER}{}", std::process::id()));
    // Made here: what lies there already may be a link to elsewhere.
    DirBuilder::new()
        .mode(0o700)
        .create(&look)
        .with_context(|| format!("cannot create the folder {}", look.display()))?;
    let offered = source.put_into(&look).and_then(|()| {
        let build = Build::of(&look)?;
        Ok((build.version(), build.fingerprint()?))
    });
    std::fs::remove_dir_all(&look)?;
    let (offered, fingerprint) = offered?;
    let same = fingerprint == installed.fingerprint()?;
    let comparison = compare(same, installed.version().as_deref(), offered.as_deref());
    Ok(Offer { installed: installed.version(), offered, comparison })
}

/// Whether another build than the one in place lies where `helm update` looks by itself, and is not an older one.
pub(super) fn lies_there(layout: &Layout, programs: &Path) -> Result<bool> {
    let place = layout.home().join(UPDATE_FOLDER);
    if !place.exists() {
        return Ok(false);
    }
    let offer = offer(layout, &Source::at(&place)?, programs)?;
    Ok(matches!(offer.comparison, Comparison::Newer | Comparison::Other))
}

fn check(offer: &Offer) {
    let version =
        |version: &Option<String>| version.clone().unwrap_or_else(|| "of unknown version".to_owned());
    match offer.comparison {
        Comparison::Same => say!("The build that lies there is the one that is in place."),
        Comparison::Newer => {
            say!("A newer build lies there: {}, here {}.", version(&offer.offered), version(&offer.installed))
        }
        Comparison::Older => say!(
            "An older build lies there: {}, here {}.",
            version(&offer.offered),
            version(&offer.installed)
        ),
        Comparison::Other => {
            say!("Another build lies there: {}, here {}.", version(&offer.offered), version(&offer.installed))
        }
    }
}

fn plan(offer: &Offer, programs: &Path) {
    check(offer);
    if offer.comparison == Comparison::Same {
        say!("Nothing would be done.");
        return;
    }
    let programs = programs.display();
    say!("Would be done, in this order:");
    say!("  the new programs are put into {programs}.new, and looked at the machine and the databases");
    say!("  helm backup; without one nothing is changed");
    say!("  {programs} and {programs}.new change places in one step");
    say!("  helm up: migrations, restarts in start order, until everything is ready");
    say!("  if that fails within 5 minutes, the folders change back, and helm up again");
}
