//! The SuperOps account (codex-api.md §11.1, §13.3).

use clap::{Args, ValueEnum};
use hivematrix_shared::{
    config::Secret,
    contracts::codex::{PsaGroupIds, PsaId, PsaProviderConfig},
};
use url::Url;

use super::filled;
use crate::{
    domain::vendor_words::StatusNames,
    providers::superops::{CLIENT_COLUMNS, ClientFields, Habits, PER_MINUTE, WorklogUnit},
};

/// Where people open SuperOps.
const WEB: &str = "https://app.superops.com";

/// Where the vendor keeps the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Region {
    /// `https://api.superops.ai`.
    Us,
    /// `https://euapi.superops.ai`.
    Eu,
}

/// The SuperOps account.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "SuperOps")]
pub struct SuperOpsSettings {
    /// Where the vendor keeps the account.
    #[arg(long, env = "SUPEROPS_REGION", value_enum, ignore_case = true, default_value = "us")]
    pub superops_region: Region,
    /// Origin of the API when it is not the region's; `/msp` is appended when there is no path.
    #[arg(long, env = "SUPEROPS_BASE_URL")]
    pub superops_base_url: Option<Url>,
    /// API token of a technician.
    #[arg(long, env = "SUPEROPS_API_KEY", hide_env_values = true, hide_default_value = true)]
    pub superops_api_key: Option<Secret>,
    /// Name of the account: the first part of its address.
    #[arg(long, env = "SUPEROPS_SUBDOMAIN")]
    pub superops_subdomain: Option<String>,
    /// Custom field of clients that holds the account number, such as `udf1text`.
    #[arg(long, env = "SUPEROPS_ACCOUNT_NUMBER_FIELD", default_value = "account_number")]
    pub superops_account_number_field: String,
    /// Custom fields of clients that hold contract data, e.g. `plan_selected=udf2select,contract_term=udf3select`.
    #[arg(long, env = "SUPEROPS_CLIENT_FIELDS", value_delimiter = ',', value_parser = parse_field)]
    pub superops_client_fields: Vec<(String, String)>,
    /// What the account's statuses mean, beside the usual ones, e.g. `Parts Ordered=waiting_third_party`.
    #[arg(long, env = "SUPEROPS_STATUS_MAP", value_delimiter = ',', value_parser = parse_status)]
    pub superops_status_map: Vec<(String, String)>,
    /// Unit of the time spent on tickets.
    #[arg(long, env = "SUPEROPS_WORKLOG_UNIT", value_enum, ignore_case = true, default_value = "minutes")]
    pub superops_worklog_unit: WorklogUnit,
    /// Requests a minute; the vendor allows each user 800.
    #[arg(long, env = "SUPEROPS_RATE_LIMIT", default_value_t = PER_MINUTE, value_parser = clap::value_parser!(u32).range(1..))]
    pub superops_rate_limit: u32,
    /// Address of a ticket in the browser; default `https://app.superops.com/tickets/{ticket_id}`.
    #[arg(long, env = "SUPEROPS_TICKET_URL_TEMPLATE")]
    pub superops_ticket_url_template: Option<String>,
    /// Groups shown in the professional-services view, separated by commas.
    #[arg(long, env = "SUPEROPS_PROFESSIONAL_SERVICES_GROUP_ID", value_delimiter = ',')]
    pub superops_professional_services_group_id: Vec<i64>,
    /// Group of the helpdesk; without one it is every other group.
    #[arg(long, env = "SUPEROPS_HELPDESK_GROUP_ID")]
    pub superops_helpdesk_group_id: Option<i64>,
}

fn pair<'a>(entry: &'a str, form: &str) -> Result<(&'a str, &'a str), String> {
    let (name, value) = entry.split_once('=').ok_or_else(|| format!("`{entry}` is not {form}"))?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || value.is_empty() {
        return Err(format!("`{entry}` is not {form}"));
    }
    Ok((name, value))
}

fn parse_status(entry: &str) -> Result<(String, String), String> {
    let (name, key) = pair(entry, "NAME=KEY")?;
    if !key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(format!("`{key}` is not a status key"));
    }
    Ok((name.to_owned(), key.to_owned()))
}

fn parse_field(entry: &str) -> Result<(String, String), String> {
    let (column, field) = pair(entry, "COLUMN=FIELD")?;
    if !CLIENT_COLUMNS.contains(&column) {
        return Err(format!("`{column}` is none of {}", CLIENT_COLUMNS.join(", ")));
    }
    Ok((column.to_owned(), field.to_owned()))
}

impl SuperOpsSettings {
    /// The token, if one is set.
    pub fn key(&self) -> Option<&str> {
        self.superops_api_key.as_ref().map(|key| key.expose().trim()).filter(|key| !key.is_empty())
    }

    /// The account, if one is set.
    pub fn subdomain(&self) -> Option<&str> {
        filled(&self.superops_subdomain)
    }

    /// The server of the API.
    pub fn base_url(&self) -> String {
        match (&self.superops_base_url, self.superops_region) {
            (Some(url), _) => url.to_string(),
            (None, Region::Us) => "https://api.superops.ai".to_owned(),
            (None, Region::Eu) => "https://euapi.superops.ai".to_owned(),
        }
    }

    /// How the account names things.
    pub fn habits(&self) -> Habits {
        Habits {
            statuses: StatusNames::new(&self.superops_status_map),
            fields: ClientFields {
                account_number: self.superops_account_number_field.trim().to_owned(),
                others: self.superops_client_fields.iter().cloned().collect(),
            },
            worklog_unit: self.superops_worklog_unit,
        }
    }

    /// What `GET /api/psa/config` tells about it (codex-api.md §4.4); none while nothing is set.
    pub(super) fn psa_config(&self) -> Option<PsaProviderConfig> {
        if self.key().is_none() && self.subdomain().is_none() && self.superops_base_url.is_none() {
            return None;
        }
        let ticket = filled(&self.superops_ticket_url_template).map(str::to_owned);
        let ids = self.superops_professional_services_group_id.iter().copied();
        Some(PsaProviderConfig {
            name: Some("SuperOps".to_owned()),
            ticket_url_template: Some(ticket.unwrap_or_else(|| format!("{WEB}/tickets/{{ticket_id}}"))),
            company_url_template: Some(format!("{WEB}/companies/{{company_id}}")),
            contact_url_template: Some(format!("{WEB}/contacts/{{contact_id}}")),
            domain: Some("app.superops.com".to_owned()),
            api_key: self.key().map(|_| "***".to_owned()),
            group_ids: PsaGroupIds {
                professional_services: ids.map(PsaId).collect(),
                helpdesk: self.superops_helpdesk_group_id.map(PsaId),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use hivematrix_shared::config::load_from;

    use crate::config::Settings;

    fn settings(conf: &str) -> Settings {
        let home = std::env::temp_dir().join(format!("hivematrix-codex-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(home.join("codex")).unwrap();
        std::fs::write(home.join("codex/codex.conf"), conf).unwrap();
        let settings = load_from(["hivematrix-codex"], &home);
        std::fs::remove_dir_all(&home).unwrap();
        settings.unwrap()
    }

    #[test]
    fn both_sections_are_read_and_our_own_wins() {
        let old = "[psa.superops]\napi_url = https://old.example/msp\napi_key = old\n";
        let upstream = settings(old);
        assert_eq!(
            (upstream.superops.key(), upstream.superops.base_url().as_str()),
            (Some("old"), "https://old.example/msp")
        );
        let own = settings(&format!(
            "{old}[superops]\napi_key = new\nbase_url = https://new.example\nsubdomain = acme\n\
             status_map = Parts Ordered=waiting_third_party,Parked=on_hold\nclient_fields = plan_selected=udf2select\n\
             professional_services_group_id = 7206852887969157121\n"
        ));
        assert_eq!((own.superops.key(), own.superops.subdomain()), (Some("new"), Some("acme")));
        let habits = own.superops.habits();
        assert_eq!(habits.statuses.key("parts ordered"), Some("waiting_third_party"));
        assert_eq!(habits.fields.others["plan_selected"], "udf2select");
        let config = own.superops.psa_config().unwrap();
        assert_eq!(config.group_ids.professional_services[0].0, 7_206_852_887_969_157_121);
    }

    #[test]
    fn the_region_names_the_server_and_nothing_set_is_no_account() {
        for (conf, url) in
            [("", "https://api.superops.ai"), ("[superops]\nregion = EU\n", "https://euapi.superops.ai")]
        {
            let settings = settings(conf);
            assert_eq!(settings.superops.base_url(), url);
            assert!(settings.superops.psa_config().is_none());
        }
    }

    #[test]
    fn a_map_that_says_nothing_is_refused() {
        for argument in [
            "--superops-status-map=Open",
            "--superops-status-map=Open=Not A Key",
            "--superops-client-fields=colour=udf1",
        ] {
            let home = std::env::temp_dir().join("hivematrix-no-such-home");
            assert!(
                load_from::<Settings, _, _>(["hivematrix-codex", argument], &home).is_err(),
                "{argument}"
            );
        }
    }
}
