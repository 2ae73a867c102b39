//! What was rendered once for all who ask for the same, until the data behind it changes.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use hivematrix_shared::{contracts::codex::PsaId, problem::Result};

use super::{Current, Reference, tickets::GoodCopy};
use crate::domain::{agents::Agents, links::TicketLinks};

/// Everything that boards are made of. What was rendered holds as long as it stays the same.
#[derive(Clone, Debug)]
pub struct Basis {
    copy: Option<Arc<GoodCopy>>,
    /// Since when the copy is not confirmed any more; shown only while Codex is away.
    away_since: Option<Option<DateTime<Utc>>>,
    agents: Arc<Agents>,
    links: Option<TicketLinks>,
    professional_services: Vec<PsaId>,
    /// Ages are told in minutes, and views may have a date window.
    minute: i64,
}

impl Basis {
    /// The data of a moment.
    pub fn new(current: &Current, reference: &Reference, now: DateTime<Utc>) -> Self {
        Self {
            copy: current.copy.clone(),
            away_since: current.is_away.then_some(current.confirmed_at),
            agents: reference.agents.clone(),
            links: reference.links.clone(),
            professional_services: reference.professional_services.clone(),
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
            && Arc::ptr_eq(&self.agents, &other.agents)
            && (self.minute, &self.away_since, &self.links, &self.professional_services)
                == (other.minute, &other.away_since, &other.links, &other.professional_services)
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

struct Entries<K, V> {
    basis: Option<Basis>,
    rendered: HashMap<K, Arc<V>>,
    weight: usize,
}

impl<K: Eq + Hash, V: Weigh> Memo<K, V> {
    /// An empty memo.
    pub fn new(budget: usize) -> Self {
        let entries = Entries { basis: None, rendered: HashMap::new(), weight: 0 };
        Self { budget, entries: Mutex::new(entries) }
    }

    /// What `make` rendered of `basis` for this key, now or before. One renders while the others wait for it: most who ask
    /// at the same time want the same.
    pub fn get(&self, basis: &Basis, key: K, make: impl FnOnce() -> Result<V>) -> Result<Arc<V>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.basis.as_ref() != Some(basis) {
            *entries = Entries { basis: Some(basis.clone()), rendered: HashMap::new(), weight: 0 };
        }
        if let Some(rendered) = entries.rendered.get(&key) {
            return Ok(rendered.clone());
        }
        let made = Arc::new(make()?);
        if entries.weight + made.weight() > self.budget {
            entries.rendered = HashMap::new();
            entries.weight = 0;
        }
        if made.weight() <= self.budget {
            entries.weight += made.weight();
            entries.rendered.insert(key, made.clone());
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weigh for String {
        fn weight(&self) -> usize {
            self.len()
        }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn the_same_is_rendered_once_until_its_data_or_the_minute_changes() {
        let memo: Memo<u8, String> = Memo::new(100);
        let (current, reference) = (Current::default(), Reference::default());
        let get = |basis: &Basis, text: &str| memo.get(basis, 1, || Ok(text.to_owned())).unwrap().to_string();
        let first = Basis::new(&current, &reference, at(0));
        assert_eq!(get(&first, "a"), "a");
        assert_eq!(get(&Basis::new(&current, &reference, at(59)), "b"), "a");
        assert_eq!(get(&Basis::new(&current, &reference, at(60)), "c"), "c");
        let mut away = current.clone();
        away.is_away = true;
        assert_eq!(get(&Basis::new(&away, &reference, at(60)), "d"), "d");
        let agents = Reference { agents: Arc::default(), ..reference.clone() };
        assert_eq!(get(&Basis::new(&away, &agents, at(60)), "e"), "e");
        let groups = Reference { professional_services: vec![PsaId(1)], ..agents };
        assert_eq!(get(&Basis::new(&away, &groups, at(60)), "f"), "f");
    }

    #[test]
    fn the_budget_is_kept_whatever_is_asked_for() {
        let memo: Memo<usize, String> = Memo::new(100);
        let basis = Basis::new(&Current::default(), &Reference::default(), at(0));
        for key in 0..50 {
            let made = memo.get(&basis, key, || Ok("x".repeat(30))).unwrap();
            assert_eq!(made.len(), 30);
            let entries = memo.entries.lock().unwrap();
            let held: usize = entries.rendered.values().map(|made| made.weight()).sum();
            assert!(held <= 100 && held == entries.weight && entries.rendered.contains_key(&key), "{key}");
        }
        assert_eq!(memo.get(&basis, 99, || Ok("x".repeat(101))).unwrap().len(), 101);
        assert!(memo.entries.lock().unwrap().rendered.is_empty());
    }
}
