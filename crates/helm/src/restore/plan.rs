//! What a restore would do.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::domain::backup::{
    manifest::{Manifest, Part, State},
    parts::Kind,
};

/// Which parts of an archive are wanted; none named = all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection(Vec<Kind>);

impl Selection {
    /// The kinds of the flags that were given.
    #[must_use]
    pub fn of(flags: &[(bool, &[Kind])]) -> Self {
        Self(flags.iter().filter(|(given, _)| *given).flat_map(|(_, kinds)| kinds.iter().copied()).collect())
    }

    /// Whether a part of this kind is wanted.
    #[must_use]
    pub fn wants(&self, kind: Kind) -> bool {
        self.0.is_empty() || self.0.contains(&kind)
    }

    /// Whether everything is wanted.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }
}

/// What becomes of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name.
    pub part: String,
    /// What is done, or why nothing is.
    pub action: String,
    /// Whether it is restored.
    pub restored: bool,
}

/// What becomes of each part that is wanted.
///
/// # Errors
/// When nothing that is wanted is in the archive, or a part that should be there is missing and `force` does not say that
/// the rest is enough.
pub fn plan<'a>(
    manifest: &Manifest,
    selection: &Selection,
    force: bool,
    folder_of: impl Fn(&str) -> Option<&'a Path>,
) -> Result<Vec<Step>> {
    let wanted: Vec<&Part> = manifest.parts.iter().filter(|part| selection.wants(part.kind)).collect();
    let missing: Vec<&str> =
        wanted.iter().filter(|part| part.state == State::Missing).map(|part| part.name.as_str()).collect();
    if !missing.is_empty() && !force {
        bail!("the archive is incomplete, it lacks {}; --force restores the rest", missing.join(", "));
    }
    let steps: Vec<Step> = wanted.iter().map(|part| step(part, &folder_of)).collect();
    if !steps.iter().any(|step| step.restored) {
        let reasons: Vec<String> = wanted
            .iter()
            .zip(&steps)
            .map(|(part, step)| {
                format!("{}: {}", part.name, part.reason.as_deref().unwrap_or(step.action.as_str()))
            })
            .collect();
        bail!("the archive holds nothing of that ({})", reasons.join("; "));
    }
    Ok(steps)
}

fn step<'a>(part: &Part, folder_of: &impl Fn(&str) -> Option<&'a Path>) -> Step {
    if let (Some(service), State::Saved) = (part.foreign_service(), part.state) {
        let (action, restored) = match folder_of(service) {
            Some(folder) => (format!("write {} files into {}", part.files.len(), folder.display()), true),
            None => (
                format!(
                    "left out: no {service} of the original suite lies beside this one; once it does, --files-only \
                     brings its files"
                ),
                false,
            ),
        };
        return Step { part: part.name.clone(), action, restored };
    }
    let action = match (&part.database, part.state) {
        (Some(facts), State::Saved) => {
            let rows: i64 = facts.tables.iter().map(|table| table.rows).sum();
            format!("replace the database of {} ({} tables, {rows} rows)", facts.service, facts.tables.len())
        }
        (None, State::Saved) => format!("replace {} files", part.files.len()),
        (_, state) => format!("{}: {}", state.as_str(), part.reason.as_deref().unwrap_or("no reason given")),
    };
    Step { part: part.name.clone(), action, restored: part.state == State::Saved }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::backup::manifest::{FORMAT, Header};

    fn manifest(parts: Vec<Part>) -> Manifest {
        let created_at = "2025-11-22T02:00:00Z".parse().unwrap();
        let header = Header { format: FORMAT, suite: "1.0.0".into(), created_at };
        Manifest { header, finished_at: created_at, parts }
    }

    fn part(kind: Kind, state: State) -> Part {
        Part::absent(kind.as_str(), kind, state, "why")
    }

    fn nowhere(_: &str) -> Option<&'static Path> {
        None
    }

    #[test]
    fn files_of_a_foreign_service_go_to_its_folder_or_are_named() {
        let mut theirs = Part::absent("foreign/ledger", Kind::Foreign, State::Saved, "");
        theirs.reason = None;
        let manifest = manifest(vec![part(Kind::Keys, State::Saved), theirs]);
        let beside = |name: &str| (name == "ledger").then_some(Path::new("/srv/hivematrix-ledger"));
        let told = plan(&manifest, &Selection::default(), false, beside).unwrap();
        assert_eq!(
            (told[1].action.as_str(), told[1].restored),
            ("write 0 files into /srv/hivematrix-ledger", true)
        );
        let told = plan(&manifest, &Selection::default(), false, nowhere).unwrap();
        assert!(!told[1].restored && told[1].action.starts_with("left out: no ledger"), "{told:?}");
        let only = Selection::of(&[(true, &[Kind::Foreign])]);
        let refused = plan(&manifest, &only, false, nowhere).unwrap_err().to_string();
        assert!(refused.contains("foreign/ledger: left out"), "{refused}");
    }

    #[test]
    fn exactly_what_is_chosen_is_restored() {
        let manifest = manifest(vec![
            part(Kind::Keys, State::Saved),
            part(Kind::Files, State::Saved),
            part(Kind::Redis, State::LeftOut),
        ]);
        let only = |kind| Selection::of(&[(true, std::slice::from_ref(kind)), (false, &[Kind::Files])]);
        let steps = plan(&manifest, &only(&Kind::Keys), false, nowhere).unwrap();
        assert_eq!(steps.iter().map(|step| step.part.as_str()).collect::<Vec<_>>(), ["keys"]);
        assert_eq!(plan(&manifest, &Selection::default(), false, nowhere).unwrap().len(), 3);
        let error = plan(&manifest, &only(&Kind::Redis), false, nowhere).unwrap_err().to_string();
        assert_eq!(error, "the archive holds nothing of that (redis: why)");
    }

    #[test]
    fn a_missing_part_needs_force() {
        let manifest = manifest(vec![part(Kind::Keys, State::Saved), part(Kind::Postgresql, State::Missing)]);
        let error = plan(&manifest, &Selection::default(), false, nowhere).unwrap_err().to_string();
        assert!(error.contains("lacks postgresql"), "{error}");
        assert_eq!(plan(&manifest, &Selection::default(), true, nowhere).unwrap().len(), 2);
    }
}
