//! A service in process, over a database of its own.

use hivematrix_codex::{Codex, app, config::Settings};
use std::sync::Arc;

use hivematrix_shared::{
    auth::{Authenticator, PermissionLevel, RemoteKeys, Revocations},
    clock::Clock,
    config::load_from,
    context::ServiceContext,
    server,
    testing::{Client, TestIdentity, TestResponse},
};
use http::Method;
use serde_json::Value;
use sqlx::PgPool;

use crate::described;

/// The moment at which tests begin: half past ten, 15 seconds in.
pub const NOW: &str = "2025-11-22T10:30:15Z";

/// Codex with a clock that stands until it is moved.
pub struct World {
    pub client: Client,
    pub identity: TestIdentity,
    pub clock: Clock,
    pub pool: PgPool,
    pub context: ServiceContext,
}

impl World {
    pub fn new(pool: PgPool) -> Self {
        Self::at(pool, NOW, &[])
    }

    /// With another time and more arguments on the command line.
    pub fn at(pool: PgPool, now: &str, arguments: &[&str]) -> Self {
        let identity = TestIdentity::new(Clock::manual(now.parse().unwrap()));
        let context = identity.context("codex");
        Self::of(pool, identity, context, arguments)
    }

    /// As it is while Core, whose keys are not known yet, does not answer.
    pub fn without_core(pool: PgPool, now: &str) -> Self {
        let identity = TestIdentity::new(Clock::manual(now.parse().unwrap()));
        let mut context = identity.context("codex");
        let keys = RemoteKeys::new(|| "http://127.0.0.1:1".to_owned(), reqwest::Client::new());
        let (clock, none) = (identity.clock.clone(), Arc::new(Revocations::local()));
        context.auth = Authenticator::remote("codex", clock, keys, none, false);
        Self::of(pool, identity, context, &[])
    }

    fn of(pool: PgPool, identity: TestIdentity, context: ServiceContext, arguments: &[&str]) -> Self {
        let nowhere = std::env::temp_dir().join("hivematrix-no-such-home");
        let arguments = ["hivematrix-codex"].into_iter().chain(arguments.iter().copied());
        let settings: Settings = load_from(arguments, &nowhere).unwrap();
        let (router, options) = app(Codex::new(context.clone(), settings, pool.clone()));
        let client = Client::new(server::apply(&context, router, options));
        Self { client, clock: identity.clock.clone(), identity, pool, context }
    }

    pub async fn sql(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&self.pool).await.unwrap();
    }

    pub fn token(&self, level: PermissionLevel) -> String {
        self.identity.user_token(level)
    }

    pub async fn get_as(&self, level: PermissionLevel, path: &str) -> TestResponse {
        self.call_as(level, Method::GET, path, &Value::Null).await
    }

    /// As a service that acts for nobody.
    pub async fn get(&self, path: &str) -> TestResponse {
        let token = self.identity.service_token("beacon", "codex");
        let answer = self.client.get(path).bearer(token).send().await;
        described::checked(&self.client, "GET", path, answer).await
    }

    /// A request of a person with a JSON body, or none for null.
    pub async fn call_as(
        &self,
        level: PermissionLevel,
        method: Method,
        path: &str,
        body: &Value,
    ) -> TestResponse {
        let request = self.client.request(method.clone(), path).bearer(self.token(level));
        let answer = if body.is_null() { request.send().await } else { request.json(body).send().await };
        described::checked(&self.client, method.as_str(), path, answer).await
    }
}
