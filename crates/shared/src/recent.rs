//! A small bounded memory with an age limit, for what is costly to work out for each request.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Keeps values for one to two lifetimes and at most twice `capacity` of them: two maps, of which the older one is
/// dropped as a whole. No entry is ever examined one by one.
pub struct Recent<K, V> {
    capacity: usize,
    lifetime: Duration,
    generations: Mutex<Generations<K, V>>,
}

struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    since: Instant,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// An empty memory.
    pub fn new(capacity: usize, lifetime: Duration) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new(), since: Instant::now() };
        Self { capacity, lifetime, generations: Mutex::new(generations) }
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<V> {
        self.with(|g| g.young.get(key).or_else(|| g.old.get(key)).cloned())
    }

    /// Keeps a value; returns whether the key was unknown.
    pub fn insert(&self, key: K, value: V) -> bool {
        self.with(|g| {
            let known = g.old.contains_key(&key);
            g.young.insert(key, value).is_none() && !known
        })
    }

    /// Forgets a key.
    pub fn remove(&self, key: &K) {
        self.with(|g| {
            g.young.remove(key);
            g.old.remove(key);
        });
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Generations<K, V>) -> T) -> T {
        let mut g = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let age = g.since.elapsed();
        if g.young.len() >= self.capacity || age >= self.lifetime {
            let young = std::mem::take(&mut g.young);
            // Nobody asked for a whole lifetime more: what was young then is old enough to go, too.
            g.old = if age >= self.lifetime * 2 { HashMap::new() } else { young };
            g.since = Instant::now();
        }
        use_it(&mut g)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_bounded_and_keeps_the_latest() {
        let recent = Recent::new(10, Duration::from_secs(3600));
        for n in 0..1000 {
            recent.insert(n, n);
        }
        assert_eq!(recent.get(&999), Some(999));
        assert_eq!(recent.get(&0), None);
        let g = recent.generations.lock().unwrap();
        assert!(g.young.len() + g.old.len() <= 20);
    }

    #[test]
    fn values_are_forgotten_with_age_and_on_demand() {
        let recent = Recent::new(10, Duration::ZERO);
        recent.insert("a", 1);
        assert_eq!(recent.get(&"a"), None);
        let recent = Recent::new(10, Duration::from_secs(3600));
        assert!(recent.insert("b", 1));
        assert!(!recent.insert("b", 2));
        recent.remove(&"b");
        assert_eq!(recent.get(&"b"), None);
    }
}
