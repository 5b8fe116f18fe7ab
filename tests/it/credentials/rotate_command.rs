//! `sexton secret rotate`.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
};

use sexton::{credentials::Config, secret::SharedSecrets};

use super::secret_command::{mode, secret};
use crate::dispatch::orders::SECRET;

fn accepted(file: &Path) -> Vec<String> {
    SharedSecrets::from_file(file).unwrap().iter().map(|secret| secret.expose().to_owned()).collect()
}

/// Seed A11: a new first line above the old one, then the old one goes; no database is asked.
#[test]
fn a11_rotate_and_finish() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    fs::write(&file, SECRET).unwrap();

    let out = secret(&["rotate", path], &[]).unwrap();
    assert_eq!(out, format!("{path}: rotated, 64 characters, and 1 more that the app accepts\n"));
    let both = accepted(&file);
    assert_eq!(both[1..], [SECRET.to_owned()]);
    assert!(both[0].len() == 64 && both[0].bytes().all(|byte| byte.is_ascii_hexdigit()));

    secret(&["rotate", path], &[]).unwrap();
    let three = accepted(&file);
    assert_eq!(three[1..], both, "what may still be sent stays accepted");

    let out = secret(&["rotate", "--finish", path], &[]).unwrap();
    assert_eq!(out, format!("{path}: finished, 64 characters\n"));
    assert_eq!(accepted(&file), three[..1]);
    secret(&["rotate", "--finish", path], &[]).unwrap();
    assert_eq!(accepted(&file), three[..1], "finishing twice changes nothing");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");
}

/// Seed A10: mode and group stay, so that the app's user can still read it, and nobody else.
#[test]
fn a10_mode_and_group_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    let own_group = fs::metadata(folder.path()).unwrap().gid();
    secret(&["ensure", path, "--group", &own_group.to_string()], &[]).unwrap();
    for step in [&["rotate", path][..], &["rotate", "--finish", path]] {
        secret(step, &[]).unwrap();
        assert_eq!((mode(&file), fs::metadata(&file).unwrap().gid()), (0o640, own_group));
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    secret(&["rotate", path], &[]).unwrap();
    assert_eq!(mode(&file), 0o600);
}

/// A reader meets the old file or the new one, never a part; rotations at the same time lose none of each other's lines.
#[test]
fn a_rotation_is_whole_at_every_moment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    fs::write(&file, SECRET).unwrap();
    std::thread::scope(|scope| {
        let watch = || {
            let mut seen = 0;
            while seen < 9 {
                let now = accepted(&file);
                assert!(now.len() >= seen, "a line was lost");
                assert_eq!(now.last().map(String::as_str), Some(SECRET));
                seen = now.len();
            }
        };
        scope.spawn(watch);
        for _ in 0..8 {
            scope.spawn(|| secret(&["rotate", path], &[]).unwrap());
        }
    });
    assert_eq!(accepted(&file).len(), 9);
}

#[test]
fn a_link_is_followed_and_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("..data-1"), folder.path().join("token"));
    fs::write(&file, SECRET).unwrap();
    symlink(&file, &link).unwrap();
    secret(&["rotate", link.to_str().unwrap()], &[]).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(accepted(&file).len(), 2);
}

/// What the one loader refuses is not rotated, and stays as it is.
#[test]
fn an_unusable_file_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for (content, expected) in [("", "is empty"), ("short", "has 5 characters")] {
        fs::write(&file, content).unwrap();
        for flags in [&["rotate"][..], &["rotate", "--finish"]] {
            let error = secret(&[flags, &[file.to_str().unwrap()]].concat(), &[]).unwrap_err();
            assert!(error.contains("cannot rotate") && error.contains(expected), "{error}");
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
        }
    }
    let error = secret(&["rotate", "/nonexistent/token"], &[]).unwrap_err();
    assert!(error.contains("/nonexistent/token"), "{error}");
}

/// Guarantee G5: neither step prints a value.
#[test]
fn no_value_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    fs::write(&file, SECRET).unwrap();
    let mut said = secret(&["rotate", path], &[]).unwrap();
    let values = accepted(&file);
    said += &secret(&["rotate", "--finish", path], &[]).unwrap();
    said += &format!("{:?}", Config::file(&file));
    for value in values {
        assert!(!said.contains(&value));
    }
}
