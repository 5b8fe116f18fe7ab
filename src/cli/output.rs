//! Standard output, whose reader may have read enough.

use std::io::{self, ErrorKind, Write};

/// Standard output that remembers whether its reader is gone: in `sexton next | head` that is no failure.
pub(super) struct Output {
    inner: io::Stdout,
    reader_is_gone: bool,
}

impl Output {
    pub(super) fn standard() -> Self {
        Self { inner: io::stdout(), reader_is_gone: false }
    }

    pub(super) fn reader_is_gone(&self) -> bool {
        self.reader_is_gone
    }

    fn noted<T>(&mut self, written: io::Result<T>) -> io::Result<T> {
        self.reader_is_gone |= written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        written
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.noted(flushed)
    }
}
