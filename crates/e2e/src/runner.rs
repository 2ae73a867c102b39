//! Runs scenarios one after the other and reports like the standard harness, which cannot skip at run time.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, anyhow};
use tokio::task::{LocalSet, spawn_local};

/// How a scenario ended.
#[derive(Debug)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Not.
    Failed(anyhow::Error),
    /// Not run, for this reason.
    Skipped(String),
}

impl From<Result<()>> for Outcome {
    fn from(result: Result<()>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

/// What the command line asks for: the arguments of `cargo test` that make sense here.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only name them.
    pub list: bool,
    exact: bool,
    filters: Vec<String>,
    skipped: Vec<String>,
}

impl Wanted {
    /// Reads arguments; unknown flags of the standard harness are harmless.
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Self {
        let mut wanted = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => wanted.list = true,
                "--exact" => wanted.exact = true,
                "--skip" => wanted.skipped.extend(arguments.next()),
                "--test-threads" | "--format" | "--color" | "-Z" | "--logfile" => {
                    arguments.next();
                }
                _ if argument.starts_with('-') => {}
                _ => wanted.filters.push(argument),
            }
        }
        wanted
    }

    /// Whether a scenario of this name is to be run.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        let fits = |filter: &String| if self.exact { name == filter } else { name.contains(filter.as_str()) };
        (self.filters.is_empty() || self.filters.iter().any(fits)) && !self.skipped.iter().any(fits)
    }
}

/// Plays a scenario in a task of its own, so that a panic ends only the scenario.
///
/// # Errors
///
/// What the scenario says, or that it panicked.
pub async fn alone(steps: impl Future<Output = Result<()>> + 'static) -> Result<()> {
    match LocalSet::new().run_until(async { spawn_local(steps).await }).await {
        Ok(result) => result,
        Err(panic) => Err(anyhow!("the scenario panicked: {panic}")),
    }
}

/// Counts and prints.
#[derive(Debug, Default)]
pub struct Report {
    passed: usize,
    skipped: usize,
    failures: Vec<(String, String)>,
}

impl Report {
    /// Runs one scenario and prints its line.
    pub async fn run(&mut self, name: &str, scenario: impl Future<Output = Outcome>) {
        let began = Instant::now();
        let outcome = scenario.await;
        let seconds = began.elapsed().as_secs_f32();
        match outcome {
            Outcome::Passed => {
                self.passed += 1;
                println!("test {name} ... ok ({seconds:.1} s)");
            }
            Outcome::Skipped(reason) => {
                self.skipped += 1;
                println!("test {name} ... skipped, {reason}");
            }
            Outcome::Failed(error) => {
                println!("test {name} ... FAILED ({seconds:.1} s)");
                self.failures.push((name.to_owned(), format!("{error:#}")));
            }
        }
    }

    /// Prints the failures and the sum.
    #[must_use]
    pub fn end(self) -> ExitCode {
        for (name, error) in &self.failures {
            println!("\n---- {name} ----\n{error}");
        }
        let failed = self.failures.len();
        let verdict = if failed == 0 { "ok" } else { "FAILED" };
        println!(
            "\ntest result: {verdict}. {} passed; {failed} failed; {} skipped\n",
            self.passed, self.skipped
        );
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_those_of_cargo_test() {
        let read = |text: &str| Wanted::read(text.split_whitespace().map(str::to_owned));
        for (arguments, name, takes) in [
            ("", "board_sorts", true),
            ("--test-threads=1 --nocapture", "board_sorts", true),
            ("--test-threads 1", "board_sorts", true),
            ("sort", "board_sorts", true),
            ("sort --exact", "board_sorts", false),
            ("login", "board_sorts", false),
            ("--skip sort", "board_sorts", false),
        ] {
            assert_eq!(read(arguments).takes(name), takes, "{arguments}");
        }
        assert!(read("--list").list);
    }
}
