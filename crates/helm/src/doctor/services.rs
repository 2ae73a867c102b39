//! Services of the original suite that are at work although a program of ours is there.

use super::Case;
use crate::{
    domain::doctor::Finding,
    instance::{found, registry},
};

pub(super) fn examine(case: &Case) -> Vec<Finding> {
    let Ok(found) = found::known(&case.layout) else {
        // Told by whoever starts the suite: it does not begin without its notes.
        return Vec::new();
    };
    let both = found
        .iter()
        .filter(|(name, found)| found.is_in_use(name) && registry::has_program(&case.programs, name));
    both.map(|(name, found)| {
        Finding::warning(
            "services",
            format!("{name}: the original's in {} is at work, and this build has one of ours", found.path),
            "updates of this suite do not reach it",
            format!("take its data over (hivematrix-{name} import --help), then: helm replace {name}"),
        )
    })
    .collect()
}
