//! The master configuration (platform.md §3.3): one document for the whole suite, and what it means.

mod document;
pub mod schema;
#[cfg(test)]
mod tests;

pub use self::document::{Document, Fault, HIDDEN, parse_path};

/// What a document says, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct MasterConfig(Document);

/// A Keycloak that stands instead of Core's own realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeycloakAddress {
    /// Base URL, without the realm.
    pub url: String,
    /// Name of the realm.
    pub realm: String,
}

/// Where KnowledgeTree keeps its graph.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Neo4j {
    /// Address.
    pub uri: String,
    /// User.
    pub user: String,
    /// Password, where one is known.
    pub password: Option<String>,
}

impl Default for MasterConfig {
    fn default() -> Self {
        Self(Document::with_defaults())
    }
}

impl From<Document> for MasterConfig {
    fn from(document: Document) -> Self {
        Self(document)
    }
}

impl MasterConfig {
    /// The document behind it.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.0
    }

    fn known(&self, path: &[&str]) -> String {
        self.0.effective(path).unwrap_or_default()
    }

    /// `production` or `development`, of the suite.
    #[must_use]
    pub fn environment(&self) -> String {
        self.known(&["system", "environment"])
    }

    /// `production` or `development`, of one service.
    #[must_use]
    pub fn environment_of(&self, service: &str) -> String {
        self.0.text(&["apps", service, "environment"]).unwrap_or_else(|| self.environment())
    }

    /// Lowest level that is logged.
    #[must_use]
    pub fn log_level(&self) -> String {
        self.known(&["system", "log_level"])
    }

    /// Lowest level that a service logs.
    #[must_use]
    pub fn log_level_of(&self, service: &str) -> String {
        self.0.text(&["apps", service, "log_level"]).unwrap_or_else(|| self.log_level())
    }

    /// Whether logs are JSON lines.
    #[must_use]
    pub fn json_logging(&self) -> bool {
        self.known(&["system", "enable_json_logging"]) == "true"
    }

    /// `system.hostname` as it is set.
    #[must_use]
    pub fn hostname(&self) -> String {
        self.known(&["system", "hostname"])
    }

    /// The name under which browsers reach the suite, when one was chosen.
    #[must_use]
    pub fn public_name(&self) -> Option<String> {
        Some(self.hostname()).filter(|name| name != "localhost")
    }

    /// Keycloak, when the suite uses one. A trailing `/realms/<realm>` is the realm's, not the address's.
    #[must_use]
    pub fn keycloak(&self) -> Option<KeycloakAddress> {
        let url = self.0.text(&["keycloak", "url"])?;
        let realm = self.known(&["keycloak", "realm"]);
        let url = url.strip_suffix(&format!("/realms/{realm}")).unwrap_or(&url).to_owned();
        Some(KeycloakAddress { url, realm })
    }

    /// Client by which people sign in.
    #[must_use]
    pub fn client_id(&self) -> String {
        self.known(&["keycloak", "client_id"])
    }

    /// Its secret, when one was set.
    #[must_use]
    pub fn client_secret(&self) -> Option<String> {
        self.0.text(&["keycloak", "client_secret"])
    }

    /// Neo4j, when one was set.
    #[must_use]
    pub fn neo4j(&self) -> Option<Neo4j> {
        Some(Neo4j {
            uri: self.0.text(&["databases", "neo4j", "uri"])?,
            user: self.known(&["databases", "neo4j", "user"]),
            password: self.0.text(&["databases", "neo4j", "password"]),
        })
    }

    /// Sections and keys that go into the INI file of a service.
    #[must_use]
    pub fn sections(&self, service: &str) -> Vec<(String, Vec<(String, String)>)> {
        let sections = self.0.get(&["apps", service, "sections"]).and_then(serde_json::Value::as_object);
        let sections = sections.into_iter().flatten();
        sections
            .filter_map(|(section, keys)| {
                let keys = keys.as_object()?;
                let text = |name: &String| {
                    Some((name.clone(), self.0.text(&["apps", service, "sections", section, name])?))
                };
                Some((section.clone(), keys.keys().filter_map(text).collect()))
            })
            .collect()
    }
}

impl std::fmt::Debug for Neo4j {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Neo4j").field("uri", &self.uri).finish_non_exhaustive()
    }
}
