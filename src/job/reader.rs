//! Reads tables and values with their places. Whatever is wrong is noted, and the walk goes on.

use std::{fmt::Write, time::Duration};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    duration::{DurationError, format_duration, parse_duration},
    finding::{At, Notes},
    keys::{self, Form, Key, Words},
    suggest::nearest,
};

/// A value of one of the files.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) file: usize,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

/// A value that was read, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) at: At,
}

/// A table of known keys.
pub(super) struct Section<'a> {
    /// As messages name it: `[jobs.marketplaces]`, `dst`.
    pub(super) title: String,
    /// Where it is opened.
    pub(super) at: At,
    file: usize,
    table: &'a DeTable<'a>,
    known: &'static [Key],
}

/// The value of a known key.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) key: &'a str,
    /// What the key table says of it.
    pub(super) form: Form,
    pub(super) node: Node<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn at(&self) -> At {
        At { file: self.file, span: self.value.span() }
    }

    /// The table that this value has to be; `title` is how messages call it.
    pub(super) fn table(&self, title: &str, notes: &mut Notes) -> Option<&'a DeTable<'a>> {
        if let DeValue::Table(table) = self.value.get_ref() {
            return Some(table);
        }
        notes
            .error(&self.at(), format!("{title} must be a table, found {}", describe(self.value.get_ref())))
            .help(format!("write its keys below a line {title}"));
        None
    }
}

/// The entries of a table in the order they are written.
pub(super) fn entries<'a>(file: usize, table: &'a DeTable<'a>) -> Vec<(Found<&'a str>, Node<'a>)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let at = At { file, span: key.span() };
            (Found { value: key.get_ref().as_ref(), at }, Node { file, value })
        })
        .collect();
    entries.sort_by_key(|(key, _)| key.at.span.start);
    entries
}

impl<'a> Section<'a> {
    /// Opens a table and notes every key that it may not have (seed E1).
    pub(super) fn open(
        file: usize,
        table: &'a DeTable<'a>,
        title: String,
        at: At,
        known: &'static [Key],
        notes: &mut Notes,
    ) -> Self {
        for (key, _) in entries(file, table) {
            if !known.iter().any(|one| one.name == key.value) {
                unknown_key(&key, &title, known, notes);
            }
        }
        Self { title, at, file, table, known }
    }

    /// Opens a table that is the value of a key.
    pub(super) fn of(field: &Field<'a>, known: &'static [Key], notes: &mut Notes) -> Option<Self> {
        let DeValue::Table(table) = field.node.value.get_ref() else {
            let example: Vec<&str> = known.iter().map(|key| key.name).collect();
            field.wrong_type(notes, &format!("a table with the keys {}", list(&example)));
            return None;
        };
        Some(Self::open(field.node.file, table, format!("`{}`", field.key), field.node.at(), known, notes))
    }

    /// The value of a key that the table has.
    pub(super) fn get(&self, key: &'static str) -> Option<Field<'a>> {
        let form = self.known.iter().find(|known| known.name == key)?.form;
        let value = self.table.get(key)?;
        Some(Field { key, form, node: Node { file: self.file, value } })
    }

    /// Where a key is written; the table itself when it is not.
    pub(super) fn at_key(&self, key: &str) -> At {
        let span = self.table.get_key_value(key).map(|(key, _)| key.span());
        span.map_or_else(|| self.at.clone(), |span| At { file: self.file, span })
    }
}

fn unknown_key(key: &Found<&str>, title: &str, known: &[Key], notes: &mut Notes) {
    let accepted: Vec<&str> = known.iter().map(|key| key.name).collect();
    let tables = [
        ("[sexton]", keys::SEXTON),
        ("[targets.NAME]", keys::TARGET),
        ("[groups.NAME]", keys::GROUP),
        ("[jobs.NAME]", keys::JOB),
        ("`retry`", keys::RETRY),
    ];
    let elsewhere = tables.into_iter().find(|(_, keys)| keys.iter().any(|one| one.name == key.value));
    let mut help = match (nearest(key.value, &accepted), elsewhere) {
        (_, Some((table, _))) => format!("`{}` belongs under {table}; ", key.value),
        (Some(near), None) => format!("did you mean `{near}`? "),
        (None, None) => String::new(),
    };
    let _ = write!(help, "accepted here: {}", accepted.join(", "));
    notes.error(&key.at, format!("unknown key `{}` in {title}", clip(key.value))).help(help);
}

impl<'a> Field<'a> {
    pub(super) fn at(&self) -> At {
        self.node.at()
    }

    fn found<T>(&self, value: T) -> Found<T> {
        Found { value, at: self.at() }
    }

    pub(super) fn wrong_type(&self, notes: &mut Notes, wanted: &str) {
        let found = describe(self.node.value.get_ref());
        notes.error(&self.at(), format!("`{}` must be {wanted}, found {found}", self.key));
    }

    pub(super) fn text(&self, notes: &mut Notes, wanted: &str) -> Option<Found<&'a str>> {
        if let DeValue::String(text) = self.node.value.get_ref() {
            return Some(self.found(text.as_ref()));
        }
        self.wrong_type(notes, wanted);
        None
    }

    pub(super) fn boolean(&self, notes: &mut Notes) -> Option<Found<bool>> {
        if let DeValue::Boolean(value) = self.node.value.get_ref() {
            return Some(self.found(*value));
        }
        self.wrong_type(notes, "true or false, without quotes");
        None
    }

    pub(super) fn count(&self, notes: &mut Notes) -> Option<Found<u32>> {
        let Form::Count(least, most) = self.form else { return None };
        let wanted = format!("a whole number from {least} to {most}");
        let DeValue::Integer(written) = self.node.value.get_ref() else {
            self.wrong_type(notes, &wanted);
            return None;
        };
        let value = i64::from_str_radix(written.as_str(), written.radix()).ok().and_then(|n| u32::try_from(n).ok());
        match value.filter(|value| (least..=most).contains(value)) {
            Some(value) => Some(self.found(value)),
            None => {
                self.wrong_type(notes, &wanted);
                None
            }
        }
    }

    pub(super) fn number(&self, notes: &mut Notes) -> Option<f64> {
        let Form::Number(least, most) = self.form else { return None };
        let written = match self.node.value.get_ref() {
            DeValue::Integer(written) if written.radix() == 10 => written.as_str(),
            DeValue::Float(written) => written.as_str(),
            _ => "",
        };
        let value = written.parse::<f64>().ok().filter(|value| (least..=most).contains(value));
        if value.is_none() {
            self.wrong_type(notes, &format!("a number from {least} to {most}"));
        }
        value
    }

    /// The elements of a list; `wanted` is how messages call it.
    pub(super) fn items(&self, wanted: &str, notes: &mut Notes) -> Option<&'a DeArray<'a>> {
        if let DeValue::Array(items) = self.node.value.get_ref() {
            return Some(items);
        }
        self.wrong_type(notes, wanted);
        None
    }

    /// A list of texts, each with something in it.
    pub(super) fn texts(&self, example: &str, notes: &mut Notes) -> Option<Found<Vec<String>>> {
        let Form::Texts(least) = self.form else { return None };
        let wanted = format!("a list of strings such as {example}");
        let items = self.items(&wanted, notes)?;
        let texts: Option<Vec<String>> = items
            .iter()
            .map(|item| item.get_ref().as_str().filter(|text| !text.is_empty()).map(str::to_owned))
            .collect();
        match texts.filter(|texts| texts.len() >= least) {
            Some(texts) => Some(self.found(texts)),
            None => {
                let help = format!("write {} = {example}", self.key);
                notes.error(&self.at(), format!("`{}` must be {wanted}, none of them empty", self.key)).help(help);
                None
            }
        }
    }

    /// Seed A28: nothing is guessed; `""`, a bare number, zero where it makes no sense and overflow are errors.
    pub(super) fn duration(&self, notes: &mut Notes) -> Option<Found<Duration>> {
        const WANTED: &str = "a duration such as \"90s\", \"15m\", \"1h30m\" or \"1d\"";
        let Form::Duration(bounds) = self.form else { return None };
        if let DeValue::Integer(number) = self.node.value.get_ref() {
            notes
                .error(&self.at(), format!("`{}` must be {WANTED}, found the integer {number}", self.key))
                .help(format!("say the unit and quote it: {} = \"{number}s\"", self.key));
            return None;
        }
        let text = self.text(notes, WANTED)?;
        let range = format!("from {} to {}", format_duration(bounds.least), format_duration(bounds.most));
        let reason = match parse_duration(text.value) {
            Ok(value) if (bounds.least..=bounds.most).contains(&value) => return Some(self.found(value)),
            Ok(_) => "is out of range".to_owned(),
            Err(DurationError::NoUnit) => format!("has no unit: write \"{}s\" for seconds", text.value),
            Err(error) => error.to_string(),
        };
        notes
            .error(&self.at(), format!("`{} = \"{}\"` {reason}", self.key, clip(text.value)))
            .help(format!("write {WANTED}, {range}"));
        None
    }

    pub(super) fn word<T: Copy>(&self, words: Words<T>, notes: &mut Notes) -> Option<Found<T>> {
        let accepted = keys::words(words);
        let text = self.text(notes, &format!("one of {}", list(&accepted)))?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(self.found(*value));
        }
        let near = nearest(text.value, &accepted).map_or(String::new(), |near| format!("did you mean `{near}`? "));
        notes
            .error(&self.at(), format!("`{} = \"{}\"` is not accepted", self.key, clip(text.value)))
            .help(format!("{near}accepted: {}", accepted.join(", ")));
        None
    }
}

/// A value as messages name it.
pub(super) fn describe(value: &DeValue) -> String {
    match value {
        DeValue::String(text) if text.is_empty() => "an empty string".to_owned(),
        DeValue::String(text) => format!("the string \"{}\"", clip(text)),
        DeValue::Integer(number) => format!("the integer {}", clip(&number.to_string())),
        DeValue::Float(number) => format!("the number {}", clip(&number.to_string())),
        DeValue::Boolean(value) => format!("`{value}`"),
        DeValue::Datetime(value) => format!("the date {value}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// A text short enough, and free of control characters, to stand in a message.
pub(super) fn clip(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String = text.chars().take(MOST).flat_map(escape).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

fn escape(c: char) -> Vec<char> {
    if c.is_control() { c.escape_default().collect() } else { vec![c] }
}

/// `a`, `b` or `c`, in backquotes.
pub(super) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
