//! What a run says, line by line, within bounds.

use std::collections::VecDeque;

/// Bytes that are kept of a run: the newest lines.
const MOST: usize = 64 * 1024;
/// Bytes of one line.
const LONGEST: usize = 4 * 1024;

/// The newest lines of a run.
#[derive(Clone, Debug, Default)]
pub struct RunLog {
    lines: VecDeque<String>,
    bytes: usize,
    left_out: usize,
    changed: bool,
}

impl RunLog {
    /// Adds what was said; a text of several lines is several.
    pub fn say(&mut self, text: &str) {
        for line in text.lines() {
            // What no text of the database can hold is no part of a log either.
            let line: String =
                line.chars().filter(|letter| !letter.is_control() || *letter == '\t').collect();
            let line = line.get(..line.floor_char_boundary(LONGEST)).unwrap_or_default().to_owned();
            self.bytes += line.len() + 1;
            self.lines.push_back(line);
        }
        while self.bytes > MOST {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len() + 1;
            self.left_out += 1;
        }
        self.changed = true;
    }

    /// All that is kept, and how many lines are not.
    pub fn text(&self) -> String {
        let mut text = match self.left_out {
            0 => String::new(),
            lines => format!("({lines} earlier lines are left out)\n"),
        };
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The text, if anything was said since it was last taken.
    pub fn news(&mut self) -> Option<String> {
        std::mem::take(&mut self.changed).then(|| self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_newest_lines_and_says_what_it_left_out() {
        let mut log = RunLog::default();
        assert_eq!(log.news(), None);
        log.say("one\ntwo\0");
        assert_eq!((log.news().as_deref(), log.news()), (Some("one\ntwo\n"), None));
        for number in 0..5000 {
            log.say(&format!("line {number} {}", "ä".repeat(20)));
        }
        let text = log.text();
        assert!(text.len() <= MOST + 100 && text.starts_with('('), "{}", text.len());
        assert!(text.ends_with(&format!("line 4999 {}\n", "ä".repeat(20))));
        let left_out: usize = text[1..].split(' ').next().unwrap().parse().unwrap();
        assert_eq!(left_out + text.lines().count() - 1, 5002);
        log.say(&"€".repeat(100_000));
        assert!(log.text().len() <= MOST + 100, "a line is bounded too");
    }
}
