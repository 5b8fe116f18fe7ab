//! Whatever the bytes, a load answers, and soon.

use proptest::prelude::*;
use sexton::job::{
    Severity, Source,
    edit::{self, Assignment},
    import::{agnes, crontab, vercel},
    render,
};

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

proptest! {
    /// An import answers with a file that passes a check, whatever it was given.
    #[test]
    fn what_is_imported_passes_a_check(lines in prop::collection::vec(prop::collection::vec(prop::sample::select(CRON), 0..12), 0..6)) {
        let text: String = lines.iter().map(|line| line.join(" ") + "\n").collect();
        let imported = crontab(&text, None);
        prop_assert!(load_text(&imported.text).is_ok(), "{text}\n{}", imported.text);
        if let Ok(imported) = agnes(&text, "http://app") {
            prop_assert!(load_text(&imported.text).is_ok(), "{text}\n{}", imported.text);
        }
        prop_assert!(vercel(&text, "http://app").is_err());
    }

    #[test]
    fn no_crontab_makes_an_import_panic(text in "\\PC*|(?s).{0,200}") {
        let imported = crontab(&format!("0 3 * * * curl {text}\n* * * * * wget {text}"), None);
        prop_assert!(load_text(&imported.text).is_ok(), "{text}\n{}", imported.text);
    }

    /// An edit of whatever text answers; when it makes one, that is TOML, and what was added can be taken out again.
    #[test]
    fn no_text_makes_an_edit_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40), name in "[a-z\"ä]{1,3}") {
        let text = pieces.concat();
        let change = [Assignment::parse("description=x").unwrap()];
        if let Ok(added) = edit::add(&text, &name, &change) {
            prop_assert!(edit::defines(&added, &name), "{added}");
            prop_assert!(edit::set(&added, &name, &change, &[]).is_ok(), "{added}");
            prop_assert!(!edit::defines(&edit::remove(&added, &name).unwrap(), &name), "{added}");
        }
        for edited in [edit::set(&text, "a", &change, &[]), edit::remove(&text, "a")].into_iter().flatten() {
            prop_assert!(edited.parse::<toml_edit::DocumentMut>().is_ok(), "{text}\n---\n{edited}");
        }
    }
}

/// What stands in crontabs, whole and broken.
const CRON: &[&str] = &[
    "0",
    "3",
    "*",
    "*/5",
    "@daily",
    "@reboot",
    "1-5",
    "mon",
    "L",
    "curl",
    "wget",
    "/usr/bin/curl",
    "root",
    "timeout",
    "60",
    "-X",
    "POST",
    "-fsS",
    "-H",
    "'X-Org: a'",
    "\"X-Key: $KEY\"",
    "'Authorization: Bearer x'",
    "-d",
    "'{\"a\":1}'",
    "a=1",
    "-m",
    "http://app/x",
    "https://[::1]:8/y?z",
    "app",
    "http://app/../..",
    "http://app/%2e%2e/",
    "http://app//x",
    "$URL",
    "$(",
    "`",
    "'",
    "\"",
    "|",
    "&&",
    ">",
    "2>&1",
    "%",
    "\\%",
    "\\",
    "#",
    "KEY=v",
    "MAILTO=",
    "CRON_TZ=Europe/Prague",
    "TZ=x",
    "ä",
    "\u{1}",
    "--json",
    "-G",
    "-u",
    "--url",
    "--",
    "-",
    "-o",
    "SCHEDULER_DATA_REFRESH_INTERVAL=60",
    "API_URL=http://a",
    "SCHEDULER_X=1",
];
