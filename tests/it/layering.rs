//! The plan of the rooms, kept by reading every `crate::` path in the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Room, and the rooms it may use. `cli` and `config` are free to use what they assemble.
const ARROWS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("entropy", &[]),
    ("secret", &[]),
    ("protocol", &[]),
    ("http_client", &[]),
    ("schedule", &[]),
    ("job", &["schedule", "protocol", "secret"]),
    ("run", &["entropy", "job"]),
    ("ticker", &["clock", "schedule", "job"]),
    ("store", &["schedule", "job", "run"]),
    ("verify", &["schedule", "job", "run", "store"]),
    ("credentials", &["clock", "entropy", "secret", "protocol", "job", "run"]),
    ("dispatch", &["clock", "entropy", "secret", "protocol", "http_client", "job", "run", "credentials"]),
    ("scheduler", &["clock", "entropy", "schedule", "job", "run", "ticker", "store", "dispatch"]),
    ("admin", &["clock", "entropy", "secret", "protocol", "job", "run", "store", "credentials", "scheduler"]),
    ("config", &["secret", "job", "store", "credentials", "dispatch", "scheduler", "admin", "auth", "reference_app"]),
    (
        "cli",
        &[
            "clock",
            "entropy",
            "secret",
            "protocol",
            "http_client",
            "schedule",
            "job",
            "run",
            "ticker",
            "store",
            "verify",
            "credentials",
            "dispatch",
            "scheduler",
            "admin",
            "config",
            "auth",
            "reference_app",
        ],
    ),
    ("auth", &["clock", "entropy", "secret", "protocol"]),
    ("reference_app", &["clock", "entropy", "secret", "protocol", "http_client", "auth"]),
];

#[test]
fn every_arrow_between_rooms_is_in_the_plan() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let rooms: BTreeSet<String> = sources(&root().join("src")).iter().filter_map(|file| room_of(file)).collect();
    let named = ARROWS.iter().flat_map(|(room, may)| may.iter().chain([room]));
    let absent: BTreeSet<_> = named.filter(|room| !rooms.contains(**room)).collect();
    assert!(absent.is_empty(), "the plan has rooms that are not there: {absent:?}");
    let mut wrong = Vec::new();
    for file in sources(&root().join("src")) {
        let Some(room) = room_of(&file) else { continue };
        let Some(may) = allowed.get(room.as_str()) else {
            wrong.push(format!("{}: room `{room}` is not in the plan", file.display()));
            continue;
        };
        for used in rooms_used(&fs::read_to_string(&file).unwrap()) {
            if used != room && !may.contains(&used.as_str()) {
                wrong.push(format!("{}: {room} -> {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that the plan does not have:\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_arrows_sees_each_way_of_writing_one() {
    let text = "use crate::store::RunStore;\nuse crate::{job::Job, run};\nlet x = crate::clock::now();\nuse crate::{\n    admin,\n    secret::{A, B},\n};";
    let expected: BTreeSet<String> = ["admin", "clock", "job", "run", "secret", "store"].map(String::from).into();
    assert_eq!(rooms_used(text), expected);
}

/// Only tokio-cron-scheduler's own room knows it, and so for each outside thing that has one room.
#[test]
fn each_outside_thing_has_one_room() {
    for (outside, rooms) in [
        ("tokio_cron_scheduler", &["ticker"][..]),
        ("croner", &["schedule"]),
        ("reqwest", &["http_client", "dispatch", "cli", "reference_app"]),
        ("sqlx", &["store", "reference_app"]),
        ("clap", &["cli", "config"]),
    ] {
        for file in sources(&root().join("src")) {
            let room = room_of(&file).unwrap_or_default();
            let text = fs::read_to_string(&file).unwrap();
            let used =
                text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("{outside}::")));
            assert!(!used || rooms.contains(&room.as_str()), "{} uses {outside}", file.display());
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// The room a file belongs to; `lib.rs` and `main.rs` belong to none.
fn room_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next()?.as_os_str().to_str()?;
    let room = first.strip_suffix(".rs").unwrap_or(first);
    (room != "lib" && room != "main").then(|| room.to_owned())
}

fn rooms_used(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => rooms.extend(top_level_names(group)),
            None => rooms.extend(leading_name(after)),
        }
    }
    rooms
}

/// The names at depth 0 of `a::{b}, c, …}`.
fn top_level_names(group: &str) -> Vec<String> {
    let (mut depth, mut item, mut names) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(leading_name(std::mem::take(&mut item).trim())),
            _ if depth == 0 => item.push(c),
            _ => {}
        }
    }
    names.extend(leading_name(item.trim()));
    names
}

fn leading_name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}
