//! Which person a session or an access token belongs to.

use sqlx::SqlitePool;

use super::{groups, key::KeyHash, sessions};
use crate::{
    auth::{Credential, Grant, Kind, Presented, Principal},
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
        Presented::Bearer(token) => {
            let hash = KeyHash::of(token.expose());
            let found = by_token(pool, &hash).await?;
            if found.is_some() {
                note_use(pool, &hash, clock.now().timestamp_millis()).await;
            }
            (found, Credential::AccessToken)
        }
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

/// Whether the person that a token of class `user` stands for, by id or by address, is here and not disabled.
pub(super) async fn is_there(pool: &SqlitePool, grant: &Grant) -> Result<bool, sqlx::Error> {
    let claims = grant.claims();
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM users WHERE kind = 'user' AND disabled_at IS NULL
             AND (id = ?1 OR email = ?1) AND email = coalesce(?2, email))",
    )
    .bind(&claims.sub)
    .bind(&claims.email)
    .fetch_one(pool)
    .await
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

/// To the minute, so that a busy program does not make every request a write. What fails here fails no request.
async fn note_use(pool: &SqlitePool, hash: &KeyHash, now: i64) {
    let noted = sqlx::query(
        "UPDATE access_tokens SET last_used_at = ?2 WHERE hash = ?1 AND coalesce(last_used_at, 0) <= ?2 - 60000",
    )
    .bind(hash.as_bytes())
    .bind(now)
    .execute(pool)
    .await;
    if let Err(error) = noted {
        tracing::warn!(%error, "the use of an access token cannot be noted");
    }
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
