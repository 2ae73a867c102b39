//! The simulated world: a service provider, its customers and their tickets.
//!
//! Everything is a pure function of seed, size and the time the world began, so it costs almost no memory: companies,
//! people and finished tickets are made up again whenever somebody asks. Only tickets that were active at the
//! beginning, or that changed or came later, are kept.

pub mod assets;
pub mod board;
pub mod companies;
pub mod devices;
mod live;
pub mod people;
pub mod size;
pub mod text;
pub mod thread;
pub mod ticket;
mod timeline;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

pub use self::size::{Size, SizeName};
pub use self::ticket::{FIRST_TICKET_ID, Ticket, status};
use self::timeline::Timeline;

/// A span in hours with a fraction.
struct Hours(f64);

impl Hours {
    fn delta(&self) -> TimeDelta {
        TimeDelta::seconds((self.0 * 3600.0) as i64)
    }
}

/// What lists need to know of a ticket to find and order it: kept for all of them, 12 bytes each.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Seconds since the epoch; enough until 2106.
    created: u32,
    updated: u32,
    state: RowState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowState {
    Listed,
    Spam,
    Deleted,
    /// The vendor has no such ticket any more.
    Gone,
}

/// Which tickets a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Folder {
    /// Neither spam nor deleted.
    #[default]
    Listed,
    /// The spam folder.
    Spam,
    /// The bin.
    Deleted,
}

/// The world.
#[derive(Debug)]
pub struct World {
    seed: u64,
    size: Size,
    start: DateTime<Utc>,
    timeline: Timeline,
    contact_offsets: Vec<u32>,
    teams: [Vec<u32>; people::GROUPS.len()],
    places: HashMap<u32, board::Place>,
    rows: Vec<Row>,
    kept: HashMap<u64, Ticket>,
    active: BTreeSet<u64>,
    step: u64,
}

impl World {
    /// The world of a seed as it is at `now`.
    #[must_use]
    pub fn new(seed: u64, size: Size, now: DateTime<Utc>) -> Self {
        let mut world = Self {
            seed,
            size,
            start: now,
            timeline: Timeline::new(now, size.history_days),
            contact_offsets: companies::contact_offsets(seed, size.companies, size.contacts),
            teams: people::teams(size.agents),
            places: HashMap::new(),
            rows: Vec::with_capacity(size.tickets as usize),
            kept: HashMap::new(),
            active: BTreeSet::new(),
            step: 0,
        };
        world.places = board::places(&world);
        for index in 0..size.tickets {
            let ticket = world.make(index);
            world.rows.push(row(&ticket));
            if world.places.contains_key(&index) {
                world.active.insert(ticket.id);
                world.kept.insert(ticket.id, ticket);
            }
        }
        world
    }

    /// Sizes it was made with.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Ids of the tickets somebody still works on.
    #[must_use]
    pub fn active(&self) -> &BTreeSet<u64> {
        &self.active
    }

    /// Number of tickets the vendor still has, spam and deleted ones included.
    #[must_use]
    pub fn ticket_count(&self) -> usize {
        self.rows.iter().filter(|row| row.state != RowState::Gone).count()
    }

    fn make(&self, index: u32) -> Ticket {
        match self.places.get(&index) {
            Some(place) => self.board_ticket(index, *place),
            None => self.finished_ticket(index),
        }
    }

    /// The ticket as it was when the world began; `None` for later ones.
    fn origin(&self, ticket: &Ticket) -> Option<Ticket> {
        let index = u32::try_from(ticket.id.checked_sub(FIRST_TICKET_ID)?).ok()?;
        (index < self.size.tickets).then(|| self.make(index))
    }

    /// A ticket by its id.
    #[must_use]
    pub fn ticket(&self, id: u64) -> Option<Cow<'_, Ticket>> {
        let index = id.checked_sub(FIRST_TICKET_ID)?;
        let row = self.rows.get(usize::try_from(index).ok()?)?;
        if row.state == RowState::Gone {
            return None;
        }
        match self.kept.get(&id) {
            Some(ticket) => Some(Cow::Borrowed(ticket)),
            None => Some(Cow::Owned(self.make(u32::try_from(index).ok()?))),
        }
    }

    /// Ids of a folder, newest first, changed at or after `updated_since` and created at or after `created_since`.
    pub fn ids(
        &self,
        folder: Folder,
        updated_since: Option<DateTime<Utc>>,
        created_since: Option<DateTime<Utc>>,
    ) -> impl DoubleEndedIterator<Item = u64> {
        let wanted = match folder {
            Folder::Listed => RowState::Listed,
            Folder::Spam => RowState::Spam,
            Folder::Deleted => RowState::Deleted,
        };
        let (updated, created) = (updated_since.map_or(0, seconds), created_since.map_or(0, seconds));
        self.rows
            .iter()
            .enumerate()
            .rev()
            .filter(move |(_, row)| row.state == wanted && row.updated >= updated && row.created >= created)
            .map(|(index, _)| FIRST_TICKET_ID + index as u64)
    }

    /// The id the next new ticket gets.
    #[must_use]
    pub fn next_id(&self) -> u64 {
        FIRST_TICKET_ID + self.rows.len() as u64
    }

    /// A new ticket with made-up words and people, not yet stored.
    #[must_use]
    pub fn draft(&self, now: DateTime<Utc>) -> Ticket {
        let id = self.next_id();
        let mut dice = crate::dice::Dice::new(self.seed, crate::dice::Salt::Live, id);
        let project = dice.chance(0.25);
        let story = ticket::StoryRef::any(project, &mut dice);
        self.fresh_ticket(id, now, story, &mut dice)
    }

    /// Stores a changed or new ticket. Ids that are neither known nor [`Self::next_id`] are ignored.
    pub fn put(&mut self, ticket: Ticket) {
        let Some(index) = ticket.id.checked_sub(FIRST_TICKET_ID).and_then(|i| usize::try_from(i).ok()) else {
            return;
        };
        let known = self.rows.len();
        match self.rows.get_mut(index) {
            Some(stored) => *stored = row(&ticket),
            None if index == known => self.rows.push(row(&ticket)),
            None => return,
        }
        if ticket.is_active() {
            self.active.insert(ticket.id);
        } else {
            self.active.remove(&ticket.id);
        }
        self.kept.insert(ticket.id, ticket);
    }

    /// Removes a ticket for good; false when there is none.
    pub fn remove(&mut self, id: u64) -> bool {
        if self.ticket(id).is_none() {
            return false;
        }
        self.kept.remove(&id);
        self.active.remove(&id);
        if let Some(row) = self.rows.get_mut((id - FIRST_TICKET_ID) as usize) {
            row.state = RowState::Gone;
        }
        true
    }
}

fn seconds(at: DateTime<Utc>) -> u32 {
    u32::try_from(at.timestamp().max(0)).unwrap_or(u32::MAX)
}

fn row(ticket: &Ticket) -> Row {
    let state = match (ticket.spam, ticket.deleted) {
        (_, true) => RowState::Deleted,
        (true, false) => RowState::Spam,
        (false, false) => RowState::Listed,
    };
    Row { created: seconds(ticket.created_at), updated: seconds(ticket.updated_at), state }
}
