//! Findings for a terminal: the lines of the file, underlined.

use std::fmt::{self, Write};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};

use super::{
    finding::{Finding, Severity},
    source::{Place, Position, Source},
};

/// Writes findings for people at a terminal, with the lines they are about.
#[must_use]
pub fn render(findings: &[Finding], sources: &[Source], color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
    let mut text = String::new();
    for finding in findings {
        let shown = Shown { finding, source: source_of(&finding.place, sources) };
        if handler.render_report(&mut text, &shown).is_err() {
            let _ = writeln!(text, "{finding}");
        }
    }
    text
}

fn source_of<'a>(place: &Place, sources: &'a [Source]) -> Option<&'a Source> {
    place.position.as_ref()?;
    sources.iter().find(|source| *source.name() == place.file)
}

/// A finding as miette shows it.
#[derive(Debug)]
struct Shown<'a> {
    finding: &'a Finding,
    source: Option<&'a Source>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some(_) => f.write_str(&self.finding.message),
            None => write!(f, "{}: {}", self.finding.place, self.finding.message),
        }
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let related = self.finding.related.as_ref().map(|place| format!("first at {place}"));
        let parts: Vec<&str> = related.iter().chain(&self.finding.help).map(String::as_str).collect();
        (!parts.is_empty()).then(|| Box::new(parts.join("; ")) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Position { start, end, .. } = self.finding.place.position.as_ref()?;
        let label = LabeledSpan::new_with_span(Some("here".to_owned()), (*start, end - start));
        Some(Box::new(std::iter::once(label)))
    }
}

/// Reads by the index of lines, so that ten thousand findings in one file cost no more than their own lines.
impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let end = span.offset() + span.len();
        if end > self.text().len() {
            return Err(MietteError::OutOfBounds);
        }
        let first = self.line_at(span.offset()).saturating_sub(before);
        let stretch = self.lines(first, self.line_at(end) + after);
        let column = 0;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name().to_string(),
            &self.text().as_bytes()[stretch.clone()],
            SourceSpan::from(stretch.clone()),
            first,
            column,
            stretch.len(),
        )))
    }
}
