//! What a run leaves to people.

use sqlx::PgConnection;

use super::Sync;
use crate::store::reviews::{self, Finding};

impl Sync {
    /// Flags what a complete list leaves open, and settles what it does not any more; how many of those. Only this vendor's records were
    /// looked at, so only its items can settle.
    pub(super) async fn review(
        &self,
        conn: &mut PgConnection,
        kind: &str,
        findings: &[Finding],
    ) -> sqlx::Result<u64> {
        let (scope, now) = (Finding::key(self.provider.name(), ""), self.clock.now());
        reviews::raise(conn, kind, findings, now).await?;
        reviews::settle_missing(conn, kind, &scope, findings, now).await
    }

    /// Tells how many questions have settled.
    pub(super) fn tell_settled(&self, kind: &str, settled: u64) {
        if settled > 0 {
            self.report.line(format!("{settled} questions ({kind}) have settled"));
        }
    }
}
