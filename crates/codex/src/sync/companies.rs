//! Companies: matched by the vendor's id first, then by account number (codex-api.md §6.5).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::FutureExt as _;

use super::{Sync, SyncError, batches};
use crate::domain::contract;
use crate::domain::plans::Agreed;
use crate::providers::PsaCompany;
use crate::store::support_levels::{self, SupportLevels};
use crate::store::sync_companies::{self, CompanyRow, StoredCompany};
use crate::store::sync_tickets;

/// What a fetched list means for the stored companies.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Old and new account numbers.
    pub(super) renames: Vec<(String, String)>,
    /// Rows to store.
    pub(super) rows: Vec<PsaCompany>,
    /// Rows that were left out, and why.
    pub(super) warnings: Vec<String>,
}

/// Compares a complete list with what is stored. `gone` are the companies the vendor confirmed not to have any more:
/// whoever has their account number now takes over their row, with everything that hangs on it.
pub(super) fn plan(provider: &str, stored: &[StoredCompany], fetched: Vec<PsaCompany>, gone: &[i64]) -> Plan {
    let owner = |company: &StoredCompany| {
        company.external_id.filter(|id| company.external_source != provider || !gone.contains(id))
    };
    let mine: HashMap<i64, &str> = stored
        .iter()
        .filter(|company| company.external_source == provider)
        .filter_map(|company| Some((owner(company)?, company.account_number.as_str())))
        .collect();
    let mut plan = Plan::default();

    // One company per number; the older department has it.
    let mut claims: BTreeMap<String, PsaCompany> = BTreeMap::new();
    let mut by_age = fetched;
    by_age.sort_by_key(|company| company.external_id);
    for company in by_age {
        let Some(number) = company.account_number.clone() else {
            plan.warnings
                .push(format!("company {} ({}) has no account number", company.external_id, company.name));
            continue;
        };
        if let Some(first) = claims.get(&number) {
            plan.warnings.push(format!(
                "company {} has account number {number} of company {}",
                company.external_id, first.external_id
            ));
            continue;
        }
        claims.insert(number, company);
    }

    // Numbers that stay with somebody else: other vendors' companies, and mine that do not move away.
    let moving: BTreeSet<i64> = claims.values().map(|company| company.external_id).collect();
    let taken: BTreeSet<&str> = stored
        .iter()
        .filter(|company| {
            owner(company).is_some_and(|id| company.external_source != provider || !moving.contains(&id))
        })
        .map(|company| company.account_number.as_str())
        .collect();
    // A company nobody owns becomes the vendor's, unless the vendor's has a row of its own already.
    let ownerless: BTreeSet<&str> = stored
        .iter()
        .filter(|company| owner(company).is_none())
        .map(|company| company.account_number.as_str())
        .collect();
    for (number, company) in claims {
        let current = mine.get(&company.external_id).copied();
        let renamed = current.is_some_and(|current| current != number);
        if taken.contains(number.as_str()) || (renamed && ownerless.contains(number.as_str())) {
            plan.warnings
                .push(format!("account number {number} of company {} is taken", company.external_id));
            continue;
        }
        if let Some(current) = current.filter(|_| renamed) {
            plan.renames.push((current.to_owned(), number));
        }
        plan.rows.push(company);
    }
    plan
}

/// Adds what follows from the vendor's row.
fn complete(company: PsaCompany, levels: &SupportLevels) -> CompanyRow {
    let term = company.contract_term.as_deref().and_then(contract::canonical_term);
    let end = company.contract_start_date.as_deref().zip(term.as_deref());
    let agreed = Agreed {
        plan_selected: company.plan_selected.as_deref(),
        contract_term_length: term.as_deref(),
        ..Agreed::default()
    };
    let support_level = levels.of(&agreed);
    CompanyRow {
        contract_end_date: end
            .and_then(|(start, term)| contract::end_date(start, term))
            .map(|date| date.to_string()),
        support_level,
        contract_term_length: term,
        company,
    }
}

impl Sync {
    /// Companies of the provider.
    pub(super) async fn companies(&self) -> Result<(), SyncError> {
        self.report.line(format!("Reading companies from {}", self.provider.display_name()));
        let fetched =
            self.whole_list("companies", |page| self.provider.companies(page), |row| row.external_id).await?;
        let stored = sync_companies::stored(&self.pool).await?;
        let gone = self.gone_companies(&stored, &fetched).await?;
        let plan = plan(self.provider.name(), &stored, fetched, &gone);
        self.report.warn_all(plan.warnings);
        let provider = self.provider.name();
        let mut tx = self.pool.begin().await?;
        let levels = SupportLevels::load(&mut *tx).await?;
        let rows: Vec<CompanyRow> = plan.rows.into_iter().map(|company| complete(company, &levels)).collect();
        for (old, new) in &plan.renames {
            self.report.line(format!("Company {old} becomes {new}"));
        }
        sync_companies::rename(&mut tx, &plan.renames).await?;
        let written = batches::store(
            &mut tx,
            &self.report,
            &rows,
            |row| format!("company {}", row.company.external_id),
            |conn, rows| sync_companies::upsert(conn, provider, rows).boxed(),
        )
        .await?;
        support_levels::refresh(&mut tx, None).await?;
        let removed = sync_companies::remove(&mut tx, provider, &gone).await?;
        let linked = sync_tickets::link_companies(&mut tx, provider).await?;
        tx.commit().await?;
        self.report.count(|counts| {
            counts.companies += written.created + written.updated;
            counts.removed += removed;
        });
        if removed > 0 {
            self.report.line(format!("{removed} companies are gone from {}", self.provider.display_name()));
        }
        if linked > 0 {
            self.report.line(format!("{linked} tickets found their company"));
        }
        Ok(())
    }

    /// Which stored companies the list lacks and the vendor, asked about each, does not have.
    async fn gone_companies(
        &self,
        stored: &[StoredCompany],
        fetched: &[PsaCompany],
    ) -> Result<Vec<i64>, SyncError> {
        let fetched: BTreeSet<i64> = fetched.iter().map(|company| company.external_id).collect();
        let mine = stored.iter().filter(|company| company.external_source == self.provider.name());
        let mine: BTreeSet<i64> = mine.filter_map(|company| company.external_id).collect();
        let missing: Vec<i64> = mine.difference(&fetched).copied().collect();
        self.confirm_gone("companies", &missing, mine.len(), |id| {
            async move { Ok(self.provider.company(id).await?.is_none()) }.boxed()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(number: &str, id: impl Into<Option<i64>>, source: &str) -> StoredCompany {
        StoredCompany {
            account_number: number.to_owned(),
            external_id: id.into(),
            external_source: source.to_owned(),
        }
    }

    fn fetched(id: i64, number: &str) -> PsaCompany {
        let account_number = (!number.is_empty()).then(|| number.to_owned());
        PsaCompany { external_id: id, account_number, name: format!("C{id}"), ..PsaCompany::default() }
    }

    #[test]
    fn companies_keep_their_identity_when_numbers_change() {
        let fresh = "freshservice";
        // stored, fetched, gone → renames, stored ids, warnings
        let cases = [
            ("new", vec![], vec![fetched(1, "A")], vec![], (vec![], vec![1], 0)),
            ("same", vec![stored("A", 1, fresh)], vec![fetched(1, "A")], vec![], (vec![], vec![1], 0)),
            (
                "renumbered",
                vec![stored("A", 1, fresh)],
                vec![fetched(1, "B")],
                vec![],
                (vec![("A", "B")], vec![1], 0),
            ),
            (
                "exchanged",
                vec![stored("A", 1, fresh), stored("B", 2, fresh)],
                vec![fetched(1, "B"), fetched(2, "A")],
                vec![],
                (vec![("B", "A"), ("A", "B")], vec![2, 1], 0),
            ),
            (
                "without a number",
                vec![stored("A", 1, fresh)],
                vec![fetched(1, "")],
                vec![],
                (vec![], vec![], 1),
            ),
            (
                "two with one number",
                vec![],
                vec![fetched(2, "A"), fetched(1, "A")],
                vec![],
                (vec![], vec![1], 1),
            ),
            (
                "made by hand",
                vec![stored("A", None, fresh)],
                vec![fetched(1, "A")],
                vec![],
                (vec![], vec![1], 0),
            ),
            (
                "made by hand, but known under another number",
                vec![stored("A", None, fresh), stored("B", 1, fresh)],
                vec![fetched(1, "A")],
                vec![],
                (vec![], vec![], 1),
            ),
            (
                "another vendor's",
                vec![stored("A", 1, "superops")],
                vec![fetched(1, "A")],
                vec![],
                (vec![], vec![], 1),
            ),
            (
                "number of one that is only missing",
                vec![stored("A", 1, fresh)],
                vec![fetched(2, "A")],
                vec![],
                (vec![], vec![], 1),
            ),
            (
                "number of one that is gone",
                vec![stored("A", 1, fresh)],
                vec![fetched(2, "A")],
                vec![1],
                (vec![], vec![2], 0),
            ),
        ];
        for (case, stored, list, gone, (renames, rows, warnings)) in cases {
            let plan = plan(fresh, &stored, list, &gone);
            let actual: Vec<_> = plan.renames.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
            assert_eq!(actual, renames, "{case}");
            assert_eq!(plan.rows.iter().map(|row| row.external_id).collect::<Vec<_>>(), rows, "{case}");
            assert_eq!(plan.warnings.len(), warnings, "{case}: {:?}", plan.warnings);
        }
    }
}
