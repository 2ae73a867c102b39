//! The process's signing threads. A signature keeps a core busy for a quarter of a millisecond, which the async threads
//! must not wait for; one thread per core is as fast as the machine is, and more would only compete.

use std::{
    collections::VecDeque,
    io,
    num::NonZero,
    sync::{Arc, Condvar, LazyLock, Mutex, PoisonError},
    thread,
};

/// Most signatures a thread makes before it hands any out. While requests queue up, waking the async threads for each
/// signature would cost several per cent of a core.
const BATCH: usize = 8;

/// Hands out what a job has made.
pub type Deliver = Box<dyn FnOnce() + Send>;
type Job = Box<dyn FnOnce() -> Deliver + Send>;

struct Queue {
    jobs: Mutex<VecDeque<Job>>,
    arrival: Condvar,
    threads: usize,
}

static QUEUE: LazyLock<Result<Arc<Queue>, String>> =
    LazyLock::new(|| start().map_err(|error| format!("no thread could be started: {error}")));

/// Runs a job as soon as a thread is free, in the order of arrival, and then what it returns.
///
/// # Errors
/// When the system gives no thread.
pub fn run(job: impl FnOnce() -> Deliver + Send + 'static) -> Result<(), String> {
    let queue = QUEUE.as_ref().map_err(String::clone)?;
    queue.jobs.lock().unwrap_or_else(PoisonError::into_inner).push_back(Box::new(job));
    queue.arrival.notify_one();
    Ok(())
}

fn start() -> io::Result<Arc<Queue>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let queue = Arc::new(Queue { jobs: Mutex::default(), arrival: Condvar::new(), threads });
    for _ in 0..threads {
        let queue = Arc::clone(&queue);
        thread::Builder::new().name("sign".into()).spawn(move || queue.work())?;
    }
    Ok(queue)
}

impl Queue {
    fn work(&self) {
        loop {
            let made: Vec<Deliver> = self.next().into_iter().map(|job| job()).collect();
            for deliver in made {
                deliver();
            }
        }
    }

    /// A thread's fair share of what waits, at least one job.
    fn next(&self) -> Vec<Job> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut jobs =
            self.arrival.wait_while(jobs, |jobs| jobs.is_empty()).unwrap_or_else(PoisonError::into_inner);
        let share = jobs.len().div_ceil(self.threads).min(BATCH);
        jobs.drain(..share).collect()
    }
}
