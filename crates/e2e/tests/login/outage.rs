//! The provider goes away and comes back.

use anyhow::{Result, ensure};
use hivematrix_e2e::page::Page;
use hivematrix_e2e::visitor::form;
use hivematrix_e2e::wait::{eventually, when};

use super::stage::{BOARD, SOON, Stage};

pub async fn without_the_provider_a_page_says_so_and_it_comes_back(stage: &Stage) -> Result<()> {
    let (member, account) = stage.signed_in("technicians").await?;
    let values = [("username", account.username.as_str()), ("password", account.password.as_str())];
    // One browser has the form already, another one is on its way back.
    let late = stage.visitor()?;
    let form = late.open(BOARD).await?;
    let returning = stage.visitor()?;
    let page = returning.open(BOARD).await?;
    let back = returning.post(&page, form::SIGN_IN, &values).await?.location()?;

    take_away(stage).await?;
    says_so(&stage.visitor()?.open(BOARD).await?)?;
    says_so(&late.submit(&form, form::SIGN_IN, &values).await?)?;
    says_so(&returning.open(back.as_str()).await?)?;
    if stage.foreign.is_some() {
        ensure!(member.is_signed_in().await?, "who is signed in needs no provider");
    }
    bring_back(stage).await?;

    eventually("somebody can sign in", SOON, async || {
        let visitor = stage.visitor()?;
        visitor.sign_in(BOARD, &account.username, &account.password).await?;
        Ok(when(visitor.is_signed_in().await?))
    })
    .await?;
    ensure!(member.is_signed_in().await?, "who was signed in still is");
    Ok(())
}

/// A page for people, not a stack of errors, and a status that balancers understand.
fn says_so(page: &Page) -> Result<()> {
    ensure!(matches!(page.status.as_u16(), 502..=504), "{} {}: {}", page.url, page.status, page.shown());
    ensure!(page.header("content-type").starts_with("text/html"), "{}", page.header("content-type"));
    let text = page.shown().to_lowercase();
    ensure!(text.contains("unavailable") || text.contains("cannot be reached"), "{text}");
    Ok(())
}

async fn take_away(stage: &Stage) -> Result<()> {
    match &stage.foreign {
        Some(foreign) => foreign.relay.cut(),
        None => {
            stage.instance.helm(&["stop", "core"]).await?;
        }
    }
    Ok(())
}

async fn bring_back(stage: &Stage) -> Result<()> {
    match &stage.foreign {
        Some(foreign) => foreign.relay.restore(),
        None => {
            stage.instance.helm(&["start", "core"]).await?;
        }
    }
    Ok(())
}
