//! Packages, disk and limits.

use std::path::{Path, PathBuf};

use nix::sys::{
    resource::{Resource, getrlimit},
    statvfs::statvfs,
};

use super::Case;
use crate::{
    backup::programs,
    domain::doctor::{self, Finding},
    instance::{databases, packages::Package, postgres, redis},
};

/// Rules of packages, in every polkit that knows rules like ours (0.106 and later).
const POLKIT: &str = "/usr/share/polkit-1/rules.d";

pub(super) fn examine(case: &Case) -> Vec<Finding> {
    let mut findings = packages(case);
    let mut seen = Vec::new();
    let backups = case.installation.as_ref().map(|installation| installation.places.backups.clone());
    for folder in [Some(case.layout.home().to_owned()), backups].into_iter().flatten() {
        let Some(existing) = existing(&folder) else { continue };
        match statvfs(&existing) {
            Ok(disk) if !seen.contains(&disk.filesystem_id()) => {
                seen.push(disk.filesystem_id());
                let free = disk.blocks_available().saturating_mul(disk.fragment_size());
                // A file system without a fixed number of files says zero of zero.
                let files = (disk.files() > 0).then(|| disk.files_available());
                findings.push(doctor::disk(&folder.display().to_string(), free, files));
            }
            Ok(_) => {}
            Err(error) => findings.push(Finding::skipped("disk", format!("{}: {error}", folder.display()))),
        }
    }
    // Services raise their limit as far as they may.
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        findings.push(doctor::open_files(hard));
    }
    findings
}

/// The folder, or the nearest one above it that is there.
fn existing(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|folder| folder.exists()).map(Path::to_owned)
}

fn packages(case: &Case) -> Vec<Finding> {
    let mut findings = Vec::new();
    let private = databases::private_cluster_needed(&case.layout, &case.registry, &case.operator);
    match private {
        Ok(true) => findings.push(match postgres::programs_of(&case.layout) {
            Ok(folder) => Finding::ok("package", format!("PostgreSQL in {}", folder.display())),
            Err(error) => Finding::problem(
                "package",
                format!("{error:#}"),
                "the suite keeps its data in a PostgreSQL of its own",
                Package::POSTGRESQL.command(),
            ),
        }),
        Ok(false) => {}
        Err(error) => findings.push(Finding::problem(
            "database",
            format!("{error:#}"),
            "nobody can tell where a service keeps its data",
            "mend the file that is named",
        )),
    }
    if programs::newest_folder_of("pg_dump").is_err() {
        findings.push(Finding::warning(
            "package",
            "pg_dump is not installed",
            "no backup can be taken",
            Package { debian: "postgresql-client", fedora: "postgresql" }.command(),
        ));
    }
    if case.installation.is_some() && !Path::new(POLKIT).exists() {
        findings.push(Finding::warning(
            "package",
            "polkit is not installed",
            "the pages can neither start, stop nor restart a service, nor begin a backup",
            Package { debian: "polkitd", fedora: "polkit" }.command(),
        ));
    }
    let wants_redis = case.registry.iter().any(|(_, entry)| entry.needs_redis() && !entry.is_remote());
    if wants_redis && case.operator.redis().is_none() {
        findings.push(if redis::is_installed() {
            Finding::ok("package", "Redis is installed")
        } else {
            Finding::warning(
                "package",
                "Redis is not installed",
                "sessions are kept in memory: everybody is signed out when Core is restarted",
                Package::REDIS.command(),
            )
        });
    }
    let missing: Vec<&str> =
        case.registry.start_sequence().into_iter().filter(|name| *name != "helm").collect();
    if missing.is_empty() {
        findings.push(Finding::problem(
            "package",
            format!("no service lies beside helm in {}", case.programs.display()),
            "there is nothing to start",
            "build the suite (scripts/start.sh), or `helm update --from` a build",
        ));
    }
    findings
}
