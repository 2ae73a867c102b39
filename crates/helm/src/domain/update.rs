//! Where an update stands, and what is to be done about one that was broken off.

use serde::{Deserialize, Serialize};

/// Folder below the instance directory in which a build waits for an update.
pub const UPDATE_FOLDER: &str = "update";
/// Beginning of the folders below `helm` in which a build is looked at.
pub const OFFER: &str = "offer.";

/// How far an update had come. Each is written before what it names is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The new programs lie beside the old ones; a backup is taken.
    Staged,
    /// The two folders change places.
    Swapping,
    /// The new programs have to show that they are well.
    Judging,
    /// They are not, and the folders change back.
    Returning,
}

/// What is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// Nothing has happened to the suite: the staged programs are thrown away.
    Discard,
    /// The new programs are in place: bring them up and see.
    Judge,
    /// The new programs are in place and no good: change back.
    Return,
    /// The old programs are back in place: bring them up.
    BringUp,
}

/// What to do about an update that ended at `stage`. Which programs lie in the place says what no note can: whether the
/// folders had changed places.
#[must_use]
pub fn resume(stage: Stage, new_in_place: bool) -> Resume {
    match (stage, new_in_place) {
        (Stage::Staged, _) | (Stage::Swapping, false) => Resume::Discard,
        (Stage::Swapping | Stage::Judging, true) => Resume::Judge,
        (Stage::Returning, true) => Resume::Return,
        (Stage::Judging | Stage::Returning, false) => Resume::BringUp,
    }
}

/// How another build stands to the one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The same programs, byte for byte.
    Same,
    /// Of a later day.
    Newer,
    /// Of an earlier day.
    Older,
    /// Of the same day, or nobody knows of which.
    Other,
}

/// Compares two builds by their versions, `YYYY.MM.DD-<commit>`.
#[must_use]
pub fn compare(same: bool, installed: Option<&str>, offered: Option<&str>) -> Comparison {
    if same {
        return Comparison::Same;
    }
    match (installed.and_then(day), offered.and_then(day)) {
        (Some(installed), Some(offered)) if offered > installed => Comparison::Newer,
        (Some(installed), Some(offered)) if offered < installed => Comparison::Older,
        _ => Comparison::Other,
    }
}

fn day(version: &str) -> Option<chrono::NaiveDate> {
    chrono::NaiveDate::parse_from_str(version.split('-').next()?, "%Y.%m.%d").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_that_was_killed_is_finished_or_undone() {
        for (stage, new_in_place, left) in [
            (Stage::Staged, false, Resume::Discard),
            (Stage::Swapping, false, Resume::Discard),
            (Stage::Swapping, true, Resume::Judge),
            (Stage::Judging, true, Resume::Judge),
            (Stage::Returning, true, Resume::Return),
            (Stage::Returning, false, Resume::BringUp),
            (Stage::Judging, false, Resume::BringUp),
        ] {
            assert_eq!(resume(stage, new_in_place), left, "{stage:?} {new_in_place}");
        }
    }

    #[test]
    fn the_day_of_a_version_says_what_is_newer() {
        for (installed, offered, comparison) in [
            (Some("2025.11.22-abc"), Some("2025.12.01-abd"), Comparison::Newer),
            (Some("2025.11.22-abc"), Some("2025.11.21-abd"), Comparison::Older),
            (Some("2025.11.22-abc"), Some("2025.11.22-abd"), Comparison::Other),
            (Some("unknown"), Some("2025.11.22-abd"), Comparison::Other),
            (None, None, Comparison::Other),
        ] {
            assert_eq!(compare(false, installed, offered), comparison);
        }
        assert_eq!(compare(true, None, None), Comparison::Same);
    }
}
