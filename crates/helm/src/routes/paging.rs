//! Pages of what is kept, the newest first: the next one is asked for by the last id of the one before.

use hivematrix_shared::problem::Result;

/// One page of at most `limit` rows, and what to ask for next; nothing on the last page. `read` is told how many rows are wanted,
/// one more than fit, and `id` is what rises with time.
///
/// # Errors
/// When the rows cannot be read.
pub(crate) async fn page<T>(
    limit: i64,
    id: impl Fn(&T) -> i64,
    read: impl AsyncFnOnce(i64) -> sqlx::Result<Vec<T>>,
) -> Result<(Vec<T>, Option<i64>)> {
    let mut rows = read(limit.saturating_add(1)).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(id);
    Ok((rows, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_page_says_where_the_next_one_begins() {
        for (kept, shown, next) in [(0, vec![], None), (2, vec![2, 1], None), (3, vec![3, 2], Some(2))] {
            let read = async |wanted: i64| {
                let rows: Vec<i64> = (1..=kept).rev().take(usize::try_from(wanted).unwrap()).collect();
                Ok(rows)
            };
            assert_eq!(page(2, |id| *id, read).await.unwrap(), (shown, next));
        }
    }
}
