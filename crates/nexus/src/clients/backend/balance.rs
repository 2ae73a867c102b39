//! Which instance gets the next request (platform.md §3.2): of those that answer, the one with the least to do.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{BackendError, instance::Instance};

/// All instances that were ever asked for, by base URL: another registry finds the connections and the health of those that
/// are in it still.
#[derive(Default)]
pub(super) struct Instances {
    known: RwLock<HashMap<String, Arc<Instance>>>,
    turn: AtomicUsize,
}

impl Instances {
    /// The instances at these base URLs; those with a wrong address are left out unless there is no other.
    pub fn at(&self, bases: &[String]) -> Result<Vec<Arc<Instance>>, BackendError> {
        let mut found = Vec::with_capacity(bases.len());
        let mut wrong = BackendError::Address("there is none".to_owned());
        for base in bases {
            match self.get(base) {
                Ok(instance) => found.push(instance),
                Err(error) => wrong = error,
            }
        }
        if found.is_empty() { Err(wrong) } else { Ok(found) }
    }

    fn get(&self, base: &str) -> Result<Arc<Instance>, BackendError> {
        if let Some(instance) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(base) {
            return Ok(instance.clone());
        }
        let new = Arc::new(Instance::at(base)?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        Ok(known.entry(base.to_owned()).or_insert(new).clone())
    }

    /// Takes the next instance out of `left`: one that answers before one that does not, then the one with the fewest open
    /// requests, then in turn.
    pub fn choose(&self, left: &mut Vec<Arc<Instance>>) -> Option<Arc<Instance>> {
        let start = if left.len() > 1 { self.turn.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let count = left.len();
        let in_turn = (0..count).map(|n| (start.wrapping_add(n)) % count);
        let next = in_turn.min_by_key(|n| (left[*n].is_down(), left[*n].outstanding()))?;
        Some(left.remove(next))
    }

    /// Forgets instances that are not in `wanted` any more, and closes connections that waited long enough.
    pub fn tidy(&self, wanted: &HashSet<String>) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).retain(|base, _| wanted.contains(base));
        for instance in self.known.read().unwrap_or_else(PoisonError::into_inner).values() {
            instance.close_old();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bases(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("http://10.0.0.{n}:1")).collect()
    }

    #[test]
    fn the_instance_with_the_least_to_do_is_next_and_equal_ones_take_turns() {
        let instances = Instances::default();
        let bases = bases(3);
        let next = || instances.choose(&mut instances.at(&bases).unwrap()).unwrap();
        let (first, second, third) = (next(), next(), next());
        let mut turns = [first.base(), second.base(), third.base()];
        turns.sort_unstable();
        assert_eq!(turns, [&bases[0], &bases[1], &bases[2]]);
        let _busy = (first.load(), second.load());
        for _ in 0..4 {
            assert_eq!(next().base(), third.base());
        }
    }

    #[test]
    fn one_that_does_not_answer_comes_last_however_idle_it_is() {
        let instances = Instances::default();
        let bases = bases(2);
        let mut left = instances.at(&bases).unwrap();
        left[0].mark_down();
        let _busy = (left[1].load(), left[1].load());
        assert_eq!(instances.choose(&mut left).unwrap().base(), bases[1]);
        assert_eq!(instances.choose(&mut left).unwrap().base(), bases[0], "better than none");
        assert!(instances.choose(&mut left).is_none());
    }

    #[test]
    fn a_registry_keeps_what_is_known_of_its_instances_and_forgets_the_others() {
        let instances = Instances::default();
        let bases = bases(2);
        let before = instances.at(&bases).unwrap();
        before[1].mark_down();
        instances.tidy(&HashSet::from([bases[1].clone()]));
        let after = instances.at(&bases).unwrap();
        assert!(Arc::ptr_eq(&before[1], &after[1]) && after[1].is_down());
        assert!(!Arc::ptr_eq(&before[0], &after[0]));
    }

    #[test]
    fn a_wrong_address_does_not_spoil_the_others() {
        let instances = Instances::default();
        let one_wrong = ["nonsense".to_owned(), "http://10.0.0.1:1".to_owned()];
        assert_eq!(instances.at(&one_wrong).unwrap().len(), 1);
        assert!(instances.at(&one_wrong[..1]).is_err());
        assert!(instances.at(&[]).is_err());
    }
}
