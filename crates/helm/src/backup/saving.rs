//! One part after the other into the archive. Settings and keys are short and come first, then the databases and
//! the graph, then what services keep in files, the shorter ones first: whatever a service does to its own files, those of the others are saved.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::Instant;

use super::{
    archive::{LONGEST_DOCUMENT, Writer},
    dump::{self, Source},
    expected::missing,
    files,
    foreign_files::Foreign,
    graph, history,
    scan::{Content, Found, Root},
};
use crate::{
    domain::{
        backup::{
            graph::PART,
            manifest::{Part, database_part},
            parts::Kind,
        },
        master_config::Neo4j,
    },
    instance::Layout,
};

/// How long a backup may take: the unit of the nightly one has a little more, for its end.
pub(super) const WHOLE: Duration = Duration::from_secs((3 * 60 + 45) * 60);
/// Of that, what comes before the databases.
pub(super) const SMALL: Duration = Duration::from_secs(15 * 60);
/// Of the manifest, for what is not in a part that was saved.
const RESERVE: u64 = 16 << 20;

/// Files that become a part.
pub(super) struct Folder {
    name: String,
    kind: Kind,
    root: Root,
    content: Content,
}

impl Folder {
    /// Those that are saved before the databases, and those that are saved after them.
    pub(super) fn of(home: Root, found: Found, foreign: Vec<Foreign>) -> (Vec<Self>, Vec<Self>) {
        let own = found.parts.into_iter().map(|((kind, name), content)| {
            let root = home.clone();
            Self { name, kind, root, content }
        });
        let theirs = foreign.into_iter().map(|it| {
            let Foreign { part: name, root, content, .. } = it;
            Self { name, kind: Kind::Foreign, root, content }
        });
        own.chain(theirs).partition(|folder| !matches!(folder.kind, Kind::Files | Kind::Foreign))
    }
}

/// An archive that is being written.
pub(super) struct Saving<'a> {
    pub(super) layout: &'a Layout,
    /// `None` only when writing was ended.
    pub(super) writer: Option<Writer>,
    pub(super) progress: history::Progress,
    /// What became of the parts so far.
    pub(super) parts: Vec<Part>,
    /// Bytes of them in the manifest.
    pub(super) listed: u64,
}

impl Saving<'_> {
    /// Saves files; all of it is over at `end`.
    pub(super) async fn folders(&mut self, mut folders: Vec<Folder>, end: Instant) -> Result<()> {
        folders.sort_by_key(|folder| folder.content.bytes);
        let count = u32::try_from(folders.len()).unwrap_or(u32::MAX);
        for (done, Folder { name, kind, root, content }) in (0..).zip(folders) {
            self.tell(&name)?;
            let saved = match content.unreadable {
                Some(reason) => Err(anyhow::Error::msg(reason)),
                None => {
                    let until = share(Instant::now(), end, count.saturating_sub(done)).into_std();
                    let mut writer = self.writer.take().context("writing was ended")?;
                    let part = name.clone();
                    let saving = tokio::task::spawn_blocking(move || {
                        let saved = files::save(&mut writer, &root, (&part, kind), &content.files, until)?;
                        anyhow::Ok((writer, saved))
                    });
                    let (writer, saved) = saving.await.context("writing was ended")??;
                    self.writer = Some(writer);
                    saved
                }
            };
            self.add(&name, kind, saved)?;
        }
        Ok(())
    }

    /// Saves databases.
    pub(super) async fn databases(&mut self, databases: &[Source]) -> Result<()> {
        let until = Instant::now() + dump::TOGETHER;
        for source in databases {
            let name = database_part(&database_of(source));
            self.tell(&name)?;
            let writer = self.writer.take().context("writing was ended")?;
            let (writer, saved) = dump::save(writer, source, until).await?;
            self.writer = Some(writer);
            self.add(&name, Kind::Postgresql, saved)?;
        }
        Ok(())
    }

    /// Saves the graph.
    pub(super) async fn graph(&mut self, place: &Neo4j, end: Instant) -> Result<()> {
        self.tell(PART)?;
        let writer = self.writer.take().context("writing was ended")?;
        let (writer, saved) = Box::pin(graph::save(writer, place, end)).await?;
        self.writer = Some(writer);
        self.add(PART, Kind::Neo4j, saved)
    }

    fn tell(&mut self, part: &str) -> Result<()> {
        part.clone_into(&mut self.progress.part);
        history::tell(self.layout, &self.progress)
    }

    /// What cannot be listed is missing, before the list of all is one that nobody reads.
    fn add(&mut self, name: &str, kind: Kind, saved: Result<Part>) -> Result<()> {
        let bytes = match &saved {
            Ok(part) => serde_json::to_vec(part)?.len() as u64,
            Err(_) => 0,
        };
        let saved = match self.listed + bytes > LONGEST_DOCUMENT - RESERVE {
            true => Err(anyhow::anyhow!("the list of what is in it is longer than an archive can hold")),
            false => saved,
        };
        if saved.is_ok() {
            self.listed += bytes;
        }
        self.parts.push(saved.unwrap_or_else(|error| missing(name, kind, &error)));
        self.progress.done += 1;
        Ok(())
    }
}

/// Until when the next of so many may take, so that it leaves the others their time. What it does not need is theirs.
fn share(now: Instant, end: Instant, left: u32) -> Instant {
    now + end.saturating_duration_since(now) / left.max(1)
}

/// The database an address names.
pub(super) fn database_of(source: &Source) -> String {
    let path = source.url.parse::<url::Url>().map(|url| url.path().trim_start_matches('/').to_owned());
    path.unwrap_or_else(|_| source.service.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{backup::manifest::State, systemd::JOB_TIME};

    #[test]
    fn a_nightly_backup_ends_before_its_unit_is_ended() {
        assert!(SMALL + dump::TOGETHER < WHOLE, "some time is left for files");
        assert!(WHOLE + Duration::from_secs(10 * 60) <= JOB_TIME);
    }

    #[test]
    fn who_takes_all_of_its_time_leaves_the_others_theirs() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let end = now + 60 * second;
        assert_eq!(share(now, end, 3), now + 20 * second);
        assert_eq!(share(now + 20 * second, end, 2), now + 40 * second);
        assert_eq!(share(now + 21 * second, end, 1), end);
        assert_eq!(share(end + second, end, 2), end + second, "nothing is left");
    }

    #[test]
    fn lists_that_are_too_long_together_make_a_missing_part_and_no_useless_archive() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().to_owned());
        let progress = history::Progress {
            started_at: chrono::DateTime::UNIX_EPOCH,
            part: String::new(),
            done: 0,
            parts: 2,
        };
        let listed = LONGEST_DOCUMENT - RESERVE - 10;
        let mut saving = Saving { layout: &layout, writer: None, progress, parts: Vec::new(), listed };
        let part = Part::absent("files/codex", Kind::Files, State::Saved, "");
        saving.add("files/codex", Kind::Files, Ok(part.clone())).unwrap();
        saving.listed = 0;
        saving.add("files/beacon", Kind::Files, Ok(part)).unwrap();
        let states: Vec<State> = saving.parts.iter().map(|part| part.state).collect();
        assert_eq!(states, [State::Missing, State::Saved]);
    }
}
