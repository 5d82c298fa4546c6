//! Files and what becomes of their rows, by the numbers of the table of bad input; on every database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "the tests of the store take more of it")]
#[path = "../store/disk.rs"]
mod disk;
mod paper;
mod rows;
mod again;
mod refused;
mod stopped;

/// A test of each function for each database: `sqlite::rows::…`, `postgres::rows::…` and so on.
macro_rules! conformance {
    ($($file:ident { $($name:ident,)+ })+) => {
        conformance!(sqlite { $($file { $($name,)+ })+ });
        conformance!(postgres { $($file { $($name,)+ })+ });
        conformance!(mysql { $($file { $($name,)+ })+ });
    };
    ($database:ident { $($file:ident { $($name:ident,)+ })+ }) => {
        mod $database {
            $(mod $file {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    crate::$file::$name(crate::disk::Disk::$database()).await;
                })+
            })+
        }
    };
}

conformance! {
    rows {
        the_sample_in_its_short_form,
        c03_a_byte_order_mark_is_no_part_of_the_first_column,
        c07_a_row_is_the_same_however_it_is_written,
        c18_what_looks_like_a_formula_is_text,
        columns_become_what_they_are_declared_to_be,
        lines_of_ndjson_are_events,
        equal_rows_that_were_refused_are_replayed_each,
        a_mapping_lifts_rows_and_documents,
        compressed_files_are_the_same_files,
        only_counts_are_kept_and_each_row_counts_once,
        a_large_batch_keeps_the_first_of_each_id,
    }
    again {
        c12_an_id_is_stored_once_and_a_file_adds_nothing_twice,
        c14_a_file_that_has_changed_is_refused,
        c15_a_last_record_without_line_end,
        a_file_that_has_grown_adds_its_tail,
        rows_that_are_the_same_are_as_many_events,
        a_run_that_comes_later_ends_the_one_before,
        a_stream_goes_on_by_its_label,
    }
    refused {
        c04_to_c11_and_c17_a_row_is_refused_where_it_is_wrong,
        c20_too_many_refused_rows_end_it,
        the_file_of_rejects_has_a_line_for_each,
        a_policy_that_keeps_nothing_is_counted_too,
    }
}
