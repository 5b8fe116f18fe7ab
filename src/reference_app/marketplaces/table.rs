//! The table of marketplaces.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{SqliteExecutor, SqlitePool};

use super::name::{Name, NameError};
use crate::reference_app::{
    database::instant,
    git::{Address, AddressError, Synced},
};

/// A marketplace.
#[derive(Debug, Clone)]
pub(in crate::reference_app) struct Marketplace {
    pub(in crate::reference_app) name: Name,
    pub(in crate::reference_app) address: Address,
    head: Option<String>,
    synced_at: Option<DateTime<Utc>>,
}

/// A marketplace as answers show it.
#[derive(Debug, Serialize)]
pub(in crate::reference_app) struct Shown {
    name: String,
    url: String,
    commit: Option<String>,
    synced_at: Option<DateTime<Utc>>,
}

/// A row that this app did not write.
#[derive(Debug, thiserror::Error)]
pub(in crate::reference_app) enum TableError {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("a row's name: {0}")]
    Name(#[from] NameError),
    #[error("a row's address: {0}")]
    Address(#[from] AddressError),
}

type Row = (String, String, Option<String>, Option<i64>);

/// Every marketplace, by name.
pub(in crate::reference_app) async fn all(pool: &SqlitePool) -> Result<Vec<Marketplace>, TableError> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT name, address, head, synced_at FROM marketplaces ORDER BY name").fetch_all(pool).await?;
    rows.into_iter().map(Marketplace::read).collect()
}

/// The marketplace of a name, in whatever case.
pub(in crate::reference_app) async fn find(pool: &SqlitePool, name: &str) -> Result<Option<Marketplace>, TableError> {
    let row: Option<Row> = sqlx::query_as("SELECT name, address, head, synced_at FROM marketplaces WHERE name = ?")
        .bind(name)
        .fetch_optional(pool)
        .await?;
    row.map(Marketplace::read).transpose()
}

/// `None` when the name is taken, in whatever case: a file system may not tell cases apart.
pub(in crate::reference_app) async fn insert(
    pool: &SqlitePool,
    name: &Name,
    address: &Address,
    now: i64,
) -> Result<Option<Marketplace>, sqlx::Error> {
    let written = address.written();
    let inserted = sqlx::query(
        "INSERT INTO marketplaces (name, address, added_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
    )
    .bind(name.as_str())
    .bind(written.expose())
    .bind(now)
    .execute(pool)
    .await?;
    let added = Marketplace { name: name.clone(), address: address.clone(), head: None, synced_at: None };
    Ok((inserted.rows_affected() > 0).then_some(added))
}

/// Forgets a marketplace.
pub(in crate::reference_app) async fn delete(
    database: impl SqliteExecutor<'_>,
    name: &Name,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM marketplaces WHERE name = ?").bind(name.as_str()).execute(database).await?;
    Ok(())
}

/// Notes what a sync brought.
pub(in crate::reference_app) async fn synced(
    database: impl SqliteExecutor<'_>,
    name: &Name,
    synced: &Synced,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE marketplaces SET head = ?, synced_at = ? WHERE name = ?")
        .bind(&synced.new)
        .bind(now)
        .bind(name.as_str())
        .execute(database)
        .await?;
    Ok(())
}

impl Marketplace {
    fn read((name, address, head, synced_at): Row) -> Result<Self, TableError> {
        Ok(Self { name: name.parse()?, address: address.parse()?, head, synced_at: synced_at.map(instant) })
    }
}

impl From<Marketplace> for Shown {
    fn from(marketplace: Marketplace) -> Self {
        Self {
            name: marketplace.name.to_string(),
            url: marketplace.address.shown().to_owned(),
            commit: marketplace.head,
            synced_at: marketplace.synced_at,
        }
    }
}
