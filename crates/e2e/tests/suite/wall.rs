//! Boards on screens without a user: made and taken back by an administrator, readable, honest about their age.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::board::Board;
use hivematrix_e2e::browser::Browser;
use hivematrix_e2e::needs;
use hivematrix_simulators::freshservice::TicketPatch;
use hivematrix_simulators::world::people::PROFESSIONAL_SERVICES;

use crate::Stage;
use crate::board::expected;

const SHOWS_ROWS: &str = "document.querySelectorAll('#wall-rows tr').length > 3";

const IS_HEARD: &str = "document.querySelector('#wall-sound').getAttribute('aria-pressed') === 'true'";
const COUNT_TONES: &str = "window.tonesOfTheTest = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { window.tonesOfTheTest += 1; return start.call(this, at); };";

/// Makes a link on the page for it, as an administrator; the address for the screen.
pub async fn make_link(stage: &Stage, name: &str, view: &str, subjects: bool) -> Result<String> {
    let Stage { suite, browser, .. } = stage;
    browser.open(suite, "/beacon/displays").await?;
    if browser.has("input[name=password]").await? {
        browser.sign_in(suite, "admin").await?;
        browser.open(suite, "/beacon/displays").await?;
    }
    browser.find("#display-name").await?.send_keys(name).await?;
    let fill = format!(
        "document.querySelector('#display-view').value = '{view}';
         document.querySelector('#display-subjects').checked = {subjects};"
    );
    browser.script(&fill).await?;
    browser.find("#new-display [type=submit]").await?.click().await?;
    browser.becomes("the link is told", "document.querySelector('#new-link:not([hidden])')").await?;
    let address = browser.script("return document.querySelector('#new-link-address').value").await?;
    let address = address.as_str().context("no address")?.to_owned();
    ensure!(address.starts_with(&suite.url) && address.contains("key="), "{address}");
    Ok(address)
}

/// Asks for confirmation, which names what is lost, and takes the link back.
async fn take_back(browser: &Browser, name: &str) -> Result<()> {
    browser.find(&format!("button[aria-label='Take back {name}']")).await?.click().await?;
    browser
        .becomes(
            "a question",
            &format!("document.querySelector('#revoke-dialog[open]').textContent.includes('{name}')"),
        )
        .await?;
    browser.find("#revoke-confirm").await?.click().await?;
    browser
        .becomes(
            "the link leaves the list",
            &format!("!document.querySelector('[aria-label=\"Take back {name}\"]')"),
        )
        .await
}

/// A browser in which nobody has ever signed in.
async fn screen(address: &str) -> Result<Browser> {
    let browser = Browser::start(&needs::browsers()?).await?;
    browser.resize(1920, 1080).await?;
    browser.driver.goto(address).await?;
    browser.becomes("the screen shows tickets", SHOWS_ROWS).await?;
    browser.becomes("its script knows the time", "document.querySelector('#wall-time').textContent").await?;
    Ok(browser)
}

pub async fn a_screen_shows_the_board_without_a_sign_in_until_its_link_is_taken_back(
    stage: &Stage,
) -> Result<()> {
    let Stage { suite, browser, artefacts } = stage;
    let open = make_link(stage, "Reception", "helpdesk", true).await?;
    let discreet = make_link(stage, "Window", "helpdesk", false).await?;
    let one = screen(&open).await?;
    let numbers =
        "[...document.querySelectorAll('#wall-rows .wall__id')].map((e) => Number(e.textContent.slice(1)))";
    let total = "Number(document.querySelector('#total-active-items-count').textContent)";
    let active = expected(suite, "helpdesk")?;
    one.becomes("the vendor's number of tickets", &format!("{total} === {}", active.len())).await?;
    let shown = one.script(&format!("return {numbers}")).await?;
    let shown: Vec<u64> = serde_json::from_value(shown).context("no numbers")?;
    ensure!(shown.iter().all(|number| active.contains(number)), "{shown:?}");
    ensure!(!one.driver.current_url().await?.as_str().contains("key="), "the key stays in the address");
    let fits = "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth";
    one.becomes("nothing has to be scrolled", fits).await?;
    let height =
        one.script("return document.querySelector('.wall__n').getBoundingClientRect().height").await?;
    ensure!(height.as_f64().is_some_and(|pixels| pixels > 90.0), "the numbers are {height} pixels high");
    let subjects =
        one.script("return document.querySelector('#wall-rows .wall__subject').textContent").await?;
    ensure!(subjects.as_str().is_some_and(|text| !text.is_empty()), "there is no subject");
    one.picture(&artefacts.join("wall.png")).await?;

    let hostile = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
    let id = suite.vendor.control.create_ticket(TicketPatch {
        subject: Some(hostile.to_owned()),
        priority: Some(4),
        group_id: Some(None),
        ..TicketPatch::default()
    });
    one.becomes("an urgent ticket comes to the top", &format!("({numbers}).includes({id})")).await?;
    ensure!(!one.has("#wall-rows img, #wall-rows script").await?, "a subject became markup");
    ensure!(!one.driver.title().await?.contains("owned"), "a script of a ticket ran");
    suite.vendor.control.update_ticket(id, TicketPatch { deleted: Some(true), ..TicketPatch::default() });

    let two = screen(&discreet).await?;
    let secret =
        "[...document.querySelectorAll('.wall__subject')].some((e) => e.textContent && e.offsetWidth)";
    ensure!(two.script(&format!("return {secret}")).await? == false, "subjects are shown without permission");
    two.resize(400, 860).await?;
    two.becomes("a telephone has nothing beside it", "document.documentElement.scrollWidth <= innerWidth")
        .await?;

    take_back(browser, "Reception").await?;
    let dark = "!document.querySelector('#wall-ended').hidden && !document.querySelector('#wall-rows tr')";
    one.becomes("the screen is dark", dark).await?;
    two.becomes("the other one goes on", SHOWS_ROWS).await?;
    take_back(browser, "Window").await?;
    let errors = one.console_errors().await?;
    ensure!(errors.iter().all(hivematrix_e2e::console::Message::is_about_an_answer), "{errors:#?}");
    one.quit().await?;
    two.quit().await
}

pub async fn a_new_urgent_ticket_is_heard_where_the_screen_has_sound(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let link = make_link(stage, "Loud", "helpdesk", false).await?;
    let screen = Browser::start(&needs::browsers()?).await?;
    screen.before_every_page(COUNT_TONES).await?;
    screen.driver.goto(format!("{link}&sound=1")).await?;
    screen.becomes("the screen shows tickets", SHOWS_ROWS).await?;
    screen.becomes("its script knows the time", "document.querySelector('#wall-time').textContent").await?;
    if screen.script(&format!("return {IS_HEARD}")).await? == false {
        screen.find("#wall-sound").await?.click().await?;
    }
    screen.becomes("the sound is on", IS_HEARD).await?;
    screen.script("tonesOfTheTest = 0").await?;
    let patch =
        |priority| TicketPatch { priority: Some(priority), group_id: Some(None), ..TicketPatch::default() };
    let total = "Number(document.querySelector('#total-active-items-count').textContent)";
    let before = screen.script(&format!("return {total}")).await?.as_u64().context("no number")?;
    let calm = suite.vendor.control.create_ticket(patch(1));
    screen.becomes("a calm ticket comes", &format!("{total} > {before}")).await?;
    ensure!(screen.script("return tonesOfTheTest").await? == 0, "every ticket is heard");
    let urgent = suite.vendor.control.create_ticket(patch(4));
    screen.becomes("an urgent one is heard", "tonesOfTheTest > 0").await?;
    for id in [calm, urgent] {
        suite.vendor.control.update_ticket(id, TicketPatch { deleted: Some(true), ..TicketPatch::default() });
    }
    screen.quit().await?;
    browser.open(suite, "/beacon/displays").await?;
    take_back(browser, "Loud").await
}

pub async fn a_screen_says_how_old_it_is_and_recovers_alone(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let link = make_link(stage, "Corridor", "helpdesk", true).await?;
    let screen = screen(&link).await?;
    screen
        .becomes("it is current", "document.querySelector('#wall-age').textContent.startsWith('Last sync')")
        .await?;
    suite.helm(&["stop", "beacon"]).await?;
    let away = async {
        // A minute later: until then it may come back unnoticed.
        let old = "document.querySelector('#wall-age.wall__age--old')?.textContent.match(/^Data is \\d+ minutes? old$/)";
        screen.becomes("its age is told, large", old).await?;
        ensure!(screen.script(&format!("return {SHOWS_ROWS}")).await? == true, "the rows went away");
        Ok(())
    }
    .await;
    suite.helm(&["start", "beacon"]).await?;
    away?;
    screen.becomes("it is current again", "!document.querySelector('#wall-age.wall__age--old')").await?;
    browser.open(suite, "/beacon/displays").await?;
    take_back(browser, "Corridor").await?;
    screen.quit().await
}

pub async fn a_screen_with_two_links_shows_their_views_in_turn(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let mut links = Vec::new();
    for (name, view) in [("First", "helpdesk"), ("Second", "professional-services")] {
        links.push(make_link(stage, name, view, true).await?);
    }
    let screen = Browser::start(&needs::browsers()?).await?;
    screen.before_every_page(COUNT_TONES).await?;
    screen.driver.goto(&links[0]).await?;
    screen.driver.goto(&links[1]).await?;
    screen.driver.goto(format!("{}/beacon/display/helpdesk?rotate=5&sound=1", suite.url)).await?;
    screen.becomes("its script knows the time", "document.querySelector('#wall-time').textContent").await?;
    if screen.script(&format!("return {IS_HEARD}")).await? == false {
        screen.find("#wall-sound").await?.click().await?;
    }
    screen.becomes("the sound is on", IS_HEARD).await?;
    screen.find("#wall-full").await?.click().await?;
    screen.becomes("it fills the screen", "document.fullscreenElement").await?;
    screen.script("window.keptByTheTest = true; tonesOfTheTest = 0").await?;
    let turn = |view: &str, name: &str| {
        format!(
            "location.pathname.endsWith('/{view}') && document.querySelector('#wall-view').textContent === '{name}'
             && document.querySelector('.wall__views [aria-current]').textContent === '{name}'
             && document.querySelector('#wall-rows tr')"
        )
    };
    let turns = [("professional-services", "Professional Services"), ("helpdesk", "Helpdesk")];
    for (view, name) in turns {
        screen.becomes(&format!("{view} has its turn"), &turn(view, name)).await?;
    }
    // The helpdesk is shown: what comes to the other view is heard when that has its turn.
    let id = suite.vendor.control.create_ticket(TicketPatch {
        priority: Some(4),
        group_id: Some(Some(PROFESSIONAL_SERVICES)),
        ..TicketPatch::default()
    });
    screen.becomes("an urgent ticket of the other view is heard", "tonesOfTheTest > 0").await?;
    ensure!(
        screen.script("return window.keptByTheTest === true && document.fullscreenElement !== null").await?
            == true,
        "the page was loaded again"
    );
    suite.vendor.control.update_ticket(id, TicketPatch { deleted: Some(true), ..TicketPatch::default() });
    screen.quit().await?;
    browser.open(suite, "/beacon/displays").await?;
    for name in ["First", "Second"] {
        take_back(browser, name).await?;
    }
    browser.open(suite, "/beacon/helpdesk").await?;
    ensure!(Board::read(browser).await?.total > 0, "the board ended with the screens");
    Ok(())
}
