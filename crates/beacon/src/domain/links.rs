//! Links into the PSA (beacon.md §9).

use hivematrix_shared::contracts::codex::{PsaConfig, PsaId};
use url::Url;

const PLACEHOLDER: &str = "{ticket_id}";

/// Address of a ticket in the PSA, with `{ticket_id}` for the ticket's PSA id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TicketLinks(String);

impl TicketLinks {
    /// The template of Codex's default provider, if it makes web addresses.
    pub fn from_config(config: &PsaConfig) -> Option<Self> {
        let provider = config.providers.get(config.default_provider.as_deref()?)?;
        let template = provider.ticket_url_template.as_deref()?.trim();
        (is_web(template) && template.contains(PLACEHOLDER)).then(|| Self(template.to_owned()))
    }

    /// The template itself, for the page's script.
    pub fn template(&self) -> &str {
        &self.0
    }

    /// What stands before the id, the page's `TICKET_BASE_URL`.
    pub fn base(&self) -> &str {
        self.0.split(PLACEHOLDER).next().unwrap_or_default()
    }

    /// Address of one ticket.
    pub fn of(&self, external_id: PsaId) -> String {
        self.0.replace(PLACEHOLDER, &external_id.to_string())
    }
}

/// The template ends up in `href`: nothing but http, https and paths of the suite itself may come through, such as that of
/// the demo's simulated PSA, which is found under whichever address the board was opened.
fn is_web(template: &str) -> bool {
    // Browsers leave some control characters out, so that they could hide what the address really is.
    if template.chars().any(char::is_control) {
        return false;
    }
    // `//host/…` and `/\host/…` are addresses of other hosts.
    let is_path = template.starts_with('/') && !template[1..].starts_with(['/', '\\']);
    let sample = Url::parse(&template.replace(PLACEHOLDER, "1"));
    is_path || sample.is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_is_the_template_with_the_psa_id() {
        for (template, link, base) in [
            (
                "https://msp.example/helpdesk/tickets/{ticket_id}",
                Some("https://msp.example/helpdesk/tickets/7"),
                "https://msp.example/helpdesk/tickets/",
            ),
            (
                "https://msp.example/t/{ticket_id}/view",
                Some("https://msp.example/t/7/view"),
                "https://msp.example/t/",
            ),
            ("javascript:alert({ticket_id})", None, ""),
            ("https://msp.example/tickets/", None, ""),
            ("/simulator/tickets/{ticket_id}", Some("/simulator/tickets/7"), "/simulator/tickets/"),
            ("/t/{ticket_id}?also={ticket_id}", Some("/t/7?also=7"), "/t/"),
            ("tickets/{ticket_id}", None, ""),
            ("//evil.example/{ticket_id}", None, ""),
            (r"/\evil.example/{ticket_id}", None, ""),
            ("/\t/evil.example/{ticket_id}", None, ""),
            ("", None, ""),
        ] {
            let config: PsaConfig = serde_json::from_value(json!({
                "default_provider": "freshservice",
                "providers": {"freshservice": {"ticket_url_template": template}}
            }))
            .unwrap();
            let links = TicketLinks::from_config(&config);
            assert_eq!(links.as_ref().map(|links| links.of(PsaId(7))).as_deref(), link, "{template}");
            assert_eq!(links.as_ref().map(TicketLinks::base).unwrap_or_default(), base);
        }
        assert_eq!(TicketLinks::from_config(&PsaConfig::default()), None);
    }

    /// The cases that the page's script is held to as well (crates/e2e/tests/suite/rules.js).
    #[test]
    fn links_are_as_the_table_has_them_for_server_and_script() {
        let table: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/cases/rows.json")).unwrap();
        for case in table["links"].as_array().unwrap() {
            let links = TicketLinks(case["template"].as_str().unwrap().to_owned());
            let id: PsaId = serde_json::from_value(case["external_id"].clone()).unwrap();
            assert_eq!(links.of(id), case["link"].as_str().unwrap());
        }
    }
}
