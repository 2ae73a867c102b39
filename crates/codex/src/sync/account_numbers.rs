//! Account numbers: given to companies that have none, and told to the RMM (codex-api.md §7.3).

use super::sites::{KnownSite, VARIABLE};
use super::streak::Streak;
use super::{AssetSync, Sync, SyncError, attempts};
use crate::domain::site_match::{Match, squeezed};
use crate::providers::PsaCompany;
use crate::store::{account_numbers, sync_companies, unit};

/// Whether a job that writes at a vendor really does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Writes.
    Write,
    /// Only tells what it would write.
    DryRun,
}

impl Sync {
    /// Gives an account number to every company at the PSA that has none. Numbers are unique among what is stored and what
    /// the PSA has; the stored company, if there is one, gets its new number at once.
    ///
    /// # Errors
    /// When the list is not complete, the vendor cannot be used, or a company did not take its number.
    pub async fn create_account_numbers(&self, mode: Mode) -> Result<(), SyncError> {
        let display = self.provider.display_name();
        self.report.line(format!("Reading companies from {display}"));
        let mut companies = self
            .whole_list("companies", |page| self.provider.companies(page), |company| company.external_id)
            .await?;
        companies.sort_by_key(|company| company.external_id);
        let taken: Vec<String> =
            companies.iter().filter_map(|company| company.account_number.clone()).collect();
        // A dry run gives out its numbers in a transaction that is taken back.
        let mut dry = self.pool.begin().await?;
        let (mut written, mut failed, streak) = (0_u64, 0_u64, Streak::default());
        for company in companies.iter().filter(|company| company.account_number.is_none()) {
            self.report.go_on().await?;
            let number = match mode {
                Mode::DryRun => account_numbers::reserve(&mut dry, &taken).await?,
                Mode::Write => attempts::persist(|| self.reserve_number(&taken)).await?,
            };
            let number = number
                .ok_or_else(|| SyncError::Incomplete("no account number of six digits is left".to_owned()))?;
            self.report.at("account numbers", None);
            match self.give_number(company, &number, mode).await {
                Ok(took) => {
                    streak.answered();
                    written += u64::from(took);
                }
                Err(SyncError::Provider(error)) if !streak.ends_with(&error) => {
                    failed += 1;
                    self.report.warn(format!("company {} ({}): {error}", company.external_id, company.name));
                }
                Err(error) => return Err(error),
            }
        }
        self.report.count(|counts| counts.account_numbers += written);
        match (failed, mode) {
            (0, Mode::Write) => self.report.line(format!("{written} companies have a new account number")),
            (0, Mode::DryRun) => self.report.line(format!("{written} companies would get an account number")),
            _ => return Err(SyncError::Incomplete(format!("{failed} companies did not take their number"))),
        }
        Ok(())
    }

    async fn reserve_number(&self, taken: &[String]) -> sqlx::Result<Option<String>> {
        let mut tx = unit::begin(&self.pool).await?;
        let number = account_numbers::reserve(&mut tx, taken).await?;
        tx.commit().await?;
        Ok(number)
    }

    async fn rename_company(&self, rename: &[(String, String)]) -> sqlx::Result<()> {
        let mut tx = unit::begin(&self.pool).await?;
        sync_companies::rename(&mut tx, rename).await?;
        tx.commit().await
    }

    /// Whether the company took it.
    async fn give_number(&self, company: &PsaCompany, number: &str, mode: Mode) -> Result<bool, SyncError> {
        if mode == Mode::DryRun {
            self.report.planned(format!("{number} for company {} ({})", company.name, company.external_id));
            return Ok(true);
        }
        let done = self.provider.set_account_number(company.external_id, number).await?;
        if done.is_none() {
            self.report.warn(format!("company {} ({}) is gone", company.external_id, company.name));
            return Ok(false);
        }
        self.report.line(format!("{} has account number {number}", company.name));
        let name = self.provider.name();
        if let Some(old) =
            sync_companies::unnumbered(&self.pool, name, company.external_id, &squeezed(&company.name))
                .await?
        {
            let rename = [(old.clone(), number.to_owned())];
            attempts::persist(|| self.rename_company(&rename)).await?;
            self.report.line(format!("Company {old} becomes {number}"));
        }
        Ok(true)
    }
}

impl AssetSync {
    /// Writes the account numbers of companies to their sites: to those that are linked with a company or have the exact
    /// name of one. The others are questions for a person.
    ///
    /// # Errors
    /// When the vendor cannot be used, or a site did not take its number.
    pub async fn push_account_numbers(&self, mode: Mode) -> Result<(), SyncError> {
        let sites = self.sites().await?;
        let (mut written, mut equal, mut failed, streak) = (0_u64, 0_u64, 0_u64, Streak::default());
        for site in &sites {
            self.report.go_on().await?;
            let name = &site.site.name;
            let Some(number) = site.company.company() else {
                self.report.line(format!("No company for site {name}"));
                continue;
            };
            match &site.variable {
                Ok(current) if current.as_deref() == Some(number) => equal += 1,
                Ok(_) => match self.push(site, number, mode).await {
                    Ok(()) => {
                        streak.answered();
                        written += 1;
                    }
                    Err(SyncError::Provider(error)) if !streak.ends_with(&error) => {
                        failed += 1;
                        self.report.error(format!("site {name}: {error}"));
                    }
                    Err(error) => return Err(error),
                },
                Err(_) => failed += 1,
            }
        }
        self.report.count(|counts| counts.account_numbers += written);
        let verb = if mode == Mode::Write { "written" } else { "would be written" };
        self.report.line(format!("{written} account numbers {verb}, {equal} were right already"));
        if failed > 0 {
            return Err(SyncError::Incomplete(format!("{failed} sites did not take their account number")));
        }
        Ok(())
    }

    async fn push(&self, site: &KnownSite, number: &str, mode: Mode) -> Result<(), SyncError> {
        let name = &site.site.name;
        let why = match site.company {
            Match::Link(_) => "linked",
            Match::Variable(_) => "written with spaces so far",
            Match::Name(_) | Match::None { .. } => "same name",
        };
        if mode == Mode::DryRun {
            self.report.planned(format!("{number} to site {name} ({why})"));
            return Ok(());
        }
        self.provider.set_site_variable(&site.site.external_id, VARIABLE, number).await?;
        self.report.line(format!("Site {name} has account number {number} ({why})"));
        Ok(())
    }
}
