//! The files as a tree of folders: sums, what is open, and the rows that show.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::guest::filesystem::{ChangeKind, FileKind};
use crate::tui::found::FoundFile;

/// With more nodes only the folders of the root are open at first.
const OPEN_NODES: usize = 400;

/// A folder or file, or a volume at the top.
#[derive(Debug, Default)]
pub struct FileNode {
    name: String,
    above: Option<usize>,
    children: Vec<usize>,
    /// `None` for a folder of which only the files in it are known.
    pub file: Option<FoundFile>,
    /// Sums of the files at and below it: of those shown at first, of all.
    bytes: (u64, u64),
    /// It, or something in it, shows at first.
    shows: bool,
    /// What the user chose.
    open: Option<bool>,
}

/// What a row of the screen is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRow {
    Volume(usize),
    Node {
        node: usize,
        depth: usize,
        /// Its name, behind the folders that hold nothing else.
        name: String,
        /// `None` for what holds nothing.
        open: Option<bool>,
    },
    /// What is left out of a volume.
    Folded(usize),
}

/// What becomes of closed folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// What is in them does not show.
    Hide,
    Show,
}

/// Whether what systems write by themselves shows too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Noise {
    #[default]
    Folded,
    Shown,
}

impl Noise {
    #[must_use]
    pub fn turned(self) -> Self {
        match self {
            Self::Folded => Self::Shown,
            Self::Shown => Self::Folded,
        }
    }
}

/// All files found so far.
#[derive(Debug, Default)]
pub struct FileTree {
    nodes: Vec<FileNode>,
    /// The nodes of the volumes.
    volumes: Vec<usize>,
    by_name: HashMap<(usize, String), usize>,
}

impl FileTree {
    /// Makes room for so many volumes.
    pub fn grow(&mut self, volumes: usize) {
        while self.volumes.len() < volumes {
            self.volumes.push(self.nodes.len());
            self.nodes.push(FileNode::default());
        }
    }

    pub fn add(&mut self, file: FoundFile) {
        self.grow(file.volume + 1);
        let Some(volume) = self.volumes.get(file.volume).copied() else {
            return;
        };
        let mut at = volume;
        for part in file.path.split('/').filter(|part| !part.is_empty()) {
            at = self.child(at, part);
        }
        // Two files of one name can only come from damage; both are shown.
        if self.node(at).is_some_and(|node| node.file.is_some())
            && let Some(above) = self.node(at).and_then(|node| node.above)
        {
            let name = self.nodes[at].name.clone();
            at = self.push(above, name);
        }
        let bytes = file.bytes.unwrap_or(0);
        let shows = file.fold.is_none();
        self.nodes[at].file = Some(file);
        let mut up = Some(at);
        while let Some(node) = up.and_then(|at| self.nodes.get_mut(at)) {
            node.bytes.1 = node.bytes.1.saturating_add(bytes);
            if shows {
                node.bytes.0 = node.bytes.0.saturating_add(bytes);
                node.shows = true;
            }
            up = node.above;
        }
    }

    fn child(&mut self, above: usize, name: &str) -> usize {
        if let Some(known) = self.by_name.get(&(above, name.to_owned())) {
            return *known;
        }
        let at = self.push(above, name.to_owned());
        self.by_name.insert((above, name.to_owned()), at);
        at
    }

    fn push(&mut self, above: usize, name: String) -> usize {
        let at = self.nodes.len();
        self.nodes.push(FileNode {
            name,
            above: Some(above),
            ..FileNode::default()
        });
        self.nodes[above].children.push(at);
        at
    }

    pub fn node(&self, at: usize) -> Option<&FileNode> {
        self.nodes.get(at)
    }

    pub fn bytes(&self, at: usize, noise: Noise) -> u64 {
        self.node(at).map_or(0, |node| node.sum(noise))
    }

    /// The volume and path of a node.
    pub fn path(&self, at: usize) -> (usize, String) {
        let mut parts = Vec::new();
        let mut at = at;
        while let Some((node, above)) = self.node(at).and_then(|node| Some((node, node.above?))) {
            parts.push(node.name.as_str());
            at = above;
        }
        parts.push("");
        parts.reverse();
        let volume = self.volumes.iter().position(|volume| *volume == at);
        (volume.unwrap_or(0), parts.join("/"))
    }

    /// The nearest node above one that is a row of its own.
    pub fn above(&self, at: usize, rows: &[FileRow]) -> Option<usize> {
        let mut up = self.node(at)?.above;
        while let Some(at) = up {
            let found = rows.iter().position(|row| match row {
                FileRow::Node { node, .. } => *node == at,
                FileRow::Volume(volume) => self.volumes.get(*volume) == Some(&at),
                FileRow::Folded(_) => false,
            });
            if found.is_some() {
                return found;
            }
            up = self.node(at)?.above;
        }
        None
    }

    pub fn set_open(&mut self, at: usize, open: bool) {
        if let Some(node) = self.nodes.get_mut(at) {
            node.open = Some(open);
        }
    }

    /// The rows that show: folders and files by what they hold, the largest first.
    pub fn rows(&self, noise: Noise, closed: Closed) -> Vec<FileRow> {
        let mut rows = Vec::new();
        for (place, volume) in self.volumes.iter().enumerate() {
            rows.push(FileRow::Volume(place));
            self.below(*volume, noise, closed, &mut rows);
            if noise == Noise::Folded {
                rows.push(FileRow::Folded(place));
            }
        }
        rows
    }

    fn below(&self, top: usize, noise: Noise, closed: Closed, rows: &mut Vec<FileRow>) {
        let mut waiting: Vec<(usize, usize)> = self.sorted(top, noise, 0);
        while let Some((first, depth)) = waiting.pop() {
            let (node, name) = self.joined(first, noise);
            let holds = self.shown(node, noise).next().is_some();
            let chosen = self.node(node).and_then(|node| node.open);
            let is_open = chosen.unwrap_or(self.nodes.len() <= OPEN_NODES || depth == 0);
            let open = holds.then_some(is_open);
            rows.push(FileRow::Node {
                node,
                depth,
                name,
                open,
            });
            if is_open || closed == Closed::Show {
                waiting.extend(self.sorted(node, noise, depth + 1));
            }
        }
    }

    /// What shows directly below a node.
    fn shown(&self, at: usize, noise: Noise) -> impl Iterator<Item = (usize, &FileNode)> {
        let children = self.node(at).map_or(&[][..], |node| &node.children);
        children
            .iter()
            .filter_map(|child| Some((*child, self.node(*child)?)))
            .filter(move |(_, node)| node.shows || noise == Noise::Shown)
    }

    /// The same, the last to be taken first.
    fn sorted(&self, at: usize, noise: Noise, depth: usize) -> Vec<(usize, usize)> {
        let mut shown: Vec<(usize, &FileNode)> = self.shown(at, noise).collect();
        shown.sort_by_key(|(_, node)| (!node.shows, Reverse(node.sum(noise)), &node.name));
        shown.into_iter().rev().map(|(at, _)| (at, depth)).collect()
    }

    /// A folder joined with the only one in it, as far as that goes: no step of the tree for each.
    fn joined(&self, first: usize, noise: Noise) -> (usize, String) {
        let (mut at, mut name) = (first, String::new());
        loop {
            let Some(node) = self.node(at) else {
                return (at, name);
            };
            name += &node.name;
            if !node.is_folder() {
                return (at, name);
            }
            name.push('/');
            let mut children = self.shown(at, noise);
            match (children.next(), children.next()) {
                (Some((only, below)), None) if below.joins(node) => at = only,
                _ => return (at, name),
            }
        }
    }
}

impl FileNode {
    fn sum(&self, noise: Noise) -> u64 {
        match noise {
            Noise::Folded => self.bytes.0,
            Noise::Shown => self.bytes.1,
        }
    }

    pub fn is_folder(&self) -> bool {
        let kind = self.file.as_ref().map(|file| file.kind);
        kind.is_none_or(|kind| kind == FileKind::Directory) && self.above.is_some()
    }

    /// Whether it is told of in the line of the folder it is in.
    fn joins(&self, above: &Self) -> bool {
        let change = |node: &Self| {
            let change = node.file.as_ref().and_then(|file| file.change);
            change.filter(|kind| *kind != ChangeKind::Metadata)
        };
        self.is_folder() && change(self) == change(above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::files::Fold;

    fn file(path: &str, bytes: u64) -> FoundFile {
        FoundFile {
            volume: 0,
            path: path.to_owned(),
            old_path: None,
            kind: FileKind::File,
            change: Some(ChangeKind::Created),
            bytes: Some(bytes),
            modified: None,
            fold: None,
        }
    }

    fn names(tree: &FileTree, noise: Noise) -> Vec<String> {
        let rows = tree.rows(noise, Closed::Hide).into_iter();
        rows.filter_map(|row| match row {
            FileRow::Node { depth, name, .. } => Some(format!("{depth} {name}")),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn folders_are_summed_joined_and_the_largest_first() {
        let mut tree = FileTree::default();
        tree.add(file("/a/b/c/small", 1));
        tree.add(file("/a/b/c/large", 9));
        tree.add(file("/z", 5));
        let wanted = ["0 a/b/c/", "1 large", "1 small", "0 z"];
        assert_eq!(names(&tree, Noise::Folded), wanted);
        tree.add(file("/y/one", 50));
        assert_eq!(names(&tree, Noise::Folded)[..2], ["0 y/", "1 one"]);
        let rows = tree.rows(Noise::Folded, Closed::Hide);
        let FileRow::Node { node, .. } = rows[3] else {
            panic!("{rows:?}");
        };
        assert_eq!(tree.path(node), (0, "/a/b/c".to_owned()));
        tree.set_open(node, false);
        let closed = ["0 y/", "1 one", "0 a/b/c/", "0 z"];
        assert_eq!(names(&tree, Noise::Folded), closed);
    }

    #[test]
    fn what_systems_write_comes_last_and_only_if_wanted() {
        let mut tree = FileTree::default();
        tree.add(FoundFile {
            fold: Some(Fold::Noise),
            ..file("/pagefile.sys", 1 << 30)
        });
        tree.add(file("/x", 1));
        assert_eq!(names(&tree, Noise::Folded), ["0 x"]);
        assert_eq!(names(&tree, Noise::Shown), ["0 x", "0 pagefile.sys"]);
    }
}
