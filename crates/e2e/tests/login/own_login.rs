//! Core's own sign-in (core.md §7.1 to §7.3), which leads past the gateway: from Core to the provider and back.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::visitor::form;
use reqwest::{Response, StatusCode};

use super::stage::Stage;

pub async fn cores_own_sign_in_and_sign_out_work(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let core = format!("http://localhost:{}", 5000 + stage.instance.offset);
    let (client, visitor) = (stage.instance.client()?, stage.visitor()?);
    let begun = client.get(format!("{core}/login?next=/")).send().await?;
    ensure!(begun.status() == StatusCode::FOUND, "{}: {}", begun.status(), begun.text().await?);
    let login = cookie(&begun, "__Host-core-login")?;
    let page = visitor.open(&location(&begun)?).await?;
    let values = [("username", account.username.as_str()), ("password", account.password.as_str())];
    let back = visitor.post(&page, form::SIGN_IN, &values).await?.location()?;
    ensure!(back.as_str().starts_with(&format!("{core}/auth?")), "{back}");

    let done = client.get(back).header("cookie", login).send().await?;
    ensure!(done.status() == StatusCode::FOUND, "{}: {}", done.status(), done.text().await?);
    let session = cookie(&done, "__Host-core-session")?;
    let home = client.get(format!("{core}/")).header("cookie", &session).send().await?.text().await?;
    ensure!(home.contains(&account.username), "{home}");

    let request = client.post(format!("{core}/logout")).header("cookie", &session);
    let ended = request.header("origin", &core).form(&[("redirect", "/")]).send().await?;
    ensure!(ended.status() == StatusCode::FOUND, "{}: {}", ended.status(), ended.text().await?);
    let last = visitor.get(&location(&ended)?).await?.location()?;
    ensure!(last.as_str() == format!("{core}/"), "the provider leads to {last}");
    let page = visitor.open("/login").await?;
    ensure!(page.has_form(form::SIGN_IN), "the provider still knows the browser: {}", page.url);
    Ok(())
}

fn location(answer: &Response) -> Result<String> {
    let location = answer.headers().get("location").context("no redirect")?;
    Ok(location.to_str()?.to_owned())
}

/// Name and value of a cookie. It is for a secure page or this machine itself, which no jar knows of.
fn cookie(answer: &Response, name: &str) -> Result<String> {
    let mut set = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let found = set.find(|cookie| cookie.starts_with(&format!("{name}=")));
    let pair = found.and_then(|cookie| cookie.split(';').next());
    pair.map(str::to_owned).with_context(|| format!("no {name}"))
}
