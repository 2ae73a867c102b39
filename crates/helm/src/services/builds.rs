//! Which build each process runs: it says so in its metrics, to this machine alone, and is asked once in its life.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use hivematrix_shared::config::UNKNOWN_VERSION;
use http::StatusCode;

use crate::supervisor::{probe::body, process::Identity};

/// Longest version that is shown.
const LONGEST: usize = 64;

/// What processes have said, by the name of their service.
#[derive(Debug, Default)]
pub(crate) struct Builds(Mutex<HashMap<String, (Identity, Option<String>)>>);

impl Builds {
    /// The version of a service's process below `base`; `None` where it tells none, as services of the original suite do.
    pub(crate) async fn version(
        &self,
        client: &reqwest::Client,
        name: &str,
        process: &Identity,
        base: &str,
    ) -> Option<String> {
        if let Some(told) = self.told(name, process) {
            return told;
        }
        // Whoever gives no answer that counts is asked again: it may still be starting.
        let answer = client.get(format!("{base}/metrics")).send().await.ok()?;
        let version = match answer.status() {
            StatusCode::NOT_FOUND => None,
            status if status.is_success() => version_in(&String::from_utf8_lossy(&body(answer).await.ok()?)),
            _ => return None,
        };
        let mut builds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        builds.insert(name.to_owned(), (process.clone(), version.clone()));
        version
    }

    fn told(&self, name: &str, process: &Identity) -> Option<Option<String>> {
        let builds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        builds.get(name).filter(|(known, _)| known == process).map(|(_, version)| version.clone())
    }
}

/// The version that metrics name.
fn version_in(metrics: &str) -> Option<String> {
    let labels = metrics.lines().find_map(|line| line.strip_prefix("build_info{"))?;
    let (_, rest) = labels.split_once("version=\"")?;
    let (version, _) = rest.split_once('"')?;
    let is_told = !version.is_empty() && version.len() <= LONGEST && version != UNKNOWN_VERSION;
    is_told.then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{Router, routing::get};

    use super::*;
    use crate::supervisor::probe::local_client;

    fn metrics(version: &str) -> String {
        format!("# TYPE build info\nbuild_info{{service=\"core\",version=\"{version}\"}} 1\n# EOF\n")
    }

    /// A service that gives these answers, one after another and the last for ever; its address and how often it was asked.
    async fn service(answers: Vec<(u16, String)>) -> (String, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let answer = move || async move {
            let turn = count.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
            (StatusCode::from_u16(answers[turn].0).unwrap(), answers[turn].1.clone())
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/metrics", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (address, asked)
    }

    #[tokio::test]
    async fn a_process_is_asked_until_it_gives_an_answer_that_counts() {
        let own = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        let client = local_client().unwrap();
        for (answers, told) in [
            (vec![(503, "starting".to_owned()), (200, metrics("1.2"))], [None, Some("1.2"), Some("1.2")]),
            (vec![(200, "x".repeat(2 << 20)), (200, metrics("1.2"))], [None, Some("1.2"), Some("1.2")]),
            (vec![(404, "none".to_owned()), (200, metrics("1.2"))], [None, None, None]),
        ] {
            let (base, asked) = service(answers).await;
            let builds = Builds::default();
            for version in told {
                assert_eq!(builds.version(&client, "core", &own, &base).await.as_deref(), version);
            }
            let counted = if told[1].is_some() { 2 } else { 1 };
            assert_eq!(asked.load(Ordering::Relaxed), counted);
        }
    }

    #[test]
    fn the_version_stands_in_the_metrics() {
        assert_eq!(version_in(&metrics("2025.11.22-abc1234")).as_deref(), Some("2025.11.22-abc1234"));
        for nothing in [metrics("unknown"), metrics(""), metrics(&"x".repeat(65)), "<html>".to_owned()] {
            assert_eq!(version_in(&nothing), None, "{nothing}");
        }
    }
}
