//! Which screen: a name, so that whoever speaks of a screen need not know it.

/// A screen by its name, as help, key table and `vhdtree-NAME.txt` have it. Each screen's file declares its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct View(pub &'static str);

impl View {
    /// The screen every way begins at: the tree.
    pub const HOME: Self = Self("tree");
}

impl Default for View {
    fn default() -> Self {
        Self::HOME
    }
}
