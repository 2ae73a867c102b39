//! Whether the database still refuses to change what Ledger has archived.

use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use crate::domain::audit::checks::Archive;

const PATIENCE: Duration = Duration::from_secs(5);
/// Tables whose rows are final, and the triggers that keep each of them.
const ARCHIVE: [&str; 5] =
    ["billing_snapshots", "snapshot_line_items", "billed_hours", "credit_notes", "credit_note_lines"];

/// The tables of the archive that are not protected; nothing where they are not ours.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn open_tables(connection: &mut PgConnection) -> sqlx::Result<Option<Vec<String>>> {
    let is_ours: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !is_ours {
        return Ok(None);
    }
    sqlx::query_scalar(
        "SELECT name FROM unnest($1::text[]) AS name
          WHERE (SELECT count(*) FROM pg_trigger
                  WHERE tgrelid = to_regclass('public.' || name) AND tgenabled IN ('O', 'A')
                    AND tgname IN ('never_changed', 'never_emptied')) < 2",
    )
    .bind(&ARCHIVE[..])
    .fetch_all(connection)
    .await
    .map(Some)
}

/// Looks at the database of Ledger at this address; nowhere without one.
pub(super) async fn read(url: Option<Result<String, String>>) -> Archive {
    let url = match url {
        None => return Archive::NotThere,
        Some(Err(why)) => return Archive::Unasked(why),
        Some(Ok(url)) => url,
    };
    // The parse error would repeat the address with its password.
    let Ok(options) = url.parse::<PgConnectOptions>() else {
        return Archive::Unasked("its address is not valid".to_owned());
    };
    let asked = timeout(PATIENCE, async {
        let mut connection = options.disable_statement_logging().connect().await?;
        let open = open_tables(&mut connection).await?;
        // Nothing was changed that could be lost.
        let _ = connection.close().await;
        sqlx::Result::Ok(open)
    });
    match asked.await {
        Ok(Ok(Some(open))) => Archive::Open(open),
        Ok(Ok(None)) => Archive::NotThere,
        Ok(Err(sqlx::Error::Database(error))) => Archive::Unasked(error.message().to_owned()),
        Ok(Err(_)) => Archive::Unasked("it does not answer".to_owned()),
        Err(_) => Archive::Unasked("it did not answer in 5 s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;

    #[sqlx::test(migrations = "../../migrations/ledger")]
    async fn tables_without_their_triggers_are_open(pool: PgPool) {
        let mut connection = pool.acquire().await.unwrap();
        assert_eq!(open_tables(&mut connection).await.unwrap(), Some(Vec::new()));
        sqlx::raw_sql(
            "ALTER TABLE billing_snapshots DISABLE TRIGGER never_changed; DROP TRIGGER never_emptied ON credit_notes",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
        let open = open_tables(&mut connection).await.unwrap().unwrap();
        assert_eq!(open, ["billing_snapshots", "credit_notes"]);
    }

    #[sqlx::test(migrations = false)]
    async fn tables_that_are_not_ours_are_left_alone(pool: PgPool) {
        sqlx::raw_sql("CREATE TABLE billing_snapshots (id int)").execute(&pool).await.unwrap();
        assert_eq!(open_tables(&mut pool.acquire().await.unwrap()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_database_that_is_away_is_said_without_its_password() {
        assert_eq!(read(None).await, Archive::NotThere);
        let away = read(Some(Ok("postgres://ledger:topsecret@127.0.0.1:1/ledger_db".to_owned()))).await;
        assert_eq!(away, Archive::Unasked("it does not answer".to_owned()));
        let wrong = read(Some(Ok("postgres://ledger:topsecret@db:port/ledger_db".to_owned()))).await;
        assert_eq!(wrong, Archive::Unasked("its address is not valid".to_owned()));
    }
}
