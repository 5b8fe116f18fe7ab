//! Programs run to their end, and states waited for that nobody signals.

use std::{
    fmt,
    process::{Command, Output, Stdio},
    time::Duration,
};

/// How a program ended.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    command: String,
}

/// Runs `command` to its end; a test that is given up takes it along.
pub(crate) async fn run(command: Command) -> Done {
    let words = format!("{command:?}");
    let mut command = tokio::process::Command::from(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let Output { status, stdout, stderr } = command.output().await.unwrap_or_else(|error| panic!("{words}: {error}"));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Done { code: status.code(), stdout: text(stdout), stderr: text(stderr), command: words }
}

impl Done {
    /// What it wrote to its standard output, when it ended well.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{self}");
        self.stdout
    }

    /// Everything it wrote.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr, command } = self;
        write!(f, "{command} ended with {code:?}\n{stdout}\n{stderr}")
    }
}

/// Looks until `look` finds something. Other programs send no signal that could be waited for.
pub(crate) async fn eventually<T>(what: &str, patience: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let found = tokio::time::timeout(patience, found).await;
    found.unwrap_or_else(|_| panic!("not within {patience:?}: {what}"))
}
