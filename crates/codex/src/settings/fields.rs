//! Which settings people may change while the service runs, and what may stand in each (codex-api.md §11.1).

use std::net::IpAddr;

use chrono::NaiveTime;
use serde_json::{Value, json};
use url::Url;

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any one line.
    Text,
    /// A host name, with a port where it is not the usual one.
    Host,
    /// An address of a server.
    Address,
    /// Address of a ticket in the browser.
    TicketLink,
    /// Something that is never shown again.
    Secret,
    /// On or off.
    Switch,
    /// One of several words.
    Choice(&'static [&'static str]),
    /// Some of several words.
    Choices(&'static [&'static str]),
    /// A whole number.
    Number {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// Numbers of the vendor.
    Ids,
    /// A time of day, in the zone of the server.
    Time,
    /// Addresses or networks of clients.
    Clients,
    /// Pairs of status code and key.
    Statuses,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Section of the file and of the answer.
    pub section: &'static str,
    /// Key in the section.
    pub key: &'static str,
    /// Name for people.
    pub label: &'static str,
    /// What it holds.
    pub kind: Kind,
}

const PSA: &[&str] = &["freshservice", "superops"];
const RMM: &[&str] = &["datto", "superops"];
const RHYTHM: &[&str] = &["daily", "hourly"];

const fn field(section: &'static str, key: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { section, key, label, kind }
}

/// All of them, in the order of the page. Those that this build does not read are left out of every answer.
pub const FIELDS: &[Field] = &[
    field("psa", "default_provider", "Active PSA provider", Kind::Choice(PSA)),
    field("psa", "enabled_providers", "Providers that are read", Kind::Choices(PSA)),
    field("freshservice", "domain", "API domain", Kind::Host),
    field("freshservice", "web_domain", "Web domain", Kind::Host),
    field("freshservice", "api_key", "API key", Kind::Secret),
    field("freshservice", "base_url", "API address", Kind::Address),
    field("freshservice", "ticket_url_template", "Ticket link", Kind::TicketLink),
    field("freshservice", "status_map", "Status codes", Kind::Statuses),
    field("freshservice", "professional_services_group_id", "Professional-services groups", Kind::Ids),
    field("freshservice", "helpdesk_group_id", "Helpdesk group", Kind::Number { min: 1, max: i64::MAX }),
    field("superops", "base_url", "API address", Kind::Address),
    field("superops", "api_key", "API key", Kind::Secret),
    field("superops", "subdomain", "Subdomain", Kind::Text),
    field("superops", "region", "Region", Kind::Choice(&["us", "eu"])),
    field("superops", "ticket_url_template", "Ticket link", Kind::TicketLink),
    field("superops", "account_number_field", "Field with the account number", Kind::Text),
    field("superops", "professional_services_group_id", "Professional-services groups", Kind::Ids),
    field("superops", "helpdesk_group_id", "Helpdesk group", Kind::Number { min: 1, max: i64::MAX }),
    field("rmm", "default_provider", "Active RMM provider", Kind::Choice(RMM)),
    field("datto", "api_endpoint", "API endpoint", Kind::Address),
    field("datto", "public_key", "Public key", Kind::Text),
    field("datto", "secret_key", "Secret key", Kind::Secret),
    field("datto", "command_component", "Component for remote commands", Kind::Text),
    field("scheduler", "sync_psa_enabled", "Companies, contacts and agents", Kind::Switch),
    field("scheduler", "sync_psa_schedule", "How often", Kind::Choice(RHYTHM)),
    field("scheduler", "sync_psa_time", "Daily at (server time)", Kind::Time),
    field("scheduler", "sync_tickets_enabled", "Tickets", Kind::Switch),
    field(
        "scheduler",
        "sync_tickets_interval_seconds",
        "Seconds between ticket syncs",
        Kind::Number { min: 15, max: 86_400 },
    ),
    field(
        "scheduler",
        "sync_tickets_schedule",
        "Full comparison",
        Kind::Choice(&["frequent", "daily", "hourly"]),
    ),
    field("scheduler", "sync_tickets_detail_time", "Full comparison daily at (server time)", Kind::Time),
    field("scheduler", "sync_rmm_enabled", "Devices", Kind::Switch),
    field("scheduler", "sync_rmm_schedule", "How often", Kind::Choice(RHYTHM)),
    field("scheduler", "sync_rmm_time", "Daily at (server time)", Kind::Time),
    field("scheduler", "sync_run_on_startup", "Run on Startup", Kind::Switch),
    field("webhooks", "enabled", "Accept webhooks", Kind::Switch),
    field("webhooks", "secret", "Secret", Kind::Secret),
    field("webhooks", "allowed_ips", "Allowed client addresses", Kind::Clients),
    field("webhooks", "log_payloads", "Log what arrives", Kind::Switch),
];

/// What a secret looks like in every answer.
pub const HIDDEN: &str = "***";

/// Longest value of a text.
const LONGEST: usize = 2000;

impl Field {
    /// `section.key`, as it stands in the problem document.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// The word for the kind of value, for programs and pages.
    pub const fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Text | Kind::TicketLink => "text",
            Kind::Host => "host",
            Kind::Address => "url",
            Kind::Secret => "secret",
            Kind::Switch => "boolean",
            Kind::Choice(_) => "choice",
            Kind::Choices(_) => "choices",
            Kind::Number { .. } => "number",
            Kind::Ids => "ids",
            Kind::Time => "time",
            Kind::Clients => "addresses",
            Kind::Statuses => "status_map",
        }
    }

    /// The words to choose from.
    pub const fn choices(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Choice(words) | Kind::Choices(words) => words,
            _ => &[],
        }
    }

    /// A stored value as answers show it.
    pub fn shown(&self, raw: &str) -> Value {
        match self.kind {
            Kind::Secret => json!(HIDDEN),
            Kind::Switch => json!(hivematrix_shared::config::parse_bool(raw).unwrap_or(false)),
            Kind::Number { .. } => {
                raw.trim().parse::<i64>().map_or_else(|_| json!(raw), |number| json!(number))
            }
            Kind::Choices(_) | Kind::Ids | Kind::Clients => {
                json!(raw.split(',').map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>())
            }
            _ => json!(raw),
        }
    }

    /// The text to store for a value that was sent; `None` for an empty one, which means the default.
    ///
    /// # Errors
    /// The sentence for the person who sent it.
    pub fn accept(&self, sent: &Value) -> Result<Option<String>, String> {
        let text = match sent {
            Value::Null => return Ok(None),
            Value::Bool(on) => on.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            Value::Array(items) => {
                let words: Option<Vec<String>> = items
                    .iter()
                    .map(|item| match item {
                        Value::String(text) => Some(text.trim().to_owned()),
                        Value::Number(number) => Some(number.to_string()),
                        _ => None,
                    })
                    .collect();
                words.ok_or("A list of words or numbers is expected.")?.join(",")
            }
            Value::Object(_) => return Err("A single value is expected.".to_owned()),
        };
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > LONGEST || text.contains(char::is_control) {
            return Err("One line of at most 2000 characters is expected.".to_owned());
        }
        self.check(&text).map(Some)
    }

    fn check(&self, text: &str) -> Result<String, String> {
        let words = || text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let each = |fits: &dyn Fn(&str) -> bool, what: &str| match words().find(|word| !fits(word)) {
            None => Ok(words().collect::<Vec<_>>().join(",")),
            Some(word) => Err(format!("“{word}” is not {what}.")),
        };
        match self.kind {
            Kind::Text | Kind::Secret => Ok(text.to_owned()),
            Kind::TicketLink => ticket_link(text).ok_or_else(|| {
                "An address such as https://help.example.com/tickets/{ticket_id} is expected.".to_owned()
            }),
            Kind::Host => {
                host(text).ok_or_else(|| "A host name such as acme.freshservice.com is expected.".to_owned())
            }
            Kind::Address => address(text)
                .ok_or_else(|| "An address such as https://api.example.com is expected.".to_owned()),
            Kind::Switch => hivematrix_shared::config::parse_bool(text)
                .map(|on| on.to_string())
                .map_err(|_| "Either true or false is expected.".to_owned()),
            Kind::Choice(allowed) => match allowed.iter().find(|word| **word == text) {
                Some(word) => Ok((*word).to_owned()),
                None => Err(format!("One of {} is expected.", allowed.join(", "))),
            },
            Kind::Choices(allowed) => {
                each(&|word| allowed.contains(&word), &format!("one of {}", allowed.join(", ")))
            }
            Kind::Number { min, max } => match text.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
                _ if max == i64::MAX => Err(format!("A whole number from {min} on is expected.")),
                _ => Err(format!("A whole number from {min} to {max} is expected.")),
            },
            Kind::Ids => each(&|word| word.parse::<i64>().is_ok_and(|id| id > 0), "a number of a group"),
            Kind::Time => NaiveTime::parse_from_str(text, "%H:%M")
                .map(|time| time.format("%H:%M").to_string())
                .map_err(|_| "A time such as 02:30 is expected.".to_owned()),
            Kind::Clients => {
                each(&is_client, "an address such as 203.0.113.7 or a network such as 203.0.113.0/24")
            }
            Kind::Statuses => each(&is_status, "a pair such as 6=waiting_customer"),
        }
    }
}

/// A host name, also when a whole address was pasted.
fn host(text: &str) -> Option<String> {
    let bare = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let bare = bare.trim_end_matches('/');
    let url = Url::parse(&format!("https://{bare}")).ok()?;
    let plain =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let host = url.host_str().filter(|_| plain && url.password().is_none())?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// A link that stays one, whoever clicks it, with the place where the ticket's number stands.
fn ticket_link(text: &str) -> Option<String> {
    let begins = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme))
        || (text.starts_with('/') && !text.starts_with("//"));
    (begins && text.contains("{ticket_id}")).then(|| text.to_owned())
}

/// An address of a server over HTTP. Without TLS only this machine can be meant, or a secret would travel in the open.
fn address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?;
    let local = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let fits = url.scheme() == "https" || (url.scheme() == "http" && local);
    let open = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (fits && open).then(|| text.to_owned())
}

fn is_client(word: &str) -> bool {
    let (address, bits) = word.split_once('/').map_or((word, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

fn is_status(word: &str) -> bool {
    word.split_once('=').is_some_and(|(code, key)| {
        code.trim().parse::<i32>().is_ok()
            && !key.trim().is_empty()
            && key.trim().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(kind: Kind, sent: Value) -> Result<Option<String>, String> {
        field("s", "k", "K", kind).accept(&sent)
    }

    #[test]
    fn each_kind_takes_what_fits_and_names_what_does_not() {
        let good = |kind, sent: Value, stored: &str| {
            assert_eq!(accept(kind, sent.clone()), Ok(Some(stored.to_owned())), "{kind:?} {sent}");
        };
        good(Kind::Host, json!(" https://acme.freshservice.com/ "), "acme.freshservice.com");
        good(Kind::Host, json!("localhost:8080"), "localhost:8080");
        good(Kind::Address, json!("https://api.example.com/v2"), "https://api.example.com/v2");
        good(Kind::Address, json!("http://127.0.0.1:9"), "http://127.0.0.1:9");
        for link in ["https://x.example/t/{ticket_id}", "/t/{ticket_id}"] {
            good(Kind::TicketLink, json!(link), link);
        }
        good(Kind::Switch, json!(true), "true");
        good(Kind::Switch, json!("off"), "false");
        good(Kind::Choice(RHYTHM), json!("hourly"), "hourly");
        good(Kind::Choices(PSA), json!(["superops", "freshservice"]), "superops,freshservice");
        good(Kind::Number { min: 15, max: 20 }, json!(15), "15");
        good(Kind::Ids, json!("1, 2"), "1,2");
        good(Kind::Time, json!("4:05"), "04:05");
        good(Kind::Clients, json!("203.0.113.0/24, ::1"), "203.0.113.0/24,::1");
        good(Kind::Statuses, json!("6=waiting_customer"), "6=waiting_customer");
        for (kind, sent) in [
            (Kind::Host, json!("acme.com/path")),
            (Kind::Host, json!("user@acme.com")),
            (Kind::Address, json!("ftp://x.example")),
            (Kind::Address, json!("http://x.example")),
            (Kind::Address, json!("https://u:p@x.example")),
            (Kind::Switch, json!("perhaps")),
            (Kind::Choice(RHYTHM), json!("yearly")),
            (Kind::Choices(PSA), json!(["jira"])),
            (Kind::Number { min: 15, max: 20 }, json!(14)),
            (Kind::Number { min: 15, max: 20 }, json!(15.5)),
            (Kind::Ids, json!("1,x")),
            (Kind::Time, json!("25:00")),
            (Kind::Clients, json!("203.0.113.0/33")),
            (Kind::Statuses, json!("six=open")),
            (Kind::TicketLink, json!("https://x.example/tickets")),
            (Kind::TicketLink, json!("javascript:alert({ticket_id})")),
            (Kind::TicketLink, json!("//x.example/{ticket_id}")),
            (Kind::Text, json!("two\nlines")),
            (Kind::Text, json!({})),
            (Kind::Text, json!([{}])),
        ] {
            assert!(accept(kind, sent.clone()).is_err(), "{kind:?} {sent}");
        }
        assert_eq!(accept(Kind::Text, json!("  ")), Ok(None));
        assert_eq!(accept(Kind::Text, Value::Null), Ok(None));
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(field("s", "k", "K", Kind::Secret).shown("hunter2"), json!("***"));
    }
}
