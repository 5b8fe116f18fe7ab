//! The definitions in force, and what became of the newest edit.

use super::{Finding, Loaded, Report, Severity};

/// The definitions in force, and what became of the newest edit.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Counts up with each set of definitions taken into force by this process, from 1.
    pub generation: u64,
    /// What is in force.
    pub loaded: Loaded,
    /// Why the newest edit is not in force (guarantee G6); `None` when it is.
    pub rejected: Option<Report>,
}

impl InForce {
    /// The first definitions of a process.
    #[must_use]
    pub fn first(loaded: Loaded) -> Self {
        Self { generation: 1, loaded, rejected: None }
    }

    /// Takes an edit into force, or keeps what is when it cannot be used. Whether the definitions changed.
    pub fn take(&mut self, edit: Result<Loaded, Report>) -> bool {
        match edit {
            Ok(loaded) => {
                self.rejected = None;
                let changed = loaded.fingerprint != self.loaded.fingerprint;
                self.generation += u64::from(changed);
                self.loaded = loaded;
                changed
            }
            Err(report) => {
                self.rejected = Some(report);
                false
            }
        }
    }

    /// The errors of the newest edit.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.rejected.iter().flat_map(|report| &report.findings);
        findings.filter(|finding| finding.severity == Severity::Error)
    }
}
