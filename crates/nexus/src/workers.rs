//! The threads that serve connections: one per core, each with a runtime of its own. What belongs to a connection, from the
//! handshake to the backend's answer, happens on one thread, so that no request waits for another thread to wake up.
//! Everything else (jobs, logs, housekeeping) stays on the main runtime.

use std::{
    cell::Cell,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use tokio::{
    net::TcpStream,
    runtime::{Builder, Handle},
};
use tokio_util::sync::CancellationToken;

thread_local! {
    /// Number of this thread among the workers, from 1; 0 is everybody else.
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// The number of the worker that runs this code, from 1 to [`cores`]; 0 outside of any worker.
pub fn current() -> usize {
    NUMBER.get()
}

/// How many cores this process may use at the moment.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The running workers. They stop when this is dropped, and with them whatever still runs on them.
pub struct Workers {
    workers: Vec<Worker>,
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

struct Worker {
    handle: Handle,
    open: Arc<AtomicUsize>,
}

/// Counts an open connection of a worker.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Workers {
    /// One worker per core.
    pub fn start() -> io::Result<Self> {
        let mut started = Self { workers: Vec::new(), stop: CancellationToken::new(), threads: Vec::new() };
        for number in 1..=cores() {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            started.workers.push(Worker { handle: runtime.handle().clone(), open: Arc::default() });
            let stop = started.stop.clone();
            let thread = std::thread::Builder::new().name(format!("door-{number}"));
            started.threads.push(thread.spawn(move || {
                NUMBER.set(number);
                runtime.block_on(stop.cancelled());
            })?);
        }
        Ok(started)
    }

    /// The current runtime does it all: tests.
    pub fn none() -> Self {
        Self { workers: Vec::new(), stop: CancellationToken::new(), threads: Vec::new() }
    }

    /// Lets the worker with the fewest open connections serve a connection that was accepted here. When the process was held
    /// to fewer cores meanwhile, as many workers get connections: more of them would only take turns on the same core.
    pub fn serve<F>(&self, stream: TcpStream, serve: impl FnOnce(TcpStream) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let usable = self.workers.iter().take(cores());
        let Some(worker) = usable.min_by_key(|worker| worker.open.load(Ordering::Relaxed)) else {
            tokio::spawn(serve(stream));
            return;
        };
        worker.open.fetch_add(1, Ordering::Relaxed);
        let open = Open(worker.open.clone());
        // The worker's own runtime has to watch the socket: this one would have to wake it for every byte.
        let moved = stream.into_std();
        worker.handle.spawn(async move {
            match moved.and_then(TcpStream::from_std) {
                Ok(stream) => serve(stream).await,
                Err(error) => tracing::warn!(error = %error, "a connection could not be handed over"),
            }
            drop(open);
        });
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            // A worker that panicked has said so in the log.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, net::TcpListener, sync::mpsc};

    use super::*;

    #[tokio::test]
    async fn connections_are_spread_and_each_stays_with_its_worker() {
        let workers = Workers::start().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (told, mut numbers) = mpsc::channel(1);
        let mut clients = Vec::new();
        let mut seen = vec![0; cores() + 1];
        for _ in 0..2 * cores() {
            clients.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
            let (stream, _) = listener.accept().await.unwrap();
            let told = told.clone();
            workers.serve(stream, async move |mut stream: TcpStream| {
                told.send(current()).await.unwrap();
                // Until the other side hangs up.
                let _ = stream.read(&mut [0]).await;
                told.send(current()).await.unwrap();
            });
            seen[numbers.recv().await.unwrap()] += 1;
        }
        assert_eq!(seen[0], 0, "not on the thread that accepts");
        assert!(seen[1..].iter().all(|connections| *connections == 2), "{seen:?}");
        clients.clear();
        for _ in 0..2 * cores() {
            seen[numbers.recv().await.unwrap()] -= 1;
        }
        assert!(seen.iter().all(|connections| *connections == 0), "each ended where it began: {seen:?}");
        assert_eq!(current(), 0);
    }
}
