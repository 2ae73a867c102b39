//! systemd units of the suite, and what the kernel offers.

use std::{collections::BTreeMap, fs, path::Path};

use crate::domain::audit::checks::{Unit, missing_hardening};

/// Where systemd looks, the first one wins.
const FOLDERS: [&str; 4] =
    ["etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"];

/// The service units of the suite below `root`, each with its drop-ins.
pub(super) fn installed(root: &Path) -> Vec<Unit> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_ours = name.starts_with("hivematrix") && name.ends_with(".service");
            if is_ours && let Ok(text) = fs::read_to_string(entry.path()) {
                texts.entry(name).or_insert(text);
            }
        }
    }
    // Drop-ins come after the unit, whichever folder they are in.
    for (name, text) in &mut texts {
        for folder in FOLDERS.iter().rev() {
            let more = root.join(folder).join(format!("{name}.d"));
            let mut files: Vec<_> =
                fs::read_dir(more).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            files.sort();
            for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "conf")) {
                text.push('\n');
                text.push_str(&fs::read_to_string(file).unwrap_or_default());
            }
        }
    }
    texts.into_iter().map(|(name, text)| Unit { missing: missing_hardening(&text), name }).collect()
}

/// Whether the kernel offers Landlock; `None` where it does not say.
pub(super) fn landlock() -> Option<bool> {
    let modules = fs::read_to_string("/sys/kernel/security/lsm").ok()?;
    Some(modules.trim().split(',').any(|module| module == "landlock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_in_counts_after_its_unit() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        let unit = "[Service]\nUser=hivematrix\nNoNewPrivileges=yes\nPrivateTmp=yes\nProtectSystem=strict\nProtectHome=yes\nCapabilityBoundingSet=\n";
        write("usr/lib/systemd/system/hivematrix-core.service", unit);
        write("usr/lib/systemd/system/other.service", "");
        assert_eq!(
            installed(root.path()),
            [Unit { name: "hivematrix-core.service".into(), missing: vec![] }]
        );
        write("etc/systemd/system/hivematrix-core.service.d/override.conf", "[Service]\nPrivateTmp=no\n");
        assert_eq!(installed(root.path())[0].missing, ["PrivateTmp"]);
    }
}
