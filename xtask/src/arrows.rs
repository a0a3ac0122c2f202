//! Who may know whom. The compiler holds an arrow only while the manifests do; this holds the manifests.

use crate::run::{Outcome, capture_text, cargo};
use serde_json::Value;

/// What one crate may know, and what it must never reach, however far away.
struct Arrow {
    package: &'static str,
    /// Our crates that it may name.
    knows: &'static [&'static str],
    /// Our crates that only its tests may name.
    tests_know: &'static [&'static str],
    /// Crates that must not be in its tree of normal dependencies at all.
    never: &'static [&'static str],
}

/// No runtime, no sockets, no SQL, no dice.
const NO_IO: &[&str] = &[
    "axum",
    "fastrand",
    "getrandom",
    "hyper",
    "mio",
    "rand",
    "rusqlite",
    "rustls",
    "socket2",
    "tokio",
];

/// A new crate of the workspace gets an entry here.
const ARROWS: &[Arrow] = &[
    Arrow {
        package: "heraldo-wire",
        knows: &[],
        tests_know: &[],
        never: NO_IO,
    },
    Arrow {
        package: "heraldo-domain",
        knows: &["heraldo-wire"],
        tests_know: &[],
        never: NO_IO,
    },
    Arrow {
        package: "heraldo-store",
        knows: &["heraldo-domain", "heraldo-wire"],
        tests_know: &[],
        never: &["axum", "hyper", "rustls"],
    },
    Arrow {
        package: "heraldo-delivery",
        knows: &["heraldo-domain", "heraldo-wire"],
        tests_know: &["heraldo-store"],
        never: &["axum", "rusqlite"],
    },
    Arrow {
        package: "heraldo-media",
        knows: &["heraldo-domain", "heraldo-wire"],
        // Itself with the feature `testing`.
        tests_know: &["heraldo-media"],
        never: &["axum", "rusqlite"],
    },
    Arrow {
        package: "heraldo-web",
        knows: &["heraldo-domain", "heraldo-wire"],
        tests_know: &["heraldo-store", "heraldo-delivery", "heraldo-media"],
        never: &["rusqlite", "rustls"],
    },
    Arrow {
        package: "heraldo",
        knows: &[
            "heraldo-domain",
            "heraldo-wire",
            "heraldo-store",
            "heraldo-delivery",
            "heraldo-media",
            "heraldo-web",
        ],
        tests_know: &[],
        never: &[],
    },
    Arrow {
        package: "heraldo-bench",
        knows: &["heraldo-wire"],
        tests_know: &[],
        never: &["axum", "rusqlite"],
    },
    Arrow {
        package: "heraldo-sim",
        knows: &[
            "heraldo-domain",
            "heraldo-wire",
            "heraldo-store",
            "heraldo-delivery",
        ],
        tests_know: &[],
        never: &["axum"],
    },
    Arrow {
        package: "xtask",
        knows: &[],
        tests_know: &[],
        never: &["tokio"],
    },
];

/// Receivers in `examples/` and libraries in `sdks/` see what everybody outside sees.
const OUTSIDE: Arrow = Arrow {
    package: "",
    knows: &["heraldo-wire"],
    tests_know: &[],
    never: &["rusqlite"],
};

/// Crates that only the named packages may ask for, tests aside.
const OWNERS: &[(&str, &[&str])] = &[
    ("axum", &["heraldo-web"]),
    ("chacha20poly1305", &["heraldo-store"]),
    ("clap", &["heraldo", "heraldo-bench"]),
    ("getrandom", &["heraldo"]),
    (
        "hyper",
        &[
            "heraldo-delivery",
            "heraldo-media",
            "heraldo-web",
            "heraldo-bench",
        ],
    ),
    (
        "hyper-util",
        &[
            "heraldo-delivery",
            "heraldo-media",
            "heraldo-web",
            "heraldo-bench",
        ],
    ),
    // The bench only makes photos; what comes from others is decoded by `heraldo-media` alone.
    ("image", &["heraldo-media", "heraldo-bench"]),
    ("jiff", &["heraldo-wire"]),
    ("kamadak-exif", &["heraldo-media"]),
    ("multer", &["heraldo-web"]),
    ("object_store", &["heraldo-media"]),
    ("rusqlite", &["heraldo-store"]),
    ("rusqlite_migration", &["heraldo-store"]),
    ("rustls", &["heraldo-delivery", "heraldo-media"]),
    ("tokio-rustls", &["heraldo-delivery", "heraldo-media"]),
];

/// Crate and feature that only the named packages may switch on, tests aside.
const FEATURE_OWNERS: &[(&str, &str, &[&str])] = &[
    (
        "hyper",
        "client",
        &["heraldo-delivery", "heraldo-media", "heraldo-bench"],
    ),
    (
        "hyper-util",
        "client",
        &["heraldo-delivery", "heraldo-bench"],
    ),
    (
        "hyper-util",
        "client-legacy",
        &["heraldo-delivery", "heraldo-bench"],
    ),
];

/// One package of the workspace, as its manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    name: String,
    /// Lies in `examples/` or `sdks/`.
    outside: bool,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Dependency {
    name: String,
    for_tests: bool,
    features: Vec<String>,
}

/// One sentence for each arrow that does not hold.
pub fn broken_in_workspace() -> Outcome<Vec<String>> {
    let metadata = capture_text(cargo(&["metadata", "--format-version=1", "--no-deps"]))?;
    let packages = parse(&metadata)?;
    let mut sentences = broken_by_declaration(&packages);
    for package in &packages {
        // Told by cargo for this package alone: a feature that a neighbour switches on does not count.
        let tree = capture_text(cargo(&[
            "tree",
            "--package",
            &package.name,
            "--edges=normal",
            "--target=all",
            "--prefix=none",
            "--format={p}",
        ]))?;
        let reached: Vec<&str> = tree
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        sentences.extend(broken_by_reach(package, &reached));
    }
    Ok(sentences)
}

fn broken_by_declaration(packages: &[Package]) -> Vec<String> {
    let ours: Vec<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut sentences = Vec::new();
    for package in packages {
        let name = &package.name;
        let Some(arrow) = arrow_of(package) else {
            sentences.push(format!(
                "{name} has no arrows: give it an entry in xtask/src/arrows.rs"
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let wanted = dependency.name.as_str();
            if ours.contains(&wanted) {
                let known = arrow.knows.contains(&wanted)
                    || (dependency.for_tests && arrow.tests_know.contains(&wanted));
                if !known {
                    let who = if dependency.for_tests {
                        "the tests of "
                    } else {
                        ""
                    };
                    sentences.push(format!("{who}{name} must not know {wanted}"));
                }
            } else if !dependency.for_tests {
                sentences.extend(broken_ownership(name, dependency));
            }
        }
    }
    for arrow in ARROWS {
        if !ours.contains(&arrow.package) {
            sentences.push(format!(
                "{} is gone, so its arrows in arrows.rs go too",
                arrow.package
            ));
        }
    }
    sentences
}

fn broken_ownership(package: &str, dependency: &Dependency) -> Vec<String> {
    let mut sentences = Vec::new();
    for (krate, owners) in OWNERS {
        if dependency.name == *krate && !owners.contains(&package) {
            sentences.push(format!(
                "{package} must not ask for {krate}: it belongs to {}",
                owners.join(" and ")
            ));
        }
    }
    for (krate, feature, owners) in FEATURE_OWNERS {
        let on = dependency.features.iter().any(|asked| asked == feature);
        if dependency.name == *krate && on && !owners.contains(&package) {
            sentences.push(format!(
                "{package} must not switch on `{feature}` of {krate}: it belongs to {}",
                owners.join(" and ")
            ));
        }
    }
    sentences
}

fn broken_by_reach(package: &Package, reached: &[&str]) -> Vec<String> {
    let never = arrow_of(package).map_or(&[] as &[&str], |arrow| arrow.never);
    never
        .iter()
        .filter(|banned| reached.contains(banned))
        .map(|banned| {
            let name = &package.name;
            format!(
                "{name} reaches {banned}: `cargo tree -p {name} -e normal -i {banned}` shows how"
            )
        })
        .collect()
}

fn arrow_of(package: &Package) -> Option<&'static Arrow> {
    if package.outside {
        return Some(&OUTSIDE);
    }
    ARROWS.iter().find(|arrow| arrow.package == package.name)
}

fn parse(metadata: &str) -> Outcome<Vec<Package>> {
    let odd = |what: &str| format!("`cargo metadata` answered without {what}");
    let value: Value = serde_json::from_str(metadata)
        .map_err(|error| format!("`cargo metadata` answered what is not JSON: {error}"))?;
    let root = text_of(&value, "workspace_root").ok_or_else(|| odd("workspace_root"))?;
    let outside = ["examples", "sdks"].map(|folder| format!("{root}/{folder}/"));
    let mut packages = Vec::new();
    for package in list_of(&value, "packages").ok_or_else(|| odd("packages"))? {
        let manifest = text_of(package, "manifest_path").ok_or_else(|| odd("manifest_path"))?;
        let dependencies = list_of(package, "dependencies").ok_or_else(|| odd("dependencies"))?;
        packages.push(Package {
            name: text_of(package, "name")
                .ok_or_else(|| odd("name"))?
                .to_owned(),
            outside: outside.iter().any(|folder| manifest.starts_with(folder)),
            dependencies: dependencies
                .iter()
                .map(|dependency| {
                    parse_dependency(dependency).ok_or_else(|| odd("a dependency's name"))
                })
                .collect::<Outcome<_>>()?,
        });
    }
    Ok(packages)
}

fn parse_dependency(dependency: &Value) -> Option<Dependency> {
    let features = list_of(dependency, "features").unwrap_or_default();
    Some(Dependency {
        name: text_of(dependency, "name")?.to_owned(),
        for_tests: text_of(dependency, "kind") == Some("dev"),
        features: features
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    })
}

fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn list_of<'a>(value: &'a Value, key: &str) -> Option<&'a [Value]> {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice)
}

#[cfg(test)]
mod tests;
