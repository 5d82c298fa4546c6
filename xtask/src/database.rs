//! The databases that the store speaks, and what the tests call each of them.

/// A database with a suite of its own: its tests have the module's name as a segment of their path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
    Mysql,
}

impl Database {
    pub(crate) const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Mysql];

    /// Those that are a program of their own; SQLite is built into the tests.
    pub(crate) const SERVERS: [Self; 2] = [Self::Postgres, Self::Mysql];

    /// For people. The server behind `mysql::` is MariaDB: the one that every system packages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MariaDB",
        }
    }

    /// The segment in the path of a test, and the word in `REQUIRE_BACKENDS`.
    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
        }
    }

    /// The environment variable that holds the URL of a server for the tests.
    pub(crate) fn url_variable(self) -> String {
        format!("EVENT_TEST_{}", self.module().to_uppercase())
    }

    /// The environment variable that holds the path of the script which stops and starts that server.
    pub(crate) fn control_variable(self) -> String {
        format!("{}_CONTROL", self.url_variable())
    }

    /// The database of a test such as `append::postgres::twice`, if it has one.
    pub(crate) fn of_test(name: &str) -> Option<Self> {
        let (modules, _) = name.rsplit_once("::")?;
        let mut databases = Self::ALL.into_iter();
        databases.find(|database| modules.split("::").any(|segment| segment == database.module()))
    }
}

#[cfg(test)]
mod tests {
    use super::Database;

    #[test]
    fn a_test_belongs_to_the_database_in_its_path() {
        assert_eq!(Database::of_test("append::postgres::twice"), Some(Database::Postgres));
        assert_eq!(Database::of_test("mysql::append"), Some(Database::Mysql));
        assert_eq!(
            Database::of_test("store::sqlite::mysql_refuses"),
            Some(Database::Sqlite)
        );
    }

    #[test]
    fn a_name_that_only_contains_the_word_does_not() {
        assert_eq!(Database::of_test("dialect::postgres"), None);
        assert_eq!(Database::of_test("postgres_urls::parse"), None);
        assert_eq!(Database::of_test("postgres"), None);
    }

    #[test]
    fn variables_are_named_after_the_module() {
        assert_eq!(Database::Postgres.url_variable(), "EVENT_TEST_POSTGRES");
        assert_eq!(Database::Mysql.control_variable(), "EVENT_TEST_MYSQL_CONTROL");
    }
}
