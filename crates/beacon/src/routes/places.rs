//! How many streams one caller holds open at the same time: each costs memory and is told of each change.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hivematrix_shared::problem::{Problem, Result};

/// Boards that somebody may look at in windows of his own, or screens that share a link.
const MOST: f64 = 20.0;
/// Seconds after which a place may be free: a browser that is gone is noticed with the next sign of life.
const AGAIN: u64 = 15;

/// The open streams of all callers. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Places {
    most: usize,
    taken: Arc<Mutex<Taken>>,
}

type Taken = HashMap<Arc<str>, usize>;

/// One open stream; free again when it is dropped.
pub struct Place {
    key: Arc<str>,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    /// All free. `scale` multiplies the number of each caller as it does every limit.
    pub fn new(scale: f64) -> Self {
        // `as` saturates; not a number becomes 0.
        Self { most: ((MOST * scale).round() as usize).max(1), taken: Arc::default() }
    }

    /// A place for a stream of this caller; 429 while all are taken.
    pub fn take(&self, caller: &str) -> Result<Place> {
        let mut taken = locked(&self.taken);
        let key: Arc<str> = match taken.get_key_value(caller) {
            Some((_, open)) if *open >= self.most => {
                let words = format!("{open} streams are open already. Close one of them.");
                return Err(Problem::too_many_requests(AGAIN).detail(words));
            }
            Some((key, _)) => key.clone(),
            None => caller.into(),
        };
        *taken.entry(key.clone()).or_default() += 1;
        Ok(Place { key, taken: self.taken.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = locked(&self.taken);
        if let Some(open) = taken.get_mut(&self.key) {
            *open -= 1;
            if *open == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

fn locked(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_stream_ends_and_each_caller_has_his_own() {
        for (scale, most) in [(1.0, 20), (0.1, 2), (0.0, 1), (f64::NAN, 1), (10.0, 200)] {
            let places = Places::new(scale);
            let mut held: Vec<_> = (0..most).map(|_| places.take("user:a").ok().unwrap()).collect();
            assert!(places.take("user:a").is_err(), "{scale}");
            assert!(places.take("user:b").is_ok(), "{scale}");
            held.pop();
            assert!(places.take("user:a").is_ok(), "{scale}");
            held.clear();
            assert!(locked(&places.taken).is_empty(), "nobody is remembered");
        }
    }
}
