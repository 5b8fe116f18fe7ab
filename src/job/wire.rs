//! How an app is reached: `connect_timeout`, `ca_file`, `client_cert`, `client_key`, `proxy`, and a base address on a socket.

use std::{path::PathBuf, time::Duration};

use url::Url;

use super::{
    LoadContext, address,
    finding::{At, Notes},
    reader::{Field, Found, Section, clip},
    target::absolute,
};

/// How an app is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wire {
    /// How long looking up its name, connecting and the TLS handshake may take, of a job's timeout.
    pub connect_timeout: Duration,
    /// A PEM file of the only authorities that may vouch for it; unset, those of the machine and Mozilla's.
    pub ca_file: Option<PathBuf>,
    /// With what Sexton shows it who is calling (mutual TLS).
    pub identity: Option<ClientIdentity>,
    /// What stands between; nothing from the environment does.
    pub proxy: Option<Url>,
    /// The Unix socket that it listens on; the host of its address is a mere name then.
    pub socket: Option<PathBuf>,
}

/// A client's certificate and its key, each in a PEM file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientIdentity {
    /// The certificate, and those that lead to the authority that signed it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for Wire {
    /// It covers two lost SYNs (resent after 1 s and 3 s); who is silent for longer is not there, and a job of 15 minutes
    /// need not wait for that.
    fn default() -> Self {
        let connect_timeout = Duration::from_secs(10);
        Self { connect_timeout, ca_file: None, identity: None, proxy: None, socket: None }
    }
}

/// Where a target's base address leads: itself, or to a socket.
pub(super) struct Base {
    pub(super) url: Url,
    pub(super) socket: Option<PathBuf>,
}

/// `unix:///run/app.sock` stands for a socket, any other text for an address of a host.
pub(super) fn base(text: &str, origin: &str, at: &At, notes: &mut Notes) -> Option<Base> {
    let Some(path) = text.strip_prefix("unix://") else {
        return Some(Base { url: address::checked(text, origin, at, notes)?, socket: None });
    };
    if !path.starts_with('/') || path.ends_with('/') || path.contains(['\0', '?', '#']) {
        notes
            .error(at, format!("`{origin}`: \"{}\" names no socket", clip(text)))
            .help("write unix:// and the absolute path of the socket, such as unix:///run/app.sock");
        return None;
    }
    Some(Base { url: address::checked("http://localhost", origin, at, notes)?, socket: Some(PathBuf::from(path)) })
}

/// Reads how the target at `section` is reached; `base` is its address. What is wrong is noted.
pub(super) fn wire(section: &Section, base: &Base, context: &LoadContext, notes: &mut Notes) -> Wire {
    only_where_they_do_something(section, base, notes);
    let patience = section.get("connect_timeout").and_then(|field| field.duration(notes));
    Wire {
        connect_timeout: patience.map_or(Wire::default().connect_timeout, |found| found.value),
        ca_file: section.get("ca_file").and_then(|field| absolute(&field, notes)),
        identity: identity(section, notes),
        proxy: section.get("proxy").and_then(|field| proxy(&field, context, notes)),
        socket: base.socket.clone(),
    }
}

fn proxy(field: &Field, context: &LoadContext, notes: &mut Notes) -> Option<Url> {
    let Found { value, at } = address::written(field, context, notes)?;
    let url = address::checked(&value.text, &value.origin, &at, notes)?;
    if url.path() != "/" {
        notes
            .error(&at, format!("`{}` has a path, and a proxy has none", value.origin))
            .help("write http://proxy:3128");
        return None;
    }
    Some(url)
}

fn identity(section: &Section, notes: &mut Notes) -> Option<ClientIdentity> {
    match (section.get("client_cert"), section.get("client_key")) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            let (certificate, key) = (absolute(&certificate, notes), absolute(&key, notes));
            Some(ClientIdentity { certificate: certificate?, key: key? })
        }
        (Some(alone), None) | (None, Some(alone)) => {
            let other = if alone.key == "client_cert" { "client_key" } else { "client_cert" };
            notes
                .error(&alone.at(), format!("`{}` stands without `{other}`", alone.key))
                .help("a certificate shows nothing without its key: write both, or neither");
            None
        }
    }
}

/// A key that would be silently ignored hides a mistake.
fn only_where_they_do_something(section: &Section, base: &Base, notes: &mut Notes) {
    let plain = base.url.scheme() == "http";
    for (key, idle, why) in [
        ("ca_file", plain, "only an https address has a certificate to vouch for"),
        ("client_cert", plain, "only an https address asks for a certificate"),
        ("client_key", plain, "only an https address asks for a certificate"),
        ("proxy", base.socket.is_some(), "a socket is on this machine"),
    ] {
        if let Some(field) = section.get(key).filter(|_| idle) {
            notes
                .error(&field.at(), format!("`{key}` does nothing here: {why}"))
                .help("take it out, or change base_url");
        }
    }
}
