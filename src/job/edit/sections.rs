//! Where the tables of a text begin and end, comments included.

use std::ops::Range;

use toml_edit::{Document, Item, Table};

/// The headers `[…]` of a text, in order, with where their last value ends.
pub(super) struct Outline<'a> {
    text: &'a str,
    sections: Vec<Section>,
}

struct Section {
    path: Vec<String>,
    /// The first byte of the header's line.
    start: usize,
    /// The byte after the line of its last value, or of its header when it has none.
    end: usize,
}

impl<'a> Outline<'a> {
    pub(super) fn of(document: &Document<&str>, text: &'a str) -> Self {
        let mut outline = Self { text, sections: Vec::new() };
        outline.visit(document.as_table(), &mut Vec::new());
        outline.sections.sort_by_key(|section| section.start);
        outline
    }

    fn visit(&mut self, table: &Table, path: &mut Vec<String>) {
        if let Some(header) = table.span().filter(|header| !header.is_empty() && !table.is_implicit()) {
            let end = last_value(table).unwrap_or(header.end).max(header.end);
            let (start, end) = (self.line_start(header.start), self.line_end(end));
            self.sections.push(Section { path: path.clone(), start, end });
        }
        for (key, item) in table {
            path.push(key.to_owned());
            match item {
                Item::Table(inner) => self.visit(inner, path),
                Item::ArrayOfTables(inner) => inner.iter().for_each(|one| self.visit(one, path)),
                _ => {}
            }
            path.pop();
        }
    }

    /// Behind the last job and the comments directly below it; the end of the text when there is none.
    pub(super) fn end_of_jobs(&self) -> usize {
        let last = self.sections.iter().rposition(|section| section.path.first().is_some_and(|key| key == "jobs"));
        last.map_or(self.text.len(), |index| self.with_comments(index).end)
    }

    /// The stretches of text that make up a job: its table, those within it, their comments and the blank lines that
    /// would be left over.
    pub(super) fn stretches_of_job(&self, name: &str) -> Vec<Range<usize>> {
        let of_job =
            |section: &Section| section.path.len() >= 2 && section.path[0] == "jobs" && section.path[1] == name;
        let mut stretches: Vec<Range<usize>> = Vec::new();
        for index in (0..self.sections.len()).filter(|index| of_job(&self.sections[*index])) {
            let stretch = self.with_comments(index);
            match stretches.last_mut() {
                Some(last) if self.text[last.end..stretch.start].trim().is_empty() => last.end = stretch.end,
                _ => stretches.push(stretch),
            }
        }
        stretches.into_iter().map(|stretch| self.with_blanks(stretch)).collect()
    }

    /// A section with the comment lines directly above and below it. Lines between two headers with no blank line among
    /// them belong to the lower one; a line `#:…` speaks to editors about the whole file.
    fn with_comments(&self, index: usize) -> Range<usize> {
        let Section { start, end, .. } = self.sections[index];
        let floor = index.checked_sub(1).map_or(0, |above| self.sections[above].end);
        let mut first = start;
        while first > floor {
            let above = self.line_start(first - 1);
            if above < floor || !is_comment(&self.text[above..first]) {
                break;
            }
            first = above;
        }
        let below = &self.text[end..];
        let comments = below.split_inclusive('\n').take_while(|line| is_comment(line)).map(str::len).sum::<usize>();
        let next = self.sections.get(index + 1).map(|section| section.start);
        let after = if next == Some(end + comments) { end } else { end + comments };
        first..after
    }

    /// Takes the blank lines behind a stretch along when there are some (or nothing) before it.
    fn with_blanks(&self, stretch: Range<usize>) -> Range<usize> {
        let before = &self.text[..stretch.start];
        let parted = before.is_empty() || before.ends_with("\n\n") || before.ends_with("\n\r\n");
        let after = &self.text[stretch.end..];
        if after.trim().is_empty() && parted {
            let kept = before.trim_end_matches(['\r', '\n']).len();
            let line_end = if kept == 0 { 0 } else { self.line_end(kept) };
            return line_end..self.text.len();
        }
        let blanks = after.split_inclusive('\n').take_while(|line| line.trim().is_empty()).map(str::len).sum::<usize>();
        stretch.start..stretch.end + if parted { blanks } else { 0 }
    }

    fn line_start(&self, byte: usize) -> usize {
        self.text[..byte].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line_end(&self, byte: usize) -> usize {
        self.text[byte..].find('\n').map_or(self.text.len(), |newline| byte + newline + 1)
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') && !line.starts_with("#:")
}

/// Where the last value of a table ends, those of its dotted keys included.
fn last_value(table: &Table) -> Option<usize> {
    table
        .iter()
        .filter_map(|(_, item)| match item {
            Item::Value(value) => value.span().map(|span| span.end),
            Item::Table(inner) if inner.is_dotted() => last_value(inner),
            _ => None,
        })
        .max()
}
