//! Sites of the RMM and the companies they belong to.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt as _, stream};
use serde_json::json;

use super::streak::Streak;
use super::{AssetSync, SyncError, attempts};
use crate::domain::review::SITE;
use crate::domain::site_match::{Companies, Match};
use crate::providers::{PageRef, ProviderError, RmmSite};
use crate::store::reviews::{self, Finding};
use crate::store::sync_sites::{self, SiteLink};
use crate::store::unit;

/// The variable of a site that holds the account number of its company.
pub const VARIABLE: &str = "AccountNumber";

/// Sites that are asked for their variable at the same time.
const AT_ONCE: usize = 4;

/// A site with all that is known about whose it is.
#[derive(Debug, Clone)]
pub(super) struct KnownSite {
    pub(super) site: RmmSite,
    /// The value of its variable; `Err` when the vendor did not tell.
    pub(super) variable: Result<Option<String>, ProviderError>,
    /// The company it was linked with before.
    pub(super) link: Option<String>,
    pub(super) company: Match,
}

impl AssetSync {
    /// All sites, in the order of their uids, with their companies. Links are stored, questions asked.
    ///
    /// # Errors
    /// When the list is not complete, or the vendor cannot be used.
    pub(super) async fn sites(&self) -> Result<Vec<KnownSite>, SyncError> {
        let name = self.provider.name();
        self.report.line(format!("Reading sites from {}", self.provider.display_name()));
        let mut sites = self.list_sites().await?;
        sites.sort_by(|a, b| a.external_id.cmp(&b.external_id));
        let companies = Companies::new(sync_sites::candidates(&self.pool).await?);
        let links = sync_sites::links(&self.pool, name).await?;
        let (total, streak) = (sites.len(), Streak::default());
        let mut known: Vec<KnownSite> = Vec::with_capacity(total);
        let mut asked = stream::iter(sites)
            .map(|site| async move {
                let variable = match &site.account_number {
                    Some(number) => Ok(Some(number.clone())),
                    None => self.provider.site_variable(&site.external_id, VARIABLE).await,
                };
                (site, variable)
            })
            .buffered(AT_ONCE);
        while let Some((site, variable)) = asked.next().await {
            self.report.at("sites", u32::try_from(known.len() + 1).ok());
            self.report.go_on().await?;
            let link = links.get(&site.external_id).cloned();
            let company = match &variable {
                Ok(number) => {
                    if site.account_number.is_none() {
                        streak.answered();
                    }
                    companies.of_site(&site.name, number.as_deref(), link.as_deref())
                }
                Err(error) if streak.ends_with(error) => return Err(error.clone().into()),
                Err(error) => {
                    self.report.warn(format!("site {}: {error}", site.name));
                    // Its name must not speak for it while its number is unknown.
                    companies.of_link(link.as_deref())
                }
            };
            known.push(KnownSite { site, variable, link, company });
        }
        drop(asked);
        self.store_links(&known, &links).await?;
        let unmatched = known.iter().filter(|site| site.company.certain().is_none()).count();
        self.report.count(|counts| counts.sites += total as u64);
        self.report.line(format!("{total} sites, {unmatched} of them without a company"));
        Ok(known)
    }

    async fn list_sites(&self) -> Result<Vec<RmmSite>, SyncError> {
        let (mut sites, mut seen, mut next) = (Vec::new(), HashSet::new(), Some(PageRef::FIRST));
        while let Some(at) = next {
            self.report.at("sites", Some(at.number));
            self.report.go_on().await?;
            let page = self.provider.sites(at).await?;
            self.report.warn_all(page.warnings);
            let (before, received) = (seen.len(), page.items.len());
            sites.extend(page.items.into_iter().filter(|site| seen.insert(site.external_id.clone())));
            if received > 0 && seen.len() == before && page.next.is_some() {
                return Err(self.endless("sites", at.number));
            }
            next = page.next;
        }
        Ok(sites)
    }

    pub(super) fn endless(&self, list: &'static str, page: u32) -> SyncError {
        SyncError::Endless { provider: self.provider.display_name(), list, page }
    }

    async fn store_links(
        &self,
        sites: &[KnownSite],
        links: &HashMap<String, String>,
    ) -> Result<(), SyncError> {
        let name = self.provider.name();
        let gone = self.gone_sites(sites, links).await?;
        let found: Vec<SiteLink> = sites.iter().filter_map(KnownSite::found).collect();
        let questions: Vec<Finding> = sites.iter().filter_map(|site| site.question(name)).collect();
        let write = || self.write_links(&found, &gone, &questions);
        let forgotten = attempts::persist(write).await?;
        if forgotten > 0 {
            self.report.line(format!("{forgotten} sites are gone from {}", self.provider.display_name()));
        }
        for (site, old, new) in sites.iter().filter_map(KnownSite::moved) {
            self.report.line(format!("Site {} moves from company {old} to {new}", site.name));
        }
        Ok(())
    }

    async fn write_links(
        &self,
        found: &[SiteLink],
        gone: &[String],
        questions: &[Finding],
    ) -> sqlx::Result<u64> {
        let (name, now) = (self.provider.name(), self.clock.now());
        let mut tx = unit::begin(&self.pool).await?;
        sync_sites::link(&mut tx, name, found).await?;
        let forgotten = sync_sites::unlink(&mut tx, name, gone).await?;
        reviews::raise(&mut tx, SITE, questions, now).await?;
        reviews::settle_missing(&mut tx, SITE, &format!("{name}/"), questions, now).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Linked sites that the list lacks and the vendor, asked about each, does not have.
    async fn gone_sites(
        &self,
        sites: &[KnownSite],
        links: &HashMap<String, String>,
    ) -> Result<Vec<String>, SyncError> {
        let listed: HashSet<&str> = sites.iter().map(|site| site.site.external_id.as_str()).collect();
        let missing: Vec<&String> = links.keys().filter(|uid| !listed.contains(uid.as_str())).collect();
        let mut allowance = super::removal::Allowance::new(links.len() as u64, self.rules.delete_share);
        if let Err(refusal) = allowance.take(missing.len()) {
            self.report.warn(format!("links of sites: {refusal}"));
            return Ok(Vec::new());
        }
        let (mut gone, streak) = (Vec::new(), Streak::default());
        for uid in missing {
            match self.provider.site(uid).await {
                Ok(found) => {
                    streak.answered();
                    gone.extend(found.is_none().then(|| uid.clone()));
                }
                Err(error) if streak.ends_with(&error) => return Err(error.into()),
                Err(error) => self.report.warn(format!("site {uid}: {error}")),
            }
        }
        Ok(gone)
    }
}

impl KnownSite {
    fn found(&self) -> Option<SiteLink> {
        let company = self.company.certain()?.to_owned();
        Some(SiteLink { uid: self.site.external_id.clone(), name: self.site.name.clone(), company })
    }

    /// The companies it belonged to and belongs to now, when they differ.
    fn moved(&self) -> Option<(&RmmSite, &str, &str)> {
        let (old, new) = (self.link.as_deref()?, self.company.certain()?);
        (old != new).then_some((&self.site, old, new))
    }

    fn question(&self, provider: &str) -> Option<Finding> {
        let (reason, proposals) = match &self.company {
            Match::None { reason, proposals } => (reason.clone(), json!(proposals)),
            // Its number is not in the RMM yet: pushing it, or a person, settles that.
            Match::Name(number) => (
                "the site has no account number; one company has its name".to_owned(),
                json!([{ "account_number": number, "name": self.site.name }]),
            ),
            Match::Variable(_) | Match::Link(_) => return None,
        };
        let uid = &self.site.external_id;
        let number = self.variable.as_ref().ok().and_then(Option::as_deref);
        Some(Finding {
            subject: format!("{provider}/{uid}"),
            other: String::new(),
            detail: format!("{}: {reason}", self.site.name),
            proposal: Some(json!({
                "provider": provider,
                "site_uid": uid,
                "site_name": self.site.name,
                "account_number": number,
                "companies": proposals,
            })),
        })
    }
}
