//! The pages of a long list.

/// A page of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pages {
    /// Which one, from 1.
    pub page: usize,
    /// How many there are.
    pub pages: usize,
    /// The first row, from 0.
    pub begin: usize,
    /// The row after the last one.
    pub end: usize,
}

impl Pages {
    /// Of so many rows; without a size there is one page.
    pub fn of(rows: usize, page: Option<usize>, size: Option<usize>) -> Self {
        let size = size.unwrap_or(rows).max(1);
        let pages = rows.div_ceil(size).max(1);
        let page = page.unwrap_or(1).clamp(1, pages);
        let begin = (page - 1) * size;
        Self { page, pages, begin, end: (begin + size).min(rows) }
    }

    /// Words and number of the pages before, and whether there are any.
    pub fn back(&self) -> [(&'static str, usize, bool); 2] {
        let is_there = self.page > 1;
        [("First", 1, is_there), ("Previous", self.page.saturating_sub(1), is_there)]
    }

    /// Likewise of those after.
    pub fn forth(&self) -> [(&'static str, usize, bool); 2] {
        let is_there = self.page < self.pages;
        [("Next", self.page + 1, is_there), ("Last", self.pages, is_there)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_there_is_the_last_one() {
        for (rows, page, size, expected) in [
            (0, None, Some(25), (1, 1, 0, 0)),
            (60, Some(2), Some(25), (2, 3, 25, 50)),
            (60, Some(99), Some(25), (3, 3, 50, 60)),
            (60, Some(0), None, (1, 1, 0, 60)),
        ] {
            let pages = Pages::of(rows, page, size);
            assert_eq!((pages.page, pages.pages, pages.begin, pages.end), expected);
        }
    }
}
