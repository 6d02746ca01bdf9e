//! `demo`: the story as a real store, and a look at it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::args::Cli;
use super::confine::{Writable, confine};
use super::exit::Exit;
use super::output::{Output, shows_screens};
use super::session::Session;
use crate::text;

pub(super) fn run(
    session: &Session,
    dir: Option<&Path>,
    cli: &Cli,
    out: &mut Output,
) -> anyhow::Result<Exit> {
    session.forbid_saved()?;
    let folder = match dir {
        Some(dir) => DemoFolder::given(dir)?,
        None => DemoFolder::temporary()?,
    };
    let browses = shows_screens();
    if browses {
        // Nothing else shows until it is built.
        out.warn("building a small store to look at ...");
    }
    crate::demo::build(&folder.path)
        .with_context(|| format!("cannot make the demo in {}", text::path(&folder.path)))?;
    let paths = [folder.path.clone()];
    let exit = if browses {
        let temporary = folder.temporary.then_some(folder.path.as_path());
        super::browse::run(session, &paths, cli, temporary.as_slice(), out)
    } else {
        let parent = folder.path.parent().filter(|_| folder.temporary);
        confine(Writable {
            folders: &[&folder.path],
            emptied: parent.as_slice(),
        });
        super::ls::run(session, &paths, &cli.tree, cli.out.columns.as_deref(), out)
    };
    if dir.is_some() {
        out.warn(&format!(
            "the demo's store is in {0}; to look at it again: vhdtree {0}",
            text::path(&folder.path)
        ));
    }
    exit
}

/// The folder of the demo; a temporary one goes when this is dropped.
struct DemoFolder {
    path: PathBuf,
    temporary: bool,
}

impl DemoFolder {
    /// A folder that is new or empty: the demo never writes among files of somebody else.
    fn given(dir: &Path) -> anyhow::Result<Self> {
        let name = text::path(dir);
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {name}"))?;
        let mut entries = std::fs::read_dir(dir).with_context(|| format!("cannot read {name}"))?;
        if entries.next().is_some() {
            bail!("{name} is not empty; the demo writes into a new or empty folder only");
        }
        Ok(Self {
            path: dir.to_path_buf(),
            temporary: false,
        })
    }

    fn temporary() -> anyhow::Result<Self> {
        let parent = std::env::temp_dir();
        let mut last = None;
        for attempt in 0..100 {
            let path = parent.join(format!("vhdtree-demo-{}-{attempt}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => {
                    return Ok(Self {
                        path,
                        temporary: true,
                    });
                }
                Err(error) => last = Some(error),
            }
        }
        match last {
            Some(error) => Err(error)
                .with_context(|| format!("cannot make a folder in {}", text::path(&parent))),
            None => bail!("cannot make a folder in {}", text::path(&parent)),
        }
    }
}

impl Drop for DemoFolder {
    fn drop(&mut self) {
        if self.temporary {
            // Made by this very process under a name of its own; what cannot be removed stays in the temporary folder.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
