//! What a backup is made of (helm.md §10): names, parts, the manifest, and what is kept how long.

mod facts;
pub mod graph;
pub mod manifest;
pub mod parts;
pub mod retention;
pub mod version;

use chrono::{DateTime, NaiveDateTime, Utc};

/// How every archive of ours begins.
const PREFIX: &str = "hivematrix_backup_";
/// How it ends: a tar, encrypted by age.
const SUFFIX: &str = ".tar.age";
const STAMP: &str = "%Y%m%d_%H%M%S";

/// The name of the archive that is begun at `at` (UTC).
#[must_use]
pub fn archive_name(at: DateTime<Utc>) -> String {
    format!("{PREFIX}{}{SUFFIX}", at.format(STAMP))
}

/// When the archive of this name was begun; `None` for every other name.
#[must_use]
pub fn named_at(name: &str) -> Option<DateTime<Utc>> {
    let stamp = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    NaiveDateTime::parse_from_str(stamp, STAMP).ok().map(|time| time.and_utc())
}

/// A size for people: `512 B`, `3.4 MB`.
#[must_use]
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    // Tenths of the unit, in whole numbers.
    let mut tenths = bytes.saturating_mul(10);
    let mut unit = "B";
    for next in UNITS {
        if tenths < 10_000 {
            break;
        }
        tenths = tenths.saturating_add(500) / 1000;
        unit = next;
    }
    match unit {
        "B" => format!("{bytes} B"),
        unit => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        let table = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1550, "1.6 kB"),
            (12_345_678, "12.3 MB"),
            (7_000_000_000, "7.0 GB"),
        ];
        for (bytes, text) in table {
            assert_eq!(bytes_text(bytes), text);
        }
    }

    #[test]
    fn a_name_says_when_the_archive_was_begun() {
        let at: DateTime<Utc> = "2025-11-22T02:00:07Z".parse().unwrap();
        let name = archive_name(at);
        assert_eq!(name, "hivematrix_backup_20251122_020007.tar.age");
        assert_eq!(named_at(&name), Some(at));
        for other in ["hivematrix_backup_20251122_020007.zip", "hivematrix_backup_x.tar.age", "a.tar.age", ""]
        {
            assert_eq!(named_at(other), None, "{other}");
        }
    }
}
