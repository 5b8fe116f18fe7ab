//! One JSON object a line. The columns are all members that occur, so it is read twice; what a line lacks is null, and
//! objects and lists stay JSON in their text.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use serde_json::{Map, Value};

use super::{Batches, Cell, ContentError, MAX_COLUMNS, Sender, Stop};

pub(super) fn read(path: &Path, sender: &Sender) -> Result<(), Stop> {
    let columns = columns(path)?;
    let places: HashMap<String, usize> = columns.iter().cloned().zip(0..).collect();
    let mut batches = Batches::begin(sender, columns)?;
    let mut lines = Lines::open(path)?;
    while let Some(object) = lines.next()? {
        let mut row = vec![Cell::Null; places.len()];
        for (name, value) in object {
            // Every name was seen on the first reading.
            if let Some(place) = places.get(&name) {
                row[*place] = cell(value);
            }
        }
        batches.push(row, lines.read)?;
    }
    batches.hand_on(lines.read)
}

/// Every member's name, in the order in which lines bring them up.
fn columns(path: &Path) -> Result<Vec<String>, ContentError> {
    let mut columns: Vec<String> = Vec::new();
    let mut lines = Lines::open(path)?;
    while let Some(object) = lines.next()? {
        for name in object.keys() {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        if columns.len() > MAX_COLUMNS {
            break;
        }
    }
    Ok(columns)
}

struct Lines {
    file: BufReader<File>,
    buffer: Vec<u8>,
    number: u64,
    /// Bytes read.
    read: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, ContentError> {
        Ok(Self { file: BufReader::new(File::open(path)?), buffer: Vec::new(), number: 0, read: 0 })
    }

    /// The next line that is not blank.
    fn next(&mut self) -> Result<Option<Map<String, Value>>, ContentError> {
        loop {
            self.buffer.clear();
            let read = self.file.read_until(b'\n', &mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.read += read as u64;
            if std::str::from_utf8(&self.buffer).is_err() {
                return Err(ContentError::Encoding(self.number));
            }
            if self.buffer.trim_ascii().is_empty() {
                continue;
            }
            let object = serde_json::from_slice(&self.buffer);
            return object.map(Some).map_err(|_why| ContentError::NoObject(self.number));
        }
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Integer(value.into()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Cell::Integer(integer),
            (None, Some(real)) => Cell::Real(real),
            (None, None) => Cell::Text(number.to_string()),
        },
        Value::String(text) => Cell::Text(text),
        nested @ (Value::Array(_) | Value::Object(_)) => Cell::Text(nested.to_string()),
    }
}
