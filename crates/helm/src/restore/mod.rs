//! Bringing an archive back (helm.md §10): everything is checked and loaded beside what is in use, then swapped in by
//! renaming. A journal says how far that is, so that whatever ends it, the old state or the new one is there, whole.

pub mod detour;
mod file_swap;
pub mod graph;
pub mod journal;
mod kept;
pub mod load;
pub mod loading_role;
pub mod places;
pub mod plan;
pub mod psql;
pub mod run;
pub mod server;
pub mod source;
pub mod swap;
pub mod target;
mod their_config;
pub mod theirs;
pub mod upstream;
