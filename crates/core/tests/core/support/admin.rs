//! The administration interface, as Helm and Codex use it.

use hivematrix_shared::testing::TestResponse;
use http::Method;
use serde_json::{Value, json};

use super::{ADMIN_SECRET, Core};

/// The admin client's view of the interface.
pub struct Admin<'a> {
    core: &'a Core,
    pub token: String,
}

impl<'a> Admin<'a> {
    pub async fn new(core: &'a Core) -> Self {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", "hivematrix-admin"),
            ("client_secret", ADMIN_SECRET),
        ];
        let token = core.token_endpoint(&fields).await.json()["access_token"].as_str().unwrap().to_owned();
        Self { core, token }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> TestResponse {
        let request =
            self.core.client.request(method, &format!("/admin/realms/hivematrix{path}")).bearer(&self.token);
        match body {
            Some(body) => request.json(&body).send().await,
            None => request.send().await,
        }
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Makes a user; returns its id from `Location`.
    pub async fn create(&self, body: Value) -> String {
        let answer = self.send(Method::POST, "/users", Some(body)).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (201, ""));
        let location = answer.header("location");
        let start = format!("{}/admin/realms/hivematrix/users/", self.core.url);
        location.strip_prefix(&start).unwrap_or_else(|| panic!("{location}")).to_owned()
    }

    pub async fn names(&self, path: &str) -> Vec<String> {
        let users = self.get(path).await;
        users.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
    }

    /// The id of a user.
    pub async fn id_of(&self, name: &str) -> String {
        let users = self.get(&format!("/users?username={name}&exact=true")).await;
        users[0]["id"].as_str().unwrap().to_owned()
    }

    /// Wants these things done at a user's next sign-in.
    pub async fn require(&self, user: &str, actions: &[&str]) {
        let body = json!({ "requiredActions": actions });
        let done = self.send(Method::PUT, &format!("/users/{user}"), Some(body)).await;
        assert_eq!(done.status, 204, "{}", done.text());
    }
}
