//! The own folders of foreign services: their settings, keys and exports lie outside of the instance directory.

use std::path::PathBuf;

use anyhow::Result;

use super::scan::{Content, Root, scan};
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
    /// Name of its part.
    pub part: String,
    /// Where it lies.
    pub root: Root,
    /// What is saved of it.
    pub content: Content,
    /// Links in it, which are not saved.
    pub links: Vec<PathBuf>,
}

/// What is saved of a service's own folder, or the part that says why nothing is. `None` for services that keep everything in
/// the instance directory.
#[must_use]
pub fn of(layout: &Layout, name: &str, entry: &HelmEntry) -> Option<Result<Foreign, Part>> {
    let folder = foreign::folder(layout, entry);
    if entry.is_remote() || entry.start_command.is_none() || foreign::is_inside(layout, &folder) {
        return None;
    }
    let part = foreign_part(name);
    let absent = |state, reason| Part::absent(&part, Kind::Foreign, state, reason);
    if !foreign::is_upstream(layout, entry) {
        let reason = format!("nobody knows what {name} keeps in {}: back that up there", folder.display());
        return Some(Err(absent(State::LeftOut, reason)));
    }
    let look = || -> Result<Foreign> {
        // Only this one is looked at and read: under its name another folder may lie in the next moment.
        let root = Root::outside(name, foreign::may_be_read(layout, name, &folder)?)?;
        let mut found = scan(&root)?;
        let content = found.parts.remove(&(Kind::Foreign, part.clone())).unwrap_or_default();
        Ok(Foreign { part: part.clone(), root, content, links: found.links })
    };
    Some(look().map_err(|error| absent(State::Missing, format!("{error:#}"))))
}
