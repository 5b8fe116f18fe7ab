//! What a load has to say about the files: errors and warnings, each with its place and a way out.

use std::{collections::HashSet, error::Error, fmt, ops::Range};

use serde::Serialize;

use super::{
    attachment::Attachment,
    source::{Place, Source},
};

/// How bad a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The definitions cannot be used.
    Error,
    /// They can, but may not do what was meant.
    Warning,
}

/// One thing found in the definitions. Its `Display` is one line: `jobs.toml:12:5: error: …; help: …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong, with the offending text.
    pub message: String,
    /// What is allowed, and the likely fix.
    pub help: Option<String>,
    /// The other place involved: where a name was first defined.
    pub related: Option<Place>,
}

/// Definitions that cannot be used, and everything that was found in them.
#[derive(Debug, Clone)]
pub struct Report {
    /// Errors (at least one) and warnings, in the order of the files.
    pub findings: Vec<Finding>,
    /// The texts that the findings point into.
    pub sources: Vec<Source>,
    /// What they name beside them.
    pub attachments: Vec<Attachment>,
}

impl Finding {
    /// An error without help yet.
    #[must_use]
    pub fn error(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place, message: message.into(), help: None, related: None }
    }

    /// A warning without help yet.
    #[must_use]
    pub fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
    }

    /// Says what is allowed, or what to do.
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Points at the other place involved.
    pub(super) fn related(&mut self, place: Place) -> &mut Self {
        self.related = Some(place);
        self
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.severity, self.message)?;
        if let Some(related) = &self.related {
            write!(f, " (first at {related})")?;
        }
        match &self.help {
            Some(help) => write!(f, "; help: {help}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.findings.iter();
        lines.next().map_or(Ok(()), |first| write!(f, "{first}"))?;
        lines.try_for_each(|finding| write!(f, "\n{finding}"))
    }
}

impl Error for Report {}

/// A stretch of one of the files being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    pub(super) file: usize,
    pub(super) span: Range<usize>,
}

/// Collects findings while the files are walked.
pub(super) struct Notes<'a> {
    sources: &'a [Source],
    findings: Vec<Noted>,
    /// Lines with a syntax error; what the recovered text seems to say there is noise.
    broken: HashSet<(usize, usize)>,
}

struct Noted {
    at: At,
    of_syntax: bool,
    finding: Finding,
}

impl<'a> Notes<'a> {
    pub(super) fn new(sources: &'a [Source]) -> Self {
        Self { sources, findings: Vec::new(), broken: HashSet::new() }
    }

    /// The text of a stretch.
    pub(super) fn text(&self, at: &At) -> &'a str {
        self.sources[at.file].text().get(at.span.clone()).unwrap_or_default()
    }

    pub(super) fn place(&self, at: &At) -> Place {
        self.sources[at.file].place(at.span.clone())
    }

    pub(super) fn error(&mut self, at: &At, message: impl Into<String>) -> &mut Finding {
        self.push(at, Severity::Error, message.into(), false)
    }

    pub(super) fn warning(&mut self, at: &At, message: impl Into<String>) -> &mut Finding {
        self.push(at, Severity::Warning, message.into(), false)
    }

    /// An error of the file's syntax.
    pub(super) fn syntax(&mut self, at: &At, message: impl Into<String>) -> &mut Finding {
        self.broken.insert((at.file, self.line(at)));
        self.push(at, Severity::Error, message.into(), true)
    }

    /// The line that a stretch begins on.
    pub(super) fn line_text(&self, at: &At) -> &'a str {
        let (source, line) = (&self.sources[at.file], self.line(at));
        &source.text()[source.lines(line, line)]
    }

    /// Takes every line from here to the next table for broken.
    pub(super) fn distrust_until_next_header(&mut self, at: &At) {
        let source = &self.sources[at.file];
        let first = self.line(at);
        let next = (first + 1..source.line_count())
            .find(|line| source.text()[source.lines(*line, *line)].trim_start().starts_with('['));
        self.broken.extend((first..next.unwrap_or(source.line_count())).map(|line| (at.file, line)));
    }

    /// An error that something is not there. While a file has syntax errors nobody can say what is there, so it is kept
    /// back until those are mended.
    pub(super) fn absence(&mut self, at: &At, message: impl Into<String>) -> Option<&mut Finding> {
        if self.broken.is_empty() { Some(self.error(at, message)) } else { None }
    }

    fn push(&mut self, at: &At, severity: Severity, message: String, of_syntax: bool) -> &mut Finding {
        let finding = Finding { severity, place: self.place(at), message, help: None, related: None };
        let index = self.findings.len();
        self.findings.push(Noted { at: at.clone(), of_syntax, finding });
        &mut self.findings[index].finding
    }

    fn line(&self, at: &At) -> usize {
        self.sources[at.file].line_at(at.span.start)
    }

    /// Everything found, in the order of the files, once each: what `[defaults]` does wrong is found by every job. Of a
    /// line with a syntax error only the first of those is kept.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        let mut findings = std::mem::take(&mut self.findings);
        findings.sort_by_key(|noted| (noted.at.file, noted.at.span.start));
        let (mut seen, mut named) = (HashSet::new(), HashSet::new());
        findings.retain(|noted| {
            let line = (noted.at.file, self.line(&noted.at));
            let news = seen.insert((noted.at.file, noted.at.span.start, noted.finding.message.clone()));
            news && (!self.broken.contains(&line) || (noted.of_syntax && named.insert(line)))
        });
        findings.into_iter().map(|noted| noted.finding).collect()
    }
}
