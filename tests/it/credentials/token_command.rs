//! `sexton token store`.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use clap::Parser;
use sexton::{
    cli::token::{self, Surroundings, TokenArgs},
    clock::SystemClock,
    entropy::Entropy,
};

use super::secret_command::mode;

const OLD: &str = "the-token-of-today";
const NEW: &str = "the-token-of-tomorrow";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: TokenArgs,
}

/// What the command prints when `input` comes in, or the message it fails with.
pub(super) fn store(file: &Path, input: &str) -> Result<String, String> {
    let args = Line::try_parse_from(["token", "store", file.to_str().unwrap()]).unwrap().args;
    let (mut out, clock) = (Vec::new(), Arc::new(SystemClock));
    let around = Surroundings { environment: &|_| None, clock, entropy: Entropy::System, input: &mut input.as_bytes() };
    token::run(args, around, &mut out).map_err(|error| format!("{error:?}"))?;
    Ok(String::from_utf8(out).unwrap())
}

/// Seed D2: trimmed, for the owner only, whole, and never printed.
#[test]
fn d2_a_token_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let said = store(&file, &format!("\n  {OLD} \r\n\n")).unwrap();
    assert_eq!(said, format!("{}: stored, {} characters\n", file.display(), OLD.len()));
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{OLD}\n"));
    assert_eq!(mode(&file), 0o600);
    store(&file, NEW).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{NEW}\n"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");
}

/// Seed D2: what is no token is refused, and what was there stays.
#[test]
fn d2_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for (input, words) in
        [("", "is empty"), (" \n ", "is empty"), ("two words", "position 4"), ("short", "5 characters")]
    {
        let error = store(&file, input).unwrap_err();
        assert!(error.contains(words), "{error}");
        assert!(input.trim().is_empty() || !error.contains(input), "{error}");
        assert!(!file.exists());
    }
    store(&file, OLD).unwrap();
    store(&file, "").unwrap_err();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{OLD}\n"));
}

/// Seed D2: an existing 0644 file is tightened, whether its token changes or not.
#[test]
fn d2_an_open_file_is_tightened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for (input, said) in [(NEW, "stored"), (OLD, "was there already, now for its owner only")] {
        fs::write(&file, OLD).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(store(&file, input).unwrap().contains(said));
        assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().trim()), (0o600, input));
    }
}

/// Seed D2: nothing is written when the disk, and not some memory of it, holds the token already.
#[test]
fn d2_the_same_token_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let stamp = || {
        let meta = fs::metadata(&file).unwrap();
        (meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec())
    };
    store(&file, OLD).unwrap();
    let before = stamp();
    assert!(store(&file, OLD).unwrap().contains("was there already, left as it is"));
    assert_eq!(stamp(), before);
    fs::write(&file, NEW).unwrap();
    assert!(store(&file, OLD).unwrap().contains("stored"), "somebody else changed the file meanwhile");
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), OLD);
}

/// Seed D2: at every moment the file is whole and closed to others.
#[test]
fn d2_never_open_never_half() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let tokens: Vec<String> = (0..64).map(|number| format!("{number:02}-{}", "t".repeat(4000))).collect();
    std::thread::scope(|scope| {
        let watch = || loop {
            if let Ok(text) = fs::read_to_string(&file) {
                assert!(tokens.iter().any(|token| *token == text.trim()), "half a token of {} bytes", text.len());
                for entry in fs::read_dir(folder.path()).unwrap().flatten() {
                    if let Ok(meta) = entry.metadata() {
                        assert_eq!(meta.permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
                    }
                }
                if text.trim() == tokens[63] {
                    return;
                }
            }
        };
        scope.spawn(watch);
        for token in &tokens {
            store(&file, token).unwrap();
        }
    });
}

#[test]
fn a_missing_folder_is_named() {
    let error = store(Path::new("/nonexistent/folder/token"), OLD).unwrap_err();
    assert!(error.contains("/nonexistent/folder/token"), "{error}");
}
