//! The pictures that the tests of pages leave: what CI keeps for people to look at.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::needs::target;
use crate::run::Outcome;

/// What is said of a look at the end of a picture's name; the rest is the page's.
const LOOKS: [&str; 6] = ["es", "en", "light", "dark", "desk", "phone"];

fn folder() -> PathBuf {
    target().join("screenshots")
}

/// Takes away what an earlier run left, so that no picture shows a page that is gone.
pub fn forget() -> Outcome {
    let folder = folder();
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(&folder)
        .map_err(|error| format!("cannot take {} away: {error}", folder.display()))
}

/// Writes a page beside the pictures that shows them all, and says where they are.
pub fn list() -> Outcome<String> {
    let folder = folder();
    let cannot = |error| format!("cannot list {}: {error}", folder.display());
    let mut names = Vec::new();
    if folder.exists() {
        for entry in fs::read_dir(&folder).map_err(cannot)? {
            let name = entry.map_err(cannot)?.file_name();
            let name = name.to_string_lossy();
            names.extend(name.strip_suffix(".png").map(str::to_owned));
        }
    }
    if names.is_empty() {
        return Ok(format!("no pictures of pages in {}", folder.display()));
    }
    names.sort();
    let pages = by_page(&names);
    let index = folder.join("index.html");
    fs::write(&index, page(&pages))
        .map_err(|error| format!("cannot write {}: {error}", index.display()))?;
    Ok(format!(
        "pictures     {} of {} pages in {}: keep this folder, and open its index.html",
        names.len(),
        pages.len(),
        folder.display()
    ))
}

/// The pictures of each page.
fn by_page(names: &[String]) -> BTreeMap<&str, Vec<&str>> {
    let mut pages = BTreeMap::<&str, Vec<&str>>::new();
    for name in names {
        let mut page = name.as_str();
        while let Some((rest, last)) = page.rsplit_once('-') {
            if !LOOKS.contains(&last) {
                break;
            }
            page = rest;
        }
        pages.entry(page).or_default().push(name);
    }
    pages
}

fn page(pages: &BTreeMap<&str, Vec<&str>>) -> String {
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Pictures of all pages</title>\
         <style>body{font-family:system-ui;margin:2rem}figure{display:inline-block;margin:0 1rem 1rem 0;\
         vertical-align:top}img{width:22rem;border:1px solid #999}</style><h1>Pictures of all pages</h1>\n",
    );
    for (page, names) in pages {
        html += &format!("<h2>{page}</h2>\n");
        for name in names {
            html += &format!(
                "<figure><a href=\"{name}.png\"><img loading=\"lazy\" src=\"{name}.png\" alt=\"{name}\"></a>\
                 <figcaption>{name}</figcaption></figure>\n"
            );
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_listed_by_their_page() {
        let names = ["key-made-en-dark-phone", "key-made-es-light-desk", "team"];
        let names = names.map(str::to_owned);
        let pages = by_page(&names);
        let listed: Vec<_> = pages.iter().map(|(page, of)| (*page, of.len())).collect();
        assert_eq!(listed, [("key-made", 2), ("team", 1)]);
        let html = page(&pages);
        assert!(html.contains("<h2>key-made</h2>") && html.contains("src=\"team.png\""));
    }
}
