//! Followers and projections: nothing is skipped, nothing is applied twice, whatever fails and whoever is killed.
//!
//! One suite of plain functions that every database answers to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "the tests of the store take more of it")]
#[path = "../store/disk.rs"]
mod disk;
#[path = "../../../fixtures/bad_input.rs"]
mod table;
#[allow(dead_code, reason = "other tests take more of it")]
#[path = "../order/process.rs"]
mod process;
mod tally;
mod followed;
mod projected;
mod parked;
mod held;
mod rebuilt;
mod asked;
mod abandoned;
mod hanging;
mod killed;

#[test]
fn every_scenario_of_followers_is_played() {
    let played = [parked::SCENARIOS.as_slice(), held::SCENARIOS.as_slice()].concat();
    table::assert_scenarios("event-store/follow", &played);
}

/// A test of each function for each database: `sqlite::followed::…` and so on.
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
    followed {
        what_is_there_and_what_comes_is_read_once_in_order,
        only_what_is_wanted_is_read_and_the_place_moves_on,
        pages_are_bounded_and_wait_to_be_asked_for,
        what_another_store_writes_is_seen_soon,
        a_follower_is_told_what_was_pruned_before_it_came,
        a_closed_store_ends_a_follower,
    }
    projected {
        tables_are_the_fold_over_the_log,
        a_restart_goes_on_where_it_was,
        what_is_not_wanted_moves_the_place_on,
        what_cannot_be_set_up_is_said_so,
        how_far_it_is_can_be_asked,
    }
    parked {
        an_event_that_fails_for_ever_is_parked_and_the_others_go_on,
        a_panic_and_a_long_sleep_are_failures,
        what_a_table_refuses_is_parked,
        others_of_its_key_wait_and_are_replayed_in_order,
        what_is_discarded_holds_up_nobody,
        what_was_parked_of_a_subject_goes_with_it,
    }
    held {
        two_share_the_work_by_key,
        a_holder_that_is_gone_is_replaced_when_its_lease_ends,
        a_holder_that_lost_its_shard_commits_nothing,
        a_lease_of_a_clock_that_jumped_holds_nobody_up,
    }
    rebuilt {
        a_rebuild_beside_writers_takes_over_at_once,
        a_later_version_takes_over_and_the_older_one_ends,
    }
    asked {
        who_asked_and_what_came_of_it_is_told,
        what_is_parked_is_listed_page_by_page,
        many_that_wait_are_replayed_in_order_and_a_stop_is_heeded,
        who_lost_a_shard_says_nothing_of_its_parked_events,
        what_replaced_tables_could_not_take_goes_with_them,
    }
    abandoned {
        what_a_prune_overtook_is_given_up,
        tables_that_stand_still_go_on_when_nobody_builds_the_next,
        a_rebuild_that_is_given_up_leaves_nothing,
    }
    hanging {
        leases_are_kept_while_events_hang,
        what_is_sent_is_stored_while_an_event_hangs,
    }
    killed {
        kills_at_any_moment_skip_and_double_nothing,
    }
}
