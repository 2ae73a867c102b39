//! Modes of the files that hold keys, passwords and settings.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::domain::{audit::checks::FileMode, private_files::content, update::UPDATE_FOLDER};

/// How deep files are looked for: `core/keys/jwt_private.pem`.
const DEEPEST: usize = 3;
/// Folders of the servers are theirs, and they refuse to start when others can read them. A build that waits is for everybody.
const FOREIGN: [&str; 4] = ["postgres", "redis", "neo4j", UPDATE_FOLDER];

/// Files and folders of the instance that are for their owner only.
pub(crate) fn modes(home: &Path, unread: &mut Vec<String>) -> Vec<FileMode> {
    let mut found = Vec::new();
    if let Ok(metadata) = fs::metadata(home) {
        let mode = metadata.permissions().mode() & 0o7777;
        found.push(FileMode { path: home.display().to_string(), mode, is_secret: false, is_folder: true });
    }
    walk(home, "", 1, &mut found, unread);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, below: &str, depth: usize, found: &mut Vec<FileMode>, unread: &mut Vec<String>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            unread.push(format!("{}: {error}", folder.display()));
            return;
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // A link's own mode says nothing, and what it leads to is somebody else's.
        let Ok(metadata) = entry.metadata() else { continue };
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_dir() && !FOREIGN.contains(&name.as_str()) {
            found.push(FileMode { path: path.clone(), mode, is_secret: false, is_folder: true });
            if depth < DEEPEST {
                walk(&entry.path(), &path, depth + 1, found, unread);
            }
        } else if metadata.is_file()
            && let Some(content) = content(&path)
        {
            let is_secret = content.is_secret();
            found.push(FileMode { path, mode, is_secret, is_folder: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_files_are_found_where_they_lie() {
        let home = tempfile::tempdir().unwrap();
        for (path, mode) in [
            ("settings.env", 0o640),
            ("services.json", 0o644),
            ("core/keys/jwt_private.pem", 0o600),
            ("core/keys/realm_public.pem", 0o644),
            ("codex/codex.conf", 0o604),
            ("helm/backup.identity", 0o644),
            ("helm/configs/master_secrets.json", 0o600),
            ("update/deploy/redis.conf", 0o644),
            ("postgres/data/server.key", 0o644),
        ] {
            let file = home.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "x").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut unread = Vec::new();
        let found = modes(home.path(), &mut unread);
        let files: Vec<_> = found
            .iter()
            .filter(|file| !file.is_folder)
            .map(|file| (file.path.as_str(), file.mode, file.is_secret))
            .collect();
        assert_eq!(
            files,
            [
                ("codex/codex.conf", 0o604, true),
                ("core/keys/jwt_private.pem", 0o600, true),
                ("helm/backup.identity", 0o644, true),
                ("helm/configs/master_secrets.json", 0o600, true),
                ("settings.env", 0o640, true)
            ]
        );
        assert!(unread.is_empty());
        assert!(modes(&home.path().join("gone"), &mut unread).is_empty() && unread.len() == 1);
    }
}
