//! SuperOps as a system for monitoring: clients are the places, assets the devices.
//!
//! A client's sites would be places as well, but an asset may have none, and the account number belongs to the client; a
//! client is the finest place that loses nothing. The name of the site stays with each device.

use futures::FutureExt as _;
use serde_json::json;

use super::super::row::Row;
use super::super::{Answer, Pace, Page, PageRef, ProviderError, RmmDevice, RmmProvider, RmmSite};
use super::client::{self, unusable};
use super::listing::Wanted;
use super::{SuperOps, queries, wire_assets, wire_people};

/// The variable of a site that the account number is called in other systems.
const ACCOUNT_NUMBER: &str = "AccountNumber";

impl SuperOps {
    fn read_site(&self, row: &mut Row<'_>) -> Option<RmmSite> {
        wire_people::site(row, &self.habits.fields)
    }

    async fn one_site(&self, uid: &str) -> Result<Option<RmmSite>, ProviderError> {
        // What is no number is no id of this vendor.
        if uid.parse::<i64>().is_err() {
            return Ok(None);
        }
        let read = |row: &mut Row<'_>| self.read_site(row);
        let input = json!({ "accountId": uid });
        self.client.single("getClient", &queries::client(), input, Pace::Routine, read).await
    }
}

impl RmmProvider for SuperOps {
    fn name(&self) -> &'static str {
        "superops"
    }

    fn display_name(&self) -> &'static str {
        client::NAME
    }

    fn holds_up(&self) -> Option<String> {
        self.client.holds_up()
    }

    fn check(&self) -> Answer<'_, ()> {
        self.authenticate().boxed()
    }

    fn sites(&self, page: PageRef) -> Answer<'_, Page<RmmSite>> {
        async move {
            let read = |row: &mut Row<'_>| self.read_site(row);
            Ok(self.client.page(&queries::CLIENTS, &Wanted::default(), page, Pace::Routine, read).await?.page)
        }
        .boxed()
    }

    fn site<'a>(&'a self, uid: &'a str) -> Answer<'a, Option<RmmSite>> {
        self.one_site(uid).boxed()
    }

    /// The account number; the vendor has no other variables.
    fn site_variable<'a>(&'a self, site: &'a str, name: &'a str) -> Answer<'a, Option<String>> {
        async move {
            if name != ACCOUNT_NUMBER {
                return Ok(None);
            }
            Ok(self.one_site(site).await?.and_then(|site| site.account_number))
        }
        .boxed()
    }

    fn set_site_variable<'a>(&'a self, site: &'a str, name: &'a str, value: &'a str) -> Answer<'a, ()> {
        async move {
            let Some(client) = site.parse().ok().filter(|_| name == ACCOUNT_NUMBER) else {
                let what = "store variables other than the account number";
                return Err(ProviderError::NotSupported { provider: client::NAME, what });
            };
            self.write_account_number(client, value)
                .await?
                .ok_or_else(|| unusable("updateClient", format!("no client {client}")))
        }
        .boxed()
    }

    fn devices<'a>(&'a self, site: &'a str, page: PageRef) -> Answer<'a, Page<RmmDevice>> {
        async move {
            let wanted = Wanted::only("client.accountId", site);
            let (list, read) = (&queries::ASSETS, wire_assets::device);
            Ok(self.client.page(list, &wanted, page, Pace::Routine, read).await?.page)
        }
        .boxed()
    }

    fn device<'a>(&'a self, uid: &'a str) -> Answer<'a, Option<RmmDevice>> {
        async move {
            if uid.parse::<i64>().is_err() {
                return Ok(None);
            }
            let input = json!({ "assetId": uid });
            self.client.single("getAsset", &queries::asset(), input, Pace::Routine, wire_assets::device).await
        }
        .boxed()
    }
}
