//! Every behaviour carried from the systems before (`seeds.txt`) is named by a test: in its name or its doc line.

use std::{fs, path::Path};

#[test]
fn every_seed_carried_so_far_is_named_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = String::new();
    read_all(&root.join("tests/it"), &mut tests);
    let carried = fs::read_to_string(root.join("tests/it/seeds.txt")).unwrap();
    let unnamed: Vec<&str> = carried.split_whitespace().filter(|id| !names(&tests, id)).collect();
    assert!(unnamed.is_empty(), "seeds that no test names: {unnamed:?}");
}

/// `A1` is named by `Seed A1`, `seeds A1, A2` or `fn a1_…`, never by `A12`.
fn names(tests: &str, id: &str) -> bool {
    let in_name = format!("fn {}_", id.to_lowercase());
    let in_doc = |line: &str| {
        let line = line.trim_start();
        line.starts_with("///")
            && line.to_lowercase().contains("seed")
            && line.split(|c: char| !c.is_alphanumeric()).any(|word| word == id)
    };
    tests.contains(&in_name) || tests.lines().any(in_doc)
}

#[test]
fn an_id_is_not_named_by_a_longer_one() {
    assert!(names("/// Seeds A1, A12: trimmed.", "A1"));
    assert!(names("fn a1_is_trimmed() {", "A1"));
    assert!(!names("/// Seed A12: counted.", "A1"));
    assert!(!names("/// A1 without the word.", "A1"));
}

fn read_all(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
            into.push('\n');
        }
    }
}
