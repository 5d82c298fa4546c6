//! The law: the answer in SQL is the answer of the fold in memory, on any events and any question,
//! and on every database; and what a database was given it gives back, byte by byte as the others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code, reason = "the tests of the store take more of it")]
#[path = "../store/disk.rs"]
mod disk;
mod hostile;
mod world;
mod answers;
mod stories;
mod pages;
mod bytes;

/// A test of each property for each database: `sqlite::…`, `postgres::…` and so on.
macro_rules! law {
    ($($database:ident)+) => {
        $(mod $database {
            use crate::disk::Disk;

            #[test]
            fn sql_answers_what_the_fold_answers() {
                crate::answers::sql_answers_what_the_fold_answers(Disk::$database);
            }

            #[test]
            fn stories_are_those_of_the_fold() {
                crate::stories::stories_are_those_of_the_fold(Disk::$database);
            }

            #[test]
            fn pages_list_every_matching_event_once_in_order() {
                crate::pages::pages_list_every_matching_event_once_in_order(Disk::$database);
            }

            #[test]
            fn what_goes_in_comes_out_as_the_same_bytes() {
                crate::bytes::what_goes_in_comes_out_as_the_same_bytes(Disk::$database);
            }
        })+
    };
}

law!(sqlite postgres mysql);
