//! Where the sidecar listens: TCP addresses and unix sockets.

use std::{
    fmt,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::PathBuf,
    str::FromStr,
};

use axum::Router;
use tokio::{
    net::{TcpListener, UnixListener},
    sync::watch,
};

/// One place to listen at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `127.0.0.1:7070`; port 0 takes a free one.
    Tcp(SocketAddr),
    /// `unix:PATH`; only its owner can open it (0600).
    Unix(PathBuf),
}

/// A text that is no place to listen at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address to listen at: write IP:PORT, for example 127.0.0.1:7070 or [::]:7070, or unix:PATH")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Ok(Self::Unix(path.into())),
            Some(_) => Err(AddressError(text.to_owned())),
            None => text.parse().map(Self::Tcp).ok().ok_or_else(|| AddressError(text.to_owned())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An open listener.
#[derive(Debug)]
pub enum Listener {
    /// On a TCP address.
    Tcp(TcpListener),
    /// On a unix socket, whose file goes away with it.
    Unix(UnixListener, PathBuf),
}

/// Opens `address`. The socket file of a process that is gone is taken over; one that answers is not.
///
/// # Errors
/// What the operating system says, for example that the port is taken.
pub async fn bind(address: &Address) -> std::io::Result<Listener> {
    match address {
        Address::Tcp(address) => Ok(Listener::Tcp(TcpListener::bind(address).await?)),
        Address::Unix(path) => {
            remove_dead_socket(path).await?;
            let listener = UnixListener::bind(path)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
            Ok(Listener::Unix(listener, path.clone()))
        }
    }
}

/// Connecting to any other file is refused too, and that is nobody's to remove.
async fn remove_dead_socket(path: &PathBuf) -> std::io::Result<()> {
    if !std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        return Ok(());
    }
    match tokio::net::UnixStream::connect(path).await {
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        _ => Ok(()),
    }
}

impl Listener {
    /// Where it listens in fact: with port 0, the port it got.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(|address| address.to_string()).unwrap_or_default(),
            Self::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    pub(super) async fn serve(self, app: Router, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
        let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
        match self {
            Self::Tcp(listener) => {
                let app = app.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, app).with_graceful_shutdown(stopped).await
            }
            Self::Unix(listener, path) => {
                let served = axum::serve(listener, app).with_graceful_shutdown(stopped).await;
                drop(std::fs::remove_file(path));
                served
            }
        }
    }
}
