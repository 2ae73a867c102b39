//! The process's signing threads. A signature keeps a core busy for a quarter of a millisecond, which the async threads
//! must not wait for; one thread per core is as fast as the machine is, and more would only compete.

use std::{
    io,
    num::NonZero,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

type Job = Box<dyn FnOnce() + Send>;

static QUEUE: LazyLock<Result<Sender<Job>, String>> =
    LazyLock::new(|| start().map_err(|error| format!("no thread could be started: {error}")));

/// Runs a job as soon as a thread is free, in the order of arrival.
///
/// # Errors
/// When the system gives no thread.
pub fn run(job: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let queue = QUEUE.as_ref().map_err(String::clone)?;
    queue.send(Box::new(job)).map_err(|_| "the signing threads have ended".to_owned())
}

fn start() -> io::Result<Sender<Job>> {
    let (queue, jobs) = mpsc::channel();
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
        let jobs = Arc::clone(&jobs);
        thread::Builder::new().name("sign".into()).spawn(move || work(&jobs))?;
    }
    Ok(queue)
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        // One idle thread waits for the queue, the others for the lock; it is free while a job runs.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}
