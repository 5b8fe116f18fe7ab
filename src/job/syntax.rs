//! From text to a tree with places; what is no TOML is noted, and the rest is read all the same.

use std::{collections::HashMap, ops::Range};

use toml::de::{DeTable, Error};

use super::{
    finding::{At, Notes},
    reader::clip,
    source::Source,
};

/// Parses one file and notes every error of its syntax.
pub(super) fn parse<'a>(file: usize, source: &'a Source, notes: &mut Notes) -> DeTable<'a> {
    let (tree, errors) = DeTable::parse_recoverable(source.text());
    let (duplicates, others): (Vec<Error>, Vec<Error>) =
        errors.into_iter().partition(|error| error.message() == "duplicate key");
    let outline = if duplicates.is_empty() && others.is_empty() { Outline::default() } else { Outline::of(source) };
    for error in others {
        not_toml(&At { file, span: error.span().unwrap_or(0..0) }, error.message(), &outline, notes);
    }
    let mut repeated = 0..0;
    for span in duplicates.iter().filter_map(Error::span) {
        // The keys of a table that is there twice are its consequence.
        if repeated.contains(&span.start) {
            continue;
        }
        if outline.header_at(span.start).is_some() {
            repeated = outline.section_around(span.start, source);
        }
        let first = outline.first(&span, source).map(|first| notes.place(&At { file, span: first }));
        let finding = notes.error(
            &At { file, span: span.clone() },
            format!("`{}` is defined twice", clip(source.text().get(span).unwrap_or_default())),
        );
        finding.help("take one of the two out, or give it another name");
        if let Some(first) = first {
            finding.related(first);
        }
    }
    tree.into_inner()
}

fn not_toml(at: &At, message: &str, outline: &Outline, notes: &mut Notes) {
    let offending = notes.text(at);
    let said = message.strip_suffix(", expected literal string").unwrap_or(message);
    if said == "string values must be quoted" && offending.trim().is_empty() {
        notes.syntax(at, "there is no value here").help("write one, or take the key out");
    } else if said == "string values must be quoted" {
        let help = "put text in double quotes; numbers, true and false stand without";
        notes.syntax(at, format!("`{}` is no TOML: {said}", clip(offending))).help(help);
    } else {
        notes.syntax(at, format!("this is no TOML: {said}"));
    }
    if outline.header_at(at.span.start).is_some() || notes.line_text(at).trim_start().starts_with('[') {
        // Whose keys the following ones are, nobody can say.
        notes.distrust_until_next_header(at);
    }
}

/// The lines `[table]` of a file.
#[derive(Default)]
struct Outline {
    /// Each header's place, in order.
    headers: Vec<Range<usize>>,
    /// The first header of each text, without blanks and quotes.
    firsts: HashMap<String, Range<usize>>,
}

impl Outline {
    fn of(source: &Source) -> Self {
        let mut outline = Self::default();
        let mut start = 0;
        for line in source.text().split_inclusive('\n') {
            let header = line.trim_start();
            if let Some(end) = header.strip_prefix('[').and_then(|inner| inner.find(']')) {
                let open = start + line.len() - header.len();
                let place = open..open + end + 2;
                outline.firsts.entry(plain(&header[1..=end])).or_insert_with(|| place.clone());
                outline.headers.push(place);
            }
            start += line.len();
        }
        outline
    }

    fn header_at(&self, byte: usize) -> Option<&Range<usize>> {
        let after = self.headers.partition_point(|header| header.start <= byte);
        self.headers[..after].last().filter(|header| header.contains(&byte))
    }

    /// From the header before a byte to the next one.
    fn section_around(&self, byte: usize, source: &Source) -> Range<usize> {
        let after = self.headers.partition_point(|header| header.start <= byte);
        let start = self.headers[..after].last().map_or(0, |header| header.end);
        let end = self.headers.get(after).map_or(source.text().len(), |header| header.start);
        start..end
    }

    /// Where a key or table that is there again stood first, as far as the lines tell.
    fn first(&self, again: &Range<usize>, source: &Source) -> Option<Range<usize>> {
        if let Some(header) = self.header_at(again.start) {
            let text = source.text().get(header.start + 1..header.end - 1)?;
            return self.firsts.get(&plain(text)).filter(|first| first.end <= again.start).cloned();
        }
        let section = self.section_around(again.start, source);
        let key = source.text().get(again.clone())?;
        let mut start = section.start;
        source.text().get(section.start..again.start)?.split_inclusive('\n').find_map(|line| {
            let written = line.trim_start();
            let place = start + line.len() - written.len();
            start += line.len();
            let rest = written.strip_prefix(key)?;
            rest.trim_start().starts_with(['=', '.']).then(|| place..place + key.len())
        })
    }
}

fn plain(header: &str) -> String {
    header.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect()
}
