//! The table: every rule that is data. To change a rule, change it here and in ARCHITECTURE.md.

/// What one crate must not pull in, through however many others. A name may end or begin with `*`.
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    pub(crate) forbidden: &'static [&'static str],
    /// How many crates its users may be made to build, itself included, with its default features.
    pub(crate) most_crates: Option<usize>,
}

/// The arrows of the workspace: all of them point down to event-core.
pub(crate) const LAYERS: &[Layer] = &[
    Layer {
        name: "event-core",
        forbidden: &[
            "tokio*",
            "async-*",
            "futures*",
            "mio",
            "hyper*",
            "reqwest*",
            "axum*",
            "tower*",
            "rustls*",
            "openssl*",
            "native-tls",
            "sqlx*",
            "sea-orm*",
            "sea-query*",
            "libsqlite3-sys",
            "rusqlite",
            "pyo3*",
            "event-*",
        ],
        most_crates: Some(89),
    },
    Layer {
        name: "event-store",
        forbidden: &["axum*", "hyper*", "reqwest*", "pyo3*", "event-client", "event-server"],
        most_crates: None,
    },
    Layer {
        name: "event-client",
        forbidden: &["sqlx*", "sea-orm*", "axum*", "event-store", "event-server"],
        most_crates: None,
    },
    Layer {
        // Its wheel is installed beside applications: no database, and no server.
        name: "event-py",
        forbidden: &[
            "sqlx*",
            "sea-orm*",
            "sea-query*",
            "libsqlite3-sys",
            "rusqlite",
            "axum*",
            "event-store",
            "event-server",
        ],
        most_crates: None,
    },
    Layer {
        name: "event-server",
        forbidden: &["pyo3*", "event-client"],
        most_crates: None,
    },
];

/// A feature that must be on nowhere in the workspace, development and benches included.
pub(crate) struct Feature {
    pub(crate) of: &'static str,
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
}

/// Features change the crate for everybody who shares the build, so one careless line is enough.
pub(crate) const FEATURES: &[Feature] = &[
    Feature {
        of: "serde_json",
        name: "arbitrary_precision",
        why: "it changes `Number` for the whole build",
    },
    Feature {
        of: "jsonschema",
        name: "arbitrary-precision",
        why: "it turns on serde_json's",
    },
    Feature {
        of: "jsonschema",
        name: "resolve-http",
        why: "a schema must not make us fetch anything",
    },
    Feature {
        of: "jsonschema",
        name: "resolve-file",
        why: "a schema must not make us read files",
    },
    Feature {
        of: "*",
        name: "sqlite-unbundled",
        why: "an old system SQLite can corrupt its WAL",
    },
    Feature {
        of: "sqlx-sqlite",
        name: "unbundled",
        why: "an old system SQLite can corrupt its WAL",
    },
];

/// A word that only some files of a crate may say, tests apart.
pub(crate) struct Reserved {
    pub(crate) member: &'static str,
    /// A name, or a path such as `std::env`.
    pub(crate) words: &'static [&'static str],
    /// The files that may, below the crate's folder.
    pub(crate) only: &'static [&'static str],
    pub(crate) why: &'static str,
}

/// One room for each thing that must not spread.
pub(crate) const RESERVED: &[Reserved] = &[
    Reserved {
        member: "event-store",
        words: &["DbBackend", "DatabaseBackend"],
        only: &["src/dialect.rs", "src/dialect/*"],
        why: "everything that differs by database is in dialect",
    },
    Reserved {
        member: "event-server",
        words: &["StatusCode"],
        only: &["src/reply.rs", "src/reply/*"],
        why: "one room decides which status an outcome has",
    },
    Reserved {
        member: "event-server",
        words: &["std::env"],
        only: &["src/config.rs"],
        why: "one file reads the environment",
    },
    Reserved {
        member: "event-core",
        words: &["std::env"],
        only: &[],
        why: "a library never reads the environment",
    },
    Reserved {
        member: "event-store",
        words: &["std::env"],
        only: &[],
        why: "a library never reads the environment",
    },
    Reserved {
        member: "event-client",
        words: &["std::env"],
        only: &[],
        why: "a library never reads the environment",
    },
    Reserved {
        member: "event-py",
        words: &["std::env"],
        only: &[],
        why: "a library never reads the environment",
    },
];

/// Names of files and folders that say nothing about what is inside, and so attract everything.
pub(crate) const EMPTY_NAMES: &[&str] = &[
    "*util",
    "*utils",
    "*helper",
    "*helpers",
    "*manager",
    "*managers",
    "*service",
    "*services",
    "common",
    "misc",
    "types",
    "prelude",
];

/// Lines a file may have, its tests not counted.
pub(crate) const MOST_LINES: usize = 500;

/// Names a crate may offer at its root: public modules and what `pub use` names.
pub(crate) const MOST_NAMES: usize = 25;

/// Whether a name fits a pattern of this table.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_are_exact_or_open_at_one_end() {
        assert!(fits("axum", "axum") && !fits("axum", "axum-core"));
        assert!(fits("sqlx*", "sqlx") && fits("sqlx*", "sqlx-core") && !fits("sqlx*", "sea-query-sqlx"));
        assert!(fits("*util", "sql_util") && !fits("*util", "utility"));
        assert!(fits("*", "anything"));
    }
}
