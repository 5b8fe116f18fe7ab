//! Rows of tables as values of the domain, and back. A row that does not fit is an error that names it.

use std::{fmt::Display, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{ColumnIndex, Decode, Row, Sqlite, Type, sqlite::SqliteRow};

use super::by_hand;
use crate::{
    job::JobName,
    run::{Attempt, Run, Work},
    store::{Cursor, Entry, Pause, Period, Slot, StoreError},
};

/// An instant as the ledger keeps it.
pub(super) fn micros(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_micros()
}

/// A duration as the ledger keeps it. One over 292,000 years counts as that.
pub(super) fn span_micros(span: TimeDelta) -> i64 {
    span.num_microseconds().unwrap_or(i64::MAX)
}

/// A row with a name for the error message.
pub(super) struct Fields<'r> {
    row: &'r SqliteRow,
    name: String,
}

impl<'r> Fields<'r> {
    /// `table` and the column that tells its rows apart.
    pub(super) fn of(table: &str, key: &str, row: &'r SqliteRow) -> Result<Self, StoreError> {
        let unnamed = Self { row, name: format!("a row of {table}") };
        let key: String = unnamed.get(key)?;
        Ok(Self { row, name: format!("{table} {key}") })
    }

    pub(super) fn get<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
        for<'c> &'c str: ColumnIndex<SqliteRow>,
    {
        self.row.try_get(column).map_err(|error| self.unreadable(column, error))
    }

    /// A text that one of our types reads.
    pub(super) fn word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.parsed(column, &self.get::<String>(column)?)
    }

    pub(super) fn optional_word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.get::<Option<String>>(column)?.map(|text| self.parsed(column, &text)).transpose()
    }

    pub(super) fn job(&self, column: &str) -> Result<JobName, StoreError> {
        JobName::new(&self.get::<String>(column)?).map_err(|error| self.unreadable(column, error))
    }

    pub(super) fn number<T: TryFrom<i64, Error: Display>>(&self, column: &str) -> Result<T, StoreError> {
        T::try_from(self.get::<i64>(column)?).map_err(|error| self.unreadable(column, error))
    }

    pub(super) fn optional_number<T>(&self, column: &str) -> Result<Option<T>, StoreError>
    where
        T: TryFrom<i64, Error: Display>,
    {
        let number: Option<i64> = self.get(column)?;
        number.map(|number| T::try_from(number).map_err(|error| self.unreadable(column, error))).transpose()
    }

    pub(super) fn instant(&self, column: &str) -> Result<DateTime<Utc>, StoreError> {
        self.as_instant(column, self.get(column)?)
    }

    pub(super) fn optional_instant(&self, column: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let instant: Option<i64> = self.get(column)?;
        instant.map(|micros| self.as_instant(column, micros)).transpose()
    }

    fn optional_span(&self, column: &str) -> Result<Option<TimeDelta>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(TimeDelta::microseconds))
    }

    fn as_instant(&self, column: &str, micros: i64) -> Result<DateTime<Utc>, StoreError> {
        DateTime::from_timestamp_micros(micros)
            .ok_or_else(|| self.unreadable(column, format_args!("{micros} is no instant")))
    }

    fn parsed<T: FromStr<Err: Display>>(&self, column: &str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|error| self.unreadable(column, error))
    }

    fn unreadable(&self, column: &str, problem: impl Display) -> StoreError {
        StoreError::Row(format!("{}, {column}: {problem}", self.name))
    }
}

pub(super) fn run(row: &SqliteRow) -> Result<Run, StoreError> {
    let fields = Fields::of("run", "id", row)?;
    Ok(Run {
        id: fields.word("id")?,
        job: fields.job("job")?,
        scheduled_for: fields.instant("scheduled_for")?,
        through: fields.instant("through")?,
        count: fields.number("count")?,
        trigger: fields.word("trigger")?,
        state: fields.word("state")?,
        reason: fields.optional_word("reason")?,
        settled: fields.optional_word("settled")?,
        fence: fields.optional_number("fence")?,
        definition: fields.get("definition")?,
        request: fields.get("request")?,
        status: fields.optional_number("status")?,
        excerpt: fields.get("excerpt")?,
        lateness: fields.optional_span("lateness")?,
        duration: fields.optional_span("duration")?,
        wake_at: fields.optional_instant("wake_at")?,
        work: work(&fields)?,
        progress: fields.get("progress")?,
        attempts: fields.number("attempts")?,
        tried: fields.optional_word("tried")?,
        finished_at: fields.optional_instant("finished_at")?,
        asked_by: fields.get("asked_by")?,
    })
}

fn work(fields: &Fields<'_>) -> Result<Option<Work>, StoreError> {
    let text: Option<String> = fields.get("work")?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| fields.unreadable("work", error))).transpose()
}

pub(super) fn attempt(row: &SqliteRow) -> Result<Attempt, StoreError> {
    let fields = Fields::of("attempt of run", "run", row)?;
    Ok(Attempt {
        run: fields.word("run")?,
        number: fields.number("number")?,
        fence: fields.number("fence")?,
        sent_at: fields.instant("sent_at")?,
        finished_at: fields.optional_instant("finished_at")?,
        outcome: fields.optional_word("outcome")?,
        reason: fields.optional_word("reason")?,
        status: fields.optional_number("status")?,
        excerpt: fields.get("excerpt")?,
    })
}

pub(super) fn cursor(row: &SqliteRow) -> Result<Cursor, StoreError> {
    let fields = Fields::of("job", "job", row)?;
    Ok(Cursor {
        job: fields.job("job")?,
        definition: fields.get("definition")?,
        schedule: fields.get("schedule")?,
        anchored_at: fields.instant("anchored_at")?,
        accounted_to: fields.instant("accounted_to")?,
    })
}

pub(super) fn slot(row: &SqliteRow) -> Result<Slot, StoreError> {
    let fields = Fields::of("slot of job", "job", row)?;
    Ok(Slot {
        job: fields.job("job")?,
        run: fields.word("run")?,
        state: fields.word("state")?,
        until: fields.instant("until")?,
    })
}

pub(super) fn pause(row: &SqliteRow) -> Result<Pause, StoreError> {
    let fields = Fields::of("pause of", "job", row)?;
    let all = fields.get::<String>("job")? == by_hand::ALL;
    Ok(Pause {
        job: if all { None } else { Some(fields.job("job")?) },
        since: fields.instant("since")?,
        until: fields.optional_instant("until")?,
        note: fields.get("note")?,
        by: fields.get("asked_by")?,
    })
}

pub(super) fn period(row: &SqliteRow) -> Result<Period, StoreError> {
    let fields = Fields::of("period of job", "job", row)?;
    Ok(Period {
        schedule: fields.get("schedule")?,
        anchored_at: fields.instant("anchored_at")?,
        kept_after: fields.instant("kept_after")?,
        accounted_to: fields.optional_instant("accounted_to")?,
    })
}

pub(super) fn entry(row: &SqliteRow) -> Result<Entry, StoreError> {
    let fields = Fields::of("run", "id", row)?;
    Ok(Entry {
        run: fields.word("id")?,
        scheduled_for: fields.instant("scheduled_for")?,
        through: fields.instant("through")?,
        count: fields.number("count")?,
        state: fields.word("state")?,
        settled: fields.optional_word("settled")?,
    })
}
