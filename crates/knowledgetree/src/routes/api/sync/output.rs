//! What a run tells, for whoever waits for its end.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use crate::jobs::sync::Listener;

/// Bytes of lines that an answer repeats.
const MOST: usize = 64 * 1024;

/// Keeps what a run tells, the newest of it.
#[derive(Default)]
pub(super) struct Output(Mutex<(VecDeque<String>, usize)>);

impl Output {
    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0.iter().map(|line| format!("{line}\n")).collect()
    }
}

impl Listener for Output {
    fn say(&self, line: &str) {
        let (lines, bytes) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *bytes += line.len();
        lines.push_back(line.to_owned());
        while *bytes > MOST
            && let Some(oldest) = lines.pop_front()
        {
            *bytes -= oldest.len();
        }
    }
}
