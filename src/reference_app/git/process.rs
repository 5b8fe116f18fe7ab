//! One process, bounded in what it may say, and dead with all its children when nobody waits for it any more.

use std::{io, process::Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

/// How much of each stream is kept. The rest is read and forgotten, or the process would wait for a reader.
const KEPT: usize = 64 * 1024;

/// What a process left.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) success: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Runs `command` to its end. When this future is dropped, by a time limit or a shutdown, the whole process group is
/// killed: `git` leaves the network to children of its own.
pub(super) async fn run(mut command: Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
    let mut group = Group::of(&child);
    let (stdout, stderr) = tokio::try_join!(kept(child.stdout.take()), kept(child.stderr.take()))?;
    let status = child.wait().await?;
    group.leader_ended();
    Ok(Output { success: status.success(), stdout, stderr })
}

/// A process group to be killed.
struct Group(Option<Pid>);

impl Group {
    /// The child leads a group of its own, whose id is the child's.
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// From now on the id may be another's.
    fn leader_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::warn!(%error, "a git process could not be killed");
        }
    }
}

async fn kept(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let Some(mut stream) = stream else { return Ok(kept) };
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(kept);
        }
        let room = KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..read.min(room)]);
    }
}
