//! The arrows hold, and what would break one is noticed.

use super::*;

#[test]
fn the_arrows_hold() {
    assert_eq!(broken_in_workspace().unwrap(), Vec::<String>::new());
}

/// The workspace as it is to be, without any dependency.
fn workspace() -> Vec<Package> {
    let package = |arrow: &Arrow| Package {
        name: arrow.package.to_owned(),
        outside: false,
        dependencies: Vec::new(),
    };
    ARROWS.iter().map(package).collect()
}

/// The workspace as it is to be, with one dependency more.
fn check(package: &str, kind: &str, dependency: &str, features: &str, expected: &[&str]) {
    let packages: Vec<String> = ARROWS
        .iter()
        .map(|arrow| {
            let more = if arrow.package == package {
                format!(r#"{{"name":"{dependency}","kind":{kind},"features":[{features}]}}"#)
            } else {
                String::new()
            };
            format!(
                r#"{{"name":"{}","manifest_path":"/w/crates/x/Cargo.toml","dependencies":[{more}]}}"#,
                arrow.package
            )
        })
        .collect();
    let metadata = format!(
        r#"{{"workspace_root":"/w","packages":[{}]}}"#,
        packages.join(",")
    );
    assert_eq!(broken_by_declaration(&parse(&metadata).unwrap()), expected);
}

#[test]
fn an_arrow_that_is_allowed_is_silent() {
    check("heraldo-domain", "null", "heraldo-wire", "", &[]);
    check("heraldo-store", "null", "rusqlite", "", &[]);
    check("heraldo-delivery", "null", "hyper", r#""client""#, &[]);
}

#[test]
fn an_arrow_backwards_is_refused() {
    let expected = ["heraldo-wire must not know heraldo-domain"];
    check("heraldo-wire", "null", "heraldo-domain", "", &expected);
    check(
        "heraldo-web",
        "null",
        "heraldo-store",
        "",
        &["heraldo-web must not know heraldo-store"],
    );
    check(
        "heraldo-bench",
        "null",
        "heraldo-domain",
        "",
        &["heraldo-bench must not know heraldo-domain"],
    );
}

#[test]
fn a_build_script_is_bound_like_the_crate() {
    let expected = ["heraldo-wire must not know heraldo-domain"];
    check(
        "heraldo-wire",
        r#""build""#,
        "heraldo-domain",
        "",
        &expected,
    );
}

#[test]
fn tests_may_know_what_the_table_says_and_no_more() {
    check("heraldo-delivery", r#""dev""#, "heraldo-store", "", &[]);
    let expected = ["the tests of heraldo-store must not know heraldo-delivery"];
    check(
        "heraldo-store",
        r#""dev""#,
        "heraldo-delivery",
        "",
        &expected,
    );
}

#[test]
fn sql_the_server_and_the_client_have_one_owner_each() {
    let sql = ["heraldo must not ask for rusqlite: it belongs to heraldo-store"];
    check("heraldo", "null", "rusqlite", "", &sql);
    let server = ["heraldo-delivery must not ask for axum: it belongs to heraldo-web"];
    check("heraldo-delivery", "null", "axum", "", &server);
    let client = [
        "heraldo-web must not switch on `client` of hyper: it belongs to heraldo-delivery and heraldo-media and heraldo-bench",
    ];
    check(
        "heraldo-web",
        "null",
        "hyper",
        r#""server","client""#,
        &client,
    );
    check("heraldo", r#""dev""#, "hyper", r#""client""#, &[]);
}

#[test]
fn what_is_reached_far_away_counts_too() {
    let domain = Package {
        name: "heraldo-domain".to_owned(),
        outside: false,
        dependencies: Vec::new(),
    };
    let found = broken_by_reach(&domain, &["heraldo-domain", "bytes", "tokio"]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("heraldo-domain reaches tokio"));
}

#[test]
fn a_crate_without_arrows_is_refused() {
    let mut packages = workspace();
    packages.push(Package {
        name: "new".to_owned(),
        outside: false,
        dependencies: Vec::new(),
    });
    let found = broken_by_declaration(&packages);
    assert_eq!(
        found,
        ["new has no arrows: give it an entry in xtask/src/arrows.rs"]
    );
}

#[test]
fn an_example_knows_wire_alone() {
    let of = |dependency: &str| Package {
        name: "receiver".to_owned(),
        outside: true,
        dependencies: vec![Dependency {
            name: dependency.to_owned(),
            for_tests: false,
            features: Vec::new(),
        }],
    };
    let known = arrow_of(&of("heraldo-wire")).unwrap();
    assert_eq!(known.knows, ["heraldo-wire"]);
    let mut packages = workspace();
    packages.push(of("heraldo-store"));
    assert_eq!(
        broken_by_declaration(&packages),
        ["receiver must not know heraldo-store"]
    );
}
