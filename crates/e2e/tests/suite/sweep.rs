//! All pages, one after the other: nothing in the console, nothing from elsewhere, nothing too wide for a telephone, and the
//! plain rules for people who do not see them.

use anyhow::{Context, Result, bail, ensure};
use hivematrix_e2e::browser::Browser;
use hivematrix_e2e::suite::Suite;

use crate::stage::Stage;

/// Every page an administrator finds, and what is on it when it works.
pub const PAGES: [(&str, &str); 37] = [
    ("/beacon/helpdesk", "#s4-container"),
    ("/beacon/professional-services", "#s4-container"),
    ("/beacon/displays", "#new-display"),
    ("/codex/", "h1"),
    ("/codex/companies/", "table.data-table"),
    ("/codex/contacts/", "table.data-table"),
    ("/codex/assets/", "h1"),
    ("/codex/search", "h1"),
    ("/codex/review", "h1"),
    ("/codex/billing-plans/", "h1"),
    ("/codex/agents", "h1"),
    ("/codex/admin/", "h1"),
    ("/codex/settings", "#settings-form"),
    ("/ledger/", "h1"),
    ("/ledger/clients", "h1"),
    ("/ledger/archive/", "h1"),
    ("/ledger/archive/compare", "h1"),
    ("/ledger/admin/settings", "h1"),
    ("/ledger/admin/device-types", "h1"),
    ("/ledger/admin/accounts", "h1"),
    ("/ledger/admin/changes", "h1"),
    ("/ledger/admin/pullers", "h1"),
    ("/ledger/admin/pullers?add=1", "#job-form"),
    ("/helm/", "#services"),
    ("/helm/logs", "h1"),
    ("/helm/settings", "h1"),
    ("/helm/service/codex", ".insight"),
    ("/helm/service/codex/logs", ".log-content"),
    ("/helm/metrics?refresh=off", "table.data-table"),
    ("/helm/security", "#scripts"),
    ("/helm/users", "table.data-table"),
    ("/helm/backups", "h1"),
    ("/simulator/", "table.data-table"),
    ("/codex/nothing-here", "h1"),
    ("/nothing-here", "h1"),
    ("/keycloak/realms/hivematrix/account", "#password-form"),
    ("/keycloak/realms/hivematrix/account/totp", "#kc-totp-settings-form"),
];
/// Pages that a program of somebody else draws: they are no worse than the others where it counts for ours.
const DOCUMENTS: [&str; 5] =
    ["/beacon/docs", "/codex/docs", "/knowledgetree/docs", "/ledger/docs", "/helm/docs"];

/// A desk and a telephone.
const SIZES: [(u32, u32); 2] = [(1440, 1000), (400, 860)];

pub async fn every_page_is_quiet_complete_and_fits_a_telephone(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.open(suite, "/").await?;
    browser.find("input[name=password]").await?;
    look_at(browser, "the sign-in form").await?;
    browser.sign_in(suite, "admin").await?;
    for (path, mark) in PAGES {
        browser.open(suite, path).await?;
        browser.find(mark).await.with_context(|| path.to_owned())?;
        look_at(browser, path).await?;
    }
    browser.open(suite, "/beacon/helpdesk").await?;
    browser.find("#side-panel a[href='/helm/']").await.context("no way to Helm")?;
    Ok(())
}

pub async fn pages_of_records_are_quiet_and_fit_a_telephone_while_they_are_edited(
    stage: &Stage,
) -> Result<()> {
    records(stage, "tech").await
}

pub async fn pages_of_records_are_quiet_and_fit_a_telephone_for_billing(stage: &Stage) -> Result<()> {
    records(stage, "billing").await
}

pub async fn pages_of_records_are_quiet_and_fit_a_telephone_for_clients(stage: &Stage) -> Result<()> {
    records(stage, "client").await
}

/// Looks at the lists and at a record of each; who may edit sees forms and a dialog too, which are hidden at first.
async fn records(stage: &Stage, level: &str) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, level).await?;
    for (list, edit) in
        [("companies", "#editBtn"), ("contacts", "#edit"), ("assets", "[data-modal-open=users-dialog]")]
    {
        browser.open(suite, &format!("/codex/{list}/")).await?;
        look_at(browser, list).await?;
        stage.click(".data-table tbody td:not([data-label]) a").await?;
        stage.yes("a record is opened", &format!("/^.codex.{list}.[^/]+$/.test(location.pathname)")).await?;
        look_at(browser, &format!("one of {list}")).await?;
        if level == "tech" {
            stage.click(edit).await?;
            look_at(browser, &format!("one of {list} while it is edited")).await?;
        }
    }
    Ok(())
}

pub async fn the_api_documents_are_quiet_and_load_nothing_from_elsewhere(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "admin").await?;
    for path in DOCUMENTS {
        browser.open(suite, path).await?;
        browser.find("h1, h2").await.with_context(|| path.to_owned())?;
        let foreign: Vec<String> =
            browser.complaints().await?.into_iter().filter(|said| said.contains("elsewhere")).collect();
        ensure!(foreign.is_empty(), "{path}: {foreign:#?}");
        let errors = browser.console_errors().await?;
        ensure!(errors.is_empty(), "{path}: {errors:#?}");
    }
    Ok(())
}

/// Looks at the page in every size. An error page's own answer is no error of the console.
pub async fn look_at(browser: &Browser, page: &str) -> Result<()> {
    for (width, height) in SIZES {
        browser.resize(width, height).await?;
        browser.settled().await?;
        let complaints = browser.complaints().await?;
        ensure!(complaints.is_empty(), "{page}, {width} pixels wide: {complaints:#?}");
    }
    let is_expected = page.ends_with("nothing-here");
    let errors = browser.console_errors().await?;
    let errors: Vec<_> = errors.iter().filter(|error| !(is_expected && error.is_about_an_answer())).collect();
    ensure!(errors.is_empty(), "{page}: {errors:#?}");
    Ok(())
}

pub async fn the_style_guide_draws_every_section_in_both_themes_and_on_a_telephone(
    stage: &Stage,
) -> Result<()> {
    let Stage { suite, browser, artefacts } = stage;
    browser.sign_in(suite, "admin").await?;
    let sections = sections()?;
    ensure!(sections.len() > 10, "{sections:?}");
    let mut grounds = Vec::new();
    for theme in ["light", "dark"] {
        for (width, height) in SIZES {
            browser.resize(width, height).await?;
            open_guide(browser, suite, theme).await?;
            browser.all_is_well().await.with_context(|| format!("{theme}, {width} pixels wide"))?;
            for section in &sections {
                let code = format!(
                    "const part = document.getElementById('{section}');
                     const box = part?.getBoundingClientRect();
                     return Boolean(part?.checkVisibility() && box.height > 60 && box.width > {} && part.querySelector('.style-guide__example'));",
                    width / 2
                );
                let drawn = browser.script(&code).await?;
                ensure!(drawn == true, "{section} is not drawn, {theme}, {width} pixels wide");
            }
            browser.picture(&artefacts.join(format!("style-guide-{theme}-{width}.png"))).await?;
        }
        let ground = "return getComputedStyle(document.body).backgroundColor";
        grounds.push(browser.script(ground).await?);
    }
    ensure!(grounds[0] != grounds[1], "both themes have the ground {}", grounds[0]);
    Ok(())
}

async fn open_guide(browser: &Browser, suite: &Suite, theme: &str) -> Result<()> {
    browser.open(suite, &format!("/style-guide?theme={theme}&color=bee")).await?;
    browser.find(&format!("html[data-theme={theme}][data-color-theme=bee]")).await?;
    browser.find("#names").await?;
    Ok(())
}

/// The sections of the guide: one for each file of examples.
fn sections() -> Result<Vec<String>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../nexus/templates/style_guide");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).context(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else {
            bail!("{} has no name", path.display());
        };
        if name != "index" {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
