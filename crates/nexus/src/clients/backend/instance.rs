//! One instance of a service: its address, its connections that wait for the next request, its load and its health.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::{HeaderValue, Uri, uri::PathAndQuery};
use hyper::client::conn::http1::SendRequest;

use super::{BackendError, body::Outgoing};
use crate::workers;

/// How long a connection waits for its next request: shorter than our own services keep it.
const KEPT_FOR: Duration = Duration::from_secs(20);
/// Connections that wait, per worker and instance.
const KEPT: usize = 256;
/// A request that cannot be repeated goes only onto a connection that was in use this lately: the other side may be about to
/// close an older one, and nobody could tell afterwards whether the request was handled.
const SURELY_OPEN: Duration = Duration::from_secs(1);

/// A connection to an instance that takes requests.
pub(super) type Connection = SendRequest<Outgoing>;

/// An instance. Its connections belong to the worker that opened them: the shelf of another one is never looked at.
pub(super) struct Instance {
    base: String,
    origin: Uri,
    /// Path of the base URL, without a slash at its end.
    path: String,
    host: HeaderValue,
    shelves: Box<[Mutex<Vec<Kept>>]>,
    outstanding: AtomicUsize,
    down: AtomicBool,
}

struct Kept {
    connection: Connection,
    since: Instant,
}

/// Counts as load of an instance until it is dropped.
pub(super) struct Load(Arc<Instance>);

impl Drop for Load {
    fn drop(&mut self) {
        self.0.outstanding.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Instance {
    /// The instance at a base URL of the registry.
    pub fn at(base: &str) -> Result<Self, BackendError> {
        let wrong = |why: &str| BackendError::Address(format!("{base}: {why}"));
        let uri: Uri = base.parse().map_err(|error| wrong(&format!("{error}")))?;
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(wrong("no scheme and host"));
        };
        let authority = uri.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let origin: Uri =
            format!("{scheme}://{authority}/").parse().map_err(|error| wrong(&format!("{error}")))?;
        Ok(Self {
            origin,
            path: uri.path().trim_end_matches('/').to_owned(),
            host: HeaderValue::from_str(&authority).map_err(|error| wrong(&error.to_string()))?,
            base: base.to_owned(),
            shelves: (0..=workers::cores()).map(|_| Mutex::default()).collect(),
            outstanding: AtomicUsize::new(0),
            down: AtomicBool::new(false),
        })
    }

    /// The base URL as it stands in the registry.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Scheme, host and port, to connect to.
    pub fn origin(&self) -> &Uri {
        &self.origin
    }

    /// Value of `Host`.
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// The target of a request line: the base URL's own path and what comes below it, as it is.
    pub fn target(&self, path_and_query: &str) -> Result<Uri, BackendError> {
        let target = PathAndQuery::try_from(format!("{}{path_and_query}", self.path));
        target.map(Uri::from).map_err(|error| BackendError::Address(error.to_string()))
    }

    /// A connection that waits. One that cannot be `repeatable` wants one that surely is open.
    pub fn take(&self, repeatable: bool) -> Option<Connection> {
        let mut shelf = self.shelf();
        while let Some(Kept { connection, since }) = shelf.pop() {
            let age = since.elapsed();
            if age > KEPT_FOR {
                // Those below are older still.
                shelf.clear();
                return None;
            }
            if !connection.is_ready() {
                continue;
            }
            if !repeatable && age > SURELY_OPEN {
                shelf.push(Kept { connection, since });
                return None;
            }
            return Some(connection);
        }
        None
    }

    /// Keeps a connection for its next request.
    pub fn keep(&self, connection: Connection) {
        let mut shelf = self.shelf();
        if shelf.len() < KEPT {
            shelf.push(Kept { connection, since: Instant::now() });
        }
    }

    /// Closes connections that waited long enough, those of all workers.
    pub fn close_old(&self) {
        for shelf in &self.shelves {
            lock(shelf).retain(|kept| kept.since.elapsed() <= KEPT_FOR && !kept.connection.is_closed());
        }
    }

    /// How many requests it is working on.
    pub fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Relaxed)
    }

    /// Counts a request until the returned value is dropped.
    pub fn load(self: &Arc<Self>) -> Load {
        self.outstanding.fetch_add(1, Ordering::Relaxed);
        Load(self.clone())
    }

    /// Whether it is left out as long as there are others.
    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// Notes that it does not answer; whether that is news.
    pub fn mark_down(&self) -> bool {
        !self.down.swap(true, Ordering::Relaxed)
    }

    /// Notes that it answers; whether that is news.
    pub fn mark_up(&self) -> bool {
        self.is_down() && self.down.swap(false, Ordering::Relaxed)
    }

    fn shelf(&self) -> MutexGuard<'_, Vec<Kept>> {
        lock(&self.shelves[workers::current() % self.shelves.len()])
    }
}

fn lock(shelf: &Mutex<Vec<Kept>>) -> MutexGuard<'_, Vec<Kept>> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_target_come_from_the_base_url() {
        for (base, origin, host, target) in [
            ("http://localhost:5030", "http://localhost:5030/", "localhost:5030", "/a%2Fb?x=1&x=2"),
            ("http://localhost:5030/", "http://localhost:5030/", "localhost:5030", "/a%2Fb?x=1&x=2"),
            (
                "https://sso.example.net/auth/",
                "https://sso.example.net/",
                "sso.example.net",
                "/auth/a%2Fb?x=1&x=2",
            ),
            ("http://[::1]:8080", "http://[::1]:8080/", "[::1]:8080", "/a%2Fb?x=1&x=2"),
            ("http://user:secret@10.0.0.2:80", "http://10.0.0.2:80/", "10.0.0.2:80", "/a%2Fb?x=1&x=2"),
        ] {
            let instance = Instance::at(base).unwrap();
            assert_eq!(instance.origin().to_string(), origin, "{base}");
            assert_eq!(instance.host(), host, "{base}");
            assert_eq!(instance.target("/a%2Fb?x=1&x=2").unwrap().to_string(), target, "{base}");
        }
        for base in ["", "localhost", "/path", "http://"] {
            assert!(Instance::at(base).is_err(), "{base:?}");
        }
    }

    #[test]
    fn load_and_health_are_counted() {
        let instance = Arc::new(Instance::at("http://localhost:1").unwrap());
        let (first, second) = (instance.load(), instance.load());
        assert_eq!(instance.outstanding(), 2);
        drop((first, second));
        assert_eq!(instance.outstanding(), 0);
        assert!(instance.mark_down() && !instance.mark_down() && instance.is_down());
        assert!(instance.mark_up() && !instance.mark_up() && !instance.is_down());
    }
}
