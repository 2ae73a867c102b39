//! What the log tells of those who were turned away. Of the local realm only: Keycloak keeps its own events.

use anyhow::{Result, ensure};
use hivematrix_e2e::wait::{eventually, when};

use super::stage::{BOARD, SOON, Stage};

/// Five failures lock an account.
const TRIES: usize = 6;

pub async fn refused_sign_ins_are_warnings_that_name_who_and_why_and_no_password(
    stage: &Stage,
) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let visitor = stage.visitor()?;
    for _ in 0..TRIES {
        visitor.sign_in(BOARD, &account.username, "Not-the-passw0rd").await?;
    }
    visitor.sign_in(BOARD, "Typed-in-the-wr0ng-field", "Not-the-passw0rd").await?;
    let warnings =
        async || stage.instance.helm(&["logs", "core", "--level", "warning", "--tail", "500"]).await;
    let name = format!("username: {}", account.username);
    eventually("refused sign-ins among the warnings", SOON, async || {
        let lines = warnings().await?;
        let all = [
            &name,
            "username: [withheld]",
            "outcome: wrong_credentials",
            "outcome: locked",
            "client_address: ",
        ];
        Ok(when(all.iter().all(|part| lines.contains(part))))
    })
    .await?;
    let lines = warnings().await?;
    ensure!(!lines.contains("passw0rd") && !lines.contains("wr0ng-field"), "{lines}");
    Ok(())
}
