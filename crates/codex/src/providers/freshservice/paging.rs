//! Lists and single objects in Freshservice's wrapping.

use reqwest::StatusCode;
use serde_json::Value;

use super::super::row::Row;
use super::super::{Pace, Page, PageRef, ProviderError};
use super::client::{Client, Reply, api, not_found};

/// Rows per page; the vendor serves at most this many.
pub(super) const PAGE_SIZE: usize = 100;

/// Most pages below one ticket.
const MOST_PAGES: u32 = 200;

/// Reads one row; `None` when it lacks what nothing can stand in for.
pub(super) trait Read<T>: Fn(&mut Row<'_>) -> Option<T> + Send + Sync {}

impl<T, F: Fn(&mut Row<'_>) -> Option<T> + Send + Sync> Read<T> for F {}

impl Client {
    /// One page of a list. Whether another follows is what the `Link` header says; a full page without one is followed
    /// by a look at the next, in case something on the way drops headers. The link is only read for its page number:
    /// requests go to the configured server and nowhere else.
    ///
    /// # Errors
    /// Also when the list does not exist, when the answer is no list, or when a promised page is empty.
    pub(super) async fn page<T>(
        &self,
        path: &'static str,
        member: &'static str,
        mut query: Vec<(&'static str, String)>,
        page: PageRef,
        read: impl Read<T>,
    ) -> Result<Page<T>, ProviderError> {
        query.push(("per_page", PAGE_SIZE.to_string()));
        query.push(("page", page.number.to_string()));
        let reply = self.get(path, &query, Pace::Routine).await?.ok_or_else(|| not_found(path))?;
        list(path, member, page, &reply, &read)
    }

    /// All pages of a list below one ticket; `None` when it does not exist.
    pub(super) async fn all<T>(
        &self,
        path: &str,
        member: &'static str,
        pace: Pace,
        read: impl Read<T>,
    ) -> Result<Option<(Vec<T>, Vec<String>)>, ProviderError> {
        let (mut items, mut warnings, mut next) = (Vec::new(), Vec::new(), Some(PageRef::FIRST));
        while let Some(page) = next {
            if page.number > MOST_PAGES {
                return Err(api(path, StatusCode::OK, format!("more than {MOST_PAGES} pages")));
            }
            let query = [("per_page", PAGE_SIZE.to_string()), ("page", page.number.to_string())];
            let Some(reply) = self.get(path, &query, pace).await? else {
                return if page == PageRef::FIRST { Ok(None) } else { Err(not_found(path)) };
            };
            let page = list(path, member, page, &reply, &read)?;
            items.extend(page.items);
            warnings.extend(page.warnings);
            next = page.next;
        }
        Ok(Some((items, warnings)))
    }

    /// One object; `None` when the vendor has none of that id.
    pub(super) async fn single<T>(
        &self,
        path: &str,
        member: &'static str,
        query: &[(&'static str, String)],
        pace: Pace,
        read: impl Read<T>,
    ) -> Result<Option<T>, ProviderError> {
        let Some(reply) = self.get(path, query, pace).await? else { return Ok(None) };
        let row = reply.body.get(member).and_then(Row::of);
        match row.and_then(|mut row| read(&mut row)) {
            Some(item) => Ok(Some(item)),
            None => Err(api(path, StatusCode::OK, format!("JSON without a usable '{member}'"))),
        }
    }
}

fn list<T>(
    path: &str,
    member: &str,
    page: PageRef,
    reply: &Reply,
    read: &impl Read<T>,
) -> Result<Page<T>, ProviderError> {
    let rows = match &reply.body {
        // Conversations come bare from some accounts.
        Value::Array(rows) => Some(rows),
        body => body.get(member).and_then(Value::as_array),
    };
    let Some(rows) = rows else {
        return Err(api(path, StatusCode::OK, format!("JSON without a list of '{member}'")));
    };
    if rows.is_empty() && (page.promised || reply.next.is_some()) {
        return Err(api(
            path,
            StatusCode::OK,
            format!("an empty page {} where rows were announced", page.number),
        ));
    }
    let (mut items, mut warnings) = (Vec::with_capacity(rows.len()), Vec::new());
    for value in rows {
        let Some(mut row) = Row::of(value) else {
            warnings.push(format!("{member}: a row that is no object was left out"));
            continue;
        };
        let id = row.int("id").map_or_else(|| "without id".to_owned(), |id| id.to_string());
        match read(&mut row) {
            Some(item) => items.push(item),
            None => warnings.push(format!("{member} {id}: row left out")),
        }
        warnings.extend(row.into_notes().into_iter().map(|note| format!("{member} {id}: {note}")));
    }
    let next = next_page(page, reply, rows.len());
    Ok(Page { items, warnings, next, answered_at: reply.answered_at })
}

fn next_page(page: PageRef, reply: &Reply, rows: usize) -> Option<PageRef> {
    let following = page.number.saturating_add(1);
    match &reply.next {
        Some(target) => {
            let number = page_number(target).filter(|number| *number > page.number).unwrap_or(following);
            Some(PageRef::promised(number))
        }
        None => (rows >= PAGE_SIZE).then_some(PageRef::number(following)),
    }
}

fn page_number(target: &str) -> Option<u32> {
    let (_, query) = target.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "page")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_number_from_elsewhere_leads_only_forward_and_never_over_the_edge() {
        let next = |number: u32, link: &str| {
            let reply = Reply { body: json!([]), next: Some(link.to_owned()), answered_at: None };
            next_page(PageRef { promised: true, ..PageRef::number(number) }, &reply, 1).unwrap().number
        };
        for (number, link, expected) in [
            (1, "https://evil.example/?page=7", 7),
            (5, "https://a.example/?page=2", 6),
            (5, "no address", 6),
            (1, "https://a.example/?page=4294967295", u32::MAX),
            (u32::MAX, "https://a.example/?page=4294967295", u32::MAX),
        ] {
            assert_eq!(next(number, link), expected, "{number} {link}");
        }
    }
}
