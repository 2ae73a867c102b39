//! Datto RMM, API v2 (codex-api.md §7.2 and §13.2).

mod client;
mod job;
mod paging;
mod token;
mod wire;

use futures::FutureExt as _;
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

pub use client::Connection;

use super::rmm::{DeviceAudit, RemoteCommand};
use super::row::Row;
use super::{Answer, Pace, Page, PageRef, ProviderError, RmmDevice, RmmProvider, RmmSite};
use client::Client;
use wire::Variable;

/// Datto RMM as a provider.
#[derive(Debug, Clone)]
pub struct Datto {
    client: Client,
    /// Uid of the component that runs commands.
    component: Option<String>,
}

impl Datto {
    /// The provider for one account.
    ///
    /// # Errors
    /// [`ProviderError::NotConfigured`] when the address is no URL or a key is empty.
    pub fn new(connection: Connection) -> Result<Self, ProviderError> {
        Ok(Self { client: Client::new(&connection)?, component: connection.command_component })
    }

    /// All variables of a site; `None` when there is no such site.
    async fn variables(&self, site: &str) -> Result<Option<Vec<Variable>>, ProviderError> {
        let path = format!("site/{}/variables", segment(site));
        self.client.all(&path, "variables", Pace::Routine, wire::variable).await
    }

    async fn change_variable(&self, site: &str, old: &Variable, value: &str) -> Result<(), ProviderError> {
        let path = format!("site/{}/variable/{}", segment(site), old.id);
        let body = json!({ "name": old.name, "value": value });
        let done = self.client.write(Method::POST, &path, &body, true).await?;
        done.map(|_| ()).ok_or_else(|| self.client.not_found(&path))
    }

    async fn write_variable(&self, site: &str, name: &str, value: &str) -> Result<(), ProviderError> {
        let path = format!("site/{}/variables", segment(site));
        let variables = self.variables(site).await?.ok_or_else(|| self.client.not_found(&path))?;
        match find(&variables, name) {
            Some(old) if old.value.as_deref() == Some(value) => Ok(()),
            Some(old) => self.change_variable(site, old, value).await,
            None => {
                let path = format!("site/{}/variable", segment(site));
                let body = json!({ "name": name, "value": value, "masked": false });
                match self.client.write(Method::PUT, &path, &body, false).await {
                    Ok(Some(_)) => Ok(()),
                    Ok(None) => Err(self.client.not_found(&path)),
                    Err(error) => self.after_failed_create(site, name, value, error).await,
                }
            }
        }
    }

    /// A create that failed may have happened all the same, or somebody else was faster.
    async fn after_failed_create(
        &self,
        site: &str,
        name: &str,
        value: &str,
        error: ProviderError,
    ) -> Result<(), ProviderError> {
        let variables = self.variables(site).await?.unwrap_or_default();
        match find(&variables, name) {
            Some(now) if now.value.as_deref() == Some(value) => Ok(()),
            Some(now) => self.change_variable(site, now, value).await,
            None => Err(error),
        }
    }
}

fn find<'a>(variables: &'a [Variable], name: &str) -> Option<&'a Variable> {
    variables.iter().find(|variable| variable.name == name)
}

/// An id as one part of a path. Dots alone would name another path, and are nobody's id.
fn segment(id: &str) -> String {
    if id.bytes().all(|byte| byte == b'.') {
        return "_".to_owned();
    }
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}

impl RmmProvider for Datto {
    fn name(&self) -> &'static str {
        "datto"
    }

    fn display_name(&self) -> &'static str {
        client::NAME
    }

    fn holds_up(&self) -> Option<String> {
        self.client.holds_up()
    }

    fn check(&self) -> Answer<'_, ()> {
        async {
            const PATH: &str = "system/request_rate";
            self.client
                .get(PATH, &[], Pace::Now)
                .await?
                .map(|_| ())
                .ok_or_else(|| self.client.not_found(PATH))
        }
        .boxed()
    }

    fn sites(&self, page: PageRef) -> Answer<'_, Page<RmmSite>> {
        self.client.page("account/sites", "sites", page, wire::site).boxed()
    }

    fn site<'a>(&'a self, uid: &'a str) -> Answer<'a, Option<RmmSite>> {
        async move {
            let path = format!("site/{}", segment(uid));
            self.client.single(&path, "site", wire::site).await
        }
        .boxed()
    }

    fn site_variable<'a>(&'a self, site: &'a str, name: &'a str) -> Answer<'a, Option<String>> {
        async move {
            let path = format!("site/{}/variables", segment(site));
            let variables = self.variables(site).await?.ok_or_else(|| self.client.not_found(&path))?;
            Ok(find(&variables, name).and_then(|variable| variable.value.clone()))
        }
        .boxed()
    }

    fn set_site_variable<'a>(&'a self, site: &'a str, name: &'a str, value: &'a str) -> Answer<'a, ()> {
        self.write_variable(site, name, value).boxed()
    }

    fn devices<'a>(&'a self, site: &'a str, page: PageRef) -> Answer<'a, Page<RmmDevice>> {
        async move {
            let path = format!("site/{}/devices", segment(site));
            let read = |row: &mut Row<'_>| wire::device(row, Some(site));
            let page = self.client.page(&path, "devices", page, read).await?;
            let items = page.items.into_iter().filter(|(_, deleted)| !deleted).map(|(device, _)| device);
            Ok(Page { items: items.collect(), warnings: page.warnings, next: page.next, answered_at: None })
        }
        .boxed()
    }

    fn device<'a>(&'a self, uid: &'a str) -> Answer<'a, Option<RmmDevice>> {
        async move {
            let path = format!("device/{}", segment(uid));
            let read = |row: &mut Row<'_>| wire::device(row, None);
            let found = self.client.single(&path, "device", read).await?;
            Ok(found.filter(|(_, deleted)| !deleted).map(|(device, _)| device))
        }
        .boxed()
    }

    fn audit<'a>(&'a self, device: &'a str) -> Answer<'a, Option<DeviceAudit>> {
        async move {
            let path = format!("audit/device/{}", segment(device));
            let Some(body) = self.client.get(&path, &[], Pace::Now).await? else { return Ok(None) };
            let mut audit = wire::audit(&body);
            let path = format!("{path}/software");
            let software = self.client.all(&path, "software", Pace::Now, wire::software).await?;
            audit.software = software.unwrap_or_default();
            Ok(Some(audit))
        }
        .boxed()
    }

    fn run_command<'a>(
        &'a self,
        device: &'a str,
        command: &'a str,
        deadline: Instant,
    ) -> Answer<'a, Option<RemoteCommand>> {
        self.start_job(device, command, deadline).boxed()
    }

    fn command<'a>(&'a self, device: &'a str, job_id: &'a str) -> Answer<'a, Option<RemoteCommand>> {
        self.read_job(device, job_id).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_part_of_a_path() {
        for (id, part) in [
            ("d0a7-1", "d0a7-1"),
            ("a/../b c", "a%2F..%2Fb%20c"),
            ("x?y#z", "x%3Fy%23z"),
            ("..", "_"),
            (".", "_"),
            ("", "_"),
        ] {
            assert_eq!(segment(id), part, "{id}");
        }
    }
}
