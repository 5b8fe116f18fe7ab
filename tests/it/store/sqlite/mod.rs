//! The ledger in a SQLite file.

mod backup;
mod crash;
mod group_commit;
mod messages;
mod opening;
mod trouble;
mod virtual_time;

use std::{
    io::BufRead,
    path::{Path, PathBuf},
};

use sexton::store::{self, Opened};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use super::conformance::{self, Store, t};

/// A folder with room for one ledger.
struct Ledger(TempDir);

impl Ledger {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("sexton.db")
    }

    fn address(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    async fn open(&self) -> Store {
        let Opened { store, fresh_because } = store::open(&self.address(), t(0)).await.unwrap();
        assert_eq!(fresh_because, None);
        store
    }

    /// What an operator does with the `sqlite3` program.
    async fn try_sql(&self, sql: &str) -> Result<(), sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(self.path()).create_if_missing(true);
        let mut connection = options.connect().await?;
        let result = connection.execute(AssertSqlSafe(sql.to_owned())).await;
        connection.close().await?;
        result.map(drop)
    }

    async fn number(&self, sql: &'static str) -> i64 {
        let mut connection = SqliteConnectOptions::new().filename(self.path()).connect().await.unwrap();
        let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        number
    }

    async fn run_sql(&self, sql: &str) {
        self.try_sql(sql).await.unwrap();
    }
}

/// Tells a child process, which is this program again, where its ledger is: by its standard input.
async fn tell(child: &mut tokio::process::Child, path: &Path) {
    let line = format!("{}\n", path.display());
    child.stdin.take().unwrap().write_all(line.as_bytes()).await.unwrap();
}

/// What [`tell`] told; nothing when somebody runs the ignored tests without a parent.
fn told() -> Option<PathBuf> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    (!line.trim().is_empty()).then(|| PathBuf::from(line.trim()))
}

macro_rules! conforms {
    ($($room:ident::$test:ident,)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let ledger = Ledger::new();
            conformance::$room::$test(async || ledger.open().await).await;
        }
    )+};
}

conforms! {
    account::an_anchor_is_read_back_and_replaced,
    account::an_accounting_writes_its_rows_and_moves_the_cursor,
    account::an_accounting_without_rows_moves_the_cursor,
    account::a_stale_accounting_writes_nothing_and_hinders_no_other,
    account::concurrent_accountings_claim_an_occurrence_once,
    account::an_occurrence_that_has_a_row_is_not_claimed_again,
    account::a_claim_inside_a_span_is_dropped,
    account::a_span_is_written_around_the_rows_that_are_there,
    account::cursors_survive_a_restart,
    begin::a_run_that_begins_has_its_attempt_and_its_slot,
    begin::a_taken_slot_keeps_the_next_run_out,
    begin::of_one_batch_the_first_run_of_a_job_gets_the_slot,
    begin::concurrent_begins_give_the_slot_to_one,
    begin::a_slot_whose_time_is_over_is_free,
    begin::a_run_without_a_slot_neither_waits_nor_keeps_out,
    begin::fences_grow_over_runs_restarts_and_definitions,
    begin::each_job_has_fences_of_its_own,
    begin::only_a_claimed_run_begins,
    end::a_claimed_run_ends,
    end::skipped_runs_of_one_kind_are_one_row,
    end::a_missed_run_joins_the_span_before_it,
    end::rows_that_differ_stay_apart,
    end::another_definition_begins_a_row_of_its_own,
    end::a_row_between_keeps_rows_apart,
    end::nothing_joins_past_the_cursor,
    end::another_job_is_not_joined,
    end::a_row_that_was_sent_is_not_joined,
    end::a_run_that_is_no_longer_claimed_does_not_end,
    end::an_impossible_end_is_refused_and_nothing_written,
    finish::a_sent_run_gets_its_outcome_and_gives_its_slot_back,
    finish::a_run_finishes_once,
    finish::a_late_answer_leaves_the_hold_alone,
    finish::concurrent_answers_finish_a_run_once,
    finish::only_a_sent_run_finishes,
    finish::a_start_finds_the_hold_that_ended_unseen,
    finish::a_held_run_keeps_its_slot_until_its_hold_is_over,
    finish::a_slot_taken_over_is_left_to_its_new_holder,
    finish::a_slot_that_nobody_took_over_is_extended_after_its_time,
    finish::a_run_without_a_slot_gets_none_by_its_hold,
    finish::an_impossible_finish_is_refused_and_nothing_written,
    finish::any_text_is_kept_as_it_is,
    groups::a_group_has_so_many_slots_and_no_more,
    groups::a_slot_of_a_group_is_given_back,
    groups::a_held_run_keeps_the_slot_of_its_group,
    groups::a_slot_of_a_group_ends_by_itself,
    groups::a_group_that_shrank_counts_all_its_holders,
    waiting::a_claimed_run_lines_up_and_is_sent,
    waiting::a_queued_run_ends_as_a_claimed_one_does,
    waiting::a_run_waits_for_another_attempt_over_a_restart,
    waiting::a_run_that_waited_to_retry_ends_as_it_was,
    waiting::work_is_followed_over_a_restart_and_ends,
    waiting::work_that_is_followed_can_neither_be_skipped_nor_sent_again,
    waiting::a_sent_run_that_is_cancelled_holds_its_slot,
    waiting::an_end_that_nothing_that_waits_can_have_is_refused,
    history::the_history_is_read_newest_first_by_job_and_outcome,
    history::unfinished_runs_are_found_oldest_first_after_a_restart,
    history::the_history_survives_a_restart,
    history::a_run_that_does_not_exist_is_none,
    history::instants_keep_their_microseconds_and_lose_what_is_finer,
    history::empty_batches_are_fine,
    history::a_closed_ledger_says_so,
    history::closing_finishes_the_writes_that_wait,
    history::a_write_outlives_its_caller,
    history::many_writes_outlive_their_callers,
    periods::each_anchor_begins_a_period,
    periods::a_job_anchored_twice_in_one_batch_has_both_periods,
    periods::evidence_holds_the_rows_oldest_first_and_the_sign_of_life,
    periods::a22_an_anchor_before_the_sign_of_life_takes_its_place,
    periods::periods_say_up_to_where_rows_were_pruned,
    by_hand::a_run_by_hand_is_no_occurrence,
    by_hand::an_instant_of_the_past_is_claimed_by_one,
    by_hand::pauses_are_kept_until_they_are_ended,
    by_hand::the_history_is_read_in_parts,
    settle::an_unknown_run_settles_and_gives_its_slot_back,
    settle::a_run_settles_once,
    settle::only_an_unknown_run_settles,
    settle::a_run_settles_as_succeeded_or_failed_only,
    settle::settling_leaves_a_slot_that_was_taken_over,
    prune::what_is_older_than_the_time_to_keep_goes,
    prune::of_each_job_the_newest_rows_stay,
    prune::a_span_goes_when_its_last_instant_is_old,
    prune::what_is_not_over_stays,
    prune::what_may_yet_be_settled_stays,
    prune::nothing_joins_over_what_was_pruned,
    prune::cursors_and_fences_outlive_the_rows,
}
