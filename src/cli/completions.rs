//! `completions`: what a shell needs to complete commands, flags, files, and the words and names that flags take.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, CommandFactory as _};
use clap_complete::Shell;

use super::args::Cli;
use super::exit::Exit;
use super::output::Output;
use super::session::Session;
use crate::report::{Column, Sort, codes};
use crate::store::CountPolicy;

pub(super) fn run(shell: Shell, out: &mut Output) -> anyhow::Result<Exit> {
    // Into memory first: the generator takes a reader that went away for a reason to panic.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut with_words(), "vhdtree", &mut text);
    let text = with_names(shell, &String::from_utf8(text)?);
    std::io::Write::write_all(out, text.as_bytes())?;
    Ok(Exit::Done)
}

/// The names of a store's snapshots, one a line: what the shells ask for after `--snapshot`.
pub(super) fn snapshots(session: &Session, path: &Path, out: &mut Output) -> anyhow::Result<Exit> {
    let roots = [PathBuf::from(path)];
    let store = session.read(&roots, CountPolicy::HeadersOnly, out)?;
    let snapshots = store.forest.snapshots.iter();
    let mut names: Vec<&str> = snapshots.filter_map(|of| of.name.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        // A name that is no line of its own would be two.
        if !name.contains(char::is_control) {
            out.line(name)?;
        }
    }
    Ok(Exit::Done)
}

/// The command line with every word that a value can be, where the parser itself reads more than words.
fn with_words() -> Command {
    let sorts = Sort::ALL.into_iter().map(|(_, word)| word);
    let columns = || Column::ALL.iter().map(|column| column.word());
    let words = move |arg: Arg| match arg.get_id().as_str() {
        "sort" => arg.value_parser(PossibleValuesParser::new(sorts.clone())),
        "columns" => arg.value_parser(PossibleValuesParser::new(columns())),
        _ => arg,
    };
    let code = |arg: Arg| {
        arg.value_parser(PossibleValuesParser::new(
            codes::all().iter().map(|code| code.id),
        ))
    };
    Cli::command()
        .mut_args(words.clone())
        .mut_subcommand("ls", |ls| ls.mut_args(words))
        .mut_subcommand("explain", |explain| explain.mut_arg("code", code))
}

const BASH: &str = r#"
_vhdtree_snapshots() {
    local store=. word IFS=$'\n'
    for word in "${COMP_WORDS[@]:2}"; do [[ -e $word ]] && store=$word; done
    COMPREPLY=($(vhdtree completions --snapshots "$store" 2>/dev/null | while read -r word; do
        [[ $word == "$1"* ]] && printf '%q\n' "$word"
    done))
}
"#;

const ZSH: &str = r#"
_vhdtree_snapshots() {
    local store=. word
    for word in ${words[3,-1]}; do [[ -e ${(Q)word} ]] && store=${(Q)word}; done
    local -a names
    names=(${(f)"$(vhdtree completions --snapshots $store 2>/dev/null)"})
    compadd -a names
}
_vhdtree_first() {
    _vhdtree_commands
    _files
}
"#;

/// The generator takes the path of the browser for a word that stands before every command.
const ZSH_FIRST: (&str, &str) = (
    "\":: :_vhdtree_commands\" \\\n",
    "\":: :_vhdtree_first\" \\\n",
);

const FISH: &str = r"
function __vhdtree_snapshots
    set -l store .
    for word in (commandline -opc)[3..-1]
        test -e $word; and set store $word
    end
    vhdtree completions --snapshots $store 2>/dev/null
end
";

/// The script with the names of the store's own snapshots after `--snapshot`, in the shells that people use most.
fn with_names(shell: Shell, script: &str) -> String {
    match shell {
        Shell::Bash => {
            let files = "--snapshot)\n                    COMPREPLY=($(compgen -f \"${cur}\"))";
            let names = "--snapshot)\n                    _vhdtree_snapshots \"${cur}\"";
            format!("{}{BASH}", script.replace(files, names))
        }
        Shell::Zsh => {
            let (commands, first) = ZSH_FIRST;
            let paths = script.lines().find(|line| line.starts_with("'::paths"));
            let paths = format!("{}\n{commands}", paths.unwrap_or_default());
            let names = script
                .replacen(&paths, first, 1)
                .replace("$line[2]", "$line[1]")
                .replace(":NAME|ID:_default", ":NAME|ID:_vhdtree_snapshots");
            // Its last lines run what stands above them.
            match names.rfind("\nif [") {
                Some(end) => {
                    let (before, after) = names.split_at(end);
                    format!("{before}\n{}{after}", ZSH.trim_start())
                }
                None => names,
            }
        }
        Shell::Fish => {
            let files = "-l snapshot -d 'The snapshot, by name or id' -r";
            let names = format!("{files} -f -a '(__vhdtree_snapshots)'");
            // The generator leaves out what stands without a flag.
            let codes: Vec<&str> = codes::all().iter().map(|code| code.id).collect();
            let codes = codes.join(" ");
            let explain = format!(
                "complete -c vhdtree -n '__fish_vhdtree_using_subcommand explain' -f -a '{codes}'"
            );
            format!("{}{FISH}{explain}\n", script.replace(files, &names))
        }
        _ => script.to_owned(),
    }
}
