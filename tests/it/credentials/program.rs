//! The program itself, in processes of its own.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::mpsc,
    task::JoinHandle,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// The program with this line, and nothing else in its environment.
pub(super) fn sexton(line: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sexton"));
    command.args(line).env_clear().envs(environment.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs it to its end.
pub(super) async fn output(mut command: Command) -> Output {
    tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap()
}

/// Both streams of something that ended.
pub(super) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A running sidecar.
pub(super) struct Sidecar {
    child: Child,
    pub(super) address: SocketAddr,
    reading: [JoinHandle<String>; 2],
}

impl Sidecar {
    /// Starts `sexton run` in `folder`, with its jobs.toml, on a port of its own; waits until it is up.
    pub(super) async fn start(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = sexton(&["run", "--listen", "127.0.0.1:0"], environment);
        let mut child =
            command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let (lines, mut heard) = mpsc::unbounded_channel();
        let reading = [
            tokio::spawn(collect(child.stdout.take().unwrap(), None)),
            tokio::spawn(collect(child.stderr.take().unwrap(), Some(lines))),
        ];
        let up = async {
            loop {
                let line = heard.recv().await.expect("it is up, and did not end");
                if let Some(address) = listening(&line) {
                    return address;
                }
            }
        };
        let address = tokio::time::timeout(PATIENCE, up).await.expect("it is up");
        Self { child, address, reading }
    }

    /// Asks it to stop; hands back all that it wrote.
    pub(super) async fn stop(mut self) -> String {
        let id = rustix::process::Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it stops").unwrap();
        let [out, err] = self.reading;
        let said = out.await.unwrap() + &err.await.unwrap();
        assert!(ended.success(), "{said}");
        said
    }
}

/// The address in the line that says that it is up.
fn listening(line: &str) -> Option<SocketAddr> {
    let line = line.contains("sexton is up").then_some(line)?;
    let address = line.split("127.0.0.1:").nth(1)?;
    let port: String = address.chars().take_while(char::is_ascii_digit).collect();
    format!("127.0.0.1:{port}").parse().ok()
}

async fn collect(stream: impl AsyncRead + Unpin, lines: Option<mpsc::UnboundedSender<String>>) -> String {
    let mut reader = BufReader::new(stream).lines();
    let mut all = String::new();
    while let Ok(Some(line)) = reader.next_line().await {
        all.push_str(&line);
        all.push('\n');
        if let Some(lines) = &lines {
            // Nobody listens any more once it is up.
            let _ = lines.send(line);
        }
    }
    all
}
