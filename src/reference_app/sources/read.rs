//! Reading a copy: its columns, then its rows in batches. On a thread of its own, which waits when nobody takes what it
//! has, and ends when nobody wants it any more.

mod csv_file;
mod json_lines;

use std::{collections::HashMap, io, path::Path};

use tokio::sync::mpsc;

use super::origin::Format;

/// The most columns of a table.
const MAX_COLUMNS: usize = 500;
/// The most characters of a column's name.
const MAX_NAME: usize = 128;
/// The most values that one statement of the database takes, with room to spare.
const VALUES: usize = 30_000;
/// The most rows of a batch.
const ROWS: usize = 500;
/// How many batches wait for the database.
const AHEAD: usize = 2;

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
}

/// What comes of reading, in this order: the columns once, then rows.
#[derive(Debug)]
pub(super) enum Piece {
    Columns(Vec<String>),
    /// So many rows, and how many bytes of the copy are read.
    Rows(Vec<Vec<Cell>>, u64),
}

/// What is wrong with the data. It names lines and columns, and quotes no value.
#[derive(Debug, thiserror::Error)]
pub(super) enum ContentError {
    #[error("it has no columns: a CSV file begins with a header, and a line of JSON is an object with members")]
    NoColumns,
    #[error("it has more than {MAX_COLUMNS} columns")]
    ManyColumns,
    #[error("column {0} has no name, or one with control characters or more than {MAX_NAME} characters")]
    ColumnName(usize),
    #[error("the columns `{0}` and `{1}` are one to SQL, which does not tell cases apart")]
    SameColumns(String, String),
    #[error("line {line} has {found} fields, and the header has {expected}")]
    Fields { line: u64, found: u64, expected: u64 },
    #[error("line {0} is no UTF-8")]
    Encoding(u64),
    #[error("line {0} is no JSON object")]
    NoObject(u64),
    /// The app's own trouble.
    #[error("the copy cannot be read: {0}")]
    Io(#[from] io::Error),
}

type Sender = mpsc::Sender<Result<Piece, ContentError>>;

/// Whoever took the pieces is gone: there is nobody to read for.
struct Gone;

enum Stop {
    Gone,
    Error(ContentError),
}

/// Starts reading. What comes last is the end of the channel, or what is wrong.
pub(super) fn start(path: &Path, format: Format) -> mpsc::Receiver<Result<Piece, ContentError>> {
    let (sender, pieces) = mpsc::channel(AHEAD);
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let read = match format {
            Format::Csv => csv_file::read(&path, &sender),
            Format::Jsonl => json_lines::read(&path, &sender),
        };
        if let Err(Stop::Error(error)) = read {
            // Gone as well, perhaps: then nobody needs to know.
            let _ = sender.blocking_send(Err(error));
        }
    });
    pieces
}

/// Collects rows and hands them on in batches.
struct Batches<'a> {
    sender: &'a Sender,
    rows: Vec<Vec<Cell>>,
    full: usize,
}

impl<'a> Batches<'a> {
    /// Checks the columns and hands them on.
    fn begin(sender: &'a Sender, columns: Vec<String>) -> Result<Self, Stop> {
        check(&columns).map_err(Stop::Error)?;
        let full = (VALUES / columns.len()).clamp(1, ROWS);
        send(sender, Piece::Columns(columns))?;
        Ok(Self { sender, rows: Vec::new(), full })
    }

    fn push(&mut self, row: Vec<Cell>, read: u64) -> Result<(), Stop> {
        self.rows.push(row);
        if self.rows.len() >= self.full { self.hand_on(read) } else { Ok(()) }
    }

    fn hand_on(&mut self, read: u64) -> Result<(), Stop> {
        send(self.sender, Piece::Rows(std::mem::take(&mut self.rows), read))
    }
}

fn send(sender: &Sender, piece: Piece) -> Result<(), Stop> {
    Ok(sender.blocking_send(Ok(piece)).map_err(|_receiver_dropped| Gone)?)
}

fn check(columns: &[String]) -> Result<(), ContentError> {
    match columns.len() {
        0 => return Err(ContentError::NoColumns),
        1..=MAX_COLUMNS => {}
        _ => return Err(ContentError::ManyColumns),
    }
    let mut seen: HashMap<String, &String> = HashMap::new();
    for (index, column) in columns.iter().enumerate() {
        let length = column.chars().count();
        if !(1..=MAX_NAME).contains(&length) || column.chars().any(char::is_control) {
            return Err(ContentError::ColumnName(index + 1));
        }
        if let Some(other) = seen.insert(column.to_ascii_lowercase(), column) {
            return Err(ContentError::SameColumns(other.clone(), column.clone()));
        }
    }
    Ok(())
}

impl From<Gone> for Stop {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl From<ContentError> for Stop {
    fn from(error: ContentError) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Error(error.into())
    }
}
