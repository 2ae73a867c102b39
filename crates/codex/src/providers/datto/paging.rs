//! Lists and single objects as Datto wraps them.

use serde_json::Value;

use super::super::row::Row;
use super::super::{Pace, Page, PageRef, ProviderError};
use super::client::Client;

/// Rows per page; the vendor serves at most this many.
const PAGE_SIZE: usize = 250;
/// Pages of a list that is read as a whole.
const MOST_PAGES: u32 = 200;

/// Reads one row; `None` when it lacks what nothing can stand in for.
pub(super) trait Read<T>: Fn(&mut Row<'_>) -> Option<T> + Send + Sync {}

impl<T, F: Fn(&mut Row<'_>) -> Option<T> + Send + Sync> Read<T> for F {}

impl Client {
    /// One page of a list. The vendor's address of the next page is only read for its number: it may have lost its
    /// filters, and requests go to the configured server and nowhere else.
    ///
    /// # Errors
    /// Also when the list does not exist, when the answer is no list, or when a promised page is empty.
    pub(super) async fn page<T>(
        &self,
        path: &str,
        member: &'static str,
        page: PageRef,
        read: impl Read<T>,
    ) -> Result<Page<T>, ProviderError> {
        let found = self.find_page(path, member, page, Pace::Routine, &read).await?;
        found.ok_or_else(|| self.not_found(path))
    }

    /// All pages of a list; `None` when it does not exist.
    pub(super) async fn all<T>(
        &self,
        path: &str,
        member: &'static str,
        pace: Pace,
        read: impl Read<T>,
    ) -> Result<Option<Vec<T>>, ProviderError> {
        let (mut items, mut next) = (Vec::new(), Some(PageRef::FIRST));
        while let Some(at) = next {
            if at.number > MOST_PAGES {
                return Err(self.api(path, format!("more than {MOST_PAGES} pages")));
            }
            let Some(page) = self.find_page(path, member, at, pace, &read).await? else {
                return if at == PageRef::FIRST { Ok(None) } else { Err(self.not_found(path)) };
            };
            items.extend(page.items);
            next = page.next;
        }
        Ok(Some(items))
    }

    /// One object, bare or, as the original expects it, wrapped; `None` when the vendor has none of that id.
    pub(super) async fn single<T>(
        &self,
        path: &str,
        member: &str,
        read: impl Read<T>,
    ) -> Result<Option<T>, ProviderError> {
        let Some(body) = self.get(path, &[], Pace::Routine).await? else { return Ok(None) };
        let row = Row::of(body.get(member).unwrap_or(&body));
        match row.and_then(|mut row| read(&mut row)) {
            Some(item) => Ok(Some(item)),
            None => Err(self.api(path, format!("JSON without a usable {member}"))),
        }
    }

    async fn find_page<T>(
        &self,
        path: &str,
        member: &'static str,
        page: PageRef,
        pace: Pace,
        read: &impl Read<T>,
    ) -> Result<Option<Page<T>>, ProviderError> {
        // The vendor counts from 0.
        let query = [("page", (page.number - 1).to_string()), ("max", PAGE_SIZE.to_string())];
        let Some(body) = self.get(path, &query, pace).await? else { return Ok(None) };
        let Some(rows) = body.get(member).and_then(Value::as_array) else {
            return Err(self.api(path, format!("JSON without a list of '{member}'")));
        };
        let next = next_page(&body, page, rows.len());
        if rows.is_empty() && (page.promised || next.is_some_and(|next| next.promised)) {
            return Err(self.api(path, format!("an empty page {} where rows were announced", page.number)));
        }
        let (mut items, mut warnings) = (Vec::with_capacity(rows.len()), Vec::new());
        for value in rows {
            let Some(mut row) = Row::of(value) else {
                warnings.push(format!("{member}: a row that is no object was left out"));
                continue;
            };
            let id = ["uid", "name"].iter().find_map(|name| row.text(name));
            let id = id.unwrap_or_else(|| "without uid".to_owned());
            match read(&mut row) {
                Some(item) => items.push(item),
                None => warnings.push(format!("{member} {id}: row left out")),
            }
            warnings.extend(row.into_notes().into_iter().map(|note| format!("{member} {id}: {note}")));
        }
        Ok(Some(Page { items, warnings, next, answered_at: None }))
    }
}

fn next_page(body: &Value, page: PageRef, rows: usize) -> Option<PageRef> {
    let details = body.get("pageDetails");
    let following = page.number.saturating_add(1);
    let target = details.and_then(|details| details.get("nextPageUrl")).and_then(Value::as_str);
    if let Some(target) = target.filter(|target| !target.trim().is_empty()) {
        let number = page_number(target).filter(|number| *number > page.number).unwrap_or(following);
        return Some(PageRef::promised(number));
    }
    // Without an address a full page is followed by a look at the next, unless the total says that there is none.
    let total = details.and_then(|details| details.get("totalCount")).and_then(Value::as_u64);
    let read = u64::from(page.number).saturating_mul(PAGE_SIZE as u64);
    let over = rows < PAGE_SIZE || total.is_some_and(|total| total <= read);
    (!over).then_some(PageRef::number(following))
}

/// Our number of the page an address is about.
fn page_number(target: &str) -> Option<u32> {
    let (_, query) = target.split_once('?')?;
    let (_, number) = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "page")?;
    number.parse::<u32>().ok()?.checked_add(1)
}
