//! Places for open connections: no more than there are file descriptors for, and only a part of them for one address, so
//! that nobody can take all of them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use hivematrix_shared::{rate_limit::customer, server::open_files};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::trusted::TrustedProxies;

/// More open connections than this wait in the system's queue.
const MOST: usize = 20_000;
/// Most connections of one address; an office behind one address needs fewer.
const MOST_OF_ONE_ADDRESS: usize = 1_000;
/// File descriptors for everything but connections: files, logs, Redis, calls to Core.
const OTHER_FILES: usize = 100;

type Counts = Mutex<HashMap<IpAddr, usize>>;

/// The places of all listeners.
#[derive(Clone, Debug)]
pub struct Places {
    all: Arc<Semaphore>,
    of_one_address: usize,
    taken: Arc<Counts>,
    proxies: TrustedProxies,
}

/// A place that a connection holds until it ends.
#[derive(Debug)]
pub struct Place {
    _permit: Option<OwnedSemaphorePermit>,
    counted: Option<(IpAddr, Arc<Counts>)>,
}

impl Places {
    /// Places for a process that may have `open_files` open: each connection may need another one to a service. The
    /// connections of `proxies` are not counted: they are those of many clients.
    pub fn new(open_files: usize, proxies: TrustedProxies) -> Self {
        let all = (open_files.saturating_sub(OTHER_FILES) / 2).clamp(1, MOST);
        let of_one_address = (all / 4).clamp(1, MOST_OF_ONE_ADDRESS);
        Self { all: Arc::new(Semaphore::new(all)), of_one_address, taken: Arc::default(), proxies }
    }

    /// Places for this process, whose soft limit is raised to what the system allows.
    pub fn for_this_process(proxies: TrustedProxies) -> Self {
        Self::new(open_files::raise_limit(), proxies)
    }

    /// Waits until there is a place at all.
    pub async fn free(&self) -> Option<OwnedSemaphorePermit> {
        self.all.clone().acquire_owned().await.ok()
    }

    /// Gives the free place to a connection, unless its address has enough of them. Programs on this machine are not
    /// counted.
    pub fn give(&self, permit: Option<OwnedSemaphorePermit>, address: IpAddr) -> Option<Place> {
        if address.is_loopback() || self.proxies.contains(address) {
            return Some(Place { _permit: permit, counted: None });
        }
        let address = customer(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count >= self.of_one_address {
            return None;
        }
        *count += 1;
        Some(Place { _permit: permit, counted: Some((address, self.taken.clone())) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((address, taken)) = &self.counted else { return };
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn give(places: &Places, address: &str) -> Option<Place> {
        places.give(places.free().await, address.parse().unwrap())
    }

    #[tokio::test]
    async fn one_address_gets_a_part_of_the_places_and_gets_them_back() {
        let places = Places::new(OTHER_FILES + 16, TrustedProxies::default());
        let first = give(&places, "2001:db8::1").await;
        let second = give(&places, "2001:db8::2").await;
        assert!(first.is_some() && second.is_some());
        assert!(give(&places, "2001:db8::3").await.is_none(), "the same network");
        assert!(give(&places, "203.0.113.7").await.is_some(), "another address");
        drop(first);
        assert!(give(&places, "2001:db8::3").await.is_some());
        drop(second);
        assert!(places.taken.lock().unwrap().is_empty(), "nothing is kept of who has left");
    }

    #[tokio::test]
    async fn this_machine_and_a_reverse_proxy_are_not_counted() {
        for address in ["127.0.0.1", "203.0.113.7"] {
            let places = Places::new(OTHER_FILES + 16, "203.0.113.7".parse().unwrap());
            let mut held = Vec::new();
            for _ in 0..8 {
                held.push(give(&places, address).await.unwrap());
            }
            assert_eq!(places.all.available_permits(), 0);
        }
    }

    #[test]
    fn half_of_the_files_are_for_connections() {
        for (open_files, all, of_one_address) in
            [(0, 1, 1), (1024, 462, 115), (20_000, 9950, 1000), (usize::MAX, MOST, MOST_OF_ONE_ADDRESS)]
        {
            let places = Places::new(open_files, TrustedProxies::default());
            assert_eq!((places.all.available_permits(), places.of_one_address), (all, of_one_address));
        }
    }
}
