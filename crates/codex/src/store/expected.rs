//! How many rows PostgreSQL expects a condition to leave.

use serde_json::Value;
use sqlx::{PgPool, Postgres, QueryBuilder, types::Json};

/// Up to so many hits of a search are fetched all at once, counted and sorted. More of them are counted first, and then
/// looked for along the index of the order: as dense as they are, a page of them is soon found. Of 60,000 rows either way
/// takes about as long at this number.
const FEW: f64 = 25_000.0;

/// Whether few rows are expected. `explain` is a question `explain (format json) ...`. A wrong guess costs time only.
pub(super) async fn are_few(pool: &PgPool, mut explain: QueryBuilder<Postgres>) -> sqlx::Result<bool> {
    let Json(plan): Json<Value> = explain.build_query_scalar().persistent(false).fetch_one(pool).await?;
    Ok(plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_f64).is_some_and(|rows| rows <= FEW))
}
