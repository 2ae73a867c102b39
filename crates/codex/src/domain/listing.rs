//! Lists with pages, an order and a search (codex-pages.md §1.4, codex-api.md §4.6): what an address asks for, and where
//! in the list that is. The three list pages and their JSON share these rules.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Rows on a page unless asked for otherwise.
pub const PER_PAGE: i64 = 50;
/// Most rows on a page.
pub const MAX_PER_PAGE: i64 = 500;
/// Page sizes that the pages offer.
pub const PAGE_SIZES: [i64; 3] = [25, 50, 100];

/// What is asked for; values of the wrong type are ignored.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ListQuery {
    /// Page, from 1.
    pub page: Option<i64>,
    /// Rows on a page: 50 unless given, at most 500.
    pub per_page: Option<i64>,
    /// Column to sort by; an unknown one leaves the order to the server.
    pub sort_by: Option<String>,
    /// `desc`; anything else is ascending.
    pub order: Option<String>,
    /// Part of what is searched, in any case.
    pub search: Option<String>,
}

/// What is shown: the query within its bounds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing {
    /// Page, from 1.
    pub page: i64,
    /// Rows on a page, 1 to 500.
    pub per_page: i64,
    /// One of the list's sort keys; empty for a key the list does not have.
    pub sort: &'static str,
    /// From the largest to the smallest.
    pub descending: bool,
    /// Trimmed; empty for none.
    pub search: String,
    /// Sort key of a list nobody has sorted.
    pub default_sort: &'static str,
}

impl Listing {
    /// The query within its bounds. `keys` are the list's sort keys, the default first.
    pub fn new(query: ListQuery, keys: &'static [&'static str]) -> Self {
        let default_sort = keys.first().copied().unwrap_or_default();
        let sort = match query.sort_by.as_deref().filter(|key| !key.is_empty()) {
            Some(asked) => keys.iter().copied().find(|key| *key == asked).unwrap_or_default(),
            None => default_sort,
        };
        Self {
            page: query.page.unwrap_or(1).max(1),
            per_page: query.per_page.filter(|rows| *rows >= 1).unwrap_or(PER_PAGE).min(MAX_PER_PAGE),
            sort,
            descending: query.order.as_deref() == Some("desc"),
            // The database takes no text with a zero byte, and nothing stored has one.
            search: query.search.unwrap_or_default().replace('\0', "").trim().to_owned(),
            default_sort,
        }
    }

    /// Rows before the page.
    pub fn offset(&self) -> i64 {
        (self.page - 1).saturating_mul(self.per_page)
    }

    /// The same list from its beginning to its end, for exports.
    pub fn whole(&self) -> Self {
        Self { page: 1, per_page: i64::MAX, ..self.clone() }
    }

    /// The parameters of an address that shows this list; what is the default is left out.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut add = |name, wanted: bool, value: String| {
            if wanted {
                pairs.push((name, value));
            }
        };
        add("search", !self.search.is_empty(), self.search.clone());
        add("sort_by", self.sort != self.default_sort && !self.sort.is_empty(), self.sort.to_owned());
        add("order", self.descending, "desc".to_owned());
        add("per_page", self.per_page != PER_PAGE, self.per_page.to_string());
        add("page", self.page > 1, self.page.to_string());
        pairs
    }
}

/// Where in a list a page is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct Pagination {
    /// This page, from 1.
    pub page: i64,
    /// Number of pages; 0 for an empty list.
    pub pages: i64,
    /// Rows on all pages.
    pub total: i64,
    /// Whether this is not the first page.
    pub has_prev: bool,
    /// Whether there is a page after this one.
    pub has_next: bool,
    /// The page before.
    pub prev_num: Option<i64>,
    /// The page after.
    pub next_num: Option<i64>,
}

impl Pagination {
    /// Of a list with so many rows.
    pub fn of(listing: &Listing, total: i64) -> Self {
        Self::at(listing.page, listing.per_page, total)
    }

    /// Of this page, from 1, of a list with so many rows, of which `per_page` (at least 1) stand on a page.
    pub fn at(page: i64, per_page: i64, total: i64) -> Self {
        let pages = total.max(0).saturating_add(per_page - 1) / per_page;
        let (has_prev, has_next) = (page > 1, page < pages);
        Self {
            page,
            pages,
            total,
            has_prev,
            has_next,
            prev_num: has_prev.then(|| page - 1),
            next_num: has_next.then(|| page + 1),
        }
    }

    /// The nearest page before this one that exists; behind the end of the list that is the last one.
    pub fn before(&self) -> Option<i64> {
        self.prev_num.map(|previous| previous.min(self.pages)).filter(|page| *page > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &["name", "plan"];

    fn listing(page: Option<i64>, per_page: Option<i64>) -> Listing {
        Listing::new(ListQuery { page, per_page, ..ListQuery::default() }, KEYS)
    }

    #[test]
    fn pages_and_their_sizes_stay_within_bounds() {
        for (page, per_page, expected, offset) in [
            (None, None, (1, 50), 0),
            (Some(0), Some(0), (1, 50), 0),
            (Some(-3), Some(-1), (1, 50), 0),
            (Some(2), Some(500), (2, 500), 500),
            (Some(3), Some(501), (3, 500), 1000),
            (Some(i64::MAX), Some(1), (i64::MAX, 1), i64::MAX - 1),
            (Some(i64::MAX), None, (i64::MAX, 50), i64::MAX),
        ] {
            let listing = listing(page, per_page);
            assert_eq!((listing.page, listing.per_page), expected);
            assert_eq!(listing.offset(), offset);
        }
    }

    #[test]
    fn an_order_is_known_or_none() {
        for (sort_by, order, expected) in [
            (None, None, ("name", false)),
            (Some(""), Some("DESC"), ("name", false)),
            (Some("plan"), Some("desc"), ("plan", true)),
            (Some("plan; drop table"), Some("asc"), ("", false)),
        ] {
            let query = ListQuery {
                sort_by: sort_by.map(str::to_owned),
                order: order.map(str::to_owned),
                ..ListQuery::default()
            };
            let listing = Listing::new(query, KEYS);
            assert_eq!((listing.sort, listing.descending), expected);
        }
    }

    #[test]
    fn addresses_name_only_what_differs_from_the_default() {
        assert_eq!(listing(Some(1), Some(50)).parameters(), []);
        let query = ListQuery {
            page: Some(2),
            per_page: Some(25),
            sort_by: Some("plan".into()),
            order: Some("desc".into()),
            search: Some("  50%\0 ".into()),
        };
        let pairs = Listing::new(query, KEYS).parameters();
        let expected =
            [("search", "50%"), ("sort_by", "plan"), ("order", "desc"), ("per_page", "25"), ("page", "2")];
        assert_eq!(pairs, expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn a_page_knows_its_neighbours() {
        for (page, total, pages, prev_num, next_num) in [
            (1, 0, 0, None, None),
            (1, 50, 1, None, None),
            (1, 51, 2, None, Some(2)),
            (2, 120, 3, Some(1), Some(3)),
            (3, 120, 3, Some(2), None),
            (99, 120, 3, Some(98), None),
        ] {
            let found = Pagination::of(&listing(Some(page), None), total);
            assert_eq!((found.pages, found.prev_num, found.next_num), (pages, prev_num, next_num));
            assert_eq!((found.has_prev, found.has_next), (prev_num.is_some(), next_num.is_some()));
        }
        assert_eq!(Pagination::of(&listing(None, None).whole(), 5).pages, 1);
        for (page, total, before) in
            [(1, 120, None), (3, 120, Some(2)), (4, 120, Some(3)), (99, 120, Some(3)), (2, 0, None)]
        {
            assert_eq!(
                Pagination::of(&listing(Some(page), None), total).before(),
                before,
                "{page} of {total}"
            );
        }
    }
}
