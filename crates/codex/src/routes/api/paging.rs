//! `limit` and `offset`.

/// Largest page of `/api/contacts` and `/api/assets`.
pub const MAX_LIMIT: i64 = 500;
/// Largest page of ticket lists; upstream has no limit here, and nobody reads more at once.
pub const MAX_TICKETS: i64 = 1000;

/// A page size: the default when missing or negative, at most `max`.
pub fn limit(asked: Option<i64>, default: i64, max: i64) -> i64 {
    asked.filter(|limit| *limit >= 0).unwrap_or(default).min(max)
}

/// Rows to skip; never negative.
pub fn offset(asked: Option<i64>) -> i64 {
    asked.unwrap_or(0).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_default_and_an_upper_bound() {
        for (asked, expected) in [(None, 50), (Some(-1), 50), (Some(0), 0), (Some(3), 3), (Some(10_000), 500)]
        {
            assert_eq!(limit(asked, 50, MAX_LIMIT), expected);
        }
        assert_eq!([offset(None), offset(Some(-4)), offset(Some(4))], [0, 0, 4]);
    }
}
