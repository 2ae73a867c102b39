//! Log entries on their way to Helm, in memory: bounded, never waiting, and picky about what it drops.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use prometheus_client::metrics::counter::Counter;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::contracts::helm::LogEntry;

/// What an entry is worth when there is no room for all (platform.md §12).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) enum Priority {
    /// Access line of a 2xx answer: dropped first.
    #[serde(rename = "access")]
    Access,
    /// Any other DEBUG or INFO line: dropped when no access line is left.
    #[serde(rename = "normal")]
    Normal,
    /// Audit, WARNING and ERROR: kept.
    #[serde(rename = "important")]
    Important,
}

impl Priority {
    /// Whether a line of it may wait a moment for company before it is written.
    pub(super) fn may_wait(self) -> bool {
        self == Self::Access
    }
}

/// An entry with its priority, as it waits in memory and on disk.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Queued {
    #[serde(rename = "p")]
    pub(super) priority: Priority,
    #[serde(rename = "e")]
    pub(super) entry: LogEntry,
}

/// What happened to log lines since the start of the process.
#[derive(Clone, Debug, Default)]
pub struct LogCounters {
    /// Lines that Helm has taken.
    pub shipped: Counter,
    /// Lines that were put on disk because Helm did not take them.
    pub spooled: Counter,
    /// 2xx access lines that were not kept for want of room.
    pub dropped_access: Counter,
    /// Other DEBUG and INFO lines that were not kept for want of room.
    pub dropped_other: Counter,
    /// Lines lost although they matter: refused by Helm one by one, or neither Helm nor the disk took them.
    pub lost: Counter,
}

impl LogCounters {
    pub(super) fn count_dropped(&self, priority: Priority) {
        match priority {
            Priority::Access => self.dropped_access.inc(),
            Priority::Normal => self.dropped_other.inc(),
            Priority::Important => self.lost.inc(),
        };
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped_access.get() + self.dropped_other.get()
    }
}

/// The queue. One lane per priority, so that room is made without searching; a number keeps the order.
pub(super) struct Queue {
    lanes: Mutex<Lanes>,
    capacity: usize,
    flush_at: usize,
    counters: LogCounters,
    /// Something waits.
    arrived: Notify,
    /// A full batch waits.
    full_batch: Notify,
    /// The queue is half full: time to use the disk.
    pressure: Notify,
}

#[derive(Default)]
struct Lanes {
    lanes: [VecDeque<(i64, LogEntry)>; 3],
    /// Number of the next entry at the end.
    next: i64,
    /// Number of the oldest entry that was put back; goes below zero.
    first: i64,
    closed: bool,
}

impl Lanes {
    fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }
}

/// Last resort: with Helm and the disk both gone, this many times the capacity of important lines are held.
const IMPORTANT_FACTOR: usize = 5;

impl Queue {
    /// `flush_at`: entries that make a batch worth sending at once.
    pub(super) fn new(capacity: usize, flush_at: usize, counters: LogCounters) -> Self {
        Self {
            lanes: Mutex::default(),
            capacity,
            flush_at,
            counters,
            arrived: Notify::new(),
            full_batch: Notify::new(),
            pressure: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry and numbers it; hands it back when the queue is closed.
    #[must_use]
    pub(super) fn push(&self, mut queued: Queued) -> Option<Queued> {
        let mut lanes = self.lock();
        let number = lanes.next;
        lanes.next += 1;
        queued.entry.seq = Some(number);
        if lanes.closed {
            return Some(queued);
        }
        if lanes.len() >= self.capacity && !self.make_room(&mut lanes, queued.priority) {
            self.counters.count_dropped(queued.priority);
            return None;
        }
        lanes.lanes[queued.priority as usize].push_back((number, queued.entry));
        let waiting = lanes.len();
        drop(lanes);
        if waiting == 1 {
            self.arrived.notify_one();
        }
        if waiting == self.flush_at {
            self.full_batch.notify_one();
        }
        if waiting >= self.capacity / 2 {
            self.pressure.notify_one();
        }
        None
    }

    /// Drops the oldest entry that is worth no more than the new one. False: the new one has to go.
    fn make_room(&self, lanes: &mut Lanes, new: Priority) -> bool {
        for lane in [Priority::Access, Priority::Normal] {
            if lane <= new && lanes.lanes[lane as usize].pop_front().is_some() {
                self.counters.count_dropped(lane);
                return true;
            }
        }
        new == Priority::Important && lanes.len() < self.hard_limit()
    }

    /// Takes up to `max` entries, oldest first.
    pub(super) fn drain(&self, max: usize) -> Vec<Queued> {
        let mut lanes = self.lock();
        let mut taken = Vec::with_capacity(lanes.len().min(max));
        while taken.len() < max {
            let oldest = [Priority::Access, Priority::Normal, Priority::Important]
                .into_iter()
                .filter_map(|lane| Some((lanes.lanes[lane as usize].front()?.0, lane)))
                .min_by_key(|(number, _)| *number);
            let Some((_, priority)) = oldest else { break };
            if let Some((_, entry)) = lanes.lanes[priority as usize].pop_front() {
                taken.push(Queued { priority, entry });
            }
        }
        if lanes.len() == 0 {
            // Gives the memory of a busy hour back.
            for lane in lanes.lanes.iter_mut().filter(|lane| lane.capacity() > 1024) {
                *lane = VecDeque::new();
            }
        }
        taken
    }

    /// Puts entries that could not be moved back to the front, as far as there is room for what they are worth.
    pub(super) fn put_back(&self, entries: Vec<Queued>) {
        let mut lanes = self.lock();
        for Queued { priority, entry } in entries.into_iter().rev() {
            let limit = if priority == Priority::Important { self.hard_limit() } else { self.capacity };
            if lanes.len() < limit {
                lanes.first -= 1;
                let number = lanes.first;
                lanes.lanes[priority as usize].push_front((number, entry));
            } else {
                self.counters.count_dropped(priority);
            }
        }
    }

    fn hard_limit(&self) -> usize {
        self.capacity.saturating_mul(IMPORTANT_FACTOR)
    }

    /// Gives everything up: neither Helm nor the disk takes it and the process ends.
    pub(super) fn count_all_as_lost(&self) {
        let lost = self.drain(usize::MAX).len();
        self.counters.lost.inc_by(lost as u64);
    }

    /// Refuses further entries; [`Queue::push`] hands them back from now on.
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Waits until something is there.
    pub(super) async fn arrived(&self) {
        if self.is_empty() {
            self.arrived.notified().await;
        }
    }

    /// Waits until a full batch is there.
    pub(super) async fn full_batch(&self) {
        if self.len() < self.flush_at {
            self.full_batch.notified().await;
        }
    }

    /// Waits until the queue is half full.
    pub(super) async fn pressure(&self) {
        while self.len() < (self.capacity / 2).max(1) {
            self.pressure.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(priority: Priority, message: &str) -> Queued {
        Queued {
            priority,
            entry: LogEntry {
                level: "INFO".into(),
                message: message.into(),
                timestamp: "2025-11-22T10:30:00.000Z".into(),
                context: None,
                trace_id: None,
                user_id: None,
                hostname: None,
                process_id: Some(1),
                source: None,
                seq: None,
            },
        }
    }

    fn queue(capacity: usize) -> (Queue, LogCounters) {
        let counters = LogCounters::default();
        (Queue::new(capacity, 2, counters.clone()), counters)
    }

    fn messages(queue: &Queue) -> Vec<String> {
        queue.drain(100).into_iter().map(|queued| queued.entry.message).collect()
    }

    #[test]
    fn entries_leave_in_the_order_they_came_whatever_their_priority() {
        let (queue, _) = queue(10);
        for (priority, message) in [
            (Priority::Normal, "1"),
            (Priority::Access, "2"),
            (Priority::Important, "3"),
            (Priority::Normal, "4"),
        ] {
            assert_eq!(queue.push(queued(priority, message)), None);
        }
        assert_eq!(queue.drain(3).len(), 3);
        assert_eq!(messages(&queue), ["4"]);
    }

    #[test]
    fn access_lines_go_first_then_other_lines_important_ones_never() {
        let (queue, counters) = queue(3);
        for (priority, message) in [
            (Priority::Access, "a1"),
            (Priority::Normal, "n1"),
            (Priority::Access, "a2"),
            (Priority::Normal, "n2"),    // pushes a1 out
            (Priority::Important, "i1"), // pushes a2 out
            (Priority::Access, "a3"),    // has to go itself
            (Priority::Important, "i2"), // pushes n1 out
            (Priority::Important, "i3"), // pushes n2 out
            (Priority::Normal, "n3"),    // has to go itself
            (Priority::Important, "i4"), // goes beyond the capacity
        ] {
            assert_eq!(queue.push(queued(priority, message)), None);
        }
        assert_eq!(messages(&queue), ["i1", "i2", "i3", "i4"]);
        assert_eq!(
            (counters.dropped_access.get(), counters.dropped_other.get(), counters.lost.get()),
            (3, 3, 0)
        );
    }

    #[test]
    fn even_important_lines_are_bounded_when_nothing_takes_them() {
        let (queue, counters) = queue(2);
        for number in 0..20 {
            assert_eq!(queue.push(queued(Priority::Important, &number.to_string())), None);
        }
        assert_eq!(messages(&queue).len(), 2 * IMPORTANT_FACTOR);
        assert_eq!(counters.lost.get(), 10);
    }

    #[test]
    fn entries_that_could_not_be_moved_go_back_to_the_front() {
        let (queue, _) = queue(10);
        for message in ["1", "2", "3"] {
            assert_eq!(queue.push(queued(Priority::Normal, message)), None);
        }
        let taken = queue.drain(2);
        assert_eq!(queue.push(queued(Priority::Important, "4")), None);
        queue.put_back(taken);
        assert_eq!(messages(&queue), ["1", "2", "3", "4"]);
    }

    #[test]
    fn a_closed_queue_hands_entries_back() {
        let (queue, _) = queue(2);
        assert_eq!(queue.push(queued(Priority::Normal, "1")), None);
        queue.close();
        let late = queue.push(queued(Priority::Normal, "late")).unwrap();
        assert_eq!((late.entry.message.as_str(), late.entry.seq), ("late", Some(1)), "numbered all the same");
    }

    #[tokio::test]
    async fn waiting_ends_with_the_first_entry_a_full_batch_and_half_a_queue() {
        let (queue, _) = queue(6);
        assert_eq!(queue.push(queued(Priority::Normal, "1")), None);
        queue.arrived().await;
        assert_eq!(queue.push(queued(Priority::Normal, "2")), None);
        queue.full_batch().await;
        assert_eq!(queue.push(queued(Priority::Normal, "3")), None);
        queue.pressure().await;
    }
}
