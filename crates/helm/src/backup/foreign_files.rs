//! The own folders of foreign services: their settings, keys and exports lie outside of the instance directory.

use anyhow::Result;

use super::files::{Found, Root, scan_root};
use crate::{
    domain::{
        backup::{
            manifest::{Part, State},
            parts::{Kind, foreign_part},
        },
        registry::HelmEntry,
    },
    instance::{Layout, foreign},
};

/// The folder of one foreign service.
pub struct Foreign {
    /// Whose.
    pub service: String,
    /// Where it lies.
    pub root: Root,
    /// What is saved of it.
    pub found: Found,
}

/// What is saved of a service's own folder, or the part that says why nothing is. `None` for services that keep everything in
/// the instance directory.
#[must_use]
pub fn of(layout: &Layout, name: &str, entry: &HelmEntry) -> Option<Result<Foreign, Part>> {
    let folder = foreign::folder(layout, entry);
    if entry.is_remote() || entry.start_command.is_none() || foreign::is_inside(layout, &folder) {
        return None;
    }
    let absent = |state, reason| Part::absent(foreign_part(name), Kind::Foreign, state, reason);
    if !foreign::is_upstream(layout, entry) {
        let reason = format!("nobody knows what {name} keeps in {}: back that up there", folder.display());
        return Some(Err(absent(State::LeftOut, reason)));
    }
    let look = || -> Result<Foreign> {
        foreign::may_be_read(layout, name, &folder)?;
        let root = Root::outside(name, &folder);
        let found = scan_root(&root)?;
        Ok(Foreign { service: name.to_owned(), root, found })
    };
    Some(look().map_err(|error| absent(State::Missing, format!("{error:#}"))))
}
