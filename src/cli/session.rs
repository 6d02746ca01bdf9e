//! What every command starts with: the store read to its end (or a saved scan), the verdicts, and the signal that stops it.

use std::io;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use clap::CommandFactory as _;

use super::args::{Cli, ScanArgs, StoreArgs};
use super::exit::Exit;
use super::output::Output;
use super::saved::{self, is_saved};
use crate::analysis::Compared;
use crate::analysis::settle::settle;
use crate::analysis::{Assessment, assess};
use crate::image::Image;
use crate::job::Job;
use crate::report::ShortNames;
use crate::report::page::PageContext;
use crate::source::FileSource;
use crate::store::containers::repository::History;
use crate::store::earlier::EarlierScan;
use crate::store::names::{self, Named};
use crate::store::{
    self, CountPolicy, DiskId, Forest, ForestUpdates, LinkState, ScanEvent, ScanOptions, containers,
};
use crate::text::{self, Overlong};

/// What the commands share.
pub struct Session {
    /// Stops on SIGINT; counts progress.
    pub job: Job,
    /// What is read, and how.
    pub scan: ScanArgs,
    /// Earlier scans of the store, beside those among the facts.
    pub earlier: Vec<Arc<EarlierScan>>,
    /// From now on SIGINT ends the program at once.
    pub ends_at_once: Arc<AtomicBool>,
}

/// A store that was read. It is never given back: the program ends with its command, and to free each name of tens of
/// thousands of disks would take as long as to link them.
pub struct ScannedStore {
    pub forest: ManuallyDrop<Arc<Forest>>,
    pub assessment: ManuallyDrop<Assessment>,
}

impl Session {
    /// Takes the arguments.
    pub fn new(scan: &ScanArgs) -> Self {
        Self {
            job: Job::default(),
            scan: scan.clone(),
            earlier: Vec::new(),
            ends_at_once: Arc::default(),
        }
    }

    /// The work is done, and what is left is to order and write a long answer: from now on the first SIGINT ends the program.
    pub fn end_at_once(&self) {
        self.ends_at_once.store(true, Ordering::Relaxed);
    }

    /// Starts to listen for SIGINT: the first stops the work, the second ends the program at once. Not for the browser,
    /// which has a terminal to restore and listens for itself.
    pub fn listen(&self) -> anyhow::Result<()> {
        listen(&self.job, &self.ends_at_once).context("cannot listen for signals")
    }

    /// The scan's options for some roots; the current folder without any.
    ///
    /// # Errors
    /// When a saved scan among the facts cannot be read.
    pub fn options(&self, roots: &[PathBuf], counts: CountPolicy) -> anyhow::Result<ScanOptions> {
        let roots = match roots {
            [] => vec![PathBuf::from(".")],
            some => some.to_vec(),
        };
        let facts = self.scan.facts.iter().cloned();
        let (scans, facts): (Vec<PathBuf>, Vec<PathBuf>) = facts.partition(|file| is_saved(file));
        let mut earlier = self.earlier.clone();
        for scan in &scans {
            earlier.push(saved::earlier(scan).context("--facts")?);
        }
        Ok(ScanOptions {
            roots,
            parent_roots: self.scan.parent_root.clone(),
            maps: self.scan.map.clone(),
            facts,
            earlier,
            now: self.scan.now.clone(),
            counts,
            growth: ForestUpdates::Told,
            history: History::Whole,
            threads: self.scan.jobs.map_or(0, usize::from),
        })
    }

    /// Reads a store to its end, or the saved scan of `--from`. Of a disk that is named alone, its family is read.
    pub fn read_named(
        &self,
        paths: &[PathBuf],
        counts: CountPolicy,
        out: &Output,
    ) -> anyhow::Result<ScannedStore> {
        let (roots, _) = family(paths)?;
        self.read(&roots, counts, out)
    }

    /// Reads a store to its end, or the saved scan of `--from`.
    pub fn read(
        &self,
        roots: &[PathBuf],
        counts: CountPolicy,
        out: &Output,
    ) -> anyhow::Result<ScannedStore> {
        self.read_with(roots, counts, History::Needed, out)
    }

    /// As [`read`](Self::read), and how far back the history of volumes in containers is read.
    pub fn read_with(
        &self,
        roots: &[PathBuf],
        counts: CountPolicy,
        history: History,
        out: &Output,
    ) -> anyhow::Result<ScannedStore> {
        self.listen()?;
        if let Some((forest, assessment)) = self.saved(roots)? {
            return Ok(ScannedStore::new(forest, assessment));
        }
        let options = ScanOptions {
            growth: ForestUpdates::Untold,
            history,
            ..self.options(roots, counts)?
        };
        let mut line = out.progress();
        let mut seen = 0_u64;
        let forest = store::scan(&options, &self.job, &mut |event| match event {
            ScanEvent::Walking { files } => {
                seen = files;
                line.show(|| format!("{files} files found"));
            }
            ScanEvent::Reading { path } => {
                line.show(|| format!("{seen} files, reading {}", text::path(&path)));
            }
            ScanEvent::Forest(_) => {}
        })?;
        drop(line);
        for error in &forest.errors {
            let path = text::path(&error.path);
            let why = crate::text::escape(&error.error);
            out.warn(&format!("{path}: {why}"));
        }
        // What is wrong with the folder as a whole is an answer: an encrypted repository shows no disk either.
        if forest.disks.is_empty() && forest.side_findings.is_empty() && forest.complete {
            bail!("{}", no_disk(&options.roots));
        }
        let assessment = assess(&forest, &Compared::default());
        let store = ScannedStore::new(forest, assessment);
        for disk in &self.scan.now {
            store.disk_of(disk).context("--now")?;
        }
        Ok(store)
    }

    /// Reads the store of single files: the folders given, else the folders the files lie in.
    pub fn read_around(
        &self,
        files: &[&Path],
        store: &StoreArgs,
        counts: CountPolicy,
        out: &Output,
    ) -> anyhow::Result<ScannedStore> {
        self.forbid_saved()?;
        for file in files {
            // A wrong name must be said as what it is, not as a disk that is not in some store.
            if containers::container_of(file).is_none() {
                std::fs::metadata(file).with_context(|| text::path(file))?;
            }
        }
        let mut roots = store.store.clone();
        if roots.is_empty() {
            for file in files {
                let folder = folder_of(file);
                if !roots.contains(&folder) {
                    roots.push(folder);
                }
            }
        } else {
            return self.read(&roots, counts, out);
        }
        let read = self.read(&roots, counts, out)?;
        let outside: Vec<PathBuf> = files
            .iter()
            .filter(|file| read.ends_outside(file))
            .flat_map(|file| store::family(file))
            .filter(|parent| read.disk_of(parent).is_err())
            .collect();
        if outside.is_empty() {
            return Ok(read);
        }
        roots.extend(outside);
        self.read(&roots, counts, out)
    }

    /// Judges snapshots again with what the guest's own clock says, where the disks' own times leave their verdicts open.
    pub fn settle(&self, store: &mut ScannedStore, snapshots: &[usize]) {
        if self.scan.no_guest || !self.scan.from.is_empty() {
            return;
        }
        let (forest, assessment) = (&store.forest, &store.assessment);
        let compared = Compared::default();
        if let Some(settled) = settle(forest, assessment, &compared, snapshots, &self.job) {
            *store.assessment = settled;
        }
    }

    /// The saved scans of `--from`; `None` without that flag. `roots` is what else was named to read.
    ///
    /// # Errors
    /// When one cannot be read, or a flag beside it would change nothing.
    pub fn saved(&self, roots: &[PathBuf]) -> anyhow::Result<Option<(Arc<Forest>, Assessment)>> {
        if self.scan.from.is_empty() {
            return Ok(None);
        }
        if !roots.is_empty() {
            bail!("--from reads a saved scan; a PATH beside it means nothing");
        }
        self.saved_with_facts(&self.scan.from).map(Some)
    }

    /// Saved scans, with what else is known of them.
    ///
    /// # Errors
    /// As [`saved`](Self::saved).
    pub fn saved_with_facts(&self, files: &[PathBuf]) -> anyhow::Result<(Arc<Forest>, Assessment)> {
        self.forbid_places()?;
        let mut saved = saved::saved(files)?;
        if !self.scan.facts.is_empty() {
            let options = self.options(&[], CountPolicy::HeadersOnly)?;
            saved = saved::with_facts(saved, &options)?;
        }
        Ok((Arc::new(saved.forest), saved.assessment))
    }

    /// Refuses flags that say where to look, where only saved scans are read: what those did not see they do not hold.
    pub fn forbid_places(&self) -> anyhow::Result<()> {
        let ScanArgs {
            facts,
            now,
            map,
            parent_root,
            ..
        } = &self.scan;
        let given = [
            ("--now", !now.is_empty()),
            ("--map", !map.is_empty() && facts.is_empty()),
            ("--parent-root", !parent_root.is_empty()),
        ];
        let Some((flag, _)) = given.into_iter().find(|(_, is_given)| *is_given) else {
            return Ok(());
        };
        bail!("{flag} changes nothing here: give {flag} when the store is scanned")
    }

    /// Refuses `--from` for what must look at the files themselves.
    pub fn forbid_saved(&self) -> anyhow::Result<()> {
        if self.scan.from.is_empty() {
            return Ok(());
        }
        bail!("a saved scan does not hold what this command reads; give it the store itself")
    }
}

impl ScannedStore {
    pub fn new(forest: Arc<Forest>, assessment: Assessment) -> Self {
        Self {
            forest: ManuallyDrop::new(forest),
            assessment: ManuallyDrop::new(assessment),
        }
    }

    /// What pages about this store are made from.
    pub fn page_context<'a>(&'a self, names: &'a ShortNames, out: &'a Output) -> PageContext<'a> {
        PageContext {
            forest: &self.forest,
            assessment: &self.assessment,
            names,
            style: &out.style,
            width: out.text_width(),
            overlong: Overlong::Keep,
        }
    }

    /// The disk of a file, by path or, under another name, by what the path leads to.
    pub fn disk_of(&self, file: &Path) -> anyhow::Result<DiskId> {
        let forest = &self.forest;
        let is = |id: &DiskId, path: &Path| forest.disk(*id).is_some_and(|disk| disk.path == path);
        let here = Path::new(".").join(file);
        if let Some(id) = forest.ids().find(|id| is(id, file) || is(id, &here)) {
            return Ok(id);
        }
        let real = file.canonicalize().ok();
        let same = |id: &DiskId| {
            let disk = forest.disk(*id)?;
            Some(disk.path.canonicalize().ok()? == *real.as_ref()?)
        };
        let found = forest
            .ids()
            .filter(|id| {
                forest
                    .disk(*id)
                    .is_some_and(|disk| disk.path.file_name() == file.file_name())
            })
            .chain(forest.ids())
            .find(|id| same(id) == Some(true))
            .or_else(|| forest.disk_called(file).filter(|_| real.is_none()));
        found.with_context(|| {
            if file.is_dir() {
                return format!("{} is a folder, not a disk file", text::path(file));
            }
            let roots = text::paths(&forest.roots, ", ");
            format!("{} is no disk of the store {roots}", text::path(file))
        })
    }

    /// The file's chain ends at a parent that lies in none of the folders read.
    fn ends_outside(&self, file: &Path) -> bool {
        let last = self
            .disk_of(file)
            .ok()
            .and_then(|id| self.forest.line(id).last());
        last.and_then(|last| self.forest.node(last)?.parent.as_ref())
            .is_some_and(|link| link.state == LinkState::OutsideRoots)
    }

    /// Done, or cannot tell if something was left out.
    pub fn exit(&self) -> Exit {
        if self.forest.complete && self.forest.errors.is_empty() {
            Exit::Done
        } else {
            Exit::CannotTell
        }
    }
}

/// What is said of folders without any disk.
pub(super) fn no_disk(roots: &[PathBuf]) -> String {
    // Without a path it is the folder the command runs in.
    let roots = match roots {
        [] => "this folder".to_owned(),
        roots => text::paths(roots, ", "),
    };
    format!(
        "no virtual disk found below {roots}: is it the right folder, and is its volume mounted? `vhdtree demo` makes a store to try"
    )
}

/// The folder or container that a disk lies in.
fn folder_of(file: &Path) -> PathBuf {
    match containers::container_of(file).as_deref().or(file.parent()) {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// What is read for paths: of a disk the folder it lies in, and the parents elsewhere that its own relative paths lead to. The
/// disk, if a single one is named.
///
/// # Errors
/// For a file that is no disk, and for what is not there.
pub(super) fn family(paths: &[PathBuf]) -> anyhow::Result<(Vec<PathBuf>, Option<PathBuf>)> {
    let mut roots: Vec<PathBuf> = Vec::new();
    let mut at = None;
    let mut add = |root: PathBuf| {
        if !roots.contains(&root) {
            roots.push(root);
        }
    };
    for path in paths {
        let found = std::fs::symlink_metadata(path);
        if containers::container_of(path).is_none() {
            if let (Err(_), Some(said)) = (&found, unknown_command(path)) {
                bail!(said);
            }
            found.with_context(|| format!("cannot read {}", text::path(path)))?;
        }
        if !path.is_file() || containers::is_store(path).unwrap_or(false) {
            add(path.clone());
            continue;
        }
        let opens = || {
            FileSource::open(path).is_ok_and(|source| Image::open_named(Arc::new(source)).is_ok())
        };
        let is_disk = names::named(path) == Named::Disk || opens();
        if !is_disk {
            bail!("{} is no virtual disk", text::path(path));
        }
        let folder = folder_of(path);
        for parent in store::family(path) {
            if parent.parent() != Some(folder.as_path()) {
                add(parent);
            }
        }
        at = (paths.len() == 1).then(|| folder.join(path.file_name().unwrap_or_default()));
        add(folder);
    }
    Ok((roots, at))
}

/// What is said of a path that is not there and looks like a slip of a command.
fn unknown_command(path: &Path) -> Option<String> {
    let name = text::path(path);
    if name == "help" {
        return Some("help is no command: `vhdtree --help` shows all of them".to_owned());
    }
    if !name.chars().all(|letter| letter.is_ascii_lowercase()) {
        return None;
    }
    let commands = Cli::command();
    let near = commands
        .get_subcommands()
        .map(|command| {
            (
                text::distance(&name, command.get_name()),
                command.get_name(),
            )
        })
        .min();
    let (_, command) = near.filter(|(far, _)| *far <= 2)?;
    Some(format!(
        "{name} is no command and no file here; did you mean `vhdtree {command}`?"
    ))
}

#[cfg(unix)]
fn listen(job: &Job, ends_at_once: &Arc<AtomicBool>) -> io::Result<()> {
    use signal_hook::consts::SIGINT;
    use signal_hook::flag;
    let stop = job.cancel.flag();
    // In this order: a second signal finds the flag set by the first and ends the program.
    let code = i32::from(Exit::Interrupted.code());
    for ends in [&stop, ends_at_once] {
        flag::register_conditional_shutdown(SIGINT, code, Arc::clone(ends))?;
    }
    flag::register(SIGINT, stop)?;
    Ok(())
}

#[cfg(not(unix))]
fn listen(_job: &Job, _ends_at_once: &Arc<AtomicBool>) -> io::Result<()> {
    // Elsewhere Ctrl-C ends the program at once; nothing is written that could be left half done.
    Ok(())
}
