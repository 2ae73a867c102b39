//! Signing in, the same scenarios with Core's own realm and with a real Keycloak. See `hivematrix_e2e`.

mod accounts;
mod addresses;
mod audit;
mod authenticators;
mod boundary;
mod keycloak;
mod levels;
mod outage;
mod own_login;
mod pages;
mod second_factor;
mod sessions;
mod stage;
mod states;

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use hivematrix_e2e::keycloak::Keycloak;
use hivematrix_e2e::needs;
use hivematrix_e2e::runner::{Outcome, Report, Wanted, alone};

use self::stage::{Provider, Stage};

type Steps = Pin<Box<dyn Future<Output = Result<()>>>>;

/// A name and what happens.
struct Scenario {
    name: &'static str,
    /// The only provider that can play it.
    only: Option<Provider>,
    run: fn(Arc<Stage>) -> Steps,
}

impl Scenario {
    fn name_with(&self, provider: Provider) -> String {
        format!("{}::{}", provider.name(), self.name)
    }
}

macro_rules! scenarios {
    ($only:expr; $($module:ident::$name:ident,)*) => {
        &[$(Scenario {
            name: stringify!($name),
            only: $only,
            run: |stage| Box::pin(async move { $module::$name(&stage).await }),
        },)*]
    };
}

const OF_BOTH: &[Scenario] = scenarios![None;
    accounts::signing_in_leads_to_the_page_that_was_wanted_and_home_without_one,
    accounts::a_wrong_password_and_an_unknown_user_get_the_same_answer,
    accounts::a_temporary_password_has_to_be_changed_first,
    accounts::a_disabled_account_gets_no_session,
    accounts::guessing_locks_the_account_for_a_while,
    second_factor::a_code_is_asked_for_once_a_person_has_set_an_app_up,
    second_factor::an_administrator_may_want_an_app_to_be_set_up_at_the_next_sign_in,
    levels::each_group_gives_its_level,
    levels::core_takes_only_access_tokens_of_its_own_client,
    addresses::a_clients_address_counts_only_once_it_is_confirmed,
    addresses::who_is_disabled_through_helm_is_signed_out_at_once,
    states::two_tabs_may_sign_in_at_once,
    states::a_callback_counts_once_and_only_in_its_own_browser,
    states::a_refused_sign_in_says_so_and_opens_nothing,
    sessions::a_browser_that_is_known_signs_in_without_a_form,
    sessions::a_silent_answer_needs_no_page_and_never_shows_one,
    sessions::signing_out_ends_the_session_everywhere_and_the_next_sign_in_asks,
    sessions::signing_out_everywhere_ends_the_other_browsers,
    pages::the_forms_load_all_they_need_from_the_gateway,
    pages::the_account_page_works_behind_the_gateway,
    boundary::cookies_are_closed_to_scripts_and_other_sites,
    boundary::the_provider_is_known_by_the_public_address,
    boundary::administration_and_other_realms_are_closed,
    boundary::every_public_address_leads_to_a_sign_in,
    own_login::cores_own_sign_in_and_sign_out_work,
    outage::without_the_provider_a_page_says_so_and_it_comes_back,
];

const OF_THE_LOCAL_REALM: &[Scenario] = scenarios![Some(Provider::Local);
    second_factor::a_recovery_code_signs_in_once_without_the_app,
    audit::refused_sign_ins_are_warnings_that_name_who_and_why_and_no_password,
];

/// The last one takes the suite away from Keycloak.
const OF_KEYCLOAK: &[Scenario] = scenarios![Some(Provider::Keycloak);
    keycloak::a_nested_group_counts_by_its_own_name,
    keycloak::a_realm_may_sign_with_other_algorithms,
    keycloak::configuring_again_changes_nothing,
    keycloak::helm_shows_how_keycloak_is,
    addresses::nobody_writes_the_own_address_at_keycloak,
    keycloak::what_was_changed_at_keycloak_is_repaired_and_the_rest_is_left_alone,
    keycloak::forgetting_keycloak_leads_back_to_the_own_realm,
];

#[tokio::main]
async fn main() -> ExitCode {
    let wanted = Wanted::read(std::env::args().skip(1));
    let of = |provider: Provider| {
        let fits = move |scenario: &&Scenario| scenario.only.is_none_or(|only| only == provider);
        let takes = |scenario: &&Scenario| wanted.takes(&scenario.name_with(provider));
        OF_BOTH
            .iter()
            .chain(OF_THE_LOCAL_REALM)
            .chain(OF_KEYCLOAK)
            .filter(fits)
            .filter(takes)
            .collect::<Vec<_>>()
    };
    if wanted.list {
        for provider in Provider::ALL {
            of(provider).iter().for_each(|scenario| println!("{}: test", scenario.name_with(provider)));
        }
        return ExitCode::SUCCESS;
    }
    let number: usize = Provider::ALL.into_iter().map(|provider| of(provider).len()).sum();
    println!("\nrunning {number} tests");
    let mut report = Report::default();
    for provider in Provider::ALL {
        let scenarios = of(provider);
        if !scenarios.is_empty() {
            run(&mut report, provider, &scenarios).await;
        }
    }
    report.end()
}

async fn run(report: &mut Report, provider: Provider, scenarios: &[&Scenario]) {
    if provider == Provider::Keycloak
        && let Err(missing) = Keycloak::from_environment()
    {
        for scenario in scenarios {
            let outcome = match needs::must_run() {
                true => Outcome::Failed(anyhow!("{missing:#}")),
                false => Outcome::Skipped(format!("{missing:#}")),
            };
            report.run(&scenario.name_with(provider), async { outcome }).await;
        }
        return;
    }
    let started = match needs::build() {
        Ok(build) => Stage::start(&build, provider).await.map(|stage| (stage, build)),
        Err(error) => Err(error),
    };
    let (stage, build) = match started {
        Ok((stage, build)) => (Arc::new(stage), build),
        Err(error) => {
            report
                .run(&format!("{}::the_suite_starts", provider.name()), async { Outcome::Failed(error) })
                .await;
            return;
        }
    };
    let told = stage.clone();
    let interrupted = tokio::spawn(async move { told.instance.stop_when_told().await });
    for scenario in scenarios {
        report
            .run(&scenario.name_with(provider), async { alone((scenario.run)(stage.clone())).await.into() })
            .await;
    }
    interrupted.abort();
    stage.instance.keep_log(&build.artefacts.join(format!("login-{}.log", provider.name()))).await;
}
