//! What leaves the browser: texts for the clipboard (OSC 52, or tmux), for a pager, for a file.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use crate::format::base64;
use crate::text;
use crate::tui::effect::Export;
use crate::tui::state::root_around;

/// Longest text sent to a clipboard, in bytes: terminals drop longer ones without a word.
const CLIPBOARD_MAX: usize = 74_000;

/// Sends a text to the clipboard of the terminal: through tmux where that stands in between, else by OSC 52. What
/// comes of it nobody says, so neither do we.
pub fn copy(text: &str) -> String {
    if text.len() > CLIPBOARD_MAX {
        return "too long for a terminal's clipboard: use v or E".to_owned();
    }
    if std::env::var_os("TMUX").is_some() && to_tmux(text) {
        return "sent to tmux, and through it to the terminal".to_owned();
    }
    let mut out = std::io::stdout().lock();
    let code = format!("\x1b]52;c;{}\x07", base64::encode(text.as_bytes()));
    match out.write_all(code.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => "sent to the terminal (OSC 52); some take it, some do not".to_owned(),
        Err(error) => format!("not sent: {error}"),
    }
}

fn to_tmux(text: &str) -> bool {
    let mut command = Command::new("tmux");
    command.args(["load-buffer", "-w", "-"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    feed(command, text) == Some(true)
}

/// Runs a program and gives it a text; whether that went well, `None` if there is no such program.
fn feed(mut command: Command, text: &str) -> Option<bool> {
    let mut child = command.stdin(Stdio::piped()).spawn().ok()?;
    if let Some(mut input) = child.stdin.take() {
        // A pager that is left early closes its end: no fault.
        let _ = input.write_all(text.as_bytes());
    }
    Some(child.wait().is_ok_and(|status| status.success()))
}

/// Shows a text in `$PAGER`, else in `less`, else in `more`. A sentence if there is none.
pub fn page(text: &str) -> Option<String> {
    let wanted = std::env::var("PAGER")
        .ok()
        .filter(|pager| !pager.trim().is_empty());
    let pagers = wanted.iter().map(String::as_str).chain(["less", "more"]);
    for pager in pagers {
        let mut words = pager.split_whitespace();
        let Some(program) = words.next() else {
            continue;
        };
        let mut command = Command::new(program);
        command.args(words);
        if program.ends_with("less") && std::env::var_os("LESS").is_none() {
            command.arg("-S");
        }
        if feed(command, text).is_some() {
            return None;
        }
    }
    Some("no pager was found: set PAGER".to_owned())
}

/// Writes a new file of a name in a folder, which is made if need be; never over one that is there, and never below a root
/// of the store.
///
/// # Errors
/// Why it was not written, as a sentence.
pub fn export(
    name: &str,
    folder: Option<&Path>,
    roots: &[PathBuf],
    export: &Export,
) -> Result<PathBuf, String> {
    let mut bytes = Vec::new();
    match export {
        Export::Text(lines) => {
            for line in lines {
                bytes.extend_from_slice(line.as_bytes());
                bytes.push(b'\n');
            }
        }
        Export::Store(forest, assessment) => {
            bytes = crate::tui::saved::store_json(forest, assessment)?;
        }
    }
    write_new(name, folder, roots, &bytes)
}

fn write_new(
    name: &str,
    folder: Option<&Path>,
    roots: &[PathBuf],
    bytes: &[u8],
) -> Result<PathBuf, String> {
    let folder = folder.ok_or("no export folder is known: give one with --export DIR")?;
    let said = |path: &Path, error: &std::io::Error| format!("{}: {error}", text::path(path));
    let mut parts = Path::new(name).components();
    let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) else {
        return Err(format!(
            "{} is no name of a file; --export DIR chooses the folder",
            text::escape(name)
        ));
    };
    // Looked at before anything is made: a folder in the store must not come into being either.
    let around = root_around(folder, roots).map_err(|error| said(folder, &error))?;
    if let Some(root) = around {
        return Err(format!(
            "{} lies in the store {}, where nothing is ever written; give another folder with --export DIR",
            text::path(folder),
            text::path(root)
        ));
    }
    std::fs::create_dir_all(folder).map_err(|error| said(folder, &error))?;
    for number in 0..1000_u32 {
        let path = folder.join(numbered(Path::new(name), number));
        match std::fs::File::create_new(&path) {
            Ok(mut file) => {
                return match file.write_all(bytes) {
                    Ok(()) => Ok(path),
                    Err(error) => Err(said(&path, &error)),
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(said(&path, &error)),
        }
    }
    Err("there are a thousand such files there".to_owned())
}

/// `scan.json`, `scan-1.json`, `scan-2.json`.
fn numbered(name: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return name.to_owned();
    }
    let stem = name.file_stem().unwrap_or_default().to_string_lossy();
    let extension = name.extension().unwrap_or_default().to_string_lossy();
    name.with_file_name(format!("{stem}-{number}.{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_never_replaces_a_file_and_never_goes_into_a_store() {
        let folder = tempfile::tempdir().unwrap();
        let text = Export::Text(vec!["one".to_owned()]);
        let out = folder.path().join("out");
        let store = folder.path().join("store");
        std::fs::create_dir(&store).unwrap();
        let roots = [store.clone()];
        let to = |name: &str, folder: &Path| export(name, Some(folder), &roots, &text);
        assert_eq!(to("a.txt", &out), Ok(out.join("a.txt")));
        assert_eq!(to("a.txt", &out), Ok(out.join("a-1.txt")));
        assert_eq!(std::fs::read_to_string(out.join("a.txt")).unwrap(), "one\n");
        for inside in [store.clone(), store.join("deep")] {
            let why = to("a.txt", &inside).unwrap_err();
            assert!(why.contains("nothing is ever written"));
        }
        for name in ["../store/a.txt", "/tmp/a.txt", "a/b.txt", ".."] {
            let why = to(name, &out).unwrap_err();
            assert!(why.contains("no name of a file"), "{name}");
        }
        assert_eq!(std::fs::read_dir(&store).unwrap().count(), 0);
        let why = export("a.txt", None, &roots, &text).unwrap_err();
        assert!(why.contains("--export"));
    }
}
