//! The house rules that a compiler does not hold: rooms use only rooms below them, terminals stay above `report`, and
//! nothing can write but in the few places that may.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the bottom up. Two of the same number do not know each other.
const ROOMS: [(&str, u8); 13] = [
    ("finding", 0),
    ("job", 0),
    ("text", 0),
    ("source", 1),
    ("format", 2),
    ("image", 3),
    ("chain", 4),
    ("guest", 5),
    ("store", 6),
    ("analysis", 7),
    ("report", 8),
    ("tui", 9),
    ("cli", 10),
];

/// Libraries of terminals and words: not below `report`.
const UPPER_LIBRARIES: [&str; 6] = [
    "ratatui",
    "crossterm",
    "clap",
    "clap_complete",
    "humansize",
    "anyhow",
];

/// What could change a file.
const WRITES: [&str; 19] = [
    "File::create",
    "File::options",
    "OpenOptions",
    ".write(true)",
    ".append(true)",
    ".create(true)",
    ".create_new(true)",
    "fs::write",
    "fs::remove_",
    "fs::rename",
    "fs::copy",
    "fs::create_dir",
    "fs::hard_link",
    "fs::set_permissions",
    "DirBuilder",
    "unix::fs::symlink",
    ".set_len(",
    ".set_times(",
    ".set_modified(",
];

/// Where writing is allowed: the demo and its command, the browser's saved state and export, builders for tests.
const MAY_WRITE: [&str; 12] = [
    "demo.rs",
    "demo/",
    "cli/demo.rs",
    "cli/cp/place.rs",
    "testing.rs",
    "testing/",
    "build.rs",
    "build/",
    "tui/state.rs",
    "tui/state/",
    "tui/export.rs",
    "tui/runtime/outside.rs",
];

/// A source file: its path from `src`, and its text without tests, comments and strings.
struct Source {
    path: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut todo = vec![root.clone()];
    let mut texts = Vec::new();
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inner = path.strip_prefix(&root).unwrap();
                let name = inner.to_str().unwrap().replace('\\', "/");
                texts.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(texts.len() > 50, "the sources were not found");
    let for_tests: Vec<String> = texts
        .iter()
        .flat_map(|(path, text)| test_modules(path, text))
        .collect();
    let is_test = |path: &str| {
        for_tests.iter().any(|module| {
            path.strip_prefix(module.as_str())
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        })
    };
    texts
        .into_iter()
        .filter(|(path, _)| !is_test(path))
        .map(|(path, text)| Source {
            path,
            code: code_of(&text),
        })
        .collect()
}

/// Modules a file declares for tests only, as paths without `.rs`.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let own = path.strip_suffix(".rs").unwrap_or(path);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| {
            let declared = pair[1]
                .trim_start_matches("pub(crate) ")
                .strip_prefix("mod ")?;
            let name = declared.strip_suffix(';')?;
            Some(match own {
                "lib" => name.to_owned(),
                own => format!("{own}/{name}"),
            })
        })
        .collect()
}

/// Code without its tests and comments. A test module ends a file in this house.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            // A file-level test module ends the file; a declaration of one is a single line.
            match lines.next() {
                Some(next) if next.trim_end().ends_with(';') => continue,
                _ if !line.starts_with(' ') => break,
                _ => continue,
            }
        }
        let line = line.find("//").map_or(line, |at| &line[..at]);
        code.push_str(line);
        code.push('\n');
    }
    code
}

fn room(path: &str) -> Option<(&'static str, u8)> {
    let name = path.split(['/', '.']).next()?;
    ROOMS.iter().copied().find(|(room, _)| *room == name)
}

/// Rooms named behind `crate::`, nested lists included: `use crate::{cli, report::Row}`.
fn used_rooms(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut name = String::new();
            let mut at_start = true;
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => {
                        used.push(std::mem::take(&mut name));
                        at_start = true;
                    }
                    c if depth == 1 && at_start && (c.is_alphanumeric() || c == '_') => {
                        name.push(c);
                    }
                    c if c.is_whitespace() => {}
                    _ => at_start = false,
                }
                if depth == 0 {
                    break;
                }
            }
            used.push(name);
        } else {
            used.push(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    used
}

/// What is wrong with a source file, a line for each.
fn faults(source: &Source) -> String {
    let mut faults = String::new();
    let path = &source.path;
    if let Some((own, height)) = room(path) {
        for used in used_rooms(&source.code) {
            let above = ROOMS.iter().find(|(name, other)| {
                *name == used && *name != own && *other >= height && height > 0
            });
            // The bottom rooms know each other; `cli` starts the browser.
            if above.is_some() {
                let _ = writeln!(faults, "{path}: {own} uses {used}, a room above it");
            }
            if matches!(used.as_str(), "build" | "demo" | "testing") && height < 9 {
                let _ = writeln!(faults, "{path}: {own} uses {used}");
            }
        }
        let asks = [".format ==", ".format !="];
        if height > 3 && asks.iter().any(|asked| source.code.contains(asked)) {
            let _ = writeln!(
                faults,
                "{path}: {own} asks for a format that image should know"
            );
        }
        let report = 8;
        for library in UPPER_LIBRARIES {
            let uses = source.code.contains(&format!("{library}::"))
                || source.code.contains(&format!("use {library};"));
            let ours = library == "humansize" && own == "text";
            if height <= report && uses && !ours {
                let _ = writeln!(faults, "{path}: {own} uses {library}");
            }
        }
    }
    let may = MAY_WRITE
        .iter()
        .any(|allowed| path == allowed || (allowed.ends_with('/') && path.starts_with(allowed)));
    if !may {
        for write in WRITES.iter().filter(|write| source.code.contains(**write)) {
            let _ = writeln!(faults, "{path}: {write} could write");
        }
    }
    faults
}

#[test]
fn rooms_use_rooms_below_them_and_only_a_few_places_can_write() {
    let all: String = sources().iter().map(faults).collect();
    assert!(all.is_empty(), "\n{all}");
}

#[test]
fn the_check_itself_sees_what_it_is_for() {
    let planted = |path: &str, code: &str| {
        faults(&Source {
            path: path.to_owned(),
            code: code_of(code),
        })
    };
    for (path, code) in [
        ("format/vhd.rs", "use crate::image::Image;"),
        ("store.rs", "use crate::{finding::Code, analysis::{Plan}};"),
        ("tui/view.rs", "fn f() { crate::cli::run([]) }"),
        ("analysis/plan.rs", "use humansize::BINARY;"),
        ("report/row.rs", "use ratatui::Frame;"),
        ("chain.rs", "use crate::build::vhd;"),
        ("store/scan.rs", "std::fs::write(path, b\"\")?;"),
        ("source/file.rs", "let f = OpenOptions::new().write(true);"),
        ("cli/ls.rs", "fs::remove_file(path)"),
        ("tui/view/map.rs", "file.set_len(0)"),
        ("store/link.rs", "if header.format == Format::Vhdx {}"),
    ] {
        assert!(!planted(path, code).is_empty(), "{path}: {code}");
    }
    for (path, code) in [
        (
            "image.rs",
            "use crate::format::BlockNo; use crate::finding::Code;",
        ),
        ("cli.rs", "use crate::tui; use clap::Parser;"),
        ("text/number.rs", "use humansize::BINARY;"),
        ("analysis/plan.rs", "use crate::text::size;"),
        ("demo/store.rs", "fs::write(path, b\"\")"),
        (
            "store.rs",
            "// fs::write\nmod x;\n#[cfg(test)]\nmod tests { fn f() { fs::write(); } }",
        ),
    ] {
        assert_eq!(planted(path, code), "", "{path}: {code}");
    }
}

/// Every path in a list of imports: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn expand(tree: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let (mut open, mut item) = (vec![String::new()], String::new());
    for c in tree.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '{' => open.push(format!(
                "{}{}",
                open[open.len() - 1],
                std::mem::take(&mut item)
            )),
            ',' | '}' => {
                if !item.is_empty() {
                    paths.push(format!(
                        "{}{}",
                        open[open.len() - 1],
                        std::mem::take(&mut item)
                    ));
                }
                if c == '}' {
                    open.pop();
                }
            }
            c => item.push(c),
        }
    }
    paths.push(format!("{}{item}", open[0]));
    paths
}

/// The modules that a file names, its own children aside: a parent declares and hands on what they hold.
fn used_files(own: &str, code: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let lists = code.match_indices("use ").filter_map(|(at, word)| {
        let before = code[..at].rsplit('\n').next()?.trim_start();
        let is_statement = before.is_empty() || before.starts_with("pub");
        let (list, _) = code[at + word.len()..].split_once(';')?;
        is_statement.then_some(list)
    });
    let mut paths: Vec<String> = lists.flat_map(expand).collect();
    for start in ["crate::", "super::"] {
        paths.extend(code.match_indices(start).map(|(at, _)| {
            let rest = code[at..].chars();
            rest.take_while(|c| c.is_alphanumeric() || matches!(c, ':' | '_'))
                .collect()
        }));
    }
    let mut used = BTreeSet::new();
    for path in &paths {
        let parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
        let up = parts.iter().take_while(|part| **part == "super").count();
        let mut base: Vec<&str> = own.split("::").collect();
        let rest = match parts.first() {
            Some(&"crate") => {
                base.clear();
                &parts[1..]
            }
            Some(&"super") => {
                base.truncate(base.len().saturating_sub(up));
                &parts[up..]
            }
            _ => continue,
        };
        base.extend(rest);
        let named = (1..=base.len())
            .rev()
            .map(|length| base[..length].join("::"));
        used.extend(named.into_iter().find(|module| modules.contains(module)));
    }
    let below = format!("{own}::");
    used.retain(|module| module != own && !module.starts_with(&below));
    used
}

/// Pairs of files that name each other.
fn circles(sources: &[Source]) -> Vec<(String, String)> {
    let module = |source: &Source| {
        let path = source.path.strip_suffix(".rs").unwrap_or(&source.path);
        path.replace('/', "::")
    };
    let modules: BTreeSet<String> = sources.iter().map(module).collect();
    let used: BTreeMap<String, BTreeSet<String>> = sources
        .iter()
        .map(|source| {
            let own = module(source);
            let used = used_files(&own, &source.code, &modules);
            (own, used)
        })
        .collect();
    let mut pairs = Vec::new();
    for (one, others) in &used {
        for other in others.range(one.clone()..) {
            if used.get(other).is_some_and(|back| back.contains(one)) {
                pairs.push((one.clone(), other.clone()));
            }
        }
    }
    pairs
}

#[test]
fn no_two_files_import_each_other() {
    let found = circles(&sources());
    assert_eq!(found, []);
    let planted = |path: &str, code: &str| Source {
        path: path.to_owned(),
        code: code_of(code),
    };
    let both = [
        planted(
            "tui/app.rs",
            "use crate::{text, tui::view::{paint, layout::Area}};",
        ),
        planted(
            "tui/view/layout.rs",
            "fn f(app: &super::super::app::App) {}",
        ),
        planted("tui/view.rs", "pub mod layout;\npub use layout::Area;"),
    ];
    let pair = ("tui::app".to_owned(), "tui::view::layout".to_owned());
    assert_eq!(circles(&both), [pair]);
}

/// Names of types in code, with whether more than their own file sees them.
fn types(code: &str) -> Vec<(String, bool)> {
    let mut names = Vec::new();
    for line in code.lines() {
        let declared = line.trim_start();
        let (is_seen, declared) = match declared.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => match rest.split_once(") ") {
                Some((_, rest)) => (true, rest),
                None => continue,
            },
            Some(rest) => (true, rest.trim_start()),
            None => (false, declared),
        };
        let Some((kind, rest)) = declared.split_once(' ') else {
            continue;
        };
        // An indented `type` belongs to the trait that asks for it.
        let is_type = matches!(kind, "struct" | "enum" | "trait" | "union")
            || kind == "type" && !line.starts_with(' ');
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if is_type && name.starts_with(char::is_uppercase) {
            names.push((name, is_seen));
        }
    }
    names
}

/// Names that several types have, one of them at least seen outside its file.
fn doubled_names(sources: &[Source]) -> Vec<String> {
    let mut found: BTreeMap<String, (Vec<&str>, bool)> = BTreeMap::new();
    for source in sources {
        for (name, is_seen) in types(&source.code) {
            let (paths, any_seen) = found.entry(name).or_default();
            paths.push(&source.path);
            *any_seen |= is_seen;
        }
    }
    found
        .into_iter()
        .filter(|(_, (paths, any_seen))| paths.len() > 1 && *any_seen)
        .map(|(name, (paths, _))| format!("{name}: {}", paths.join(", ")))
        .collect()
}

#[test]
fn one_type_name_means_one_thing() {
    assert_eq!(doubled_names(&sources()), Vec::<String>::new());
    let planted = |path: &str, code: &str| Source {
        path: path.to_owned(),
        code: code_of(code),
    };
    let twice = [
        planted("image.rs", "pub struct Header {}\nstruct Part;"),
        planted("guest/gpt.rs", "struct Header;\nenum Part {}"),
        planted("job.rs", "pub(crate) trait Files {}"),
        planted("store.rs", "pub(in crate::store) type Files<'a> = &'a str;"),
        planted(
            "cli.rs",
            "impl Iterator for Lines {\n    type Item = u8;\n}",
        ),
        planted("tui.rs", "pub struct Item;"),
    ];
    assert_eq!(
        doubled_names(&twice),
        ["Files: job.rs, store.rs", "Header: image.rs, guest/gpt.rs"]
    );
}
