//! The files that are generated and committed: how to write them anew, how to see that they are stale.

use crate::run::{Outcome, cargo, run as run_command};

/// One generated file or folder. The program that writes it takes `--check`: then it writes nothing
/// and fails when what it would write differs from what is there.
struct Generated {
    what: &'static str,
    /// The arguments of cargo that write it; for checking, `--check` is added at the end.
    cargo: &'static [&'static str],
}

/// A new generated file gets a line here, nothing else.
const GENERATED: &[Generated] = &[
    Generated {
        what: "crates/wire/vectors",
        cargo: &[
            "run",
            "--quiet",
            "--locked",
            "-p",
            "heraldo-wire",
            "--example",
            "vectors",
            "--",
        ],
    },
    Generated {
        what: "docs/schemas and docs/guide (reference.md, referencia.md)",
        cargo: &[
            "run",
            "--quiet",
            "--locked",
            "-p",
            "heraldo-wire",
            "--example",
            "reference",
            "--",
        ],
    },
    Generated {
        what: "docs/openapi.json",
        cargo: &[
            "run",
            "--quiet",
            "--locked",
            "-p",
            "heraldo",
            "--",
            "openapi",
            "docs/openapi.json",
        ],
    },
    Generated {
        what: "docs/guide/configuration.md",
        cargo: &[
            "run",
            "--quiet",
            "--locked",
            "-p",
            "heraldo",
            "--",
            "reference",
            "configuration",
            "docs/guide/configuration.md",
        ],
    },
];

/// Fails at the first generated file that is stale.
pub fn check() -> Outcome {
    for generated in GENERATED {
        let mut command = cargo(generated.cargo);
        command.arg("--check");
        run_command(command).map_err(|sentence| {
            format!(
                "{} is stale, `cargo xtask generate` writes it anew ({sentence})",
                generated.what
            )
        })?;
    }
    Ok(())
}

/// Writes every generated file.
pub fn write() -> Outcome {
    for generated in GENERATED {
        println!("{}:", generated.what);
        run_command(cargo(generated.cargo))?;
    }
    Ok(())
}
