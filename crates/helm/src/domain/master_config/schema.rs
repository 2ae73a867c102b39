//! What may stand in the master configuration (platform.md §3.3): each key with its kind and default.

use serde_json::Value;

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of these words; capital or small letters do not matter.
    Choice(&'static [&'static str]),
    /// Name or address of a machine, without port.
    Hostname,
    /// Absolute address with one of these schemes.
    Url(&'static [&'static str]),
    /// Letters, digits and `. _ - @`.
    Name,
    /// 1 to 65535.
    Port,
    /// `true` or `false`.
    Flag,
    /// Any text on one line.
    Text,
}

/// One key of the master configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Path with dots; `*` stands for the name of a service.
    pub path: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// What holds when it is not set.
    pub default: Option<&'static str>,
    /// What it is for.
    pub meaning: &'static str,
}

/// Environments.
pub const ENVIRONMENTS: [&str; 2] = ["production", "development"];
/// Log levels, from the most talkative on.
pub const LEVELS: [&str; 5] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

const WEB: &[&str] = &["http", "https"];
const GRAPH: &[&str] = &["bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"];

const fn key(path: &'static str, kind: Kind, default: Option<&'static str>, meaning: &'static str) -> Key {
    Key { path, kind, default, meaning }
}

/// All known keys. Others are kept and mean nothing here.
pub const KEYS: &[Key] = &[
    key(
        "system.environment",
        Kind::Choice(&ENVIRONMENTS),
        Some("development"),
        "given to services as ENVIRONMENT, to those of the original suite as FLASK_ENV too",
    ),
    key(
        "system.hostname",
        Kind::Hostname,
        Some("localhost"),
        "name under which browsers reach the gateway; localhost means every name and address of this machine",
    ),
    key("system.log_level", Kind::Choice(&LEVELS), Some("INFO"), "given to services as LOG_LEVEL"),
    key(
        "system.enable_json_logging",
        Kind::Flag,
        Some("true"),
        "given to services as ENABLE_JSON_LOGGING: JSON lines, or plain text",
    ),
    key(
        "system.secret_key",
        Kind::Text,
        None,
        "kept for programs of the original suite; each service has its own here",
    ),
    key(
        "keycloak.url",
        Kind::Url(WEB),
        None,
        "Keycloak as services call it; without it Core's own realm signs people in",
    ),
    key("keycloak.realm", Kind::Name, Some("hivematrix"), "name of the realm"),
    key("keycloak.client_id", Kind::Name, Some("core-client"), "client by which people sign in"),
    key("keycloak.client_secret", Kind::Text, None, "its secret; without it the one that Helm made"),
    key("keycloak.admin_username", Kind::Name, Some("admin"), "administrator who sets up a new realm"),
    key(
        "keycloak.admin_password",
        Kind::Text,
        None,
        "the administrator's password, for a realm that is set up by itself",
    ),
    key(
        "databases.postgresql.host",
        Kind::Hostname,
        Some("localhost"),
        "server of the databases that apps name",
    ),
    key("databases.postgresql.port", Kind::Port, Some("5432"), "its port"),
    key(
        "databases.postgresql.admin_user",
        Kind::Name,
        Some("postgres"),
        "kept for programs of the original suite",
    ),
    key("databases.neo4j.uri", Kind::Url(GRAPH), None, "given to KnowledgeTree as NEO4J_URI"),
    key("databases.neo4j.user", Kind::Name, Some("neo4j"), "given to KnowledgeTree as NEO4J_USER"),
    key("databases.neo4j.password", Kind::Text, None, "given to KnowledgeTree as NEO4J_PASSWORD"),
    key(
        "apps.*.port",
        Kind::Port,
        None,
        "kept for programs of the original suite; the registry says where services listen",
    ),
    key("apps.*.environment", Kind::Choice(&ENVIRONMENTS), None, "as system.environment, for one service"),
    key("apps.*.log_level", Kind::Choice(&LEVELS), None, "as system.log_level, for one service"),
    key(
        "apps.*.database",
        Kind::Choice(&["postgresql", "neo4j"]),
        None,
        "kind of database of a service of the original suite",
    ),
    key("apps.*.db_name", Kind::Name, None, "name of its database"),
    key("apps.*.db_user", Kind::Name, None, "its role"),
    key("apps.*.db_password", Kind::Text, None, "the role's password"),
];

/// Where any text may stand that goes into the INI file of a service: `apps.<service>.sections.<section>.<key>`.
const SECTIONS: &str = "apps.*.sections.*.*";

/// Longest text.
const LONGEST: usize = 4096;

/// The key of a path.
#[must_use]
pub fn find(path: &[&str]) -> Option<&'static Key> {
    KEYS.iter().find(|key| fits(key.path, path))
}

/// Whether a path names a value of an INI file.
#[must_use]
pub fn is_section_value(path: &[&str]) -> bool {
    fits(SECTIONS, path)
}

fn fits(pattern: &str, path: &[&str]) -> bool {
    let mut parts = pattern.split('.');
    path.iter().all(|step| parts.next().is_some_and(|part| part == "*" || part == *step))
        && parts.next().is_none()
}

/// Whether the value of a path must stay out of what everybody who reads the configuration sees.
#[must_use]
pub fn is_secret(path: &[&str]) -> bool {
    const MARKS: [&str; 7] =
        ["password", "secret", "token", "api_key", "apikey", "connection_string", "private_key"];
    let name = path.last().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    // The path of a file or the name of a client is none.
    let is_marked = name.ends_with("_pass") || MARKS.iter().any(|mark| name.contains(mark));
    is_marked && !name.ends_with("_file") && !name.ends_with("_id")
}

impl Kind {
    /// The value in the form in which it is stored.
    ///
    /// # Errors
    /// In words, what it must be.
    pub fn checked(self, value: &Value) -> Result<Value, String> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            _ => return Err("must be a single value".to_owned()),
        };
        check_text(&text)?;
        match self {
            Self::Choice(words) => words
                .iter()
                .find(|word| word.eq_ignore_ascii_case(&text))
                .map(|word| Value::from(*word))
                .ok_or_else(|| format!("must be one of {}", words.join(", "))),
            Self::Hostname if is_hostname(&text) => Ok(Value::from(text.to_ascii_lowercase())),
            Self::Hostname => {
                Err("must be the name or address of a machine, such as msp.example.net".to_owned())
            }
            Self::Url(schemes) => {
                let url = url::Url::parse(&text).ok().filter(|url| {
                    schemes.contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty())
                });
                let plain = url.filter(|url| url.password().is_none() && url.username().is_empty());
                plain.map(|_| Value::from(text.trim_end_matches('/'))).ok_or_else(|| {
                    format!(
                        "must be an address such as {}://localhost, without user and password",
                        schemes[0]
                    )
                })
            }
            Self::Name => {
                let plain = !text.is_empty()
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@'));
                if plain {
                    Ok(Value::from(text))
                } else {
                    Err("must be made of letters, digits and . _ - @".to_owned())
                }
            }
            Self::Port => match text.parse::<u16>() {
                Ok(port) if port > 0 => Ok(Value::from(port)),
                _ => Err("must be a port from 1 to 65535".to_owned()),
            },
            Self::Flag => match text.to_ascii_lowercase().as_str() {
                "true" => Ok(Value::from(true)),
                "false" => Ok(Value::from(false)),
                _ => Err("must be true or false".to_owned()),
            },
            Self::Text => Ok(value.clone()),
        }
    }
}

/// Text that fits on a line of every file it may be written to.
///
/// # Errors
/// In words, what is wrong with it.
pub fn check_text(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err("must not hold control characters, such as line breaks".to_owned());
    }
    if text.len() > LONGEST {
        return Err(format!("must not be longer than {LONGEST} bytes"));
    }
    Ok(())
}

/// A name of a machine (RFC 1123) or an IP address; IPv6 without brackets.
fn is_hostname(text: &str) -> bool {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    // Digits and dots that are no address are a mistyped one.
    let is_number = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (1..=253).contains(&text.len()) && !is_number && text.split('.').all(label)
}
