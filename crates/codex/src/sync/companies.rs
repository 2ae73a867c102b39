//! Companies: matched by the vendor's id first, then by account number (codex-api.md §6.5).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::FutureExt as _;
use serde_json::json;

use super::batches::Stored;
use super::{Sync, SyncError, attempts, batches};
use crate::domain::account_number;
use crate::domain::contract;
use crate::domain::plans::Agreed;
use crate::providers::PsaCompany;
use crate::store::changes;
use crate::store::contract_ends;
use crate::store::reviews::{COMPANY_WITHOUT_NUMBER, DUPLICATE_COMPANY, Finding};
use crate::store::support_levels::{self, SupportLevels};
use crate::store::sync_companies::{self, CompanyRow, StoredCompany};
use crate::store::{sync_tickets, unit};

/// What a fetched list means for the stored companies.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Old and new account numbers.
    pub(super) renames: Vec<(String, String)>,
    /// Rows to store.
    pub(super) rows: Vec<PsaCompany>,
    /// Rows that were left out, and why.
    pub(super) warnings: Vec<String>,
    /// Those of them that lack an account number.
    pub(super) without_number: Vec<Finding>,
    /// Those of them whose account number another company has.
    pub(super) duplicates: Vec<Finding>,
}

impl Plan {
    /// Leaves a company out for want of a number that can be used.
    fn leave_unnumbered(&mut self, provider: &str, company: &PsaCompany) {
        let PsaCompany { external_id, name, account_number, .. } = company;
        let (why, detail) = match account_number {
            None => ("has no account number".to_owned(), "no account number at the vendor".to_owned()),
            Some(number) => (
                format!("has an account number that cannot be used: {number}"),
                format!("the account number {number} at the vendor, which cannot be part of an address"),
            ),
        };
        self.warnings.push(format!("company {external_id} ({name}) {why}"));
        self.without_number.push(Finding {
            subject: Finding::key(provider, external_id),
            other: String::new(),
            detail: format!("{name} has {detail}, so it is not stored."),
            proposal: Some(
                json!({ "name": name, "provider": provider, "external_id": external_id.to_string() }),
            ),
        });
    }

    /// Leaves a company out because its number is another's.
    fn leave_duplicate(&mut self, provider: &str, company: &PsaCompany, other: String, why: String) {
        let PsaCompany { external_id, name, account_number, .. } = company;
        self.warnings.push(why);
        self.duplicates.push(Finding {
            subject: Finding::key(provider, external_id),
            other,
            detail: format!(
                "{name} has account number {}, which another company has as well. It is not stored.",
                account_number.as_deref().unwrap_or_default()
            ),
            proposal: Some(json!({ "name": name, "account_number": account_number })),
        });
    }
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
        let Some(number) = company.account_number.clone().filter(|number| account_number::is_usable(number))
        else {
            plan.leave_unnumbered(provider, &company);
            continue;
        };
        if let Some(first) = claims.get(&number) {
            let (own, first) = (company.external_id, first.external_id);
            let why = format!("company {own} has account number {number} of company {first}");
            plan.leave_duplicate(provider, &company, Finding::key(provider, first), why);
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
            let why = format!("account number {number} of company {} is taken", company.external_id);
            let holder = stored.iter().find(|stored| stored.account_number == number);
            let other =
                holder.and_then(|holder| Some(Finding::key(&holder.external_source, holder.external_id?)));
            let other = other.unwrap_or_else(|| Finding::key("company", &number));
            plan.leave_duplicate(provider, &company, other, why);
            continue;
        }
        if let Some(current) = current.filter(|_| renamed) {
            plan.renames.push((current.to_owned(), number));
        }
        plan.rows.push(company);
    }
    plan
}

/// What storing companies did.
struct Done {
    stored: Stored,
    removed: u64,
    /// Tickets that found their company.
    linked: u64,
    /// Questions of each kind that have settled.
    settled: [(&'static str, u64); 2],
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
        self.report.warn_all(plan.warnings.iter().cloned());
        for (old, new) in &plan.renames {
            self.report.line(format!("Company {old} becomes {new}"));
        }
        let done = attempts::persist(|| self.write_companies(&plan, &gone)).await?;
        self.report.warn_all(done.stored.refused);
        let (written, removed) = (done.stored.written, done.removed);
        self.report.count(|counts| {
            counts.companies += written.created + written.updated;
            counts.removed += removed;
        });
        if removed > 0 {
            self.report.line(format!("{removed} companies are gone from {}", self.provider.display_name()));
        }
        if done.linked > 0 {
            self.report.line(format!("{} tickets found their company", done.linked));
        }
        for (kind, settled) in done.settled {
            self.tell_settled(kind, settled);
        }
        Ok(())
    }

    async fn write_companies(&self, plan: &Plan, gone: &[i64]) -> Result<Done, SyncError> {
        let provider = self.provider.name();
        let mut tx = unit::begin(&self.pool).await?;
        let levels = SupportLevels::load(&mut *tx).await?;
        let rows: Vec<CompanyRow> =
            plan.rows.iter().map(|company| complete(company.clone(), &levels)).collect();
        sync_companies::rename(&mut tx, &plan.renames).await?;
        let stored = batches::store(
            &mut tx,
            &rows,
            |row| format!("company {}", row.company.external_id),
            |conn, rows| sync_companies::upsert(conn, provider, rows).boxed(),
        )
        .await?;
        contract_ends::refresh(&mut tx).await?;
        support_levels::refresh(&mut tx, None).await?;
        changes::removing(&mut tx, &format!("gone from {}", self.provider.display_name())).await?;
        let removed = sync_companies::remove(&mut tx, provider, gone).await?;
        let linked = sync_tickets::link_companies(&mut tx, provider).await?;
        let settled = [
            (
                COMPANY_WITHOUT_NUMBER,
                self.review(&mut tx, COMPANY_WITHOUT_NUMBER, &plan.without_number).await?,
            ),
            (DUPLICATE_COMPANY, self.review(&mut tx, DUPLICATE_COMPANY, &plan.duplicates).await?),
        ];
        tx.commit().await?;
        Ok(Done { stored, removed, linked, settled })
    }

    /// Which stored companies the list lacks and the vendor, asked about each, does not have.
    pub(super) async fn gone_companies(
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
    fn whoever_is_left_out_is_flagged_with_both_keys() {
        let kept = [stored("A", 7, "freshservice"), stored("H", None, "freshservice")];
        let list = vec![fetched(1, "A"), fetched(2, "B"), fetched(3, "B"), fetched(4, "")];
        let plan = plan("superops", &kept, list, &[]);
        let keys: Vec<_> =
            plan.duplicates.iter().map(|found| (found.subject.as_str(), found.other.as_str())).collect();
        assert_eq!(keys, [("superops:3", "superops:2"), ("superops:1", "freshservice:7")]);
        assert_eq!(plan.without_number[0].subject, "superops:4");
        let unfit = super::plan("superops", &[], vec![fetched(5, "../../etc"), fetched(6, "A 1")], &[]);
        assert_eq!(unfit.without_number[0].subject, "superops:5");
        assert!(unfit.warnings[0].contains("../../etc"), "{:?}", unfit.warnings);
        assert_eq!(unfit.rows.iter().map(|row| row.external_id).collect::<Vec<_>>(), [6]);
        assert_eq!(plan.rows.iter().map(|row| row.external_id).collect::<Vec<_>>(), [2]);
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
            // Whoever is left out is something to decide about.
            assert_eq!(plan.without_number.len() + plan.duplicates.len(), warnings, "{case}");
        }
    }
}
