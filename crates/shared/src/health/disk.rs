//! The disk check: room on the system's filesystem and on the one that holds the instance directory; the one with less
//! counts.

use std::path::{Path, PathBuf};

use sysinfo::{DiskRefreshKind, Disks};

use super::{CheckResult, check::rounded};

const GB: f64 = (1024_u64 * 1024 * 1024) as f64;
/// At this many free GB or fewer the check is degraded (platform.md §12). It is never unhealthy.
const LOW_GB: f64 = 10.0;

/// Reads the mount table and asks the filesystem, off the async threads: a network mount may hang.
pub(super) async fn check(home: PathBuf) -> CheckResult {
    let space = tokio::task::spawn_blocking(move || least_space(&home)).await;
    match space {
        Ok(Some((total, available))) => judge(total, available),
        _ => CheckResult::unknown("the filesystem of the instance directory is not known"),
    }
}

/// Total and available bytes of `/` or of the filesystem of `home`, whichever has fewer available.
pub fn least_space(home: &Path) -> Option<(u64, u64)> {
    tightest([Path::new("/"), home].into_iter().filter_map(space))
}

/// Of several filesystems, each as total and available bytes, the one with the fewest available.
fn tightest(filesystems: impl Iterator<Item = (u64, u64)>) -> Option<(u64, u64)> {
    filesystems.min_by_key(|(_, available)| *available)
}

/// Total and available bytes of the filesystem mounted nearest above `home`.
fn space(home: &Path) -> Option<(u64, u64)> {
    // Before the first file is written the directory may be missing; its parent is on the same filesystem.
    let home = home.ancestors().map(|part| if part.as_os_str().is_empty() { Path::new(".") } else { part });
    let home = home.filter_map(|part| part.canonicalize().ok()).next()?;
    let disks = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage()).ok()?;
    disks
        .iter()
        .filter(|disk| home.starts_with(disk.mount_point()))
        .max_by_key(|disk| disk.mount_point().components().count())
        .map(|disk| (disk.total_space(), disk.available_space()))
}

fn judge(total: u64, available: u64) -> CheckResult {
    let free_gb = available as f64 / GB;
    let used = total.saturating_sub(available) as f64;
    let usage = if total == 0 { 0.0 } else { used / total as f64 * 100.0 };
    let result = if free_gb <= LOW_GB { CheckResult::degraded() } else { CheckResult::healthy() };
    result
        .with("free_gb", rounded(free_gb))
        .with("usage_percent", rounded(usage))
        .with("total_gb", rounded(total as f64 / GB))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE_GB: u64 = 1024 * 1024 * 1024;

    #[test]
    fn ten_free_gb_or_fewer_are_degraded_and_percentages_decide_nothing() {
        for (total, available, status) in [
            (250 * ONE_GB, 120 * ONE_GB, "healthy"),
            (1000 * ONE_GB, 10 * ONE_GB + 1, "healthy"),
            (250 * ONE_GB, 10 * ONE_GB, "degraded"),
            (5 * ONE_GB, 5 * ONE_GB, "degraded"),
            (5 * ONE_GB, 0, "degraded"),
            (0, 0, "degraded"),
        ] {
            assert_eq!(judge(total, available).to_json()["status"], status, "{available} of {total}");
        }
    }

    #[test]
    fn numbers_have_two_decimals() {
        assert_eq!(
            judge(252 * ONE_GB, 75 * ONE_GB + ONE_GB / 3).to_json(),
            json!({"status": "healthy", "free_gb": 75.33, "usage_percent": 70.11, "total_gb": 252.0})
        );
    }

    #[test]
    fn the_filesystem_is_found_even_before_the_directory_exists() {
        let dir = tempfile::tempdir().unwrap();
        assert!(space(dir.path()).is_some_and(|(total, _)| total > 0));
        assert!(space(&dir.path().join("not/there/yet")).is_some_and(|(total, _)| total > 0));
        assert!(space(Path::new("instance")).is_some());
        assert!(least_space(dir.path()).is_some_and(|(total, _)| total > 0));
    }

    #[test]
    fn the_filesystem_with_less_room_counts_however_large_it_is() {
        assert_eq!(tightest([(250, 90), (1000, 40)].into_iter()), Some((1000, 40)));
        assert_eq!(tightest([(250, 30), (1000, 40)].into_iter()), Some((250, 30)));
        assert_eq!(tightest([].into_iter()), None);
    }
}
