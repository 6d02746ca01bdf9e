//! Arguments: the commands and flags of the contract.

mod values;

use std::convert::Infallible;
use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

use crate::guest::filesystem::ChangeKind;
use crate::report::Sort;
use crate::report::row::Direction;
use crate::store::PathMap;
use crate::tui::depth::ColorChoice;

pub use self::values::{As, FailOn, FilesSort, Host, OnlyWord, columns, sort};
use self::values::{change_word, given_up, grid, path_map, sectors};

/// Shows what a snapshot tree of virtual disks really is, and whether a machine was reverted. It never writes to a store.
#[derive(Debug, Parser)]
#[command(
    name = "vhdtree",
    version,
    about,
    long_about = None,
    after_help = MORE,
    after_long_help = EXAMPLES,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do; without a command, browse PATH (in a pipe: list it).
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// Folders or disk files of the store [default: the current folder].
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// How the tree is ordered and cut.
    #[command(flatten)]
    pub tree: TreeArgs,
    /// What is read.
    #[command(flatten)]
    pub scan: ScanArgs,
    /// How answers are printed.
    #[command(flatten)]
    pub out: OutArgs,
    /// How the browser looks.
    #[command(flatten)]
    pub browse: BrowseArgs,
}

const MORE: &str = "`vhdtree COMMAND --help` shows every option, with examples.";

const EXAMPLES: &str = "\
Examples:
  vhdtree /vmstore                                 browse a store
  vhdtree ls /vmstore --only problems              the tree as text, problems only
  vhdtree info /vmstore/web01/web01_A02E….avhdx    one disk: header, chain, evidence
  vhdtree gate /vmstore --vm web01 --snapshot pre-patch --facts labels.json
  vhdtree ls /vmstore --json > scan.json; vhdtree --from scan.json
  vhdtree demo                                     try it on a store made for that

Exit codes: 0 done, pass, same, healthy; 1 refuse, differ, findings; 2 could not do it; 3 cannot tell; 130 interrupted.
`vhdtree explain CODE` explains every finding, verdict and flag.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// List a store as a tree, table, JSON or CSV.
    #[command(
        after_long_help = "Examples:\n  vhdtree ls /vmstore -o name,ondisk,changed,status\n  vhdtree ls /vmstore --json | jq '.disks[] | select(.made_by_revert==\"likely\") | .path'"
    )]
    Ls {
        /// Folders or disk files of the store [default: the current folder].
        #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
        paths: Vec<PathBuf>,
        /// How the tree is ordered and cut.
        #[command(flatten)]
        tree: TreeArgs,
        /// Print the scan for Prometheus' textfile collector: time, success, disks, bytes, snapshots, findings.
        #[arg(long, conflicts_with_all = ["json", "ndjson", "csv", "columns"])]
        prometheus: bool,
    },
    /// Show one disk: header, chain, verdict with its evidence, findings.
    #[command(
        after_long_help = "Example:\n  vhdtree info web01_A02E91B3-….avhdx --facts labels.json"
    )]
    Info {
        /// The disk.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Where the file's store is.
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Show which blocks a disk holds, as runs or as a grid.
    #[command(
        after_long_help = "Examples:\n  vhdtree map disk.avhdx --grid 64x16\n  vhdtree map disk.avhdx -n -b\n  vhdtree map disk.avhdx --owners --sectors 2048-4095"
    )]
    Map {
        /// The disk.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Draw a grid of so many cells instead of runs, for example 64x16.
        #[arg(long, value_name = "COLUMNSxROWS", value_parser = grid, conflicts_with = "owners")]
        grid: Option<(u32, u32)>,
        #[command(flatten)]
        owners: OwnersArgs,
        /// Where the file's store is: for --owners, which needs the disk's parents.
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Compare a disk with its parent, or two disks of one family.
    #[command(
        after_long_help = "Examples:\n  vhdtree diff child.avhdx\n  vhdtree diff left.avhdx right.avhdx --json\n  vhdtree diff child.avhdx --owners\n\nExits with 0 if nothing differs, 1 if something does."
    )]
    Diff {
        /// The child.
        #[arg(value_name = "CHILD", value_hint = ValueHint::FilePath)]
        child: PathBuf,
        /// The disk to compare with [default: the child's parent].
        #[arg(value_name = "OTHER", value_hint = ValueHint::FilePath)]
        other: Option<PathBuf>,
        #[command(flatten)]
        owners: OwnersArgs,
        /// Where the files' store is.
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Check all disks and chains; exit with 1 if something is wrong.
    #[command(
        after_long_help = "Example:\n  vhdtree check /vmstore --json | jq -r '.findings[].code' | sort | uniq -c"
    )]
    Check {
        /// Folders or disk files of the store [default: the current folder].
        #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
        paths: Vec<PathBuf>,
        /// Exit with 1 from this severity on.
        #[arg(long, value_name = "SEVERITY", default_value = "warning")]
        fail_on: FailOn,
    },
    /// Show what deleting a snapshot would do. Nothing is changed.
    #[command(
        after_long_help = "The plan is shown whatever it says: exit code 0. `gate` answers by its exit code.\n\nExamples:\n  vhdtree plan /vmstore --vm web01 --snapshot pre-patch\n  vhdtree plan web01_3A55E0B1-….avhdx"
    )]
    Plan(PlanArgs),
    /// Answer whether a snapshot may be deleted, as an exit code: 0 pass, 1 refuse, 2 no answer, 3 cannot tell.
    #[command(
        after_long_help = "Example:\n  if vhdtree gate /vmstore --vm web01 --snapshot pre-patch; then remove it; else echo kept; fi"
    )]
    Gate(PlanArgs),
    /// Show which of the guest's files differ between a disk and its parent, or another disk.
    #[command(
        after_long_help = "Examples:\n  vhdtree files web01_A02E….avhdx\n  vhdtree files web01_A02E….avhdx --only deleted,modified --sort size\n  vhdtree files web01.vhdx --all --in p2:/Users\n\nExits with 0 if nothing differs, 1 if something does, 3 if a part cannot be read."
    )]
    Files(FilesArgs),
    /// Copy files out of a disk, or its whole content; nothing is written into a store.
    #[command(
        after_long_help = "Examples:\n  vhdtree cp web01_A02E….avhdx /Users/taro/Desktop/report.txt .\n  vhdtree cp web01_A02E….avhdx p2:/Users - | tar -t\n  vhdtree cp web01_A02E….avhdx web01.raw     the whole disk, raw, with holes"
    )]
    Cp(CpArgs),
    /// Show what changed between two scans of one store; exit with 1 if something is worse.
    #[command(
        after_long_help = "Examples:\n  vhdtree ls /vmstore --ndjson > monday.ndjson\n  vhdtree changes monday.ndjson /vmstore\n  vhdtree changes monday.ndjson tuesday.ndjson --json\n\nExits with 0 if nothing is worse, 1 if something is, 3 if one of the scans is incomplete."
    )]
    Changes {
        /// A saved scan, or a folder.
        #[arg(value_name = "OLD", value_hint = ValueHint::AnyPath)]
        old: PathBuf,
        /// A saved scan, or a folder: its verdicts take the old scan into account.
        #[arg(value_name = "NEW", value_hint = ValueHint::AnyPath)]
        new: PathBuf,
    },
    /// Explain a finding, rule, reason, witness or flag; without CODE list them all.
    #[command(
        after_long_help = "Examples:\n  vhdtree explain parent-missing\n  vhdtree explain REVERTED"
    )]
    Explain {
        /// The code, as printed.
        #[arg(value_name = "CODE")]
        code: Option<String>,
    },
    /// Make a store that tells the story of a forgotten revert, and browse it.
    Demo {
        /// Where to make it [default: a temporary folder, removed at the end].
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
    /// Print a script that asks a host what it knows, for --facts.
    #[command(
        after_long_help = "Examples:\n  vhdtree collect hyperv > collect.ps1       run it on the host: .\\collect.ps1, then --facts vhdtree-host.json\n  vhdtree collect xcpng | ssh root@POOL sh > vhdtree-host.xe"
    )]
    Collect {
        /// What the host runs.
        #[arg(value_name = "KIND")]
        kind: Host,
    },
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        #[arg(value_name = "SHELL", required_unless_present = "snapshots")]
        shell: Option<clap_complete::Shell>,
        /// The names of a store's snapshots, one a line, for the completions themselves.
        #[arg(hide = true, long, value_name = "PATH")]
        snapshots: Option<PathBuf>,
    },
    /// Print the manual page.
    Man,
}

/// Whose sectors are.
#[derive(Debug, Args)]
pub struct OwnersArgs {
    /// Say whose each sector is: a file's, a directory's, the file system's own, free space.
    #[arg(long)]
    pub owners: bool,
    /// Only these sectors: one, or FIRST-LAST.
    #[arg(long, value_name = "A-B", value_parser = sectors, requires = "owners")]
    pub sectors: Option<Range<u64>>,
}

/// What `files` is about.
#[derive(Debug, Args)]
pub struct FilesArgs {
    /// The disk.
    #[arg(value_name = "DISK", value_hint = ValueHint::FilePath)]
    pub disk: PathBuf,
    /// The disk to compare with [default: the disk's parent].
    #[arg(value_name = "OTHER", value_hint = ValueHint::FilePath, conflicts_with = "all")]
    pub other: Option<PathBuf>,
    /// List all files of the disk, whether they differ from others or not.
    #[arg(long)]
    pub all: bool,
    /// Show which versions of the file at `--in PATH` the disks of the tree hold.
    #[arg(long, requires = "within", conflicts_with_all = ["all", "other"])]
    pub versions: bool,
    /// Only what is at or below this path: `/Users`, or `p2:/Users` for one of several volumes.
    #[arg(long = "in", value_name = "PATH")]
    pub within: Option<String>,
    /// Show what is folded into counts as well: page files, logs, caches, folders touched, other times only.
    #[arg(long)]
    pub noise: bool,
    /// Order of the changes [default: users' folders first, then the newest].
    #[arg(long, value_name = "KEY")]
    pub sort: Option<FilesSort>,
    /// Only these kinds of changes, separated by commas: created, modified, deleted, renamed, replaced, linked, unlinked,
    /// metadata, written.
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = change_word)]
    pub only: Vec<ChangeKind>,
    /// Only files of so many bytes at least.
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub min_size: u64,
    /// Where the disk's store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// What `cp` is about.
#[derive(Debug, Args)]
pub struct CpArgs {
    /// The disk.
    #[arg(value_name = "DISK", value_hint = ValueHint::FilePath)]
    pub disk: PathBuf,
    /// What to copy (`/Users`, `p2:/Users`, `/file:stream`; nothing: the whole disk), and the new file or folder last; `-` is
    /// standard output, where folders come as tar.
    #[arg(value_name = "PATH... OUT", required = true, num_args = 1..)]
    pub rest: Vec<PathBuf>,
    /// Replace a file that is there already.
    #[arg(long)]
    pub force: bool,
    /// Where the disk's store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// What `plan` and `gate` are about.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// A snapshot's disk; or, with --snapshot, a folder of the store.
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    pub target: PathBuf,
    /// The snapshot, by name or id.
    #[arg(long, value_name = "NAME|ID")]
    pub snapshot: Option<String>,
    /// The machine the snapshot belongs to.
    #[arg(long, value_name = "NAME")]
    pub vm: Option<String>,
    /// The state of the files must still be this one (`state_token` of an earlier answer, or its first digits).
    #[arg(long, value_name = "TOKEN")]
    pub expect: Option<String>,
    /// Look at all of the guest's files that a delete loses, and let `plan` name each.
    #[arg(long)]
    pub files: bool,
    /// Let a named reason pass for this very state of the files.
    #[arg(long, value_name = "REASON:TOKEN")]
    pub accept: Vec<String>,
    /// Where the target's store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Where the store of a single file is.
#[derive(Debug, Clone, Default, Args)]
pub struct StoreArgs {
    /// The store the file belongs to [default: its folder].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub store: Vec<PathBuf>,
}

/// What is read, and how.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reading")]
pub struct ScanArgs {
    /// What the host knows: its snapshots, machines, disks, files and their times; recognised by content; may be given several times.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub facts: Vec<PathBuf>,
    /// A disk that its machine uses now, where nothing else says so.
    #[arg(hide_short_help = true, long, global = true, value_name = "DISK", value_hint = ValueHint::FilePath)]
    pub now: Vec<PathBuf>,
    /// Given up.
    #[arg(hide = true, long, global = true, value_name = "FILE", value_parser = given_up)]
    pub labels: Option<Infallible>,
    /// Given up.
    #[arg(hide = true, long, global = true, value_name = "FILE", value_parser = given_up)]
    pub times: Option<Infallible>,
    /// Where a stored path lies here, for example 'D:\VMs=/mnt/vms'.
    #[arg(hide_short_help = true, long, global = true, value_name = "FROM=TO", value_parser = path_map)]
    pub map: Vec<PathMap>,
    /// A further folder in which parents may be opened.
    #[arg(hide_short_help = true, long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub parent_root: Vec<PathBuf>,
    /// Do not look into the guest: neither at its files nor at the times its own clock gave them.
    #[arg(hide_short_help = true, long, global = true)]
    pub no_guest: bool,
    /// Files read at once [default: as many as the storage answers sooner together].
    #[arg(hide_short_help = true, long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Whose rules a delete follows [default: guessed from the store].
    #[arg(long = "as", global = true, value_name = "PRODUCT")]
    pub product: Option<As>,
    /// A saved `ls --json` or `--ndjson` instead of a store; `-` is standard input.
    ///
    /// Again and again for scans of several hosts: each path and machine is named by its host. It keeps the verdicts it was
    /// saved with: give facts when the store is scanned.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub from: Vec<PathBuf>,
}

/// How answers are printed.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line; they become enums at once"
)]
pub struct OutArgs {
    /// JSON, schema vhdtree/1.
    #[arg(long, global = true, conflicts_with_all = ["ndjson", "csv"])]
    pub json: bool,
    /// JSON, a record on each line.
    ///
    /// `ls` and `check` begin with a record of the scan: host, roots, time, whether it is complete. `ls` prints its records when every disk is linked and counted, for a verdict may hang on any of them; `map` and `diff`
    /// print each run as it is found.
    #[arg(long, global = true, conflicts_with = "csv")]
    pub ndjson: bool,
    /// No sentences in the JSON of `ls`, `check` and `changes`: codes, times and numbers only.
    #[arg(hide_short_help = true, long, global = true)]
    pub brief: bool,
    /// Comma-separated values.
    #[arg(hide_short_help = true, long, global = true)]
    pub csv: bool,
    /// Columns, in order; with a leading + in addition to the usual ones.
    #[arg(short = 'o', long, global = true, value_name = "LIST")]
    pub columns: Option<String>,
    /// No line with the names of the columns.
    #[arg(hide_short_help = true, short, long, global = true)]
    pub no_headings: bool,
    /// Exact bytes instead of MiB and GiB.
    #[arg(short, long, global = true)]
    pub bytes: bool,
    /// Only ASCII signs.
    #[arg(hide_short_help = true, long, global = true)]
    pub ascii: bool,
    /// Colours.
    #[arg(
        hide_short_help = true,
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto"
    )]
    pub color: ColorChoice,
    /// Times in UTC (the default).
    #[arg(hide_short_help = true, long, global = true, conflicts_with = "local")]
    pub utc: bool,
    /// Times in the zone of this machine.
    #[arg(hide_short_help = true, long, global = true)]
    pub local: bool,
    /// No progress and no warnings.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// How the browser looks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Browser")]
pub struct BrowseArgs {
    /// Colours of the browser: ansi16, safe, light, mono, or a theme file [default: ansi16].
    #[arg(hide_short_help = true, long, global = true, value_name = "NAME|FILE", value_hint = ValueHint::FilePath)]
    pub theme: Option<String>,
    /// Let the browser listen to the mouse.
    #[arg(hide_short_help = true, long, global = true)]
    pub mouse: bool,
    /// The config file [default: vhdtree/config.toml in the user's configuration folder].
    #[arg(hide_short_help = true, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// No config file.
    #[arg(hide_short_help = true, long, global = true)]
    pub no_config: bool,
    /// Neither read nor keep the browser's state (order, folds, theme, hidden codes of each store).
    #[arg(hide_short_help = true, long, global = true)]
    pub no_state: bool,
    /// The folder that exports of the browser go into, not one of the store [default: the state folder].
    #[arg(hide_short_help = true, long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub export: Option<PathBuf>,
}

/// How the tree is ordered and cut.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Tree")]
pub struct TreeArgs {
    /// Deepest level shown; 0 shows machines and folders only.
    #[arg(long, value_name = "N")]
    pub depth: Option<u32>,
    /// The order; a leading - reverses it.
    #[arg(long, value_name = "COLUMN", value_parser = sort, allow_hyphen_values = true)]
    pub sort: Option<(Sort, Direction)>,
    /// Only these rows, with the rows above them.
    #[arg(long, value_name = "WHAT")]
    pub only: Option<OnlyWord>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        for line in [
            ["vhdtree", "--json", "ls", "x"],
            ["vhdtree", "ls", "x", "--json"],
        ] {
            assert!(Cli::try_parse_from(line).unwrap().out.json);
        }
    }

    #[test]
    fn names_that_begin_with_a_hyphen_come_after_two() {
        let cli = Cli::try_parse_from(["vhdtree", "info", "--", "-x.vhd"]).unwrap();
        let Some(CliCommand::Info { file, .. }) = cli.command else {
            panic!("{cli:?}");
        };
        assert_eq!(file, PathBuf::from("-x.vhd"));
        let cli = Cli::try_parse_from(["vhdtree", "--", "ls"]).unwrap();
        assert_eq!(cli.paths, [PathBuf::from("ls")]);
    }
}
