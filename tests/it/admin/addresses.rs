//! Where the listener can be, and what it does with what it finds there.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use sexton::admin::{Address, bind};

fn unix(path: &Path) -> Address {
    format!("unix:{}", path.display()).parse().unwrap()
}

#[test]
fn addresses_read_and_write_back() {
    for text in ["127.0.0.1:7070", "0.0.0.0:0", "[::1]:7070", "unix:/run/sexton.sock", "unix:relative.sock"] {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }
    for text in ["", "7070", ":7070", "localhost:7070", "127.0.0.1", "::1:7070", "unix:", "http://127.0.0.1:7070"] {
        let error = text.parse::<Address>().unwrap_err().to_string();
        assert!(error.contains("127.0.0.1:7070") && error.contains("unix:PATH"), "{text}: {error}");
    }
}

/// A file that happens to have the name is no socket that somebody left behind: it is not touched.
#[tokio::test]
async fn a_file_in_the_way_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.toml");
    fs::write(&path, "[jobs]\n").unwrap();
    assert!(bind(&unix(&path)).await.is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "[jobs]\n");
    assert!(bind(&unix(folder.path())).await.is_err(), "nor is a folder");
    assert!(folder.path().is_dir());
}

#[tokio::test]
async fn a_socket_that_answers_is_not_taken_over_and_a_dead_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let first = bind(&unix(&path)).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let second = bind(&unix(&path)).await.unwrap_err();
    assert_eq!(second.kind(), std::io::ErrorKind::AddrInUse);
    assert!(path.exists(), "the first still has its socket");
    // The process is gone and its file is not.
    drop(first);
    assert!(path.exists());
    bind(&unix(&path)).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_free_port_is_named() {
    let listener = bind(&"127.0.0.1:0".parse().unwrap()).await.unwrap();
    let port: u16 = listener.address().rsplit_once(':').unwrap().1.parse().unwrap();
    assert_ne!(port, 0);
    let taken = bind(&listener.address().parse().unwrap()).await.unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
}
