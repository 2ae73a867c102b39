//! A simulator at noon, and how to ask it.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use chrono::{DateTime, Utc};
use hivematrix_simulators::clock::Clock;
use hivematrix_simulators::freshservice::{Config, Handle, spawn};
use reqwest::Response;
use serde_json::Value;

pub fn noon() -> DateTime<Utc> {
    "2026-03-18T12:00:00Z".parse().unwrap()
}

pub async fn start() -> Handle {
    start_with(|_| {}).await
}

pub async fn start_with(change: impl FnOnce(&mut Config)) -> Handle {
    let mut config = Config { clock: Clock::standing(noon()), ..Config::default() };
    change(&mut config);
    spawn(config).await.unwrap()
}

pub async fn get(sim: &Handle, path: &str) -> Response {
    let url = format!("{}/api/v2{path}", sim.base_url);
    reqwest::Client::new().get(url).basic_auth(&sim.api_key, Some("X")).send().await.unwrap()
}

pub async fn json(sim: &Handle, path: &str) -> Value {
    let answer = get(sim, path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

pub fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

pub fn ids(list: &Value, name: &str) -> Vec<u64> {
    list[name].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

/// All ids of a list, following `Link`.
pub async fn walk(sim: &Handle, path: &str, name: &str) -> Vec<u64> {
    let mut url = format!("{}/api/v2{path}", sim.base_url);
    let mut all = Vec::new();
    loop {
        let answer =
            reqwest::Client::new().get(&url).basic_auth(&sim.api_key, Some("X")).send().await.unwrap();
        let link = header(&answer, "link");
        all.extend(ids(&answer.json().await.unwrap(), name));
        match link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")) {
            Some(next) => url = next.to_owned(),
            None => return all,
        }
    }
}
