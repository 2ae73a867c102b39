//! Reading a whole list into memory: companies, agents and groups are few enough.

use std::collections::HashSet;

use super::{Sync, SyncError};
use crate::providers::{Answer, Page, PageRef};

impl Sync {
    /// All rows of a list, each id once. Only a list that was read to its end comes back, so what it lacks may really be
    /// gone.
    pub(super) async fn whole_list<'a, T>(
        &'a self,
        list: &'static str,
        fetch: impl Fn(PageRef) -> Answer<'a, Page<T>>,
        id: impl Fn(&T) -> i64,
    ) -> Result<Vec<T>, SyncError> {
        let (mut rows, mut seen, mut next) = (Vec::new(), HashSet::new(), Some(PageRef::FIRST));
        while let Some(at) = next {
            self.report.at(list, Some(at.number));
            self.report.go_on().await?;
            let page = fetch(at).await?;
            self.report.warn_all(page.warnings);
            let (before, received) = (seen.len(), page.items.len());
            rows.extend(page.items.into_iter().filter(|row| seen.insert(id(row))));
            if received > 0 && seen.len() == before && page.next.is_some() {
                return Err(SyncError::Endless {
                    provider: self.provider.display_name(),
                    list,
                    page: at.number,
                });
            }
            next = page.next;
        }
        Ok(rows)
    }
}
