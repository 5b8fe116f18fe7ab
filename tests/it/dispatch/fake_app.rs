//! An app that answers as a test wants it to, down to the byte. It listens on a port of its own and reads each request
//! whole before it answers.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};

/// What the app does after it read a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Writes these bytes and waits for the next request on the connection.
    Whole(Vec<u8>),
    /// Writes these bytes and closes.
    Closing(Vec<u8>),
    /// Writes these bytes and says no more, with the connection open.
    Silent(Vec<u8>),
    /// Writes these bytes, then `x` for ever.
    Endless(Vec<u8>),
    /// Writes these bytes, then one `x` a second for ever.
    Dripping(Vec<u8>),
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `POST /path HTTP/1.1`.
    pub(crate) line: String,
    /// Names in lower case, in the order they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
    /// How many requests came before it, on any connection.
    pub(crate) earlier: usize,
}

impl Seen {
    /// The one value of a header; panics when there are more.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next();
        assert_eq!(values.next(), None, "{name} came twice");
        first
    }
}

/// A running app; it stops when dropped.
pub(crate) struct FakeApp {
    pub(crate) address: SocketAddr,
    seen: mpsc::UnboundedReceiver<Seen>,
    accepting: JoinHandle<()>,
}

impl FakeApp {
    /// Answers every request with `reply`.
    pub(crate) async fn replying(reply: Reply) -> Self {
        Self::start(move |_| reply.clone()).await
    }

    /// Answers each request as `script` says.
    pub(crate) async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = mpsc::unbounded_channel();
        let accepting = tokio::spawn(accept(listener, Arc::new(script), sender));
        Self { address, seen, accepting }
    }

    /// `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for the next request.
    pub(crate) async fn next(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }

    /// The requests that came in and were not asked for yet.
    pub(crate) fn rest(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.seen.try_recv().ok()).collect()
    }
}

impl Drop for FakeApp {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A complete answer with a body.
pub(crate) fn answer(status: u16, body: impl AsRef<[u8]>) -> Vec<u8> {
    answer_with(status, "", body)
}

/// A complete answer with more headers, each ended by `\r\n`.
pub(crate) fn answer_with(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

type Script = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

async fn accept(listener: TcpListener, script: Script, sender: mpsc::UnboundedSender<Seen>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let mut open = tokio::task::JoinSet::new();
    for connection in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        open.spawn(serve(stream, connection, Arc::clone(&requests), Arc::clone(&script), sender.clone()));
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    requests: Arc<AtomicUsize>,
    script: Script,
    sender: mpsc::UnboundedSender<Seen>,
) {
    while let Some((line, headers, body)) = read_request(&mut stream).await {
        let seen = Seen { line, headers, body, connection, earlier: requests.fetch_add(1, Ordering::SeqCst) };
        let reply = script(&seen);
        // The test may be over.
        let _ = sender.send(seen);
        match reply {
            Reply::Whole(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Reply::Closing(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Reply::Silent(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                std::future::pending::<()>().await;
            }
            Reply::Endless(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                while stream.write_all(&[b'x'; 65536]).await.is_ok() {}
                return;
            }
            Reply::Dripping(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                let mut second = tokio::time::interval(std::time::Duration::from_secs(1));
                while stream.write_all(b"x").await.is_ok() {
                    second.tick().await;
                }
                return;
            }
        }
    }
}

/// `None` when the connection is closed before a request is complete.
async fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<(String, String)>, String)> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head_end + 4..head_end + 4 + length].to_vec()).unwrap();
    Some((line, headers, body))
}
