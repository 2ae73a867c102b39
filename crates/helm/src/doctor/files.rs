//! Permissions and owners in the instance, locks and notes that were left behind.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, Uid, User, access};

use super::Case;
use crate::{
    domain::{
        doctor::{Finding, closed},
        systemd,
    },
    inspect::files::modes,
    instance::{Layout, files::FileLock, neo4j, postgres, redis},
    supervisor::record::Records,
    update::journal,
};

/// The step that lets the settings be read again.
pub(super) fn readable(layout: &Layout) -> String {
    format!("chmod 600 {}", layout.settings_file().display())
}

pub(super) fn examine(case: &Case) -> Vec<Finding> {
    let home = case.layout.home();
    if !home.exists() {
        return vec![Finding::skipped("permissions", format!("{} is not made yet", home.display()))];
    }
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(writable(home));
    findings.extend(instance(home));
    let servers = [postgres::FOLDER, redis::FOLDER, neo4j::FOLDER].map(|name| case.layout.folder(name));
    findings.extend(servers.iter().filter_map(|path| mode(path, 0o711)));
    findings.extend(outside(case).iter().filter_map(|path| mode(path, 0o600)));
    findings.extend(owners(case));
    if findings.is_empty() {
        findings.push(Finding::ok("permissions", format!("{} is closed to others", home.display())));
    }
    findings.extend(locks(case));
    findings
}

fn writable(home: &Path) -> Option<Finding> {
    access(home, AccessFlags::W_OK).err().map(|_| {
        Finding::problem(
            "permissions",
            format!("{} cannot be written by this account", home.display()),
            "the suite keeps everything it writes there",
            format!(
                "sudo chown -R \"$(id -un)\" {}, or run this as the account that started the suite",
                home.display()
            ),
        )
    })
}

fn mode(path: &Path, allowed: u32) -> Option<Finding> {
    closed(&path.display().to_string(), fs::metadata(path).ok()?.mode(), allowed)
}

/// Files for their owner only that lie elsewhere or are a server's.
fn outside(case: &Case) -> Vec<PathBuf> {
    let mut files = vec![
        case.layout.folder(redis::FOLDER).join("redis.conf"),
        case.layout.folder(neo4j::FOLDER).join("conf/neo4j.conf"),
        case.layout.folder(neo4j::FOLDER).join("data/dbms/auth.ini"),
    ];
    if let Some(installation) = &case.installation {
        files.extend(case.registry.names().map(|name| systemd::environment_path(&installation.places, name)));
    }
    files
}

/// Private files of the instance, and the folders that keep others away from all the rest. What this account may not look
/// into is not open to everybody.
fn instance(home: &Path) -> Vec<Finding> {
    let looked_at = modes(home, &mut Vec::new());
    let is_inner = |path: &str| Path::new(path).is_relative() && path.contains('/');
    let judged =
        looked_at.iter().filter(|file| !(file.is_folder && is_inner(&file.path))).filter_map(|file| {
            let allowed = if file.is_folder { 0o711 } else { 0o600 };
            closed(&home.join(&file.path).display().to_string(), file.mode, allowed)
        });
    judged.collect()
}

/// Files that the process which needs them cannot open.
fn owners(case: &Case) -> Vec<Finding> {
    let expected = |name: &str| -> Option<(u32, String)> {
        match &case.installation {
            Some(_) => {
                let account = systemd::account(name);
                let user = User::from_name(&account).ok()??;
                Some((user.uid.as_raw(), account))
            }
            None => Some((Uid::effective().as_raw(), "this account".to_owned())),
        }
    };
    let mut findings = Vec::new();
    for name in case.registry.names() {
        let folder = case.layout.folder(name);
        let Ok(metadata) = fs::metadata(&folder) else { continue };
        let Some((uid, account)) = expected(name) else {
            findings.push(Finding::problem(
                "permissions",
                format!("there is no account {}", systemd::account(name)),
                "systemd cannot start the service",
                "helm install --systemd",
            ));
            continue;
        };
        if metadata.uid() != uid {
            let fix = match &case.installation {
                Some(_) => "helm up (as root)".to_owned(),
                None => format!("sudo chown -R \"$(id -un)\" {}", folder.display()),
            };
            findings.push(Finding::problem(
                "permissions",
                format!("{} does not belong to {account}", folder.display()),
                format!("{name} can neither read its keys nor write"),
                fix,
            ));
        }
    }
    findings
}

fn locks(case: &Case) -> Vec<Finding> {
    let layout = &case.layout;
    let mut findings = Vec::new();
    if layout.update_lock().exists() && matches!(FileLock::try_take(&layout.update_lock()), Ok(None)) {
        findings.push(Finding::warning(
            "locks",
            "an update is running",
            "programs change places, and services are restarted",
            "wait for its end; it goes back by itself when the new programs are not well",
        ));
    } else if journal(&case.programs).exists() {
        findings.push(Finding::problem(
            "locks",
            "an update was broken off",
            "programs and tables may be of two versions",
            "helm update --resume",
        ));
    }
    // To try a lock that nobody has made would make it.
    let prepare = layout.prepare_lock();
    if prepare.exists() && matches!(FileLock::try_take(&prepare), Ok(None)) {
        findings.push(Finding::warning(
            "locks",
            "the instance is being prepared at this moment",
            "a `helm up` that hangs there keeps all others waiting",
            format!("fuser -v {}; kill it if it does not end", layout.prepare_lock().display()),
        ));
    }
    let records = fs::read_dir(layout.run()).into_iter().flatten().flatten();
    let names = records.filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()));
    let stale: Vec<String> = match Records::open(layout.run()) {
        Ok(records) if layout.run().exists() => names.filter(|name| records.living(name).is_none()).collect(),
        _ => Vec::new(),
    };
    if !stale.is_empty() {
        // Nothing to mend: the next start looks for the process and finds none.
        let message =
            format!("notes of processes that ended with the machine or were killed: {}", stale.join(", "));
        findings.push(Finding::ok("locks", message));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("locks", "nothing was left behind"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_and_secrets_that_others_can_read_are_found_wherever_they_lie() {
        let home = tempfile::tempdir().unwrap();
        for path in ["helm/backup.identity", "helm/configs/master_secrets.json", "helm/servers.json"] {
            let file = home.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "x").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        }
        for folder in ["", "helm", "helm/configs"] {
            fs::set_permissions(home.path().join(folder), fs::Permissions::from_mode(0o700)).unwrap();
        }
        let fixes: Vec<String> = instance(home.path()).into_iter().map(|finding| finding.fix).collect();
        let fix = |path: &str| format!("chmod 600 {}", home.path().join(path).display());
        assert_eq!(
            fixes,
            ["helm/backup.identity", "helm/configs/master_secrets.json", "helm/servers.json"].map(fix)
        );
    }
}
