//! Whatever the bytes, a load answers, and soon.

use proptest::prelude::*;
use sexton::job::{Severity, Source, render};

use super::{APP, load_text};

/// Lines that stand next to each other in files, whole and broken.
const PIECES: &[&str] = &[
    "[sexton]\n",
    "[targets.app]\n",
    "[defaults]\n",
    "[jobs.a]\n",
    "[jobs.\"ä\"]\n",
    "[[jobs.a]]\n",
    "[jobs]\n",
    "[jobs.a.headers]\n",
    "schedule = ",
    "path = ",
    "timeout = ",
    "headers = ",
    "json = ",
    "expect = ",
    "dst = ",
    "base_url = ",
    "\"every 1h\"\n",
    "\"/a\"\n",
    "\"30s\"\n",
    "{ env = \"X\" }\n",
    "{ X-A = { env = \"X\", format = \"{}\" } }\n",
    "[\"2xx\", 204]\n",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'''",
    "\"\"\"",
    "\n",
    "\r\n",
    "\u{feff}",
    "🔔",
    "\0",
    "=",
    ".",
    "#",
    "1",
    "-0",
    "nan",
    "1979-05-27",
    "\\u0000",
    "true\n",
];

proptest! {
    #[test]
    fn no_text_makes_a_load_or_its_report_panic(text in "\\PC*|(?s).{0,200}") {
        answers(&text);
    }

    #[test]
    fn no_mixture_of_pieces_does_either(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        answers(&pieces.concat());
        answers(&format!("{APP}{}", pieces.concat()));
    }

    #[test]
    fn no_stretch_outside_the_text_makes_a_place_panic(text in "(?s).{0,30}", start in 0_usize..50, length in 0_usize..50) {
        let position = Source::new("x", text.clone()).place(start..start + length).position.unwrap();
        prop_assert!(position.line >= 1 && position.column >= 1 && position.end <= text.len());
    }
}

fn answers(text: &str) {
    if let Err(report) = load_text(text) {
        assert!(!report.to_string().is_empty());
        assert!(!render(&report.findings, &report.sources, true).is_empty());
    }
}

/// Ten thousand jobs, each with its errors: the places must not cost a walk through the whole text.
#[test]
fn ten_thousand_jobs_are_read_and_their_errors_placed() {
    let jobs: String =
        (0..10_000).map(|n| format!("[jobs.j{n}]\nschedule = \"every 1h\"\npath = \"/{n}\"\ntimout = 1\n")).collect();
    let report = load_text(&format!("{APP}{jobs}")).unwrap_err();
    let errors: Vec<_> = report.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert_eq!(errors.len(), 10_000);
    assert_eq!(errors[9_999].place.position.as_ref().unwrap().line, 40_002);
}
