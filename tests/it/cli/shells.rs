//! What `completions` and `man` print, read by the programs it is for.

use std::path::Path;
use std::process::Command;

use super::{run, text};

/// Has a program of another maker read a file; says `skipped: NAME` without it.
fn reads(reader: &str, arguments: &[&str], file: &Path) {
    let output = Command::new(reader)
        .args(arguments)
        .arg(file)
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", file.parent().unwrap())
        .output();
    let Ok(output) = output else {
        println!("skipped: {reader}");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.is_empty(),
        "{reader}: {said}"
    );
}

#[test]
fn completions_are_read_by_their_shells() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, first, reader, arguments) in [
        ("bash", "_vhdtree() {", "bash", &["-n"][..]),
        ("zsh", "#compdef vhdtree", "zsh", &["-n"]),
        (
            "fish",
            "# Print an optspec",
            "fish",
            &["--no-config", "--no-execute"],
        ),
        ("elvish", "", "elvish", &["-norc"]),
        (
            "powershell",
            "",
            "pwsh",
            &["-NoProfile", "-NonInteractive", "-File"],
        ),
    ] {
        let printed = text(&run(folder.path(), ["completions", shell]));
        assert!(
            printed.trim_start().starts_with(first),
            "{shell}: {printed}"
        );
        for word in ["gate", "parent-root", "snapshot"] {
            assert!(printed.contains(word), "{shell} does not know {word}");
        }
        // An elvish that nobody types into has no module `edit`.
        let before = match shell {
            "elvish" => "var edit: = (ns [&completion:=(ns [&arg-completer=[&]])])\n",
            _ => "",
        };
        let file = folder.path().join(format!("vhdtree.{shell}.ps1"));
        std::fs::write(&file, before.to_owned() + &printed).unwrap();
        reads(reader, arguments, &file);
    }
}

#[test]
fn bash_completes_commands_flags_and_what_flags_take() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vhdtree.bash");
    let printed = run(folder.path(), ["completions", "bash"]).stdout;
    std::fs::write(&file, printed).unwrap();
    vhdtree::demo::build(&folder.path().join("store")).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_vhdtree"));
    let path = std::env::join_paths([
        program.parent().unwrap(),
        std::path::Path::new("/usr/bin"),
        std::path::Path::new("/bin"),
    ]);
    let script = "source vhdtree.bash
        COMP_WORDS=(vhdtree ga); COMP_CWORD=1; _vhdtree vhdtree ga vhdtree; echo ${COMPREPLY[@]}
        COMP_WORDS=(vhdtree gate --sn); COMP_CWORD=2; _vhdtree vhdtree --sn gate; echo ${COMPREPLY[@]}
        COMP_WORDS=(vhdtree --sort pro); COMP_CWORD=2; _vhdtree vhdtree pro --sort; echo ${COMPREPLY[@]}
        COMP_WORDS=(vhdtree ls -o onl); COMP_CWORD=3; _vhdtree vhdtree ond -o; echo ${COMPREPLY[@]}
        COMP_WORDS=(vhdtree explain machine-rev); COMP_CWORD=2; _vhdtree vhdtree machine-rev explain; echo ${COMPREPLY[@]}
        COMP_WORDS=(vhdtree gate store --snapshot new); COMP_CWORD=4; _vhdtree vhdtree new --snapshot; echo ${COMPREPLY[@]}";
    let output = Command::new("bash")
        .args(["--norc", "-c", script])
        .current_dir(folder.path())
        .env("PATH", path.unwrap())
        .output();
    match output {
        Ok(output) => assert_eq!(
            text(&output),
            "gate\n--snapshot\nproblems\nondisk\nmachine-reverted\nnew\\ shop\n"
        ),
        Err(_) => println!("skipped: bash"),
    }
}

#[test]
fn fish_and_zsh_complete_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vhdtree.fish");
    std::fs::write(&file, run(folder.path(), ["completions", "fish"]).stdout).unwrap();
    vhdtree::demo::build(&folder.path().join("store")).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_vhdtree"));
    let script = format!(
        "set -gx PATH {} $PATH; source vhdtree.fish
        complete -C 'vhdtree ls --sort pro'; complete -C 'vhdtree ls -o ond'
        complete -C 'vhdtree explain machine-rev'; complete -C 'vhdtree gate store --snapshot new'",
        program.parent().unwrap().display()
    );
    let output = Command::new("fish")
        .args(["--no-config", "-c", &script])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .output();
    match output {
        Ok(output) => {
            let said = text(&output);
            let words: Vec<&str> = said
                .lines()
                .map(|line| line.split('\t').next().unwrap())
                .collect();
            assert_eq!(
                words,
                ["problems", "ondisk", "machine-reverted", "new shop"],
                "{said}"
            );
        }
        Err(_) => println!("skipped: fish"),
    }
    let zsh = text(&run(folder.path(), ["completions", "zsh"]));
    assert!(zsh.contains("case $line[1] in") && !zsh.contains("'::paths"));
}

#[test]
fn the_manual_page_says_everything_and_groff_has_nothing_to_say_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let page = text(&run(folder.path(), ["man"]));
    assert!(page.contains("\n.TH vhdtree 1 "));
    // Each option of each command's long help, and the options that the short help leaves out.
    for command in [
        "ls", "info", "map", "diff", "check", "plan", "gate", "explain", "demo",
    ] {
        assert!(
            page.contains(&format!(".SS \"vhdtree {command} ")),
            "{command}"
        );
        let help = text(&run(folder.path(), [command, "--help"]));
        for line in help
            .lines()
            .filter(|line| line.trim_start().starts_with("--"))
        {
            let flag = line.trim_start().split([' ', '[']).next().unwrap();
            let flag = flag.replace('-', "\\-");
            assert!(page.contains(&flag), "{command} {line}");
        }
    }
    for words in [
        "A disk that its machine uses now",
        "Comma\\-separated values",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let file = folder.path().join("vhdtree.1");
    std::fs::write(&file, page).unwrap();
    reads("groff", &["-Kutf8", "-man", "-ww", "-z"], &file);
    reads("mandoc", &["-T", "lint", "-W", "error"], &file);
}
