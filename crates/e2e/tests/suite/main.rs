//! The whole suite in a browser. See `hivematrix_e2e`.

mod access;
mod bills;
mod board;
mod clients;
mod contacts;
mod correlation;
mod dialogs;
mod faults;
mod findings;
mod hands;
mod helm_users;
mod live;
mod logs;
mod look;
mod many;
mod pages;
mod pictures;
mod plans;
mod review;
mod search;
mod services;
mod settings;
mod stage;
mod sweep;
mod syncs;
mod wall;

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::axe::Axe;
use hivematrix_e2e::browser::Browser;
use hivematrix_e2e::needs::{self, Browsers, Build};
use hivematrix_e2e::runner::{Outcome, Report, Wanted, alone};
use hivematrix_e2e::suite::Suite;

use stage::Stage;

type Steps = Pin<Box<dyn Future<Output = Result<()>>>>;

/// A name and what happens.
struct Scenario {
    name: &'static str,
    run: fn(Arc<Stage>) -> Steps,
}

macro_rules! scenarios {
    ($($module:ident::$name:ident,)*) => {
        &[$(Scenario { name: stringify!($name), run: |stage| Box::pin(async move { $module::$name(&stage).await }) },)*]
    };
}

/// In this order: what others rely on first, what breaks things last.
const SCENARIOS: &[Scenario] = scenarios![
    access::a_wrong_password_is_told_and_opens_nothing,
    access::a_person_signs_in_and_lands_on_the_board,
    access::after_sign_out_the_back_button_shows_nothing_private,
    access::a_client_gets_the_page_that_says_no,
    access::a_revoked_session_is_refused_everywhere_within_two_seconds,
    board::four_sections_show_the_tickets_of_the_vendor,
    board::views_share_the_tickets_by_group,
    board::the_agent_filter_keeps_one_persons_tickets,
    board::a_column_sorts_up_down_and_back,
    board::hostile_subjects_stay_text,
    board::a_new_ticket_comes_without_a_reload,
    board::a_changed_ticket_moves_with_the_right_state,
    hands::the_search_looks_into_all_columns_and_sections_count,
    hands::keys_lead_through_the_board,
    hands::order_and_agent_stay_while_views_change,
    hands::a_priority_in_the_address_stays_there_and_can_be_changed,
    live::the_rules_of_the_scripts_hold,
    live::changes_are_pushed_and_their_rows_marked_for_a_while,
    live::the_console_stops_the_refresh_and_starts_it_again,
    live::without_stream_and_worker_the_poll_is_enough_and_costs_a_304,
    live::a_wrong_clock_of_the_browser_changes_nothing,
    live::nobody_asks_for_a_hidden_page_and_it_is_current_on_return,
    live::an_ended_session_keeps_the_rows_and_offers_to_sign_in,
    live::the_last_sync_is_told_in_the_viewers_zone,
    live::a_sync_is_started_and_followed_to_its_end,
    live::what_the_stream_brought_makes_the_next_poll_a_304,
    live::the_strip_tells_the_day_and_comes_back_by_itself,
    live::the_details_of_a_ticket_are_complete_and_close_in_three_ways,
    wall::a_screen_shows_the_board_without_a_sign_in_until_its_link_is_taken_back,
    wall::a_screen_with_two_links_shows_their_views_in_turn,
    wall::a_new_urgent_ticket_is_heard_where_the_screen_has_sound,
    sweep::every_page_is_quiet_complete_and_fits_a_telephone,
    sweep::pages_of_records_are_quiet_and_fit_a_telephone_while_they_are_edited,
    sweep::pages_of_records_are_quiet_and_fit_a_telephone_for_billing,
    sweep::pages_of_records_are_quiet_and_fit_a_telephone_for_clients,
    sweep::the_api_documents_are_quiet_and_load_nothing_from_elsewhere,
    sweep::the_style_guide_draws_every_section_in_both_themes_and_on_a_telephone,
    pages::companies_are_listed_and_found,
    pages::a_company_is_edited_and_its_history_says_so,
    search::one_search_finds_companies_contacts_and_assets,
    search::a_list_is_searched_under_an_address_of_its_own,
    search::filters_say_what_they_leave_and_leave_that,
    search::columns_are_chosen_on_a_telephone_too,
    contacts::a_contact_is_edited_once_what_is_wrong_is_corrected,
    settings::a_look_is_shown_at_once_and_stays,
    settings::the_home_page_is_where_a_sign_in_leads,
    dialogs::a_cancelled_dialog_is_forgotten,
    dialogs::a_question_about_a_loss_begins_on_cancel,
    dialogs::a_user_is_made_changed_and_removed_and_what_failed_is_told,
    plans::a_plan_is_created_priced_and_refused_a_bad_price,
    plans::of_two_files_the_newer_one_is_shown,
    syncs::a_sync_is_started_once_watched_and_cancelled,
    syncs::a_sync_that_ends_well_is_in_the_history,
    syncs::the_first_page_follows_syncs_and_keeps_the_focus,
    review::two_records_of_one_person_are_merged,
    review::two_people_stay_two,
    review::a_company_chosen_for_one_site_is_not_taken_for_the_next,
    bills::a_bill_is_accepted_sent_and_kept_as_it_was,
    bills::bills_are_closed_to_technicians,
    clients::a_client_sees_only_its_own_company,
    clients::what_a_client_is_not_shown_is_refused_too,
    pages::helm_shows_an_administrator_how_the_services_are,
    pages::helm_is_closed_to_others,
    logs::log_lines_come_in_by_themselves_and_stop_on_pause,
    logs::log_lines_are_found_by_filters_and_kept_in_the_address,
    logs::a_request_is_drawn_through_its_services,
    helm_users::a_user_is_created_in_helm_and_every_change_is_kept,
    helm_users::the_last_administrator_stays_and_the_page_says_why,
    helm_users::a_security_audit_is_run_told_and_kept,
    look::parts_of_the_pages_work_by_keyboard,
    look::the_theme_stays_for_the_sign_in,
    look::the_side_panel_stays_as_it_was_left,
    look::pictures_of_the_look,
    pictures::pictures_of_the_board,
    pictures::a_picture_of_a_board_without_answers,
    correlation::one_correlation_id_leads_through_the_suite,
    many::two_thousand_tickets_are_there_folded_searched_and_sorted,
    wall::a_screen_says_how_old_it_is_and_recovers_alone,
    live::a_restarted_beacon_is_followed_again,
    live::without_beacon_rows_are_marked_with_their_age_and_clocks_go_on,
    services::a_service_is_restarted_from_its_page,
    services::a_service_is_stopped_and_started_on_the_dashboard_by_keyboard,
    faults::a_failing_vendor_loses_no_ticket,
    faults::killed_codex_leaves_the_rows_and_comes_back,
    faults::a_stopped_codex_is_told_and_forgiven,
    faults::killed_core_and_helm_come_back_without_a_new_login,
];

/// Those that need axe, before anything breaks.
const WITH_AXE: &[Scenario] = scenarios![
    findings::no_page_has_a_serious_finding,
    findings::no_state_of_the_board_has_a_serious_finding,
    findings::no_state_of_helm_has_a_serious_finding,
    findings::a_running_sync_has_no_serious_finding,
    findings::a_screen_has_no_serious_finding,
];

#[tokio::main]
async fn main() -> ExitCode {
    let wanted = Wanted::read(std::env::args().skip(1));
    let all = WITH_AXE.iter().chain(SCENARIOS);
    let scenarios: Vec<&Scenario> = all.filter(|scenario| wanted.takes(scenario.name)).collect();
    if wanted.list {
        for scenario in scenarios {
            println!("{}: test", scenario.name);
        }
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", scenarios.len());
    let mut report = Report::default();
    if scenarios.is_empty() {
        return report.end();
    }
    let prepared = match needs::browsers() {
        Err(missing) if !needs::must_run() => {
            for scenario in scenarios {
                report.run(scenario.name, async { Outcome::Skipped(format!("{missing:#}")) }).await;
            }
            return report.end();
        }
        Err(missing) => Err(missing),
        Ok(browsers) => prepare(browsers).await,
    };
    match prepared {
        Ok((suite, browsers, build)) => {
            let told = suite.clone();
            tokio::spawn(async move { told.stop_when_told().await });
            for scenario in scenarios {
                report.run(scenario.name, perform(scenario, &suite, &browsers, &build)).await;
            }
            suite.keep_log(&build.artefacts.join("suite.log")).await;
        }
        Err(error) => {
            report.run("the_suite_starts", async { Outcome::Failed(error) }).await;
        }
    }
    report.end()
}

async fn prepare(browsers: Browsers) -> Result<(Arc<Suite>, Browsers, Build)> {
    let build = needs::build()?;
    let suite = Suite::start(&build).await.context("the suite does not start")?;
    Ok((Arc::new(suite), browsers, build))
}

/// Plays a scenario, if what it needs is there. On the build server that is a must.
async fn perform(scenario: &Scenario, suite: &Arc<Suite>, browsers: &Browsers, build: &Build) -> Outcome {
    let needs_axe = WITH_AXE.iter().any(|other| other.name == scenario.name);
    match Axe::from_environment() {
        Err(missing) if needs_axe && !needs::must_run() => Outcome::Skipped(format!("{missing:#}")),
        _ => play(scenario, suite, browsers, build).await,
    }
}

/// One scenario in a browser of its own; a failure leaves a picture and the page.
async fn play(scenario: &Scenario, suite: &Arc<Suite>, browsers: &Browsers, build: &Build) -> Outcome {
    let browser = match Browser::start(browsers).await {
        Ok(browser) => browser,
        Err(error) => return Outcome::Failed(error),
    };
    suite.vendor.control.clear_faults();
    let stage = Arc::new(Stage { suite: suite.clone(), browser, artefacts: build.artefacts.clone() });
    let result = match alone((scenario.run)(stage.clone())).await {
        Ok(()) => no_errors_in_the_console(&stage.browser).await,
        failed => failed,
    };
    if result.is_err() {
        let file = |ending: &str| build.artefacts.join(format!("failed-{}.{ending}", scenario.name));
        if let Err(error) = stage.browser.picture(&file("png")).await {
            eprintln!("no picture of the failure: {error:#}");
        }
        if let Ok(page) = stage.browser.driver.source().await
            && let Err(error) = std::fs::write(file("html"), page)
        {
            eprintln!("no page of the failure: {error}");
        }
    }
    if let Some(stage) = Arc::into_inner(stage)
        && let Err(error) = stage.browser.quit().await
    {
        eprintln!("the browser did not end: {error:#}");
    }
    result.into()
}

/// Answers may be errors, as in the scenarios of faults; scripts that fail or are blocked are not all right anywhere.
async fn no_errors_in_the_console(browser: &Browser) -> Result<()> {
    let errors = browser.console_errors().await?;
    let errors: Vec<_> = errors.iter().filter(|error| !error.is_about_an_answer()).collect();
    ensure!(errors.is_empty(), "in the browser's console: {errors:#?}");
    Ok(())
}
