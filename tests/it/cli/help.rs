//! What each command says of itself. People and pages link to these words.

use crate::support::{process::run, sidecar::sexton};

async fn help(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    run(sexton(folder.path(), arguments)).await.good()
}

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<&str> {
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|word| !word.is_empty()).collect()
}

#[tokio::test]
async fn the_program() {
    insta::assert_snapshot!("program", help(&["--help"]).await);
}

#[tokio::test]
async fn the_commands_of_the_sidecar() {
    for command in ["run", "runs", "healthcheck"] {
        insta::assert_snapshot!(command, help(&[command, "--help"]).await);
    }
}

/// Every command, also one added later: a line of what it does, and its usage.
#[tokio::test]
async fn every_command_has_help() {
    let program = help(&["--help"]).await;
    let commands: Vec<&str> = listed(&program).into_iter().filter(|command| *command != "help").collect();
    assert!(commands.len() >= 10, "{commands:?}");
    for command in commands {
        let long = help(&[command, "--help"]).await;
        let usage = format!("Usage: sexton {command}");
        assert!(long.contains(&usage), "{command}: {long}");
        let first = long.lines().next().unwrap();
        assert!(first.len() > 20 && !first.ends_with('.') && !first.starts_with("Usage"), "{command}: {first}");
        for line in long.lines() {
            assert!(line.chars().count() <= 100, "{command}: a line of {} characters", line.chars().count());
        }
        assert_eq!(help(&["help", command]).await, long);
    }
}

#[tokio::test]
async fn a_wrong_word_is_usage() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        (&["rnu"][..], "unrecognized subcommand 'rnu'"),
        (&["run", "--lsten", "127.0.0.1:0"], "unexpected argument '--lsten'"),
        (&["run", "--listen", "7070"], "write IP:PORT"),
        (&["runs", "--job", "a b"], "a b"),
        (&["runs", "--outcome", "done"], "`done` is no outcome"),
        (&["runs", "-n", "-1"], "-1"),
        (&["show", "abc"], "write the last column of `sexton runs`"),
        (&["next", "--from", "2026"], "such as 2026-03-29T01:00:00Z"),
        (&["explain", "@daily", "--tz", "Europe/Prage"], "did you mean `Europe/Prague`?"),
        (&["healthcheck", "--url", "localhost:7070"], "such as http://127.0.0.1:7070"),
        (&["runs", "-n", "many"], "many"),
        (&[], "Usage: sexton"),
    ] {
        let done = run(sexton(folder.path(), arguments)).await;
        assert_eq!(done.code, Some(2), "{done}");
        assert!(done.stderr.contains(words) && done.stdout.is_empty(), "{done}");
    }
}

#[tokio::test]
async fn the_version_is_the_crates() {
    assert_eq!(help(&["--version"]).await.trim(), concat!("sexton ", env!("CARGO_PKG_VERSION")));
}
