//! The `git` command, run without a shell, without questions, and without what it does not need to know.

mod address;
mod process;
mod repository;

use std::{
    ffi::{OsStr, OsString},
    io,
    path::Path,
};

use base64ct::{Base64, Encoding};
use tokio::process::Command;

pub(super) use self::{
    address::{Address, AddressError},
    repository::{Repository, Synced},
};

/// Settings of every call. Only three transports, or an address could run a program (`ext::sh -c …`); no hooks; tidying up
/// within the call, or it would escape the time limit.
const SETTINGS: [&str; 7] = [
    "protocol.allow=never",
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
    "protocol.file.allow=always",
    "core.hooksPath=/dev/null",
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
];

/// Calls `git`.
#[derive(Debug, Clone)]
pub(super) struct Git {
    environment: Vec<(OsString, OsString)>,
}

/// Why a call of `git` came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitError {
    /// It cannot be run at all.
    #[error("`git` cannot be run: {0}; is it installed?")]
    Run(io::Error),
    /// The copy cannot be moved or removed.
    #[error("the copy cannot be changed: {0}")]
    Copy(#[from] io::Error),
    /// It ran, and said this.
    #[error("{0}")]
    Said(String),
}

impl Git {
    /// It runs in `environment` and nothing else.
    pub(super) fn new(environment: Vec<(OsString, OsString)>) -> Self {
        Self { environment }
    }

    /// Calls `git ARGUMENTS` on the repository at `folder`; hands back what it wrote to its standard output.
    async fn call<A: AsRef<OsStr>>(
        &self,
        folder: &Path,
        address: &Address,
        arguments: &[A],
    ) -> Result<String, GitError> {
        let output = process::run(self.command(folder, address, arguments)).await.map_err(GitError::Run)?;
        if output.success {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let folder = folder.parent().unwrap_or(folder).to_string_lossy();
        Err(GitError::Said(reason(&address.redact(&said).replace(&*folder, ""))))
    }

    fn command<A: AsRef<OsStr>>(&self, folder: &Path, address: &Address, arguments: &[A]) -> Command {
        let mut command = Command::new("git");
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_CONFIG_NOSYSTEM", "1");
        // git hands this to a shell, and the address to ssh as arguments of their own: nothing of it is in this text.
        command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=20");
        for (name, value) in credential_settings(address) {
            command.env(name, value);
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.arg("--git-dir").arg(folder).args(arguments);
        command
    }
}

/// A credential travels in the environment, where other users cannot read it as they can the command line, and is not
/// sent on when the server redirects elsewhere.
fn credential_settings(address: &Address) -> Vec<(String, String)> {
    let Some(login) = address.login() else { return Vec::new() };
    let basic = Base64::encode_string(login.expose().as_bytes());
    let settings =
        [("http.extraHeader", format!("Authorization: Basic {basic}")), ("http.followRedirects", "false".to_owned())];
    let mut variables = vec![("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string())];
    for (number, (key, value)) in settings.into_iter().enumerate() {
        variables.push((format!("GIT_CONFIG_KEY_{number}"), key.to_owned()));
        variables.push((format!("GIT_CONFIG_VALUE_{number}"), value));
    }
    variables
}

/// The line of git's output that says why, on one short line.
fn reason(said: &str) -> String {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let line =
        lines().find(|line| line.starts_with("fatal:") || line.starts_with("error:")).or_else(|| lines().next_back());
    let printable = line.unwrap_or("git failed without a word").chars().filter(|c| !c.is_control());
    printable.take(300).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use std::path::Path;

    use super::{Address, Git, reason};

    /// Guarantee G5: neither the command line nor what is shown of the address holds the credential.
    #[test]
    fn a_credential_is_never_an_argument() {
        let address: Address = "https://ada:s%40sam@example.org/r.git".parse().unwrap();
        let command =
            Git::new(Vec::new()).command(Path::new("/data/r.git"), &address, &["fetch", "--", address.for_git()]);
        let arguments: Vec<_> = command.as_std().get_args().map(|argument| argument.to_string_lossy()).collect();
        assert_eq!(arguments.last().unwrap(), "https://example.org/r.git");
        assert!(arguments.iter().all(|argument| !argument.contains("sam")), "{arguments:?}");
        let basic = command.as_std().get_envs().find(|(name, _)| *name == "GIT_CONFIG_VALUE_0").unwrap().1.unwrap();
        assert_eq!(basic, "Authorization: Basic YWRhOnNAc2Ft");
    }

    #[test]
    fn the_reason_is_one_printable_line() {
        assert_eq!(reason("hint: x\nfatal: no \x1b[31msuch\nhint: y\n"), "fatal: no [31msuch");
        assert_eq!(reason("\n"), "git failed without a word");
    }
}
