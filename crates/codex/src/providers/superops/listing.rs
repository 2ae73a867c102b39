//! Lists: `page`, `pageSize`, `condition`, `sort` in, rows and `listInfo` out.

use serde_json::{Map, Value, json};

use super::super::row::Row;
use super::super::{Pace, Page, PageRef, ProviderError};
use super::client::{Client, unusable};
use super::queries::List;

/// Rows per page; the vendor serves at most this many.
pub(super) const PAGE_SIZE: usize = 100;

/// Reads one row; `None` when it lacks what nothing can stand in for.
pub(super) trait Read<T>: Fn(&mut Row<'_>) -> Option<T> + Send + Sync {}

impl<T, F: Fn(&mut Row<'_>) -> Option<T> + Send + Sync> Read<T> for F {}

/// Which rows, in which order.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// `{attribute, operator, value}`. Other records are reached by a path such as `client.accountId`; their bare name
    /// matches nothing.
    pub(super) condition: Option<Value>,
    /// Attribute to order by, descending; the vendor's own order when there is none.
    pub(super) newest_by: Option<&'static str>,
}

impl Wanted {
    /// Rows of which an attribute has one value.
    pub(super) fn only(attribute: &str, value: &str) -> Self {
        let condition = json!({ "attribute": attribute, "operator": "is", "value": value });
        Self { condition: Some(condition), newest_by: None }
    }
}

/// A page, and how many rows the list has in all.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub(super) page: Page<T>,
    pub(super) total: Option<i64>,
}

impl Client {
    /// One page of a list. Whether another follows is what `hasMore` says; a full page without it is followed by a look at
    /// the next.
    ///
    /// # Errors
    /// Also when the answer is no list, or when a promised page is empty.
    pub(super) async fn page<T>(
        &self,
        list: &List,
        wanted: &Wanted,
        page: PageRef,
        pace: Pace,
        read: impl Read<T>,
    ) -> Result<Listed<T>, ProviderError> {
        let mut options = Map::new();
        options.insert("page".to_owned(), page.number.into());
        options.insert("pageSize".to_owned(), PAGE_SIZE.into());
        if let Some(condition) = &wanted.condition {
            options.insert("condition".to_owned(), condition.clone());
        }
        if let Some(attribute) = wanted.newest_by {
            options.insert("sort".to_owned(), json!([{ "attribute": attribute, "order": "DESC" }]));
        }
        let variables = json!({ "input": list.input(Value::Object(options)) });
        let document = list.document();
        let (data, answered_at) = self.call_at(list.operation, &document, variables, pace).await?;
        let mut listed = listed(list, page, &data, &read)?;
        listed.page.answered_at = answered_at;
        Ok(listed)
    }

    /// The first row of a list that fits.
    pub(super) async fn first<T: Send>(
        &self,
        list: &List,
        wanted: &Wanted,
        read: impl Read<T>,
    ) -> Result<Option<T>, ProviderError> {
        let listed = self.page(list, wanted, PageRef::FIRST, Pace::Routine, read).await?;
        Ok(listed.page.items.into_iter().next())
    }

    /// One record; `None` when the vendor has none of that id.
    pub(super) async fn single<T>(
        &self,
        operation: &str,
        document: &str,
        input: Value,
        pace: Pace,
        read: impl Read<T>,
    ) -> Result<Option<T>, ProviderError> {
        let data = self.call(operation, document, json!({ "input": input }), pace).await?;
        let Some(value) = data.get(operation).filter(|value| !value.is_null()) else { return Ok(None) };
        match Row::of(value).and_then(|mut row| read(&mut row)) {
            Some(item) => Ok(Some(item)),
            None => Err(unusable(operation, format!("JSON without a usable '{operation}'"))),
        }
    }
}

fn listed<T>(
    list: &List,
    page: PageRef,
    data: &Value,
    read: &impl Read<T>,
) -> Result<Listed<T>, ProviderError> {
    let List { operation, member, .. } = list;
    let body = data.get(operation).filter(|body| body.is_object());
    let rows = body.and_then(|body| body.get(member)).and_then(Value::as_array);
    let Some(rows) = rows else {
        return Err(unusable(operation, format!("JSON without a list of '{member}'")));
    };
    let info = body.and_then(|body| body.get("listInfo"));
    let has_more = info.and_then(|info| info.get("hasMore")).and_then(Value::as_bool);
    if rows.is_empty() && (page.promised || has_more == Some(true)) {
        return Err(unusable(operation, format!("an empty page {} where rows were announced", page.number)));
    }
    let (items, warnings) = read_rows(member, list.id, rows, read);
    let more = has_more.unwrap_or(rows.len() >= PAGE_SIZE);
    let total = info.and_then(|info| info.get("totalCount")).and_then(Value::as_i64);
    let next =
        PageRef { number: page.number.saturating_add(1), promised: has_more == Some(true), rows: total };
    let next = more.then_some(next);
    Ok(Listed { page: Page { items, warnings, next, answered_at: None }, total })
}

/// The readable ones of some rows, and what was wrong with the others.
pub(super) fn read_rows<T>(
    name: &str,
    id: &str,
    rows: &[Value],
    read: &impl Read<T>,
) -> (Vec<T>, Vec<String>) {
    let (mut items, mut warnings) = (Vec::with_capacity(rows.len()), Vec::new());
    for value in rows {
        let Some(mut row) = Row::of(value) else {
            warnings.push(format!("{name}: a row that is no object was left out"));
            continue;
        };
        let id = row.int(id).map_or_else(|| "without id".to_owned(), |id| id.to_string());
        match read(&mut row) {
            Some(item) => items.push(item),
            None => warnings.push(format!("{name} {id}: row left out")),
        }
        warnings.extend(row.into_notes().into_iter().map(|note| format!("{name} {id}: {note}")));
    }
    (items, warnings)
}
