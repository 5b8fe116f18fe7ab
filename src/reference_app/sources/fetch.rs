//! Getting a source's data.
//!
//! An address is an admin's word, so it may lead anywhere that the app can reach, machines of the inner network included.
//! What limits the harm: http and https only, redirects are not followed, proxies of the environment are ignored, and what
//! comes back goes into a table and never into an answer.

use std::{io, path::Path, time::Duration};

use reqwest::{Client, Response, StatusCode, header};
use tokio::{fs, io::AsyncReadExt};

use super::{
    origin::{Address, Origin},
    spool::{Snapshot, Spool, SpoolError},
};

/// How much of a file is read at once.
const CHUNK: usize = 64 * 1024;

/// What came of asking.
#[derive(Debug)]
pub(super) enum Fetched {
    /// The server says that it is what it was.
    Unchanged,
    /// A copy of it, and the server's name for this state of it.
    Copied(Snapshot, Option<String>),
}

/// Why there is no data. None of these holds an address or a path of this machine.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("there is no such file in the folder of sources")]
    Missing,
    #[error("the file is a link that leads out of the folder of sources")]
    Outside,
    #[error("it is no regular file")]
    Irregular,
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the server answered {0}")]
    Status(StatusCode),
    #[error("the server cannot be reached")]
    Unreachable,
    #[error("the answer broke off")]
    BrokeOff,
    #[error("it was not there within {} s", .0.as_secs_f32())]
    Late(Duration),
    /// The app's own trouble.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl FetchError {
    /// Whether it may be another time soon.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Missing | Self::Outside | Self::Irregular | Self::TooLarge(_) => false,
            Self::Unreachable | Self::BrokeOff | Self::Late(_) | Self::Io(_) => true,
            Self::Status(status) => {
                let now = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
                status.is_server_error() || now.contains(status)
            }
        }
    }
}

/// What bounds the getting.
#[derive(Debug)]
pub(super) struct Fetcher {
    pub(super) client: Client,
    /// Where files are.
    pub(super) folder: std::path::PathBuf,
    /// Of one source, from connecting to the last byte.
    pub(super) timeout: Duration,
    /// Of one source.
    pub(super) max_bytes: u64,
}

impl Fetcher {
    /// Copies the data into `spool`, unless the server knows `etag` for its present state.
    pub(super) async fn fetch(
        &self,
        origin: &Origin,
        etag: Option<&str>,
        spool: (&Path, &str),
    ) -> Result<Fetched, FetchError> {
        let fetching = async {
            match origin {
                Origin::File(path) => self.file(path, spool).await,
                Origin::Http(address) => self.http(address, etag, spool).await,
            }
        };
        tokio::time::timeout(self.timeout, fetching).await.unwrap_or(Err(FetchError::Late(self.timeout)))
    }

    async fn file(&self, path: &str, (folder, name): (&Path, &str)) -> Result<Fetched, FetchError> {
        let path = self.folder.join(path);
        let found = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FetchError::Missing,
            _ => error.into(),
        };
        let real = fs::canonicalize(&path).await.map_err(found)?;
        if !real.starts_with(fs::canonicalize(&self.folder).await?) {
            return Err(FetchError::Outside);
        }
        // Opening a pipe would wait for whoever writes into it.
        if !fs::metadata(&real).await.map_err(found)?.is_file() {
            return Err(FetchError::Irregular);
        }
        let mut file = fs::File::open(&real).await.map_err(found)?;
        let mut spool = Spool::new(folder, name, self.max_bytes).await?;
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk).await? {
                0 => return Ok(Fetched::Copied(spool.finish().await?, None)),
                read => spool.write(&chunk[..read]).await?,
            }
        }
    }

    async fn http(
        &self,
        address: &Address,
        etag: Option<&str>,
        (folder, name): (&Path, &str),
    ) -> Result<Fetched, FetchError> {
        let mut request = self.client.get(address.url().clone());
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let mut response = request.send().await.map_err(|error| {
            tracing::warn!(error = %error.without_url(), "a source cannot be fetched");
            FetchError::Unreachable
        })?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if etag.is_some() => return Ok(Fetched::Unchanged),
            status => return Err(FetchError::Status(status)),
        }
        let etag = etag_of(&response);
        let mut spool = Spool::new(folder, name, self.max_bytes).await?;
        loop {
            let chunk = response.chunk().await.map_err(|error| {
                tracing::warn!(error = %error.without_url(), "a source broke off");
                FetchError::BrokeOff
            })?;
            match chunk {
                Some(chunk) => spool.write(&chunk).await?,
                None => return Ok(Fetched::Copied(spool.finish().await?, etag)),
            }
        }
    }
}

/// The server's name for this state of the data, when it is one that can be sent back.
fn etag_of(response: &Response) -> Option<String> {
    let value = response.headers().get(header::ETAG)?.to_str().ok()?;
    (value.len() <= 500).then(|| value.to_owned())
}

impl From<SpoolError> for FetchError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::TooLarge(limit) => Self::TooLarge(limit),
            SpoolError::Io(error) => error.into(),
        }
    }
}
