//! One pass over the sources: each is fetched, and imported when it changed. Whatever goes wrong with one is its own.

use serde::Serialize;

use super::{
    Imports,
    data::{self, ImportError, New},
    fetch::{FetchError, Fetched},
    read::{self, ContentError},
    spool::Snapshot,
    table::{self, Source, TableError},
};
use crate::reference_app::{
    observe::{Panic, caught},
    progress::Progress,
    state::App,
};

/// What became of all of them.
#[derive(Debug, Serialize)]
pub(in crate::reference_app) struct Reports {
    imported: usize,
    unchanged: usize,
    errors: usize,
    /// In the tables now, without those of sources that failed.
    rows: i64,
    sources: Vec<Report>,
    /// Whether what failed may succeed another time soon.
    #[serde(skip)]
    may_pass: bool,
}

/// What became of one source.
#[derive(Debug, Serialize)]
struct Report {
    name: String,
    status: Status,
    rows: Option<i64>,
    bytes: Option<u64>,
    error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Imported,
    Unchanged,
    Failed,
}

/// Why one source is not up to date.
#[derive(Debug, thiserror::Error)]
enum SourceError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Panic(Panic),
}

/// Brings the sources of these names up to date, or all of them. It waits for its turn.
pub(in crate::reference_app) async fn refresh(
    app: &App,
    names: Option<&[String]>,
    progress: &Progress,
) -> Result<Reports, TableError> {
    let _turn = app.imports.next_turn().await;
    let mut sources = table::all(&app.pool).await?;
    if let Some(names) = names {
        sources.retain(|source| names.iter().any(|name| name == source.name.as_str()));
    }
    let total = sources.len();
    let mut reports = Reports { imported: 0, unchanged: 0, errors: 0, rows: 0, sources: Vec::new(), may_pass: false };
    for (done, source) in sources.iter().enumerate() {
        let share = |share| progress.at(done, share, total);
        let outcome = caught(one(app, source, share)).await.unwrap_or_else(|panic| Err(SourceError::Panic(panic)));
        reports.add(source, outcome);
        progress.at(done + 1, 0.0, total);
    }
    Ok(reports)
}

/// What was done: imported or not, how many rows there are, and how many bytes they were.
type Done = (Status, i64, u64);

async fn one(app: &App, source: &Source, share: impl Fn(f64) + Send + Sync) -> Result<Done, SourceError> {
    let Imports { data, fetcher, spool, .. } = &app.imports;
    let last = data::last(data, &source.name).await?;
    let etag = last.as_ref().and_then(|last| last.etag.as_deref());
    let fetched = fetcher.fetch(&source.origin, etag, (spool, &app.entropy.hex::<8>())).await?;
    let now = app.now_millis();
    let unchanged = |last: &data::Import| (Status::Unchanged, last.rows, u64::try_from(last.bytes).unwrap_or_default());
    match (fetched, last) {
        (Fetched::Copied(snapshot, etag), Some(last)) if snapshot.hash == last.hash => {
            data::unchanged(data, &source.name, etag.as_deref(), now).await?;
            Ok(unchanged(&last))
        }
        (Fetched::Unchanged, Some(last)) => {
            data::unchanged(data, &source.name, None, now).await?;
            Ok(unchanged(&last))
        }
        // Only who has an import sends an `ETag`.
        (Fetched::Unchanged, None) => Err(FetchError::BrokeOff.into()),
        (Fetched::Copied(snapshot, etag), _) => {
            let rows = import(app, source, &snapshot, etag.as_deref(), share).await?;
            Ok((Status::Imported, rows, snapshot.bytes))
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of so many bytes needs no more digits")]
async fn import(
    app: &App,
    source: &Source,
    snapshot: &Snapshot,
    etag: Option<&str>,
    share: impl Fn(f64) + Send + Sync,
) -> Result<i64, ImportError> {
    let pieces = read::start(snapshot.path(), source.format);
    let (hash, bytes, now) = (snapshot.hash.as_str(), snapshot.bytes, app.now_millis());
    let new = New { name: &source.name, hash, etag, bytes, now };
    data::replace(&app.imports.data, new, pieces, |read| share(read as f64 / bytes.max(1) as f64)).await
}

impl SourceError {
    fn may_pass(&self) -> bool {
        match self {
            Self::Fetch(error) => error.may_pass(),
            Self::Import(ImportError::Content(error)) => matches!(error, ContentError::Io(_)),
            Self::Import(ImportError::Database(_)) | Self::Database(_) | Self::Panic(_) => true,
        }
    }

    /// For whoever asked: what is wrong with the source is theirs to know, the app's own trouble is not.
    fn shown(&self) -> String {
        match self {
            Self::Fetch(FetchError::Io(_))
            | Self::Import(ImportError::Database(_) | ImportError::Content(ContentError::Io(_)))
            | Self::Database(_)
            | Self::Panic(_) => "the app failed; its log has the cause".to_owned(),
            Self::Fetch(_) | Self::Import(ImportError::Content(_)) => self.to_string(),
        }
    }
}

impl Reports {
    fn add(&mut self, source: &Source, outcome: Result<Done, SourceError>) {
        let name = source.name.to_string();
        self.sources.push(match outcome {
            Ok((status, rows, bytes)) => {
                self.rows = self.rows.saturating_add(rows);
                match status {
                    Status::Imported => self.imported += 1,
                    _ => self.unchanged += 1,
                }
                Report { name, status, rows: Some(rows), bytes: Some(bytes), error: None }
            }
            Err(error) => {
                tracing::warn!(source = name, %error, "a source is not up to date");
                self.errors += 1;
                self.may_pass |= error.may_pass();
                Report { name, status: Status::Failed, rows: None, bytes: None, error: Some(error.shown()) }
            }
        });
    }

    /// How many sources could not be brought up to date, of how many, and whether that may pass.
    pub(in crate::reference_app) fn errors(&self) -> (usize, usize, bool) {
        (self.errors, self.sources.len(), self.may_pass)
    }
}
