//! The table of sources.

use sqlx::SqlitePool;

use super::{
    name::{Name, NameError},
    origin::{Format, FormatError, Origin, OriginError},
};
use crate::secret::Secret;

/// A source.
#[derive(Debug, Clone)]
pub(in crate::reference_app) struct Source {
    pub(in crate::reference_app) name: Name,
    pub(in crate::reference_app) origin: Origin,
    pub(in crate::reference_app) format: Format,
}

/// A row that this app did not write.
#[derive(Debug, thiserror::Error)]
pub(in crate::reference_app) enum TableError {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("a row's name: {0}")]
    Name(#[from] NameError),
    #[error("a row's origin: {0}")]
    Origin(#[from] OriginError),
    #[error("a row's format: {0}")]
    Format(#[from] FormatError),
}

type Row = (String, Option<String>, Option<String>, String);

/// Every source, by name.
pub(in crate::reference_app) async fn all(pool: &SqlitePool) -> Result<Vec<Source>, TableError> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT name, url, file, format FROM sources ORDER BY name").fetch_all(pool).await?;
    rows.into_iter().map(Source::read).collect()
}

/// The source of a name.
pub(in crate::reference_app) async fn find(pool: &SqlitePool, name: &str) -> Result<Option<Source>, TableError> {
    let row: Option<Row> = sqlx::query_as("SELECT name, url, file, format FROM sources WHERE name = ?")
        .bind(name)
        .fetch_optional(pool)
        .await?;
    row.map(Source::read).transpose()
}

/// Whether there is a source of this name.
pub(in crate::reference_app) async fn exists(pool: &SqlitePool, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sources WHERE name = ?)").bind(name).fetch_one(pool).await
}

/// Whether it was added; the name may be taken.
pub(in crate::reference_app) async fn insert(
    pool: &SqlitePool,
    source: &Source,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let (url, file) = match &source.origin {
        Origin::File(path) => (None, Some(path.as_str())),
        Origin::Http(address) => (Some(address.written().expose()), None),
    };
    let inserted = sqlx::query(
        "INSERT INTO sources (name, url, file, format, added_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
    )
    .bind(source.name.as_str())
    .bind(url)
    .bind(file)
    .bind(source.format.as_str())
    .bind(now)
    .execute(pool)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Forgets a source.
pub(in crate::reference_app) async fn delete(pool: &SqlitePool, name: &Name) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM sources WHERE name = ?").bind(name.as_str()).execute(pool).await?;
    Ok(())
}

impl Source {
    fn read((name, url, file, format): Row) -> Result<Self, TableError> {
        let url = url.map(Secret::new);
        let origin = Origin::of(url.as_ref(), file.as_deref())?;
        Ok(Self { name: name.parse()?, origin, format: format.parse()? })
    }
}
