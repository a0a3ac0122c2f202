//! Lists that go on on other pages, so that no page weighs much, however many rows there are.

use url::form_urlencoded;

/// Nobody leafs further; what lies behind is had over the API.
const PAGES_MAX: usize = 1_000;

/// Where one looks in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pager {
    /// The list, as the address names it.
    pub name: &'static str,
    /// From 1 on.
    page: usize,
    size: usize,
    has_more: bool,
}

impl Pager {
    /// The page that the address asks for; the first one without it.
    pub fn read(query: Option<&str>, name: &'static str, size: usize) -> Self {
        let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let asked = pairs.find(|(given, _)| given == name);
        let page = asked.and_then(|(_, text)| text.parse().ok());
        Self {
            name,
            page: page.unwrap_or(1).clamp(1, PAGES_MAX),
            size,
            has_more: false,
        }
    }

    /// So many rows, from the first one of the list on, tell what is on this page and whether there is another.
    pub const fn needed(&self) -> usize {
        self.page * self.size + 1
    }

    /// What is on this page, of the rows from the first one of the list on.
    pub fn cut<T>(&mut self, rows: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut rows = rows.into_iter().skip((self.page - 1) * self.size);
        let cut: Vec<T> = rows.by_ref().take(self.size).collect();
        self.has_more = rows.next().is_some();
        cut
    }

    pub fn before(&self) -> Option<usize> {
        self.page.checked_sub(1).filter(|page| *page > 0)
    }

    pub fn next(&self) -> Option<usize> {
        self.has_more.then_some(self.page + 1)
    }

    pub fn is_needed(&self) -> bool {
        self.before().is_some() || self.next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_one_page() {
        let mut found = Vec::new();
        let mut page = Some(1_usize);
        while let Some(number) = page {
            let query = format!("keys=7&webhooks={number}");
            let mut pager = Pager::read(Some(&query), "webhooks", 4);
            let rows = pager.cut((0..10).take(pager.needed()));
            assert_eq!(
                pager.before(),
                number.checked_sub(1).filter(|page| *page > 0)
            );
            assert!(pager.is_needed());
            found.extend(rows);
            page = pager.next();
        }
        assert!(found.into_iter().eq(0..10));
    }

    #[test]
    fn what_is_no_page_is_the_first_one() {
        for query in [
            None,
            Some(""),
            Some("people=0"),
            Some("people=x"),
            Some("people=-1"),
        ] {
            let mut pager = Pager::read(query, "people", 3);
            assert_eq!(pager.cut(0..3), [0, 1, 2]);
            assert!(!pager.is_needed(), "{query:?}");
        }
        let mut far = Pager::read(Some("people=99999999999999999999"), "people", 3);
        assert_eq!(far.cut(0..2), [0, 1]);
    }
}
