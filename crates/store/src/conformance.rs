//! The suite that every engine passes: each function states one fact of the store contract and checks it
//! on a fresh store.
//!
//! An engine gives a [`Harness`] and lists the facts with [`conformance_tests!`](crate::conformance_tests).
//! A bug found in one engine becomes a function here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "this is the suite of tests that engines run; it is public so that each engine can"
)]

pub mod accounts;
pub mod changes;
pub mod claims;
pub mod failing;
pub mod inspections;
pub mod jobs;
pub mod leases;
pub mod lists;
pub mod people;
pub mod records;
pub mod recoveries;
pub mod resends;
pub mod retention;
pub mod scene;
pub mod settlements;
pub mod states;
pub mod statistics;
pub mod strict;
pub mod tokens;
mod world;

use std::sync::Arc;

use heraldo_domain::store::Store;

pub use self::world::{RecordingHandOver, StepClock, World, block_on};

/// How the suite gets at an engine.
pub trait Harness: Sync {
    /// A fresh store with nothing in it.
    fn open(&self, world: &World) -> Arc<dyn Store>;

    /// What is left when the process that runs `store` dies now and another one starts: everything that
    /// was answered, and no epoch yet.
    fn reopen(&self, store: Arc<dyn Store>, world: &World) -> Arc<dyn Store>;
}

/// Makes one test of each fact for an engine: `conformance_tests!(Harness::new());`.
#[macro_export]
macro_rules! conformance_tests {
    ($harness:expr) => {
        $crate::conformance_tests! { @each $harness;
            accounts {
                what_was_created_is_read_back
                a_revoked_key_is_unknown_at_once
                a_changed_webhook_shows_at_once
                a_deleted_webhook_is_gone_at_once
                secrets_survive_a_new_start
                companies_and_their_keys_are_found_without_a_caller
                accounts_of_an_unknown_company_are_not_found
                a_users_places_are_listed_oldest_first
                audit_entries_are_listed_newest_first
            }
            people {
                a_member_is_changed_only_as_it_was_read
                of_two_who_leave_only_while_the_other_stays_one_stays
                a_password_is_replaced_only_as_it_was_read
                a_password_goes_with_the_last_place_of_its_user
                people_are_found_by_their_address_in_every_company
                the_sessions_of_a_user_end_at_once
                the_latest_use_of_a_key_is_kept
            }
            tokens {
                a_token_of_any_purpose_is_read_back
                a_token_is_spent_once
                of_many_who_spend_a_token_at_once_one_does
                an_expired_token_is_unknown
                expired_tokens_are_forgotten_in_slices
            }
            records {
                a_record_is_read_back_and_replaced
                a_record_of_an_older_version_is_a_conflict
                a_record_is_deleted_as_it_was_read
                the_records_of_a_subject_are_deleted_together
                a_name_is_taken_within_a_company_and_a_kind
                records_are_listed_newest_first_by_subject
            }
            jobs {
                jobs_are_listed_in_the_order_in_which_they_come_due
                a_job_ends_once
                similar_photos_of_the_company_are_found
            }
            changes {
                a_failing_write_undoes_the_whole_change
                a_change_that_fails_spares_the_others_of_its_group
                an_update_of_an_older_version_is_a_conflict
                a_created_id_that_exists_is_a_conflict
                an_answer_is_kept_once_and_replaced_when_expired
                expired_answers_are_forgotten_in_slices
                a_published_event_gets_the_next_sequence
                a_published_event_moves_the_count_of_its_own_inspection
                sequences_have_no_gaps_under_concurrent_commits
                what_is_to_follow_an_event_that_was_made_later_is_refused
                what_was_answered_survives_a_new_start
                a_closed_store_says_so
                the_check_writes_and_reads
            }
            leases {
                a_reserved_delivery_is_handed_over_once_after_its_commit
                deliveries_are_handed_over_in_commit_order
                without_an_epoch_nothing_is_leased
                a_refused_reservation_waits_and_is_claimed
                a_caller_that_went_away_strands_nothing
                a_failed_change_gives_its_reservations_back
                a_lapsed_lease_cannot_settle
                a_new_epoch_voids_leases_and_marks_them_recovered
                a_recorded_start_that_was_cut_off_counts
                a_released_lease_waits_as_before
                only_what_is_still_leased_is_marked_started
            }
            claims {
                claims_are_first_in_first_out
                a_claim_keeps_to_its_limit
                a_claim_keeps_to_its_bytes_but_gives_one
                a_claim_takes_only_what_is_due
                a_claim_takes_what_came_due_before_it_was_carried_out
                a_claim_tells_how_often_room_was_refused
                each_waiting_webhook_is_named_with_its_next_time
                what_waits_is_cancelled_in_slices
                cancelling_a_waiting_resend_keeps_how_it_had_ended
                what_is_leased_is_not_cancelled
                what_waits_for_an_enabled_or_paused_webhook_is_not_cancelled
                cancelling_ends_a_resend_that_was_asked_before_a_crash
            }
            states {
                the_states_around_a_moment_are_found
                only_the_newest_states_are_kept
            }
            strict {
                the_next_event_waits_until_the_one_before_is_delivered_or_given_up
                inspections_and_webhooks_do_not_wait_for_each_other
                what_has_its_turn_and_no_room_waits_and_is_claimed_before_what_came_later
                a_claim_names_no_time_of_what_has_none
                the_order_holds_over_a_crash
                a_settlement_without_its_lease_lets_nobody_go_on
                a_resend_does_not_overtake_the_one_before
                a_successful_resend_of_what_waits_for_its_retry_lets_the_next_go_on
                cancelling_ends_what_waits_for_its_turn_too
                a_slice_that_was_cancelled_strands_nobody
            }
            settlements {
                a_success_delivers
                a_failure_with_a_retry_waits_for_it
                a_used_up_schedule_fails
                a_cancelled_settlement_cancels
                earlier_attempts_are_kept_in_order
                each_settlement_stands_for_itself
                a_settlement_clears_what_recovery_noted
            }
            failing {
                a_run_of_failures_is_counted_until_a_success_ends_it
                a_run_survives_a_new_start
                outcomes_without_their_lease_tell_nothing
                what_a_run_decided_is_written_while_that_run_goes_on
                a_run_is_forgotten_on_request_and_with_its_webhook
                waiting_retries_are_brought_forward_in_slices
                nothing_but_waiting_retries_is_brought_forward
            }
            resends {
                an_ended_delivery_is_handed_over_once_more
                a_resend_without_room_waits_and_is_claimed
                a_resend_remembers_the_planned_retry
                a_first_attempt_that_waits_stays_the_first
                a_second_resend_keeps_the_first_fallback
                a_resend_while_leased_comes_due_when_settled
                a_resend_of_anothers_delivery_is_not_found
                a_resend_asked_before_a_crash_is_made_after_it
            }
            statistics {
                attempts_are_counted_by_webhook_and_company_in_their_buckets
                events_are_counted_once_for_the_company_and_once_for_each_webhook
                a_failed_change_and_a_lost_lease_count_nothing
                figures_survive_a_graceful_stop
                figures_are_forgotten_when_they_were_kept_long_enough
                the_backlog_is_exact_through_every_turn
                the_backlog_is_counted_anew_after_a_crash
                companies_read_nothing_of_each_others_figures
                what_is_measured_of_all_companies_counts_an_event_once
            }
            recoveries {
                events_stand_as_their_delivery_to_the_webhook_does
                a_late_delivery_is_handed_over_or_waits_like_any_other
                an_event_gets_one_delivery_of_a_webhook_at_most
                a_late_delivery_begins_its_schedule
                what_a_recovery_enqueues_is_written_with_its_place
            }
            retention {
                ended_deliveries_go_with_their_events_and_attempts
                what_is_pending_is_never_deleted
                a_slice_keeps_to_its_rows
                a_slice_keeps_to_its_bytes_but_deletes_one
                figures_outlive_what_they_count
                the_numbers_of_an_inspection_go_on_when_its_events_are_gone
                old_audit_entries_are_deleted_in_slices
            }
            inspections {
                inspections_are_counted_and_filtered
                inspections_are_found_by_who_made_them_when_and_for_whom
                whatever_is_asked_is_listed_and_counted
                lapsed_inspections_come_oldest_first
                a_part_leads_to_its_inspection
            }
            lists {
                events_are_listed_newest_first_and_filtered
                deliveries_are_listed_newest_first_and_filtered
                pages_follow_each_other_without_gaps
                pages_of_one_filter_are_whole_whenever_their_deliveries_were_made
                companies_see_nothing_of_each_other
            }
        }
    };
    (@each $harness:expr; $($module:ident { $($fact:ident)+ })+) => {$(
        mod $module {
            use super::*;

            $(
                #[test]
                fn $fact() {
                    $crate::conformance::$module::$fact(&$harness);
                }
            )+
        }
    )+};
}
