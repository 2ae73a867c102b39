//! The machine behind the list pages (codex-pages.md §1.4): addresses, headings, filters and counts. A page has a
//! field `list: ListView` and includes the templates of `list/`; `static/js/list.js` redraws the parts they mark.

use crate::domain::listing::{Listing, PAGE_SIZES, Pagination};

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Heading.
    pub heading: &'static str,
    /// Sort key; none for columns that have no order.
    pub sort: Option<&'static str>,
    /// Under which the browser remembers whether the column is shown (`localStorage`, and `data-column` of the cells);
    /// none for columns that always are.
    pub stored: Option<&'static str>,
    /// Classes of the heading.
    pub class: &'static str,
    /// Whether the column is hidden until somebody asks for it.
    pub hidden: bool,
}

impl Column {
    /// A column that is always shown.
    pub const fn fixed(heading: &'static str, sort: Option<&'static str>) -> Self {
        Self { heading, sort, stored: None, class: "", hidden: false }
    }

    /// A column that may be hidden.
    pub const fn optional(heading: &'static str, sort: Option<&'static str>, stored: &'static str) -> Self {
        Self { heading, sort, stored: Some(stored), class: "", hidden: false }
    }

    /// Hidden until somebody asks for it.
    pub const fn unless_asked(self) -> Self {
        Self { hidden: true, ..self }
    }

    /// With classes for its heading.
    pub const fn class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }
}

/// A list of values of which one may be chosen. The browser asks how many rows each leaves.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Parameter.
    pub name: &'static str,
    /// What is filtered by.
    pub label: &'static str,
    /// The choice that filters nothing.
    pub all: &'static str,
    /// What the address carries and what is read, for each choice.
    pub choices: Vec<(String, String)>,
    /// The chosen value; empty for all.
    pub chosen: String,
    /// Whether there are more choices than these, which the page lets people find.
    pub finds_more: bool,
}

impl Filter {
    /// A filter; what is chosen is always among its choices.
    pub fn new(
        name: &'static str,
        label: &'static str,
        all: &'static str,
        mut choices: Vec<(String, String)>,
        chosen: &str,
    ) -> Self {
        let same = |value: &str| value.to_lowercase() == chosen.to_lowercase();
        let known = choices.iter().find(|(value, _)| same(value)).map(|(value, _)| value.clone());
        let chosen = known.unwrap_or_else(|| {
            if !chosen.is_empty() {
                choices.push((chosen.to_owned(), chosen.to_owned()));
            }
            chosen.to_owned()
        });
        Self { name, label, all, choices, chosen, finds_more: false }
    }

    /// With more choices than it lists.
    pub fn finding_more(self) -> Self {
        Self { finds_more: true, ..self }
    }

    /// A filter by something that is so or is not.
    pub fn yes_or_no(
        name: &'static str,
        label: &'static str,
        all: &'static str,
        words: [&str; 2],
        chosen: Option<bool>,
    ) -> Self {
        let choices =
            ["1", "0"].into_iter().zip(words).map(|(value, word)| (value.to_owned(), word.to_owned()));
        let chosen = chosen.map_or("", |yes| if yes { "1" } else { "0" });
        Self::new(name, label, all, choices.collect(), chosen)
    }

    /// Those that leave a choice: a value that all rows share is none.
    pub fn with_a_choice<const N: usize>(filters: [Self; N]) -> Vec<Self> {
        let offers =
            |filter: &Self| filter.finds_more || filter.choices.len() > 1 || !filter.chosen.is_empty();
        filters.into_iter().filter(offers).collect()
    }
}

/// Something that is on or off.
#[derive(Clone, Copy, Debug)]
pub struct Toggle {
    /// Parameter, `1` or `0`.
    pub name: &'static str,
    /// Words beside the box.
    pub label: &'static str,
    /// Whether it is on.
    pub on: bool,
    /// Whether it is on when the address does not say.
    pub default: bool,
    /// Under which the browser remembers it (`localStorage`); empty when it does not.
    pub stored: &'static str,
}

/// The button that opens a dialog for another row.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    /// Id of the dialog.
    pub dialog: &'static str,
    /// Icon.
    pub icon: &'static str,
    /// Words.
    pub label: &'static str,
}

/// All that the templates of `list/` show.
#[derive(Clone, Debug)]
pub struct ListView {
    /// Heading.
    pub title: &'static str,
    /// How rows are added, by those who may.
    pub add: Option<Add>,
    /// Address of the page, prefix included.
    pub address: String,
    /// One row, such as `company`.
    pub one: &'static str,
    /// Several rows.
    pub many: &'static str,
    /// What is searched, as the field says it.
    pub placeholder: &'static str,
    /// What an empty list says.
    pub nothing_yet: String,
    /// The columns in their order.
    pub columns: &'static [Column],
    /// Filters.
    pub filters: Vec<Filter>,
    /// Boxes.
    pub toggles: Vec<Toggle>,
    /// What is shown.
    pub listing: Listing,
    /// Where that is.
    pub pagination: Pagination,
}

impl ListView {
    fn address_of(&self, listing: &Listing) -> String {
        self.address.clone() + &self.query(listing)
    }

    fn query(&self, listing: &Listing) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(listing.parameters());
        query.extend_pairs(
            self.filters.iter().filter(|filter| !filter.chosen.is_empty()).map(|f| (f.name, &f.chosen)),
        );
        query.extend_pairs(
            self.toggles
                .iter()
                .filter(|toggle| toggle.on != toggle.default)
                .map(|toggle| (toggle.name, if toggle.on { "1" } else { "0" })),
        );
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }

    /// Address of another page of the same list.
    pub fn link(&self, page: i64) -> String {
        self.address_of(&Listing { page, ..self.listing.clone() })
    }

    /// Addresses of the first page and the one before, when there is one.
    pub fn back(&self) -> Option<(String, String)> {
        self.pagination.before().map(|previous| (self.link(1), self.link(previous)))
    }

    /// Addresses of the page after and the last one, when this is not the last.
    pub fn ahead(&self) -> Option<(String, String)> {
        self.pagination.next_num.map(|next| (self.link(next), self.link(self.pagination.pages)))
    }

    /// Address of the list without a search.
    pub fn cleared(&self) -> String {
        self.address_of(&Listing { page: 1, search: String::new(), ..self.listing.clone() })
    }

    /// Address of the list sorted by a column: the other way round when it already is.
    pub fn sorted(&self, key: &'static str) -> String {
        let descending = self.listing.sort == key && !self.listing.descending;
        self.address_of(&Listing { page: 1, sort: key, descending, ..self.listing.clone() })
    }

    /// `ascending`, `descending` or `none`.
    pub fn direction(&self, key: &str) -> &'static str {
        match (self.listing.sort == key, self.listing.descending) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }

    /// Address of the whole list as a file.
    pub fn export(&self) -> String {
        let first = Listing { page: 1, per_page: crate::domain::listing::PER_PAGE, ..self.listing.clone() };
        format!("{}export.csv{}", self.address, self.query(&first))
    }

    /// The page sizes to choose from, the present one included.
    pub fn page_sizes(&self) -> Vec<i64> {
        let mut sizes = PAGE_SIZES.to_vec();
        if !sizes.contains(&self.listing.per_page) {
            sizes.push(self.listing.per_page);
            sizes.sort_unstable();
        }
        sizes
    }

    /// Whether a column can be hidden.
    pub fn has_optional_columns(&self) -> bool {
        self.columns.iter().any(|column| column.stored.is_some())
    }

    /// Whether the page needs the dialog that finds a company.
    pub fn finds_company(&self) -> bool {
        self.filters.iter().any(|filter| filter.finds_more)
    }

    /// Whether a search or a filter narrows the list.
    pub fn is_narrowed(&self) -> bool {
        !self.listing.search.is_empty() || self.filters.iter().any(|filter| !filter.chosen.is_empty())
    }

    /// `Total 120 companies`, `3 companies match “acme”`.
    pub fn count(&self) -> String {
        let total = self.pagination.total;
        let noun = if total == 1 { self.one } else { self.many };
        match self.listing.search.as_str() {
            "" => format!("Total {total} {noun}"),
            search if total == 1 => format!("1 {noun} matches “{search}”"),
            search => format!("{total} {noun} match “{search}”"),
        }
    }

    /// Title of an empty page.
    pub fn empty_title(&self) -> String {
        if self.pagination.total > 0 {
            "Nothing on this page".to_owned()
        } else if self.is_narrowed() {
            format!("No {} matches", self.one)
        } else {
            format!("No {} yet", self.many)
        }
    }

    /// What to do about an empty page.
    pub fn empty_message(&self) -> String {
        let searched = &self.listing.search;
        if self.pagination.total > 0 {
            let pages = self.pagination.pages;
            format!(
                "There {} only {pages} {}.",
                if pages == 1 { "is" } else { "are" },
                if pages == 1 { "page" } else { "pages" }
            )
        } else if !searched.is_empty() {
            format!("Nothing matches “{searched}”. Search for a shorter part, or take filters away.")
        } else if self.is_narrowed() {
            "Take filters away to see more.".to_owned()
        } else {
            self.nothing_yet.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::listing::ListQuery;

    const KEYS: &[&str] = &["name", "plan"];

    fn view(query: ListQuery, total: i64) -> ListView {
        let listing = Listing::new(query, KEYS);
        ListView {
            title: "Companies",
            add: None,
            address: "/codex/companies/".into(),
            one: "company",
            many: "companies",
            placeholder: "Name",
            nothing_yet: "Sync first.".into(),
            columns: &[],
            filters: vec![Filter::new("plan", "Plan", "All plans", Vec::new(), "A&B")],
            toggles: vec![Toggle { name: "hide", label: "Hide", on: false, default: true, stored: "" }],
            pagination: Pagination::of(&listing, total),
            listing,
        }
    }

    #[test]
    fn every_link_keeps_the_rest_of_the_state() {
        let query = ListQuery { search: Some("a b".into()), page: Some(3), ..ListQuery::default() };
        let view = view(query, 500);
        assert_eq!(view.link(4), "/codex/companies/?search=a+b&page=4&plan=A%26B&hide=0");
        assert_eq!(view.cleared(), "/codex/companies/?plan=A%26B&hide=0");
        assert_eq!(view.sorted("plan"), "/codex/companies/?search=a+b&sort_by=plan&plan=A%26B&hide=0");
        assert_eq!(view.sorted("name"), "/codex/companies/?search=a+b&order=desc&plan=A%26B&hide=0");
        assert_eq!(view.export(), "/codex/companies/export.csv?search=a+b&plan=A%26B&hide=0");
        assert_eq!((view.direction("name"), view.direction("plan")), ("ascending", "none"));
    }

    #[test]
    fn counts_are_read_as_sentences() {
        let searched = |text: &str, total| {
            view(ListQuery { search: Some(text.into()), ..ListQuery::default() }, total).count()
        };
        assert_eq!(searched("", 2), "Total 2 companies");
        assert_eq!(searched("x", 1), "1 company matches “x”");
        assert_eq!(searched("x", 0), "0 companies match “x”");
        let beyond = view(ListQuery { page: Some(9), ..ListQuery::default() }, 60);
        assert_eq!(beyond.empty_message(), "There are only 2 pages.");
        let (first, last) = beyond.back().unwrap();
        assert!(!first.contains("page=") && last.contains("page=2&"), "{first} {last}");
    }
}
