//! The command line and the browser say the same of one thing: each page's text, made by either face from one store.

use vhdtree::store::ScanOptions;
use vhdtree::tui::Options;
use vhdtree::tui::app::App;
use vhdtree::tui::script::{Script, settings};
use vhdtree::tui::update::start;

use crate::cli;

const WIDTH: u16 = 100;

/// Lines that say something, blanks at both ends cut.
fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

fn without_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The browser on a folder, a disk of it selected, with exact bytes: everything in full.
fn browser(options: &Options, disk: &str) -> Script {
    let mut script = Script::of(App::new(settings(), (WIDTH, 40)));
    script.effects = start(&mut script.app);
    script.work(options);
    let search = format!("/{}<Enter>z", disk.get(..16).unwrap_or(disk));
    script.keys(&search).work(options);
    script
}

#[test]
fn both_faces_have_the_same_lines_on_every_page() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    cli::run(folder.path(), ["demo", "store"]);
    let disk = std::fs::read_dir(store.join("TestWin7"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "avhd")
        })
        .unwrap();
    let options = Options {
        scan: ScanOptions {
            roots: vec![store.clone()],
            ..ScanOptions::default()
        },
        ..Options::default()
    };
    let name = disk.file_name().unwrap().to_str().unwrap();
    let base = store.join("TestWin7").join("WIN7x64_Diff.vhd");
    let (path, base) = (disk.to_str().unwrap(), base.to_str().unwrap());
    let root = store.to_str().unwrap();
    // With what is not compared: free space, which others change meanwhile, and the sums of a check.
    for (key, disk, args, beside) in [
        (
            "2",
            name,
            vec!["info", path, "--store", root, "--no-guest"],
            &[][..],
        ),
        ("m", name, vec!["map", path], &[][..]),
        ("=", name, vec!["diff", path, "--store", root], &[][..]),
        (
            "d",
            "WIN7x64_Diff.vhd",
            vec!["plan", base, "--store", root, "--no-guest"],
            &["free here"][..],
        ),
        ("c", name, vec!["check", root], &["checked:"][..]),
    ] {
        let output = cli::run(folder.path(), args.iter().copied().chain(["-b"]));
        let said = lines(&cli::text(&output));
        let mut script = browser(&options, disk);
        script.keys(key).work(&options);
        // Only the browser cuts a word that is longer than the line; blanks do not count here.
        let shown = without_blanks(&script.text().join(" "));
        assert!(said.len() > 3, "{args:?}: {said:#?}");
        let only_said: Vec<&String> = said
            .iter()
            .filter(|line| !beside.iter().any(|word| line.contains(word)))
            .filter(|line| !shown.contains(&without_blanks(line)))
            .collect();
        assert!(
            only_said.is_empty(),
            "{args:?}: {only_said:#?}\n{:#?}",
            script.text()
        );
    }
}

/// The owners on the map are those of the command line, the most telling of each cell.
#[test]
fn the_map_shows_whose_each_block_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    cli::run(folder.path(), ["demo", "store"]);
    let name = "lab04_84D319FE-2B70-4DA6-A5C8-3E617F92B0C4.avhdx";
    let options = Options {
        scan: ScanOptions {
            roots: vec![store.clone()],
            ..ScanOptions::default()
        },
        ..Options::default()
    };
    let mut script = browser(&options, name);
    script.keys("m").work(&options).keys("O").work(&options);
    let text = script.shot();
    let row = text
        .lines()
        .map(str::trim_start)
        .find(|line| line.starts_with("0 "));
    let row = row.unwrap_or_else(|| panic!("{text}"));
    // Its first block has tables and folders, and the last of its two kinds of files is the page file.
    assert!(
        row.contains('d') && row.contains('f') && row.contains('p'),
        "{text}"
    );
    assert!(
        text.contains(" f file") && text.contains("; directory"),
        "{text}"
    );
    let path = store.join("lab04").join(name);
    let said = cli::run(folder.path(), ["map", path.to_str().unwrap(), "--owners"]);
    let said = cli::text(&said);
    let file = "file /Users/taro/Desktop/検証用.txt";
    assert!(said.contains(file), "{said}");
    script.keys("t").keys("O").work(&options);
    assert!(!script.shot().contains(" f file"));
}
