//! Helm's users and its security audit in a browser.

use anyhow::{Context, Result, ensure};

use crate::stage::{Stage, quoted};
use crate::sweep::look_at;

/// The row of a login name.
fn row(name: &str) -> String {
    format!(
        "[...document.querySelectorAll('#users tbody tr')].find((row) => row.cells[0].innerText === {})",
        quoted(name)
    )
}

/// Whether the dialog of this id is open.
fn opened(id: &str) -> String {
    format!("document.querySelector('#{id}.active')")
}

pub async fn a_user_is_created_in_helm_and_every_change_is_kept(stage: &Stage) -> Result<()> {
    stage.visit("admin", "/helm/users").await?;
    stage.click("#new-user").await?;
    stage.yes("the address says so", "location.search === '?new=1'").await?;
    for (field, text) in [
        ("#create-username", "harriet"),
        ("#create-email", "harriet@lighthouse.example"),
        ("#create-first", "Harriet"),
        ("#create-last", "Hive"),
        ("#create-password", "short"),
    ] {
        stage.fill(field, text).await?;
    }
    stage.click("#create-technicians").await?;
    stage.click("#create [type=submit]").await?;
    stage.yes("a short password keeps it open", &opened("create")).await?;
    stage.fill("#create-password", "a-long-password").await?;
    stage.click("#create [type=submit]").await?;
    stage.toast("harriet was created").await?;
    stage.yes("she is listed", &row("harriet")).await?;
    stage.yes("with her group", &format!("{}.innerText.includes('technicians')", row("harriet"))).await?;
    stage.yes("the dialog is closed", &format!("!{}", opened("create"))).await?;

    let id = stage.value(&format!("{}.querySelector('[data-edit]').dataset.edit", row("harriet"))).await?;
    let id = id.as_str().context("no id")?;
    // A link leads straight to the user.
    stage.browser.open(&stage.suite, &format!("/helm/users?search=harriet&edit={id}")).await?;
    stage.yes("the user is opened", &opened("edit")).await?;
    ensure!(stage.value("document.getElementById('edit-last').value").await? == "Hive");
    stage.click("#reset-user").await?;
    stage.fill("#reset-password", "another-password").await?;
    stage.fill("#reset-again", "a-third-password").await?;
    stage.click("#reset [type=submit]").await?;
    let differ = "document.querySelector('#reset [data-problem]').textContent.includes('differ')";
    stage.yes("two passwords have to be the same", differ).await?;
    stage.fill("#reset-again", "another-password").await?;
    stage.click("#reset [type=submit]").await?;
    stage.toast("harriet has a new password").await?;
    stage.yes("back at the user", &opened("edit")).await?;
    stage.click("#edit-enabled").await?;
    stage.click("#edit [type=submit]").await?;
    stage.toast("harriet was saved").await?;
    stage.yes("she is disabled", &format!("{}.innerText.includes('Disabled')", row("harriet"))).await?;
    stage.yes("the search is still there", "location.search === '?search=harriet'").await?;
    let edit = format!("[data-edit='{id}']");
    let back = format!("document.activeElement === document.querySelector(\"{edit}\")");
    stage.yes("the focus is back at the row", &back).await?;

    stage.click(&edit).await?;
    stage.yes("the user is opened again", &opened("edit")).await?;
    stage.click("#delete-user").await?;
    stage.fill("#ask-word", "harriet").await?;
    stage.click("#ask [type=submit]").await?;
    stage.toast("harriet was deleted").await?;
    stage.yes("she is gone", &format!("!{}", row("harriet"))).await?;
    let kept = stage.texts("#history tbody tr").await?.join("\n");
    for words in ["User created", "Password reset", "enabled: yes → no", "User deleted"] {
        ensure!(kept.contains(words), "{words} is not kept: {kept}");
    }
    ensure!(!kept.contains("a-long-password") && !kept.contains("another-password"), "{kept}");
    look_at(&stage.browser, "Helm's users").await
}

pub async fn the_last_administrator_stays_and_the_page_says_why(stage: &Stage) -> Result<()> {
    stage.visit("admin", "/helm/users?search=admin").await?;
    let edit = format!("{}.querySelector('[data-edit]')", row("admin"));
    stage.yes("admin is listed", &edit).await?;
    stage.value(&format!("void {edit}.click()")).await?;
    stage.yes("the user is opened", &opened("edit")).await?;
    stage.yes("nobody deletes admin", "document.getElementById('delete-user').hidden").await?;
    stage.click("#edit-admins").await?;
    stage.click("#edit [type=submit]").await?;
    let told = "document.querySelector('#edit [data-problem]').textContent.includes('own access')";
    stage.yes("the form says why", told).await?;
    stage.yes("the group is still there", "document.getElementById('edit-admins').checked").await
}

pub async fn a_security_audit_is_run_told_and_kept(stage: &Stage) -> Result<()> {
    stage.visit("admin", "/helm/security").await?;
    stage.click("form[action$='/security/audit'] [type=submit]").await?;
    stage.yes("what was found is shown", "document.getElementById('result')?.dataset.audit").await?;
    let secure = "[...document.querySelectorAll('tbody tr')].find((row) => row.cells[0].innerText === 'codex').innerText";
    let codex = stage.value(secure).await?;
    ensure!(
        codex.as_str().is_some_and(|text| text.contains("127.0.0.1") && text.contains("secure")),
        "{codex}"
    );
    let kept = stage.address().await?;
    ensure!(kept.starts_with("/helm/security?audit="), "{kept}");
    stage.click("#script-ufw summary").await?;
    let script = stage.text("#script-ufw pre").await?;
    ensure!(script.contains("ufw --force enable") && script.contains("rollback"), "{script}");
    look_at(&stage.browser, "Helm's security page").await?;
    stage.browser.open(&stage.suite, "/helm/security").await?;
    let listed = format!("document.querySelector({})", quoted(&format!("a[href='{kept}']")));
    stage.yes("it is listed", &listed).await
}
