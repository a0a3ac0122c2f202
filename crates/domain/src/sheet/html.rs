//! A sheet as one HTML page: no script, nothing from elsewhere, readable on a phone and on paper.

use std::fmt::Write as _;

use heraldo_wire::id::ImageId;

use super::{Line, Sheet, Tone};

/// Where a page shows a photo from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// An address or a `data:` URI.
    pub src: String,
    /// Where the whole photo is, when it is somewhere.
    pub whole: Option<String>,
}

/// The one style of all pages; whoever serves them names its hash.
pub const STYLE: &str = "\
:root{color-scheme:light;--ink:#1a1d21;--soft:#5d6570;--line:#dfe3e8;--good:#11683a;--bad:#a01c1c}\
*{box-sizing:border-box}\
body{margin:0;background:#f4f5f7;color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}\
main{max-width:56rem;margin:0 auto;padding:1.5rem 1rem 3rem;background:#fff;min-height:100vh}\
h1{font-size:1.75rem;line-height:1.2;margin:0}\
h2{font-size:1.15rem;margin:2rem 0 .5rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}\
h3{font-size:1rem;margin:0 0 .3rem}\
.soft{color:var(--soft);margin:.2rem 0 1rem;overflow-wrap:anywhere}\
.notice{background:#fff6dd;border-left:4px solid #c98a00;padding:.6rem .9rem;margin:.6rem 0}\
.verdict{display:inline-block;font-weight:600;padding:.4rem .9rem;border-radius:.4rem;background:#eceff2;margin:.4rem 0}\
.verdict.good{background:#e2f4e9}.verdict.bad{background:#fbe6e6}\
.good{color:var(--good)}.bad{color:var(--bad)}\
dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.3rem 1rem;margin:0}\
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;white-space:pre-line}\
article{display:grid;grid-template-columns:minmax(0,18rem) 1fr;gap:1rem;padding:1rem 0;border-bottom:1px solid var(--line);break-inside:avoid}\
article img{width:100%;height:auto;border-radius:.3rem;display:block;background:#eceff2}\
.none{background:#eceff2;color:var(--soft);border-radius:.3rem;padding:2rem 1rem;text-align:center}\
ul{list-style:none;margin:0;padding:0;font-size:.92rem}li{margin:.15rem 0;overflow-wrap:anywhere}\
footer{color:var(--soft);font-size:.85rem;margin-top:2rem}\
@media(max-width:40rem){dl,article{grid-template-columns:1fr}dd{margin-bottom:.4rem}}\
@media print{body{background:#fff}main{padding:0}}";

/// Writes the page. A photo without a place to be shown from is said to be missing.
#[must_use]
pub fn page(sheet: &Sheet, photo: impl Fn(ImageId) -> Option<Shown>) -> String {
    let language = sheet.language;
    let mut body = format!(
        "<h1>{}</h1><p class=\"soft\">{}</p>",
        escaped(&sheet.title),
        escaped(&sheet.subtitle)
    );
    for notice in &sheet.notices {
        push(
            &mut body,
            format_args!("<p class=\"notice\">{}</p>", escaped(notice)),
        );
    }
    let Line { tone, text } = &sheet.verdict;
    push(
        &mut body,
        format_args!(
            "<p class=\"verdict {}\">{}</p>",
            class(*tone),
            escaped(text)
        ),
    );
    for section in &sheet.sections {
        push(
            &mut body,
            format_args!("<section><h2>{}</h2>", escaped(&section.heading)),
        );
        if !section.rows.is_empty() {
            body.push_str("<dl>");
            for (label, value) in &section.rows {
                push(
                    &mut body,
                    format_args!("<dt>{}</dt><dd>{}</dd>", escaped(label), escaped(value)),
                );
            }
            body.push_str("</dl>");
        }
        for shown in &section.photos {
            let caption = escaped(&shown.caption);
            body.push_str("<article><div>");
            match photo(shown.image_id) {
                None => push(
                    &mut body,
                    format_args!(
                        "<p class=\"none\">{}</p>",
                        language.say("La foto no se puede mostrar", "The photo cannot be shown")
                    ),
                ),
                Some(Shown { src, whole: None }) => push(
                    &mut body,
                    format_args!("<img src=\"{}\" alt=\"{caption}\">", escaped(&src)),
                ),
                Some(Shown {
                    src,
                    whole: Some(whole),
                }) => push(
                    &mut body,
                    format_args!(
                        "<a href=\"{}\"><img src=\"{}\" alt=\"{caption}\" loading=\"lazy\"></a>",
                        escaped(&whole),
                        escaped(&src)
                    ),
                ),
            }
            push(&mut body, format_args!("</div><div><h3>{caption}</h3><ul>"));
            for Line { tone, text } in &shown.lines {
                push(
                    &mut body,
                    format_args!("<li class=\"{}\">{}</li>", class(*tone), escaped(text)),
                );
            }
            body.push_str("</ul></div></article>");
        }
        body.push_str("</section>");
    }
    push(
        &mut body,
        format_args!("<footer>{}</footer>", escaped(&sheet.written)),
    );
    frame(
        language.tag(),
        &format!("{} · {}", sheet.title, sheet.subtitle),
        &body,
    )
}

/// A page with nothing but a sentence under a title.
#[must_use]
pub fn sentence(language: super::Language, title: &str, text: &str) -> String {
    let body = format!("<h1>{}</h1><p>{}</p>", escaped(title), escaped(text));
    frame(language.tag(), title, &body)
}

fn frame(language: &str, title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex,nofollow\"><meta name=\"referrer\" content=\"no-referrer\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Unknown | Tone::Plain => "plain",
    }
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = text.write_fmt(more);
}

/// A text that stands in HTML for itself, in quotes too.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
