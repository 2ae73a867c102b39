//! What a restore would do.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::domain::backup::{
    manifest::{Manifest, Part, State},
    parts::Kind,
};

/// Which parts of an archive are wanted; no kind named = all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    kinds: Vec<Kind>,
    without: Vec<String>,
}

impl Selection {
    /// The kinds of the flags that were given.
    #[must_use]
    pub fn of(flags: &[(bool, &[Kind])]) -> Self {
        let kinds = flags.iter().filter(|(given, _)| *given).flat_map(|(_, kinds)| kinds.iter().copied());
        Self { kinds: kinds.collect(), without: Vec::new() }
    }

    /// The same without these parts: `files/codex`, or `files` for all of them.
    #[must_use]
    pub fn without(self, parts: Vec<String>) -> Self {
        Self { without: parts, ..self }
    }

    /// Whether parts of this kind are wanted.
    #[must_use]
    pub fn wants(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    /// Whether this part is wanted.
    #[must_use]
    pub fn takes(&self, kind: Kind, part: &str) -> bool {
        self.wants(kind) && !self.without.iter().any(|name| is_of(part, name))
    }

    /// Makes sure that what is left out is there: a name with a mistake would be restored.
    ///
    /// # Errors
    /// When none of these parts has such a name.
    pub fn check<'a>(&self, parts: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
        match self.without.iter().find(|name| !parts.clone().any(|part| is_of(part, name))) {
            Some(name) => bail!("the archive has no part {name} to leave out; --list shows its parts"),
            None => Ok(()),
        }
    }
}

fn is_of(part: &str, name: &str) -> bool {
    part.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
    selection.check(manifest.parts.iter().map(|part| part.name.as_str()))?;
    let wanted: Vec<&Part> =
        manifest.parts.iter().filter(|part| selection.takes(part.kind, &part.name)).collect();
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
    if let (Some(graph), State::Saved) = (&part.graph, part.state) {
        let action =
            format!("replace the graph ({} nodes, {} relationships)", graph.nodes, graph.relationships);
        return Step { part: part.name.clone(), action, restored: true };
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
        let mut theirs = Part::absent("foreign/brainhair", Kind::Foreign, State::Saved, "");
        theirs.reason = None;
        let manifest = manifest(vec![part(Kind::Keys, State::Saved), theirs]);
        let beside = |name: &str| (name == "brainhair").then_some(Path::new("/srv/hivematrix-brainhair"));
        let told = plan(&manifest, &Selection::default(), false, beside).unwrap();
        assert_eq!(
            (told[1].action.as_str(), told[1].restored),
            ("write 0 files into /srv/hivematrix-brainhair", true)
        );
        let told = plan(&manifest, &Selection::default(), false, nowhere).unwrap();
        assert!(!told[1].restored && told[1].action.starts_with("left out: no brainhair"), "{told:?}");
        let only = Selection::of(&[(true, &[Kind::Foreign])]);
        let refused = plan(&manifest, &only, false, nowhere).unwrap_err().to_string();
        assert!(refused.contains("foreign/brainhair: left out"), "{refused}");
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
    fn a_part_is_left_out_by_its_name_and_only_one_that_is_there() {
        let manifest = manifest(vec![
            part(Kind::Keys, State::Saved),
            Part { name: "files/codex".into(), ..part(Kind::Files, State::Missing) },
            Part { name: "files/codex2".into(), ..part(Kind::Files, State::Saved) },
        ]);
        let without = |name: &str| Selection::default().without(vec![name.into()]);
        let names = |name: &str| -> Vec<String> {
            let steps = plan(&manifest, &without(name), false, nowhere).unwrap();
            steps.into_iter().map(|step| step.part).collect()
        };
        assert_eq!(names("files/codex"), ["keys", "files/codex2"]);
        assert_eq!(names("files"), ["keys"]);
        let refused = plan(&manifest, &without("files/code"), false, nowhere).unwrap_err().to_string();
        assert!(refused.contains("no part files/code"), "{refused}");
    }

    #[test]
    fn a_missing_part_needs_force() {
        let manifest = manifest(vec![part(Kind::Keys, State::Saved), part(Kind::Postgresql, State::Missing)]);
        let error = plan(&manifest, &Selection::default(), false, nowhere).unwrap_err().to_string();
        assert!(error.contains("lacks postgresql"), "{error}");
        assert_eq!(plan(&manifest, &Selection::default(), true, nowhere).unwrap().len(), 2);
    }
}
