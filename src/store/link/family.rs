//! The family of a disk that is named alone: the parents that its own relative paths lead to. Nothing else that a disk
//! stores opens a file outside the folders a person named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::places::look_in_places;
use crate::image::{Header, Image};
use crate::source::FileSource;
use crate::store::ResolvedBy;
use crate::store::place::real_path;

/// The most parents followed.
const LONGEST: usize = 1024;

/// The parents of a disk's file up to its base, as far as each is a plain file that a relative path of its child leads to and
/// a disk with the id the child wants. Raw parents have no id and are not among them.
pub fn family(file: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = Vec::new();
    let mut child = header(file);
    while let Some(of) = child
        && all.len() < LONGEST
    {
        let at = all.last().map_or(file, PathBuf::as_path);
        let Some((parent, header)) = parent_of(at, &of) else {
            break;
        };
        if parent == file || all.contains(&parent) {
            break;
        }
        all.push(parent);
        child = Some(header);
    }
    all
}

fn header(file: &Path) -> Option<Header> {
    let source = FileSource::open(file).ok()?;
    let image = Image::open_named(Arc::new(source)).ok()?;
    Some(image.into_header().0)
}

/// The parent of a disk and its header.
fn parent_of(file: &Path, child: &Header) -> Option<(PathBuf, Header)> {
    let parent = child.parent.as_ref()?;
    let wanted = [parent.id_wanted, parent.second_id_wanted];
    let is_plain = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|facts| facts.is_file());
    let fits = |of: &Header| {
        of.is_same_format(child) && of.link_id().is_some_and(|id| wanted.contains(&Some(id)))
    };
    let place = |folder: &Path| {
        look_in_places(parent, folder, &[], |place| {
            let path = place.path.as_ref().ok()?;
            (place.by == ResolvedBy::Relative && is_plain(path)).then(|| path.clone())
        })
    };
    let real = place(real_path(file).ok()?.parent()?)?;
    let found = header(&real).filter(fits)?;
    // As the file itself was given, where that leads to the same place.
    let given = file.parent().and_then(place);
    let given = given.filter(|given| real_path(given).ok() == real_path(&real).ok());
    Some((given.unwrap_or(real), found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::vhd::{Locator, VhdBuilder};

    const SIZE: u64 = 1 << 20;

    fn child(id: u128, parent: u128, path: &str) -> VhdBuilder {
        VhdBuilder::differencing(SIZE)
            .id(id)
            .parent(parent, "x")
            .locator(Locator::relative(path))
    }

    #[test]
    fn parents_are_followed_by_relative_paths_and_ids_to_the_base() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["golden", "middle", "vm"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let at = |name: &str| folder.path().join(name);
        let put = |name: &str, disk: &VhdBuilder| disk.build_to(&at(name)).unwrap();
        put("golden/base.vhd", &VhdBuilder::dynamic(SIZE).id(1));
        put("middle/m.vhd", &child(2, 1, r"..\golden\base.vhd"));
        put("vm/leaf.avhd", &child(3, 2, r"..\middle\m.vhd"));
        let leaf = at("vm/leaf.avhd");
        let names = |all: Vec<PathBuf>| {
            let real = all.iter().map(|path| real_path(path).unwrap());
            real.collect::<Vec<_>>()
        };
        let wanted = [at("middle/m.vhd"), at("golden/base.vhd")];
        assert_eq!(names(family(&leaf)), names(wanted.to_vec()));
        // Another disk of that name is not taken.
        put("golden/base.vhd", &VhdBuilder::dynamic(SIZE).id(9));
        assert_eq!(family(&leaf).len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_links_and_absolute_paths_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("vm")).unwrap();
        VhdBuilder::dynamic(SIZE)
            .id(1)
            .build_to(&at("real.vhd"))
            .unwrap();
        std::os::unix::fs::symlink(at("real.vhd"), at("link.vhd")).unwrap();
        let leaf = at("vm/leaf.avhd");
        child(2, 1, r"..\link.vhd").build_to(&leaf).unwrap();
        assert!(family(&leaf).is_empty());
        let path = at("real.vhd").to_str().unwrap().to_owned();
        let absolute = VhdBuilder::differencing(SIZE).id(2).parent(1, "x");
        absolute
            .locator(Locator::url(&format!("file://{path}")))
            .build_to(&leaf)
            .unwrap();
        assert!(family(&leaf).is_empty());
    }
}
