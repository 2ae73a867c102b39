//! The bills of many companies, as Codex sends them: no more than a few hundred companies are in memory at a time.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::mpsc::Receiver;

use super::{AsOf, BillError, Bills, Material, late};
use crate::{
    clients::codex::{BadCompany, CodexError, Sent},
    domain::billing::{Period, Plan},
};

/// So many companies' own rows are read together at first: bills are made while Codex still sends, and the first are there early.
const FIRST: usize = 16;
/// So many in the end: each reading has its price.
const MOST: usize = 250;

/// Some of the companies.
#[derive(Debug, Default)]
pub struct Chunk {
    /// What their bills depend on.
    pub materials: Vec<Material>,
    /// Those whose data cannot be used.
    pub bad: Vec<BadCompany>,
}

/// What bills of many companies depend on.
pub struct Each {
    bills: Bills,
    companies: Receiver<Result<Sent, CodexError>>,
    /// Whether the tickets of the year before come with them.
    with_last_year: bool,
    only: Option<HashSet<String>>,
    period: Period,
    plans: Arc<[Plan]>,
    tickets_as_of: AsOf,
    /// How many companies are read together next.
    together: usize,
    /// Told when everything that came before it was given away.
    broken: Option<CodexError>,
}

impl Each {
    pub(super) fn new(
        bills: Bills,
        companies: Receiver<Result<Sent, CodexError>>,
        with_last_year: bool,
        only: Option<Vec<String>>,
        period: Period,
        plans: Arc<[Plan]>,
        tickets_as_of: AsOf,
    ) -> Self {
        let only = only.map(HashSet::from_iter);
        Self {
            bills,
            companies,
            with_last_year,
            only,
            period,
            plans,
            tickets_as_of,
            together: FIRST,
            broken: None,
        }
    }

    /// The next companies; none when there are no more.
    ///
    /// # Errors
    /// When Codex's answer breaks off, or the database is away. There is nothing after it.
    pub async fn next(&mut self) -> Result<Option<Chunk>, BillError> {
        if let Some(error) = self.broken.take() {
            return Err(error.into());
        }
        let (mut companies, mut bad) = (Vec::new(), Vec::new());
        while companies.len() < self.together {
            let Some(data) = self.companies.recv().await else { break };
            let data = match data {
                Ok(Ok(data)) => data,
                Err(error) if companies.is_empty() && bad.is_empty() => return Err(error.into()),
                Err(error) => {
                    self.broken = Some(error);
                    break;
                }
                Ok(Err(company)) => {
                    if self.only.as_ref().is_none_or(|only| only.contains(&company.account_number)) {
                        bad.push(company);
                    }
                    continue;
                }
            };
            let number = data.company.account_number.as_deref().unwrap_or_default();
            if self.only.as_ref().is_some_and(|only| !only.contains(number)) {
                continue;
            }
            companies.push(data);
        }
        self.together = MOST.min(self.together * 2);
        if companies.is_empty() {
            return Ok((!bad.is_empty()).then(|| Chunk { materials: Vec::new(), bad }));
        }
        let mut rows = self.bills.rows(&companies, self.period).await?;
        if !self.with_last_year {
            let mut is_more = false;
            for data in &mut companies {
                if late::needs_last_year(data, &rows, self.period) {
                    self.bills.add_last_year(data, self.period).await?;
                    is_more = true;
                }
            }
            if is_more {
                rows = self.bills.rows(&companies, self.period).await?;
            }
        }
        let now = self.bills.now();
        let materials =
            Material::of(companies, rows, self.plans.clone(), self.period, now, self.tickets_as_of);
        Ok(Some(Chunk { materials, bad }))
    }
}
