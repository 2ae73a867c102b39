//! What was rendered once for all who ask for the same, until the data behind it changes.

use std::{
    collections::HashMap,
    future::ready,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use hivematrix_shared::problem::Result;
use tokio::sync::OnceCell;

use super::{Current, Reference, tickets::GoodCopy};

/// Everything that boards are made of. What was rendered holds as long as it stays the same.
#[derive(Clone, Debug)]
pub struct Basis {
    copy: Option<Arc<GoodCopy>>,
    /// Since when the copy is not confirmed any more; shown only while Codex is away.
    away_since: Option<Option<DateTime<Utc>>>,
    reference: Arc<Reference>,
    /// Ages are told in minutes, and views may have a date window.
    minute: i64,
}

impl Basis {
    /// The data of a moment.
    pub fn new(current: &Current, reference: &Arc<Reference>, now: DateTime<Utc>) -> Self {
        Self {
            copy: current.copy.clone(),
            away_since: current.is_away.then_some(current.confirmed_at),
            reference: reference.clone(),
            minute: now.timestamp().div_euclid(60),
        }
    }
}

impl PartialEq for Basis {
    fn eq(&self, other: &Self) -> bool {
        let same_copy = match (&self.copy, &other.copy) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        same_copy
            && Arc::ptr_eq(&self.reference, &other.reference)
            && (self.minute, self.away_since) == (other.minute, other.away_since)
    }
}

/// How much memory something holds.
pub trait Weigh {
    /// Bytes, about.
    fn weight(&self) -> usize;
}

/// Rendered things by what they show. Never holds more bytes than its budget: then it starts anew.
pub struct Memo<K, V> {
    budget: usize,
    entries: Mutex<Entries<K, V>>,
}

/// What is rendered under one key: empty while the first who asked is at it.
type Place<V> = Arc<OnceCell<Arc<V>>>;

struct Entries<K, V> {
    basis: Option<Basis>,
    places: HashMap<K, Place<V>>,
    weight: usize,
}

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self { basis: None, places: HashMap::new(), weight: 0 }
    }
}

impl<K: Clone + Eq + Hash, V: Weigh> Memo<K, V> {
    /// An empty memo.
    pub fn new(budget: usize) -> Self {
        Self { budget, entries: Mutex::default() }
    }

    /// What `make` rendered of `basis` for this key, now or before. One renders while all who want the same wait for it;
    /// whoever wants something else is not held up.
    pub async fn get(&self, basis: &Basis, key: &K, make: impl FnOnce() -> Result<V>) -> Result<Arc<V>> {
        let place = self.place(basis, key);
        let mut is_new = false;
        let made = place
            .get_or_try_init(|| {
                is_new = true;
                ready(make().map(Arc::new))
            })
            .await?
            .clone();
        if is_new {
            self.weigh(key, &place, made.weight());
        }
        Ok(made)
    }

    fn place(&self, basis: &Basis, key: &K) -> Place<V> {
        let mut entries = self.entries();
        if entries.basis.as_ref() != Some(basis) {
            *entries = Entries { basis: Some(basis.clone()), ..Entries::default() };
        }
        if let Some(place) = entries.places.get(key) {
            return place.clone();
        }
        entries.places.entry(key.clone()).or_default().clone()
    }

    /// Counts what was rendered, unless other data has come meanwhile.
    fn weigh(&self, key: &K, place: &Place<V>, weight: usize) {
        let mut entries = self.entries();
        if !entries.places.get(key).is_some_and(|held| Arc::ptr_eq(held, place)) {
            return;
        }
        entries.weight += weight;
        if entries.weight > self.budget {
            entries.places.retain(|held, _| held == key && weight <= self.budget);
            entries.weight = if entries.places.is_empty() { 0 } else { weight };
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use hivematrix_shared::{contracts::codex::PsaId, problem::Problem};

    use super::*;

    impl Weigh for String {
        fn weight(&self) -> usize {
            self.len()
        }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn nothing() -> Basis {
        Basis::new(&Current::default(), &Arc::default(), at(0))
    }

    #[tokio::test]
    async fn the_same_is_rendered_once_until_its_data_or_the_minute_changes() {
        let memo: Memo<u8, String> = Memo::new(100);
        let (current, reference) = (Current::default(), Arc::new(Reference::default()));
        let mut away = current.clone();
        away.is_away = true;
        let other = Arc::new(Reference { professional_services: vec![PsaId(1)], ..Reference::default() });
        for (basis, text, expected) in [
            (Basis::new(&current, &reference, at(0)), "a", "a"),
            (Basis::new(&current, &reference, at(59)), "b", "a"),
            (Basis::new(&current, &reference, at(60)), "c", "c"),
            (Basis::new(&away, &reference, at(60)), "d", "d"),
            (Basis::new(&away, &other, at(60)), "e", "e"),
            (Basis::new(&away, &other.clone(), at(61)), "f", "e"),
        ] {
            let made = memo.get(&basis, &1, || Ok(text.to_owned())).await.unwrap();
            assert_eq!(*made, expected, "{text}");
        }
    }

    #[tokio::test]
    async fn the_budget_is_kept_whatever_is_asked_for() {
        let memo: Memo<usize, String> = Memo::new(100);
        let basis = nothing();
        for key in 0..50 {
            let made = memo.get(&basis, &key, || Ok("x".repeat(30))).await.unwrap();
            assert_eq!(made.len(), 30);
            let entries = memo.entries();
            let held: usize = entries.places.values().map(|place| place.get().unwrap().weight()).sum();
            assert!(held <= 100 && held == entries.weight && entries.places.contains_key(&key), "{key}");
        }
        assert_eq!(memo.get(&basis, &99, || Ok("x".repeat(101))).await.unwrap().len(), 101);
        assert!(memo.entries().places.is_empty());
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered() {
        let memo: Memo<u8, String> = Memo::new(100);
        let basis = nothing();
        let failed = memo.get(&basis, &1, || Err(Problem::internal("x"))).await;
        assert!(failed.is_err());
        assert_eq!(*memo.get(&basis, &1, || Ok("a".to_owned())).await.unwrap(), "a");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_wants_something_else_does_not_wait_for_a_slow_rendering() {
        let memo: Arc<Memo<u8, String>> = Arc::new(Memo::new(100));
        let ((begin, begun), (go_on, waits)) = (mpsc::channel(), mpsc::channel());
        let (slow, basis) = (memo.clone(), nothing());
        let of_slow = basis.clone();
        let rendering = tokio::spawn(async move {
            let make = move || {
                begin.send(()).unwrap();
                waits.recv().unwrap();
                Ok("slow".to_owned())
            };
            slow.get(&of_slow, &1, make).await
        });
        tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        assert_eq!(*memo.get(&basis, &2, || Ok("quick".to_owned())).await.unwrap(), "quick");
        let same = memo.get(&basis, &1, || Ok("twice".to_owned()));
        let mut same = std::pin::pin!(same);
        assert!(futures::poll!(&mut same).is_pending(), "the same is rendered once");
        go_on.send(()).unwrap();
        assert_eq!(*same.await.unwrap(), "slow");
        assert_eq!(*rendering.await.unwrap().unwrap(), "slow");
    }
}
