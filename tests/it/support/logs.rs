//! What is logged while a test runs, on its own thread.

use std::{
    io::{self, Write},
    sync::{Arc, LazyLock, Mutex},
};

use tracing::{Dispatch, subscriber::DefaultGuard};
use tracing_subscriber::fmt::MakeWriter;

/// Captures until dropped. Works in single-threaded runtimes, where every task runs on the test's thread.
pub(crate) struct Logs {
    text: Sink,
    _guard: DefaultGuard,
}

/// A subscriber that hears nothing, because it is nobody's default, and wants everything. With a single one registered,
/// tracing asks only the thread that meets a line first whether anybody wants it, and that may be another test's.
static ATTENTIVE: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).finish()));

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Logs {
    pub(crate) fn capture() -> Self {
        LazyLock::force(&ATTENTIVE);
        let text = Sink::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(text.clone())
            .finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.text.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of a level, such as `WARN`.
    pub(crate) fn lines(&self, level: &str) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(&format!(" {level} "))).map(str::to_owned).collect()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Sink {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
