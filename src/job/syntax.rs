//! From text to a tree with places; what is no TOML is noted, and the rest is read all the same.

use std::collections::HashMap;

use toml::de::DeTable;

use super::{
    finding::{At, Notes},
    source::Source,
};

/// Parses one file and notes every error of its syntax.
pub(super) fn parse<'a>(file: usize, source: &'a Source, notes: &mut Notes) -> DeTable<'a> {
    let (tree, errors) = DeTable::parse_recoverable(source.text());
    let mut headers = None;
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let at = At { file, span };
        if error.message() != "duplicate key" {
            notes.syntax(&at, format!("this is no TOML: {}", error.message()));
            continue;
        }
        let headers = headers.get_or_insert_with(|| table_headers(source.text()));
        let first = first_header(headers, source, at.span.start).map(|span| notes.place(&At { file, span }));
        let key = notes.text(&at).to_owned();
        let finding = notes.error(&at, format!("`{key}` is defined twice"));
        finding.help("take one of the two out, or give it another name");
        if let Some(first) = first {
            finding.related(first);
        }
    }
    tree.into_inner()
}

/// The places of each line `[table]`, by its text without blanks and quotes.
fn table_headers(text: &str) -> HashMap<String, Vec<std::ops::Range<usize>>> {
    let mut headers: HashMap<String, Vec<_>> = HashMap::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let header = line.trim_start();
        if let Some(end) = header.strip_prefix('[').and_then(|inner| inner.find(']')) {
            let open = start + line.len() - header.len();
            headers.entry(plain(&header[1..=end])).or_default().push(open..open + end + 2);
        }
        start += line.len();
    }
    headers
}

fn plain(header: &str) -> String {
    header.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect()
}

/// Where the table whose second header holds the byte `at` was opened first; `None` when that line is no header.
fn first_header(
    headers: &HashMap<String, Vec<std::ops::Range<usize>>>,
    source: &Source,
    at: usize,
) -> Option<std::ops::Range<usize>> {
    let line = source.line_at(at);
    let text = source.text().get(source.lines(line, line))?.trim_start();
    let end = text.strip_prefix('[')?.find(']')?;
    let first = headers.get(&plain(&text[1..=end]))?.first()?;
    (first.end <= at).then(|| first.clone())
}
