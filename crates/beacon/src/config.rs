//! Beacon's settings (beacon.md §14).

use std::time::Duration;

use clap::{ArgAction, Parser};
use hivematrix_shared::{
    config::{CommonSettings, ServiceConfig, parse_bool},
    contracts::codex::PsaId,
};

use crate::{
    domain::{link_key::Signer, views::Views},
    environment,
};

/// Codex is asked for the tickets at most this often for all viewers together (beacon.md §9): open boards ask in this rhythm,
/// and a page takes a copy that is younger.
pub const CODEX_INTERVAL: Duration = Duration::from_secs(5);

/// The live ticket board of HiveMatrix.
#[derive(Clone, Debug, Parser)]
#[command(about)]
pub struct Settings {
    /// Settings every service has.
    #[command(flatten)]
    pub common: CommonSettings,
    /// Base URL of Codex where the registry does not name it.
    #[arg(long, env = "CODEX_SERVICE_URL")]
    pub codex_url: Option<String>,
    /// Seconds between two refreshes of an open page, at most a day.
    #[arg(long, env = "AUTO_REFRESH_INTERVAL_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=86_400))]
    pub auto_refresh_interval_seconds: u64,
    /// The sirens pulse while more tickets than this are active.
    #[arg(long, env = "SIREN_THRESHOLD", default_value_t = 30)]
    pub siren_threshold: usize,
    /// Groups of the professional-services view, separated by commas; without it Codex says which.
    #[arg(long, env = "PROFESSIONAL_SERVICES_GROUP_IDS", default_value = "", hide_default_value = true)]
    pub professional_services_group_ids: GroupIds,
    /// The seed's name for a single such group; read where the list above is empty.
    #[arg(long, env = "PROFESSIONAL_SERVICES_GROUP_ID", default_value = "", hide_default_value = true)]
    pub professional_services_group_id: GroupIds,
    /// The views: JSON list of {slug, name, group_ids, tags, exclude, window_days}, the last four optional; without it
    /// Helpdesk and Professional Services.
    #[arg(long, env = "VIEWS")]
    pub views: Option<Views>,
    /// `development`: log at DEBUG where LOG_LEVEL does not say otherwise; the suite's `master_config.json` may say it, too.
    #[arg(long, env = "FLASK_ENV")]
    pub flask_env: Option<String>,
    /// Let boards be shown on screens without a user, through signed links that administrators make; needs SECRET_KEY.
    #[arg(long, env = "PUBLIC_DISPLAY_ENABLED", default_value = "false", action = ArgAction::Set, value_parser = parse_bool)]
    pub public_display_enabled: bool,
    /// Time between two looks at Codex while boards are open. Not a setting of the service; tests shorten it.
    #[arg(skip = CODEX_INTERVAL)]
    pub poll_interval: Duration,
}

/// Ids separated by commas.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupIds(pub Vec<PsaId>);

impl std::str::FromStr for GroupIds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().map(PsaId).map_err(|_| format!("`{part}` is not a group id")))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl ServiceConfig for Settings {
    const SERVICE: &'static str = "beacon";

    fn common_mut(&mut self) -> &mut CommonSettings {
        &mut self.common
    }
}

impl Settings {
    /// The configured professional-services groups, empty where Codex decides.
    pub fn professional_services(&self) -> &[PsaId] {
        let list = &self.professional_services_group_ids.0;
        if list.is_empty() { &self.professional_services_group_id.0 } else { list }
    }

    /// Says more in the log of a suite that is being developed, unless a level was chosen.
    pub fn heed_environment(&mut self) {
        let is_development = environment::is_development(
            self.flask_env.as_deref(),
            &self.common.home.join("master_config.json"),
        );
        if is_development && !self.common.log_level_is_chosen && self.common.log_level == "INFO" {
            "DEBUG".clone_into(&mut self.common.log_level);
        }
    }

    /// What signs display links; none while displays are switched off.
    pub fn signer(&self) -> Option<Signer> {
        self.public_display_enabled.then(|| Signer::new(&self.common.secret_key)).flatten()
    }

    /// What is wrong with the settings together.
    pub fn contradiction(&self) -> Option<&'static str> {
        (self.public_display_enabled && self.common.secret_key.is_empty())
            .then_some("PUBLIC_DISPLAY_ENABLED needs SECRET_KEY: without it display links cannot be signed")
    }
}

#[cfg(test)]
mod tests {
    use hivematrix_shared::config;

    use super::*;

    #[test]
    fn group_ids_are_a_comma_list() {
        for (text, ids) in [
            ("", Some(vec![])),
            ("19000234009", Some(vec![19_000_234_009])),
            (" 1, 2 ,,3", Some(vec![1, 2, 3])),
            ("1,x", None),
        ] {
            let expected = ids.map(|ids| GroupIds(ids.into_iter().map(PsaId).collect()));
            assert_eq!(text.parse::<GroupIds>().ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_refresh_has_bounds_that_a_browsers_timer_can_keep() {
        for (seconds, fits) in
            [("4", false), ("5", true), ("86400", true), ("86401", false), ("18446744073709551615", false)]
        {
            let settings = Settings::try_parse_from(["beacon", "--auto-refresh-interval-seconds", seconds]);
            assert_eq!(settings.is_ok(), fits, "{seconds}");
        }
    }

    #[test]
    fn a_level_that_was_chosen_stays_in_development() {
        for (args, level) in [
            (&[][..], "INFO"),
            (&["--flask-env=production"], "INFO"),
            (&["--flask-env=development"], "DEBUG"),
            (&["--flask-env=development", "--log-level=WARNING"], "WARNING"),
            (&["--flask-env=development", "--log-level=INFO"], "INFO"),
        ] {
            let home = tempfile::tempdir().unwrap();
            let mut settings: Settings =
                config::load_from(["beacon"].iter().chain(args), home.path()).unwrap();
            settings.heed_environment();
            assert_eq!(settings.common.log_level, level, "{args:?}");
        }
    }

    #[test]
    fn displays_are_off_unless_switched_on_and_need_a_secret() {
        for (args, on, contradicts) in [
            (&[][..], false, false),
            (&["--secret-key=s"], false, false),
            (&["--public-display-enabled=false", "--secret-key=s"], false, false),
            (&["--public-display-enabled=true", "--secret-key=s"], true, false),
            (&["--public-display-enabled=true"], false, true),
        ] {
            let settings = Settings::try_parse_from(["beacon"].iter().chain(args)).unwrap();
            let found = (settings.signer().is_some(), settings.contradiction().is_some());
            assert_eq!(found, (on, contradicts), "{args:?}");
        }
    }

    #[test]
    fn the_single_group_of_the_seed_counts_where_no_list_is_given() {
        let settings = |args: &[&str]| {
            let args = ["beacon"].iter().chain(args);
            Settings::try_parse_from(args).unwrap().professional_services().to_vec()
        };
        assert_eq!(settings(&["--professional-services-group-id=7"]), [PsaId(7)]);
        assert_eq!(
            settings(&["--professional-services-group-id=7", "--professional-services-group-ids=8,9"]),
            [PsaId(8), PsaId(9)]
        );
    }
}
