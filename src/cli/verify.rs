//! `sexton verify`: proves the ledger's accounting.

use std::{collections::BTreeMap, io::Write, process::ExitCode};

use chrono::{DateTime, Utc};
use miette::IntoDiagnostic;
use serde_json::{Value, json};

use super::{
    argument,
    firing::{instant, utc},
    ledger::Ledger,
    setting::Screen,
    table::{Tone, table},
};
use crate::{
    config::Environment,
    store::{RunStore, StoreError},
    verify::{Finding, Open, Verdict, verify},
};

/// So many findings of a kind, and so many open runs, are written out for people; the others are counted.
const SHOWN: usize = 20;

/// Prove that every occurrence is accounted for exactly once
///
/// From the ledger alone, which keeps what schedule each job had and when: every occurrence that was demanded, from the
/// oldest instant kept to the last sign of life of the sidecar, must have exactly one row, whatever its outcome, and no row
/// may stand for an instant that was never demanded. A run that is not over, or unknown and not settled, accounts for its
/// occurrence: it is listed and is no error.
///
/// Reads the ledger beside a running sidecar or without one; it changes nothing. Exit code 1 when something is wrong, or when
/// the ledger cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "What may be wrong:\n  \
    missing     occurrences that no row accounts for\n  \
    doubled     occurrences that several rows account for\n  \
    invented    a row for an instant that no schedule of its job demanded\n  \
    miscounted  a row for several occurrences that counts more or fewer than there are\n  \
    unreadable  a schedule in the ledger that this build does not know\n\n\
    Examples:\n  sexton verify --store sqlite://sexton.db\n  \
    sexton verify --to 2026-03-29T12:00:00Z    also what a stopped sidecar has let pass since\n  \
    sexton verify --json | jq -s last")]
pub(super) struct Args {
    #[command(flatten)]
    ledger: Ledger,
    /// Go on to this instant (RFC 3339) where it is later than the last sign of life
    #[arg(long, value_name = "INSTANT", value_parser = argument::instant)]
    to: Option<DateTime<Utc>>,
    /// One JSON object a line: each finding, each open run, and the summary last
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    environment: &Environment,
    screen: Screen,
    out: &mut dyn Write,
) -> miette::Result<ExitCode> {
    let verdicts = args.ledger.read(environment, async |store| verdicts(store, args.to).await)?;
    let summary = Summary::of(&verdicts);
    if args.json {
        for line in lines(&verdicts).chain([summary.json()]) {
            writeln!(out, "{line}").into_diagnostic()?;
        }
    } else {
        writeln!(out, "{}{}{}", findings_table(&verdicts, screen), open_table(&verdicts, screen), summary.sentence())
            .into_diagnostic()?;
    }
    Ok(if summary.is_fine() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One job's evidence at a time: the rows of all of them may not fit.
async fn verdicts(store: &dyn RunStore, to: Option<DateTime<Utc>>) -> Result<Vec<Verdict>, StoreError> {
    let mut verdicts = Vec::new();
    for cursor in store.cursors().await? {
        verdicts.extend(store.evidence(cursor.job).await?.map(|evidence| verify(&evidence, to)));
    }
    Ok(verdicts)
}

/// What all jobs come to.
struct Summary {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    jobs: usize,
    occurrences: u64,
    open: usize,
    /// How many things are wrong, by kind.
    wrong: BTreeMap<&'static str, u64>,
}

impl Summary {
    fn of(verdicts: &[Verdict]) -> Self {
        let mut wrong = BTreeMap::new();
        for finding in verdicts.iter().flat_map(|verdict| &verdict.findings) {
            *wrong.entry(finding.kind()).or_default() += finding.count();
        }
        let fired = verdicts.iter().filter(|verdict| verdict.from.is_some());
        Self {
            from: verdicts.iter().filter_map(|verdict| verdict.from).min(),
            to: fired.map(|verdict| verdict.to).max(),
            jobs: verdicts.len(),
            occurrences: verdicts.iter().map(|verdict| verdict.occurrences).sum(),
            open: verdicts.iter().map(|verdict| verdict.open.len()).sum(),
            wrong,
        }
    }

    fn is_fine(&self) -> bool {
        self.wrong.is_empty()
    }

    fn sentence(&self) -> String {
        let (Some(from), Some(to)) = (self.from, self.to) else {
            return format!("{}: nothing was demanded yet", counted(self.jobs, "job"));
        };
        let covered = format!(
            "{} to {}: {}, {}",
            instant(from),
            instant(to),
            counted(self.jobs, "job"),
            counted(self.occurrences, "occurrence")
        );
        if self.is_fine() {
            return format!("{covered}, each accounted for by exactly one row, and no row invented");
        }
        let wrong: Vec<String> = self.wrong.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        format!("{covered}: {}", wrong.join(", "))
    }

    fn json(&self) -> Value {
        json!({
            "kind": "summary",
            "ok": self.is_fine(),
            "from": self.from.map(utc),
            "to": self.to.map(utc),
            "jobs": self.jobs,
            "occurrences": self.occurrences,
            "open": self.open,
            "wrong": self.wrong,
        })
    }
}

fn counted<N: Copy + PartialEq + From<u8> + std::fmt::Display>(count: N, what: &str) -> String {
    if count == N::from(1) { format!("{count} {what}") } else { format!("{count} {what}s") }
}

fn lines(verdicts: &[Verdict]) -> impl Iterator<Item = Value> {
    verdicts.iter().flat_map(|verdict| {
        let findings = verdict.findings.iter().map(|finding| finding_json(verdict, finding));
        findings.chain(verdict.open.iter().map(|open| {
            let (run, at) = (open.run.to_string(), utc(open.at));
            json!({ "kind": "open", "job": verdict.job.as_str(), "scheduled_for": at, "run": run, "state": open.state.as_str() })
        }))
    })
}

fn finding_json(verdict: &Verdict, finding: &Finding) -> Value {
    json!({
        "kind": finding.kind(),
        "job": verdict.job.as_str(),
        "scheduled_for": utc(finding.at()),
        "through": utc(finding.through()),
        "count": finding.count(),
        "what": what(finding),
    })
}

fn findings_table(verdicts: &[Verdict], screen: Screen) -> String {
    let mut shown: BTreeMap<&'static str, usize> = BTreeMap::new();
    let all = verdicts.iter().flat_map(|verdict| verdict.findings.iter().map(move |finding| (verdict, finding)));
    let mut rows = Vec::new();
    for (verdict, finding) in all {
        let of_kind = shown.entry(finding.kind()).or_default();
        *of_kind += 1;
        if *of_kind <= SHOWN {
            let cells = vec![finding.kind().to_owned(), verdict.job.to_string(), instant(finding.at()), what(finding)];
            rows.push((Tone::Bad, cells));
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let rest: String = shown
        .iter()
        .filter(|(_, found)| **found > SHOWN)
        .map(|(kind, found)| format!("and {} more like these: {kind}; --json writes all\n", found - SHOWN))
        .collect();
    format!("{}{rest}\n", table(&["WRONG", "JOB", "SCHEDULED FOR", "WHAT"], rows.into_iter(), screen))
}

fn what(finding: &Finding) -> String {
    match finding {
        Finding::Missing { count: 1, .. } => "no row accounts for it".to_owned(),
        Finding::Missing { last, count, .. } => {
            format!("no row accounts for these {count}, through {}", instant(*last))
        }
        Finding::Doubled { count: 1, rows: [one, other], .. } => format!("two rows account for it: {one} and {other}"),
        Finding::Doubled { last, count, rows: [one, other], .. } => {
            format!("two rows account for these {count}, through {}: {one} and {other}", instant(*last))
        }
        Finding::Invented { run, .. } => format!("no schedule demanded it, and run {run} stands for it"),
        Finding::Miscounted { run, last, counted, demanded, .. } => {
            format!("run {run} counts {counted} through {}, and there are {demanded}", instant(*last))
        }
        Finding::Unreadable { schedule, .. } => {
            format!("the schedule in force since then cannot be read: `{schedule}`")
        }
    }
}

fn open_table(verdicts: &[Verdict], screen: Screen) -> String {
    let all: Vec<(&Verdict, &Open)> =
        verdicts.iter().flat_map(|verdict| verdict.open.iter().map(move |open| (verdict, open))).collect();
    if all.is_empty() {
        return String::new();
    }
    let rows = all.iter().take(SHOWN).map(|(verdict, open)| {
        let cells = vec![open.state.to_string(), verdict.job.to_string(), instant(open.at), open.run.to_string()];
        (Tone::Doubtful, cells)
    });
    let rest = match all.len().checked_sub(SHOWN) {
        Some(rest @ 1..) => format!("and {rest} more that are not over\n"),
        _ => String::new(),
    };
    format!("{}{rest}\n", table(&["NOT OVER", "JOB", "SCHEDULED FOR", "RUN"], rows, screen))
}
