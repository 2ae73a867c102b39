//! Which items of a walk through the tree belong into an export.

use crate::domain::records::ExportRow;

/// The way to the present item of a walk. Protected folders on it come out when something of people turns up below them.
#[derive(Debug, Default)]
pub(super) struct Trail {
    above: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    row: ExportRow,
    is_out: bool,
}

impl Trail {
    /// The next item of a walk in which each item comes after its parent and before whatever is not below that. `depth` is 1 below
    /// the root; `row` has the item's own name as its path. What belongs into the export is added to `out`.
    pub(super) fn pass(&mut self, depth: usize, mut row: ExportRow, out: &mut Vec<ExportRow>) {
        self.above.truncate(depth.saturating_sub(1));
        if let Some(parent) = self.above.last() {
            let own = std::mem::replace(&mut row.path, parent.row.path.clone());
            row.path.extend(own);
        }
        let is_out = !row.is_reference;
        if is_out {
            for step in self.above.iter_mut().filter(|step| !step.is_out) {
                step.is_out = true;
                out.push(step.row.clone());
            }
            out.push(row.clone());
        }
        if row.is_folder {
            row.content = String::new();
            self.above.push(Step { row, is_out });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, is_folder: bool, is_reference: bool) -> ExportRow {
        ExportRow {
            path: vec![name.to_owned()],
            content: String::new(),
            content_format: None,
            is_folder,
            is_attached: false,
            is_reference,
            created_at: None,
            updated_at: None,
            version: 1,
        }
    }

    #[test]
    fn protected_folders_come_out_once_and_only_for_something_of_people() {
        let (mut trail, mut out) = (Trail::default(), Vec::new());
        for (depth, name, is_folder, is_reference) in [
            (1, "Companies", true, false),
            (2, "Acme", true, true),
            (3, "Users", true, true),
            (4, "Contact.md", false, true),
            (3, "Notes", true, false),
            (4, "a", false, false),
            (3, "b", false, false),
            (2, "Beta", true, true),
            (3, "c", false, true),
            (1, "d", false, false),
        ] {
            trail.pass(depth, row(name, is_folder, is_reference), &mut out);
        }
        let paths: Vec<_> = out.iter().map(|row| row.path.join("/")).collect();
        assert_eq!(
            paths,
            ["Companies", "Companies/Acme", "Companies/Acme/Notes", "Companies/Acme/Notes/a", "Companies/Acme/b", "d"]
        );
    }
}
