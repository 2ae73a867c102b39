//! What processes write to standard output and standard error and no shipper brings: it is read from their files into the
//! log, and the files are kept small.

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    time::Duration,
};

use chrono::{DateTime, Utc};
use hivematrix_shared::{clock::Clock, config::parse_bool};
use sqlx::PgPool;

use crate::{
    domain::{
        process_line::{Reader, Stream, Writer},
        status::UnitKind,
    },
    instance::{
        Layout,
        process_logs::{self, Piece, Place},
    },
    services::board::StatusBoard,
    store::collected::{self, SHIPPED_AFTER},
    supervisor::rotation,
};

const COLLECT_EVERY: Duration = Duration::from_secs(2);
/// Files are looked at for their size once in so many rounds.
const ROTATE_EVERY: u32 = 30;
/// Read at a time; of a file that was never read before as much of its end.
const PIECE: u64 = 256 * 1024;

/// One file.
struct Source {
    service: String,
    stream: Stream,
    path: PathBuf,
    /// Whether the service brings the lines of its own form to Helm by itself.
    ships: bool,
    /// Whether it is another's program, which may send lines as well that it writes.
    is_foreign: bool,
}

/// What is remembered of a file.
#[derive(Default)]
struct Known {
    /// How far it was read; not asked yet.
    place: Option<Option<Place>>,
    reader: Reader,
    /// Where its end was, and when: lines up to there are that old.
    ends: VecDeque<(DateTime<Utc>, Place)>,
}

/// Collects and rotates the logs of all processes.
pub struct ProcessLogs {
    pool: PgPool,
    layout: Layout,
    board: StatusBoard,
    clock: Clock,
    known: HashMap<PathBuf, Known>,
    is_away: bool,
}

impl ProcessLogs {
    /// A collector into the log store.
    #[must_use]
    pub fn new(pool: PgPool, layout: Layout, board: StatusBoard, clock: Clock) -> Self {
        Self { pool, layout, board, clock, known: HashMap::new(), is_away: false }
    }

    /// Works until it is dropped.
    pub async fn run(mut self) {
        let mut round = 0_u32;
        loop {
            round = round.wrapping_add(1);
            let rotates = round.is_multiple_of(ROTATE_EVERY);
            self.collect(rotates).await;
            if rotates {
                self.rotate().await;
            }
            tokio::time::sleep(COLLECT_EVERY).await;
        }
    }

    /// Brings what is new in all files to the log. Lines of another's program wait until it has sent what it sends by itself,
    /// unless it is now or never (`all`).
    pub async fn collect(&mut self, all: bool) {
        for source in self.sources() {
            let mut known = self.known.remove(&source.path).unwrap_or_default();
            let outcome = self.collect_one(&source, &mut known, all).await;
            self.known.insert(source.path, known);
            match outcome {
                Ok(()) => self.is_away = false,
                Err(error) if !std::mem::replace(&mut self.is_away, true) => {
                    tracing::warn!(service = source.service, error = %error, "the log of a process is not collected");
                }
                Err(_) => return,
            }
        }
    }

    fn sources(&self) -> Vec<Source> {
        let registry = self.board.registry();
        let services = self.board.specs().into_iter().filter(|spec| spec.kind == UnitKind::Service);
        let of = |spec: crate::supervisor::UnitSpec| {
            let is_foreign = registry.get(&spec.name).is_some_and(|entry| entry.start_command.is_some());
            let ships = !is_foreign
                && spec.env.get("LOG_SHIPPING").is_none_or(|value| parse_bool(value) != Ok(false));
            Stream::ALL.map(|stream| Source {
                path: process_logs::file(&spec.logs, &spec.name, stream),
                service: spec.name.clone(),
                stream,
                ships,
                is_foreign,
            })
        };
        services.flat_map(of).collect()
    }

    async fn collect_one(&self, source: &Source, known: &mut Known, all: bool) -> sqlx::Result<()> {
        let now = self.clock.now();
        let path = source.path.clone();
        let Some(end) = on_disk(move || process_logs::end(&path)).await.flatten() else { return Ok(()) };
        let Some((at, until)) = known.readable(end, now, source.is_foreign && !all) else { return Ok(()) };
        let mut place = match known.place {
            Some(place) => place,
            None => collected::place(&self.pool, &source.service, source.stream).await?,
        };
        known.place = Some(place);
        while place != Some(until) {
            let path = source.path.clone();
            let read = on_disk(move || process_logs::read_on(&path, place, until, PIECE)).await.flatten();
            let Some(Piece { lines, place: after }) = read.filter(|piece| Some(piece.place) != place) else {
                return Ok(());
            };
            let writer = Writer { service: &source.service, stream: source.stream, ships: source.ships };
            let entries = lines.iter().filter_map(|line| known.reader.read(writer, line, at)).collect();
            // A failure leaves the place where it was: the same lines are read again.
            collected::store(&self.pool, &source.service, source.stream, entries, after, source.is_foreign)
                .await?;
            place = Some(after);
            known.place = Some(place);
        }
        Ok(())
    }

    async fn rotate(&self) {
        let folders: Vec<_> = self
            .board
            .phases()
            .iter()
            .map(|unit| self.layout.logs(&unit.name))
            .chain([self.layout.logs("helm")])
            .collect();
        let done = tokio::task::spawn_blocking(move || {
            for folder in folders {
                rotation::rotate_folder(&folder);
            }
        });
        if let Err(error) = done.await {
            tracing::warn!(error = %error, "log rotation failed");
        }
    }
}

impl Known {
    /// Up to where lines may be taken, and how old they are at least; notes where the end is now.
    fn readable(&mut self, end: Place, now: DateTime<Utc>, waits: bool) -> Option<(DateTime<Utc>, Place)> {
        if !waits {
            self.ends.clear();
            return Some((now, end));
        }
        if self.ends.back().is_none_or(|(_, last)| *last != end) {
            self.ends.push_back((now, end));
        }
        let mut readable = None;
        while self.ends.front().is_some_and(|(seen, _)| now - *seen >= SHIPPED_AFTER) {
            readable = self.ends.pop_front();
        }
        readable
    }
}

/// File work off the async threads; what cannot be read is told and left out.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Option<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Some(done),
        Ok(Err(error)) => {
            tracing::debug!(error = %error, "the log file of a process cannot be read");
            None
        }
        Err(error) => {
            tracing::warn!(error = %error, "reading the log file of a process failed");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn lines_of_another_program_wait_until_it_has_sent_them() {
        let start: DateTime<Utc> = "2025-11-22T10:30:00Z".parse().unwrap();
        let at = |seconds: i64| start + TimeDelta::seconds(seconds);
        let end = |offset: u64| Place { inode: 1, offset };
        let mut known = Known::default();
        assert_eq!(known.readable(end(10), at(0), true), None);
        assert_eq!(known.readable(end(10), at(2), true), None);
        assert_eq!(known.readable(end(30), at(4), true), None);
        assert_eq!(known.readable(end(30), at(10), true), Some((at(0), end(10))));
        assert_eq!(known.readable(end(40), at(12), true), None);
        assert_eq!(known.readable(end(40), at(14), true), Some((at(4), end(30))));
        assert_eq!(known.readable(end(50), at(16), false), Some((at(16), end(50))), "now or never");
    }
}
