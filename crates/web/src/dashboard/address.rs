//! Addresses on pages: a line of them may end after one of their signs, and so not in the middle of a word.

use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;

/// The text of an address.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a>(pub &'a str);

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut signs = self.0.chars().peekable();
        while let Some(sign) = signs.next() {
            match sign {
                '&' => f.write_str("&#38;")?,
                '<' => f.write_str("&#60;")?,
                '>' => f.write_str("&#62;")?,
                '"' => f.write_str("&#34;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
            let goes_on = signs.peek().is_some_and(|next| *next != '/');
            if goes_on && matches!(sign, '/' | '.' | '?' | '&') {
                f.write_str("<wbr>")?;
            }
        }
        Ok(())
    }
}

// Every sign that means something in HTML is escaped.
impl HtmlSafe for Address<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_end_after_a_sign_and_no_text_is_markup() {
        let check = |text, expected: &str| assert_eq!(Address(text).to_string(), expected);
        check("", "");
        check(
            "https://a.example/b?c=1&d=2",
            "https://<wbr>a.<wbr>example/<wbr>b?<wbr>c=1&#38;<wbr>d=2",
        );
        check("a.example/", "a.<wbr>example/");
        check("<b>'\"", "&#60;b&#62;&#39;&#34;");
    }
}
