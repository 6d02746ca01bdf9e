//! The versions of one file in the disks of a tree, as lines.

use super::{pad_or_space, time_words};
use crate::analysis::files::versions::{PathFound, PathVersion};
use crate::report::page::{Line, Role};
use crate::store::DiskId;
use crate::text::{Clock, Units, escape};

/// One line a disk, the base first; `name` is what a disk is called.
pub fn version_lines(
    versions: &[PathVersion],
    name: &dyn Fn(DiskId) -> String,
    units: Units,
    clock: &Clock,
) -> Vec<Line> {
    let named = || {
        versions
            .iter()
            .map(|of| Line::of(Role::Text, format!("  {}  ", name(of.disk))))
    };
    let width = named().map(|line| line.width()).max().unwrap_or(0);
    let lines = named().zip(versions);
    lines
        .map(|(mut line, of)| {
            line.pad_to(width);
            match &of.found {
                PathFound::Absent => line.push(Role::Dim, "not there"),
                PathFound::Unknown(why) => line.push(Role::Warning, format!("? {}", escape(why))),
                PathFound::Here {
                    same_as_parent: true,
                    ..
                } => {
                    line.push(Role::Dim, "as in its parent");
                }
                PathFound::Here { kind, version, .. } => {
                    let size = version.bytes.map(|bytes| units.exact(bytes));
                    line.push(Role::Text, size.unwrap_or_else(|| kind.word().to_owned()));
                    let time = version.modified.map(|at| time_words(at, clock));
                    pad_or_space(&mut line, width + 26);
                    line.push(Role::Dim, time.unwrap_or_default());
                }
            }
            line
        })
        .collect()
}
