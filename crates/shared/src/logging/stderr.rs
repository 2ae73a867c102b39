//! Standard error for many lines a second: access lines of successful requests wait a moment for company, so that under load
//! one write carries many of them. Every other line is written at once, and takes along what waits before it.

use std::{
    io::Write,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a line that may wait does so at most.
const LONGEST_WAIT: Duration = Duration::from_millis(5);
/// Bytes that may wait. Above, whoever logs writes himself and waits as long as the other end needs: nothing is dropped.
const MOST_BYTES: usize = 256 * 1024;

/// A collecting writer. Cheap to clone; clones share what waits.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    waiting: Mutex<Vec<u8>>,
    arrived: Condvar,
    /// Locked before `waiting` is taken, so that lines leave in the order they came.
    output: Mutex<Box<dyn Write + Send>>,
}

impl Lines {
    /// Lines that leave through `output`. Until [`Lines::start`] only those leave that may not wait.
    pub(super) fn to(output: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Shared {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            output: Mutex::new(Box::new(output)),
        }))
    }

    /// Starts the thread that writes what waits. Without one, nothing may wait.
    pub(super) fn start(&self) -> std::io::Result<()> {
        let lines = self.clone();
        std::thread::Builder::new().name("log-lines".into()).spawn(move || lines.run()).map(|_| ())
    }

    /// Takes a whole line. One that `may_wait` is written within [`LONGEST_WAIT`].
    pub(super) fn write(&self, line: &[u8], may_wait: bool) {
        let mut waiting = self.waiting();
        let was_empty = waiting.is_empty();
        waiting.extend_from_slice(line);
        let full = waiting.len() >= MOST_BYTES;
        drop(waiting);
        if !may_wait || full {
            self.flush();
        } else if was_empty {
            self.0.arrived.notify_one();
        }
    }

    /// Writes everything that waits.
    pub(super) fn flush(&self) {
        let mut output = self.0.output.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut *self.waiting());
        // Nobody is left to be told when standard error is gone.
        let _ = output.write_all(&lines);
    }

    fn run(&self) {
        loop {
            let waiting = self.0.arrived.wait_while(self.waiting(), |waiting| waiting.is_empty());
            drop(waiting);
            std::thread::sleep(LONGEST_WAIT);
            self.flush();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Tells of each write.
    struct Told(Sender<String>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines() -> (Lines, Receiver<String>) {
        let (sender, writes) = channel();
        (Lines::to(Told(sender)), writes)
    }

    #[test]
    fn a_line_that_may_not_wait_takes_the_waiting_ones_along_in_their_order() {
        let (lines, writes) = lines();
        lines.write(b"1\n", true);
        lines.write(b"2\n", true);
        assert!(writes.try_recv().is_err(), "they wait");
        lines.write(b"3\n", false);
        assert_eq!(writes.try_recv().unwrap(), "1\n2\n3\n");
    }

    #[test]
    fn waiting_lines_leave_by_themselves() {
        let (lines, writes) = lines();
        lines.start().unwrap();
        for round in ["1\n", "2\n"] {
            lines.write(round.as_bytes(), true);
            assert_eq!(writes.recv_timeout(Duration::from_secs(60)).unwrap(), round);
        }
    }

    #[test]
    fn too_many_waiting_lines_are_written_by_whoever_logs() {
        let (lines, writes) = lines();
        let line = vec![b'x'; MOST_BYTES / 4];
        for _ in 0..4 {
            lines.write(&line, true);
        }
        assert_eq!(writes.try_recv().unwrap().len(), MOST_BYTES);
    }
}
