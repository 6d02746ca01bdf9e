//! How a differencing disk names its parent, whichever format stored it.

use uuid::Uuid;

/// How a differencing disk names its parent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParentRef {
    /// The id the parent must have (VHD: parent unique id = the parent's id; VHDX: `parent_linkage` = the parent's data write id). `None`: not stored or nil.
    pub id_wanted: Option<Uuid>,
    /// VHDX: `parent_linkage2`, as good as the first; `None` if missing or nil.
    pub second_id_wanted: Option<Uuid>,
    /// Paths as stored, in the order a reader tries them.
    pub paths: Vec<StoredPath>,
    /// A VHD with a nil parent id written by blktap: the parent is a raw file.
    pub raw: bool,
}

/// One path to the parent as stored in the child. Text from a disk: escape before showing, never open without the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPath {
    /// How to take it.
    pub kind: PathKind,
    /// The field it comes from: `W2ru`, `W2ku`, `Wi2r`, `Wi2k`, `MacX`, `parent-name`, `relative_path`, `volume_path`, `absolute_win32_path`.
    pub field: &'static str,
    pub text: String,
}

/// How a stored path is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// From the child's folder.
    Relative,
    /// From a drive, share or root of the machine that wrote it.
    Absolute,
    /// Below a volume GUID.
    Volume,
}
