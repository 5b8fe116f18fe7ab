//! Who is a member of which group.

use sqlx::{Sqlite, SqliteConnection, SqliteExecutor};

use crate::protocol::identity::{ADMIN_GROUP, SEED_PROVENANCE};

/// The groups of a user, sorted.
pub(super) async fn of_user(database: impl SqliteExecutor<'_>, user: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar::<Sqlite, String>("SELECT group_name FROM memberships WHERE user_id = ? ORDER BY group_name")
        .bind(user)
        .fetch_all(database)
        .await
}

/// Makes a person admin when no other person is. The scheduler never counts (seed A12), a disabled admin does: switching
/// one off must not hand the app to whoever registers next.
pub(super) async fn make_first_person_admin(database: &mut SqliteConnection, user: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO memberships (user_id, group_name, provenance)
         SELECT ?1, name, 'first_user' FROM groups
         WHERE name = ?2 AND NOT EXISTS (
             SELECT 1 FROM memberships JOIN users ON users.id = user_id
             WHERE group_name = ?2 AND kind = 'user'
         )",
    )
    .bind(user)
    .bind(ADMIN_GROUP)
    .execute(database)
    .await?;
    Ok(())
}

/// Makes the scheduler a member of `Admin` when it is not. Without such a group nothing happens (seed A6).
pub(super) async fn repair_scheduler(database: impl SqliteExecutor<'_>, user: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO memberships (user_id, group_name, provenance)
         SELECT ?1, name, ?3 FROM groups WHERE name = ?2
         ON CONFLICT (user_id, group_name) DO NOTHING",
    )
    .bind(user)
    .bind(ADMIN_GROUP)
    .bind(SEED_PROVENANCE)
    .execute(database)
    .await?;
    Ok(())
}
