//! Which person a session or an access token belongs to.

use sqlx::SqlitePool;

use super::{groups, key::KeyHash, sessions};
use crate::{
    auth::{Credential, Kind, Presented, Principal},
    clock::SharedClock,
};

type Row = (String, String, String);

/// The person behind a credential, or `None`. Disabled people and expired sessions are nobody.
pub(super) async fn find(
    pool: &SqlitePool,
    clock: &SharedClock,
    presented: Presented,
) -> Result<Option<Principal>, sqlx::Error> {
    let (row, credential) = match presented {
        Presented::Bearer(token) => (by_token(pool, &KeyHash::of(token.expose())).await?, Credential::AccessToken),
        Presented::Cookies(cookies) => {
            let Some(id) = sessions::id_in(cookies.expose()) else { return Ok(None) };
            let now = clock.now().timestamp_millis();
            (by_session(pool, &KeyHash::of(id), now).await?, Credential::Session)
        }
    };
    let Some((id, email, name)) = row else { return Ok(None) };
    let groups = groups::of_user(pool, &id).await?;
    Ok(Some(Principal { id, email, name, kind: Kind::User(credential), groups }))
}

async fn by_token(pool: &SqlitePool, hash: &KeyHash) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as(
        "SELECT users.id, users.email, users.name FROM access_tokens JOIN users ON users.id = user_id
         WHERE hash = ? AND kind = 'user' AND disabled_at IS NULL",
    )
    .bind(hash.as_bytes())
    .fetch_optional(pool)
    .await
}

async fn by_session(pool: &SqlitePool, hash: &KeyHash, now: i64) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as(
        "SELECT users.id, users.email, users.name FROM sessions JOIN users ON users.id = user_id
         WHERE hash = ? AND expires_at > ? AND kind = 'user' AND disabled_at IS NULL",
    )
    .bind(hash.as_bytes())
    .bind(now)
    .fetch_optional(pool)
    .await
}
