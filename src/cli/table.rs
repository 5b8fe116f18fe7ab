//! Tables for terminals.

use super::setting::Screen;

/// How a row is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Doubtful,
    Bad,
}

impl Tone {
    fn escape(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("\x1b[32m"),
            Self::Doubtful => Some("\x1b[33m"),
            Self::Bad => Some("\x1b[31m"),
        }
    }
}

/// Aligned columns under a head. A pipe gets no colours.
pub(super) fn table(head: &[&str], rows: impl Iterator<Item = (Tone, Vec<String>)>, screen: Screen) -> String {
    let head = (Tone::Plain, head.iter().map(|cell| (*cell).to_owned()).collect());
    let rows: Vec<(Tone, Vec<String>)> = std::iter::once(head).chain(rows).collect();
    let columns = rows.iter().map(|(_, row)| row.len()).max().unwrap_or_default();
    let width =
        |column: usize| rows.iter().filter_map(|(_, row)| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let colours = screen == (Screen::Terminal { color: true });
    let mut text = String::new();
    for (tone, row) in &rows {
        let line: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        match tone.escape().filter(|_| colours) {
            Some(escape) => text.push_str(&format!("{escape}{}\x1b[0m\n", line.trim_end())),
            None => text.push_str(&format!("{}\n", line.trim_end())),
        }
    }
    text
}
