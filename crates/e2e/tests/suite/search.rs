//! Finding things in Codex: the one search, the searches of the lists, and their filters.

use anyhow::{Context, Result, ensure};

use crate::stage::{Stage, quoted};

const NAMES: &str = ".data-table tbody td:not([data-label]) a";
const COUNT: &str = "[data-list-part=count]";

pub async fn one_search_finds_companies_contacts_and_assets(stage: &Stage) -> Result<()> {
    stage.visit("tech", "/codex/").await?;
    for list in ["companies", "contacts", "assets"] {
        stage.browser.open(&stage.suite, &format!("/codex/{list}/")).await?;
        let name = stage.text(NAMES).await?;
        stage.browser.open(&stage.suite, "/codex/").await?;
        stage.fill(".search-form__input", &name).await?;
        stage.click(".search-form button").await?;
        let group = format!("section[aria-labelledby=found-{list}] .user-item__name a");
        let found = stage.texts_when(&format!("{name} is found"), &group, |found| !found.is_empty()).await?;
        ensure!(found.contains(&name), "{list}: {found:?} instead of {name}");
        ensure!(
            stage.address().await?.starts_with("/codex/search?q="),
            "the search has no address of its own"
        );
        stage.browser.driver.refresh().await?;
        ensure!(stage.texts(&group).await? == found, "after a reload something else is found");
        stage.click(&group).await?;
        stage
            .yes("the first hit is opened", &format!("location.pathname.startsWith('/codex/{list}/')"))
            .await?;
        ensure!(stage.text("h1").await? == found[0], "the link of {} leads elsewhere", found[0]);
    }
    stage.browser.open(&stage.suite, "/codex/search?q=nothing-is-called-like-this").await?;
    ensure!(stage.text(".empty-state__title").await? == "Nothing found");
    Ok(())
}

pub async fn a_list_is_searched_under_an_address_of_its_own(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("tech", "/codex/contacts/").await?;
    let all = stage.texts(NAMES).await?;
    let before = stage.text(COUNT).await?;
    let wanted = all.last().context("no contacts")?;
    stage.fill("#list-search", wanted).await?;
    let fits =
        |found: &[String]| !found.is_empty() && found.iter().all(|name| name.contains(wanted.as_str()));
    let found = stage.texts_when("only contacts that fit", NAMES, fits).await?;
    let address = stage.address().await?;
    ensure!(address.starts_with("/codex/contacts/?search="), "the address is {address}");

    stage.click("[data-list-link=sort-name]").await?;
    stage
        .yes("the list is sorted the other way", "document.querySelector('th[aria-sort=descending]')")
        .await?;
    let sorted = stage.address().await?;
    ensure!(sorted.contains("search=") && sorted.contains("order=desc"), "the address is {sorted}");
    stage
        .yes(
            "the link that was used keeps the focus",
            "document.activeElement.dataset.listLink == 'sort-name'",
        )
        .await?;

    browser.driver.back().await?;
    stage.yes("Back undoes the order", "document.querySelector('th[aria-sort=ascending]')").await?;
    ensure!(stage.texts_when("the order of before", NAMES, |now| now == found.as_slice()).await? == found);
    browser.driver.back().await?;
    stage.texts_when("Back shows all contacts again", NAMES, |now| now == all.as_slice()).await?;
    ensure!(
        stage.value("document.getElementById('list-search').value").await? == "",
        "the field keeps the search"
    );
    ensure!(stage.text(COUNT).await? == before);

    // Whoever gets the address sees the same.
    browser.open(suite, "/codex/").await?;
    browser.open(suite, &sorted).await?;
    let mut shared = stage.texts(NAMES).await?;
    shared.reverse();
    ensure!(shared == found, "the address shows {shared:?} instead of {found:?}");
    stage.click("[data-list-link=clear]").await?;
    stage.texts_when("the search is taken away", NAMES, |now| now.len() == all.len()).await?;
    Ok(())
}

pub async fn filters_say_what_they_leave_and_leave_that(stage: &Stage) -> Result<()> {
    stage.visit("tech", "/codex/assets/").await?;
    let choices = "#list-form select[name=type] option:not([value=''])";
    let counted =
        |choices: &[String]| !choices.is_empty() && choices.iter().all(|choice| choice.ends_with(')'));
    let read = stage.texts_when("each type says how many there are", choices, counted).await?;
    let (kind, count) = parts(&read[0])?;
    stage.choose("#list-form select[name=type]", kind).await?;
    let expected = format!("Total {count} asset{}", if count == "1" { "" } else { "s" });
    stage.texts_when("as many are left", COUNT, |texts| texts == [expected.clone()]).await?;
    ensure!(stage.address().await?.contains("type="), "the filter is not in the address");
    let kinds = stage.texts(".data-table td[data-label=Type]").await?;
    ensure!(kinds.iter().all(|shown| shown == kind), "other types are left: {kinds:?}");

    // The other filters count what is left of this one.
    let online = "#list-form select[name=online] option:not([value=''])";
    let total: u64 = count.parse()?;
    stage
        .texts_when("online and offline add up to that", online, |choices| {
            choices.iter().filter_map(|choice| parts(choice).ok()?.1.parse::<u64>().ok()).sum::<u64>()
                == total
        })
        .await?;

    // Columns that somebody hides stay hidden.
    stage.click("#list-columns").await?;
    stage.click(&format!("[data-shows={}]", quoted("assets_column_os"))).await?;
    let hidden =
        "[...document.querySelectorAll('[data-column=assets_column_os]')].every((e) => !e.checkVisibility())";
    stage.yes("the column is hidden", hidden).await?;
    stage.browser.driver.refresh().await?;
    stage.yes("the column is still hidden after a reload", hidden).await
}

pub async fn columns_are_chosen_on_a_telephone_too(stage: &Stage) -> Result<()> {
    stage.browser.resize(400, 860).await?;
    stage.visit("tech", "/codex/assets/").await?;
    let column = "[...document.querySelectorAll('td[data-column=assets_column_os]')]";
    let shown = format!("{column}.some((cell) => cell.checkVisibility())");
    ensure!(stage.value(&shown).await? == false, "a telephone has no room for it unless somebody asks");
    stage.click("#list-columns").await?;
    ensure!(
        stage.value("document.getElementById('show-assets_column_os').checked").await? == false,
        "the box says that a column is shown which is not"
    );
    stage.click("label[for=show-assets_column_os]").await?;
    stage.yes("the column is shown", &shown).await?;
    stage.browser.driver.refresh().await?;
    stage.yes("and stays", &shown).await?;
    stage.value("localStorage.removeItem('assets_column_os')").await?;
    Ok(())
}

/// `Laptop (12)` in two.
fn parts(choice: &str) -> Result<(&str, &str)> {
    choice.trim_end_matches(')').rsplit_once(" (").with_context(|| format!("{choice} has no count"))
}
