//! The store, by its public doors: what goes in, what is kept, what comes out.
//!
//! One suite of plain functions that every database answers to. A server is there when `cargo xtask
//! test` has started it; without one its tests fail, unless they are left out by name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../fixtures/bad_input.rs"]
mod table;
mod disk;
mod sample;
mod once;
mod grouped;
mod judged;
mod reading;
mod export;
mod refused;
mod replayed;
mod erased;
mod versions;
mod upcasts;
mod sharing;
mod closing;
mod metrics;
mod remembered;
mod sketched;
mod losses;
mod outbox;
mod keys;
mod rights;
mod hostile;
mod database;
mod full;
mod copied;
mod files;

/// A test of each function for each database: `sqlite::once::…`, `postgres::once::…` and so on.
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
    database {
        everything_reads_back_equal_after_a_restart,
        migrations_can_be_run_again_and_by_many_at_once,
        tables_of_a_later_version_are_left_as_they_are,
    }
    copied {
        a_copy_is_the_same_store_and_goes_on,
        half_a_copy_is_no_store_and_is_begun_anew,
    }
    once {
        a_hundred_callers_of_the_same_events_store_each_once,
        the_same_twice_in_one_batch,
        a_large_batch_is_told_as_its_events_would_be_one_by_one,
        one_id_with_other_content_is_kept_beside_the_first,
        an_event_made_in_rust_is_kept_as_json_that_can_be_offered_again,
        one_id_from_two_sources_is_two_events,
        a_retry_after_a_later_version_is_the_same_event,
        a_retry_that_its_type_refuses_by_now_is_the_same_event,
    }
    grouped {
        who_brings_what_the_database_refuses_pays_for_it_alone,
        neighbours_in_a_batch_keep_what_is_their_own,
        neighbours_that_are_refused_by_now_are_known_by_their_sources,
    }
    judged {
        quarantine_keeps_it_and_stores_nothing,
        reject_keeps_nothing,
        warn_stores_it_with_what_is_wrong,
        unknown_types_are_stored_quarantined_or_rejected,
        the_row_records_the_version_that_judged,
        types_outlive_the_process,
        a_schema_that_is_not_taken_changes_nothing,
        foreign_documents_enter_through_their_mapping,
        types_registered_at_the_same_time_are_all_known,
        a_clock_of_the_sender_is_set_right_and_a_retry_is_the_same_event,
    }
    reading {
        a_page_by_every_filter_is_what_the_filter_chooses,
        events_of_one_instant_are_paged_by_position,
        a_session_is_in_order_and_shows_its_gaps,
        a_session_is_paged_in_its_own_order,
        all_events_of_a_list_are_handed_over,
        positions_follow_the_log_and_never_repeat,
        a_filter_of_many_values_over_many_types_is_answered,
    }
    export {
        lines_offered_to_another_store_are_the_same_events,
        an_export_is_fixed_when_it_starts_and_the_next_goes_on,
        an_export_by_every_filter_is_what_the_filter_chooses,
        no_cell_is_a_formula_unless_asked,
        tables_of_arrow_read_back,
        a_folder_of_parquet_reads_back_and_grows,
        an_export_that_was_killed_goes_on_from_every_checkpoint,
        a_folder_of_something_else_is_left_alone,
    }
    refused {
        what_is_refused_is_kept_as_it_came,
        the_same_refusal_again_only_counts_up,
        entries_are_listed_by_reason_source_and_type_and_counted,
        too_much_is_kept_in_part_with_its_digest,
    }
    replayed {
        what_a_schema_allows_by_now_is_replayed_once,
        two_replays_at_once_store_each_event_once,
        a_conflict_stays_and_a_duplicate_goes,
        a_document_is_mended_by_hand,
        what_is_discarded_is_left_alone,
        sets_are_chosen_by_filter_and_bounded,
        what_came_by_another_form_is_read_by_it_again,
    }
    erased {
        nothing_names_a_subject_that_is_erased,
        an_erasure_beside_writers_is_exact,
    }
    closing {
        what_was_taken_is_stored_before_the_end,
        a_closed_store_takes_nothing_and_says_so,
        a_store_that_is_dropped_stores_what_it_was_given,
        a_store_in_use_is_well,
    }
    sharing {
        stores_on_one_database_lose_nothing,
        processes_on_one_database_lose_nothing,
        one_store_sees_what_another_wrote,
        an_application_with_several_connections_shares_them,
    }
    metrics {
        what_was_stored_before_is_counted_too,
        each_answer_is_of_all_that_there_is_when_it_is_asked_for,
        a_number_beyond_the_scale_is_kept_in_the_quarantine,
        a_type_of_which_only_counts_are_kept,
        cells_that_differ_are_found_and_repaired,
        old_events_go_and_their_counts_stay_or_go,
        without_a_metric_old_events_just_go,
        the_ends_of_time_are_verified_too,
        what_is_only_counted_leaves_nobody_behind,
    }
    remembered {
        remembered_days_are_read_again_when_they_have_changed,
        a_metric_that_is_declared_again_is_read_again,
        what_is_remembered_is_read_once,
        days_of_older_programs_have_a_revision,
    }
    sketched {
        different_values_are_told_from_cells_as_in_memory,
        a_sketch_that_differs_is_found_and_repaired,
        different_values_outlive_their_rows_or_go_with_them,
        an_erasure_takes_its_values_out_of_sketches,
        what_no_sketch_gives_back_is_in_the_receipt,
    }
    losses {
        a_report_is_counted_once_and_outlives_the_process,
        a_report_that_two_stores_take_at_once_is_counted_once,
        a_caller_that_goes_away_does_no_harm,
        what_cannot_be_counted_is_refused_with_its_place,
        losses_are_listed_by_hour_source_and_reason,
        more_than_a_list_holds_is_said_so,
    }
    outbox {
        events_go_with_the_rows_of_the_application,
        a_long_transaction_holds_up_nobody,
        another_process_places_what_its_writer_left,
        what_its_type_allows_no_longer_is_kept,
        a_row_that_is_no_event_holds_up_nobody,
    }
    keys {
        a_key_is_known_here_at_once_and_elsewhere_soon,
        a_key_expires,
        keys_made_at_the_same_time_are_all_known,
        the_database_has_no_secret,
        without_a_database_the_keys_known_last_are_used_on,
        a_sender_of_one_source_speaks_for_no_other,
        whatever_is_refused_is_kept_under_who_sent_it,
    }
    rights {
        rights_come_back_as_they_were,
        keys_of_before_can_do_what_they_could,
        a_rotated_key_goes_on_for_a_while,
        the_first_key_is_made_once,
        what_is_sent_is_within_the_bounds_of_the_key,
        a_quota_outlives_the_process,
        other_processes_learn_what_is_used,
        a_rate_is_told_before_anything_is_stored,
    }
    upcasts {
        an_upcaster_is_declared_replaced_and_removed,
        to_read_lifted_is_to_lift_what_was_read,
        files_of_lifted_events_say_what_they_were,
        a_replay_lifts_before_it_judges,
        another_process_learns_of_them,
    }
    versions {
        a_candidate_is_tried_on_the_newest_events,
        refused_events_are_tried_too,
        two_versions_are_compared,
        a_first_schema_is_inferred,
        a_shadow_counts_and_changes_nothing,
    }
    hostile {
        every_event_of_the_table_gets_its_verdict,
    }
}
