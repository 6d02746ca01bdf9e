//! Each command that README.md shows is run as it stands there, on the demo's store; each that it names has to exist.

use std::path::Path;
use std::process::{Command, Output};

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

fn vhdtree(arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vhdtree"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Words as a shell sees them: parted by blanks, quotes off, a comment left out.
fn words(line: &str) -> Vec<String> {
    let line = line.split("  #").next().unwrap_or_default();
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_that_is_shown_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("vmstore");
    vhdtree::demo::build(&store).unwrap();
    let text = readme();
    let shown: Vec<Vec<String>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("$ vhdtree "))
        .map(words)
        .collect();
    assert!(shown.len() > 8, "{shown:?}");
    for mut arguments in shown {
        for argument in &mut arguments {
            *argument = argument.replace("/vmstore", &store.display().to_string());
        }
        let output = vhdtree(&arguments);
        let code = output.status.code();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            matches!(code, Some(0 | 1 | 3)),
            "{arguments:?}: {code:?}, {said}"
        );
        assert!(
            !output.stdout.is_empty(),
            "{arguments:?} prints nothing; {said}"
        );
    }
}

#[test]
fn every_command_that_is_named_exists() {
    let text = readme();
    let mut named: Vec<&str> = text
        .split('`')
        .filter_map(|span| span.strip_prefix("vhdtree "))
        .filter_map(|rest| rest.split_whitespace().next())
        .filter(|word| word.chars().all(|letter| letter.is_ascii_lowercase()))
        .collect();
    named.sort_unstable();
    named.dedup();
    assert!(named.len() > 5, "{named:?}");
    for command in named {
        let output = vhdtree(&[command.to_owned(), "--help".to_owned()]);
        assert_eq!(output.status.code(), Some(0), "vhdtree {command}");
    }
}

#[test]
fn a_newcomer_can_read_it_to_the_end() {
    let lines = readme().lines().count();
    assert!(lines < 200, "{lines} lines");
}
