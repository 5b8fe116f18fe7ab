//! CSV as RFC 4180 has it: a header, then records with as many fields. Every value is text; an empty one is empty text.

use std::{fs::File, io, path::Path};

use csv::{Error, ErrorKind, Reader, ReaderBuilder, StringRecord};

use super::{Batches, Cell, ContentError, Sender, Stop};

pub(super) fn read(path: &Path, sender: &Sender) -> Result<(), Stop> {
    let mut reader = ReaderBuilder::new().from_reader(File::open(path)?);
    let mut batches = Batches::begin(sender, columns(&mut reader)?)?;
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(content)? {
        let row = record.iter().map(|field| Cell::Text(field.to_owned())).collect();
        batches.push(row, reader.position().byte())?;
    }
    batches.hand_on(reader.position().byte())
}

/// Spreadsheets begin a file with a byte order mark.
fn columns(reader: &mut Reader<File>) -> Result<Vec<String>, ContentError> {
    let header = reader.headers().map_err(content)?;
    let mut columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    if let Some(first) = columns.first_mut()
        && let Some(bare) = first.strip_prefix('\u{feff}')
    {
        *first = bare.trim_matches('"').to_owned();
    }
    Ok(columns)
}

/// In our words: those of the crate name a byte and a record, and people look for a line.
fn content(error: Error) -> ContentError {
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(error) => error.into(),
        ErrorKind::Utf8 { .. } => ContentError::Encoding(line),
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            ContentError::Fields { line, found: len, expected: expected_len }
        }
        other => ContentError::Io(io::Error::other(format!("{other:?}"))),
    }
}
