//! Why an app is not reached, in words that say where to look.

use std::{io, net::SocketAddr, path::Path, time::Duration};

use tokio::{
    net::{TcpStream, UnixStream, lookup_host},
    time::timeout,
};
use url::{Host, Url};

use crate::job::Target;

/// How long the name and each address are waited for.
const LIMIT: Duration = Duration::from_secs(5);

/// What was found, and what to do about it.
pub(super) struct Unreached {
    pub(super) found: String,
    pub(super) to_do: String,
}

/// Goes the way of a connection step by step: the socket, or the name and the port, and what the HTTP client said (`words`)
/// when those are there.
pub(super) async fn why(target: &Target, words: &str) -> Unreached {
    if let Some(socket) = &target.wire.socket {
        return match UnixStream::connect(socket).await {
            Ok(_) => unclear(target, words),
            Err(error) => no_socket(socket, &error),
        };
    }
    // Where the first connection leads, and the key that says so.
    let (hop, key) = match &target.wire.proxy {
        Some(proxy) => (proxy, format!("`proxy` of [targets.{}]", target.name)),
        None => (&target.base_url, format!("`base_url` of [targets.{}]", target.name)),
    };
    match over_tcp(hop).await {
        Ok(()) => unclear(target, words),
        Err(Lost::Name(host, error)) => no_such_name(&host, &error, &key),
        Err(Lost::Connection(address, error)) => no_connection(address, &error, &key),
    }
}

/// At which step the way ends.
enum Lost {
    Name(String, io::Error),
    Connection(SocketAddr, io::Error),
}

/// Tries each address of the name.
async fn over_tcp(hop: &Url) -> Result<(), Lost> {
    let (Some(host), Some(port)) = (hop.host(), hop.port_or_known_default()) else { return Ok(()) };
    let nameless = |error| Lost::Name(host.to_string(), error);
    let mut lost = nameless(io::Error::other("it has no address"));
    for address in resolve(&host, port).await.map_err(nameless)? {
        match in_time(TcpStream::connect(address)).await {
            Ok(_) => return Ok(()),
            Err(error) => lost = Lost::Connection(address, error),
        }
    }
    Err(lost)
}

async fn resolve(host: &Host<&str>, port: u16) -> io::Result<Vec<SocketAddr>> {
    match host {
        Host::Ipv4(ip) => Ok(vec![(*ip, port).into()]),
        Host::Ipv6(ip) => Ok(vec![(*ip, port).into()]),
        Host::Domain(name) => Ok(in_time(lookup_host((*name, port))).await?.collect()),
    }
}

async fn in_time<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(LIMIT, step).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn no_socket(socket: &Path, error: &io::Error) -> Unreached {
    let to_do = match error.kind() {
        io::ErrorKind::PermissionDenied => "Let the user that Sexton runs as write to the socket.",
        _ => "Start the app; from a container the socket is seen only in a volume that both mount.",
    };
    Unreached { found: format!("nobody listens at {}: {error}", socket.display()), to_do: to_do.to_owned() }
}

fn no_such_name(host: &str, error: &io::Error, key: &str) -> Unreached {
    Unreached {
        found: format!("the name `{host}` leads nowhere: {error}"),
        to_do: format!(
            "Write a name into {key} that this machine knows. In compose it is the name of the app's service, and the two \
             share a network."
        ),
    }
}

fn no_connection(address: SocketAddr, error: &io::Error, key: &str) -> Unreached {
    let (found, to_do) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            format!("nobody listens at {address}"),
            "Start the app, or correct the port: inside a compose network it is the one that the app listens on in its \
             container, not the published one, and the app listens at 0.0.0.0 there and not at 127.0.0.1.",
        ),
        io::ErrorKind::TimedOut => (
            format!("no answer from {address} within {LIMIT:?}"),
            "Something drops the packets: look at the firewalls in between, and whether the address is the app's.",
        ),
        _ => (format!("no way to {address}: {error}"), "Look at the network of this machine."),
    };
    Unreached { found, to_do: format!("{to_do} The address is {key}.") }
}

/// A connection is possible, so it is what is spoken over it.
fn unclear(target: &Target, words: &str) -> Unreached {
    let (name, scheme) = (&target.name, target.base_url.scheme());
    let other = if scheme == "https" { "http" } else { "https" };
    Unreached {
        found: format!("it listens, and gives no answer to {scheme}: {words}"),
        to_do: format!(
            "Look at what listens there. If it speaks {other}, write {other}:// in `base_url` of [targets.{name}]; a \
             certificate has to name the host, and to come from an authority of `ca_file`, or without one from an \
             authority that this machine or Mozilla trusts."
        ),
    }
}
