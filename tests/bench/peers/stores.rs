//! Stores of many small disks, in both formats.

use std::path::{Path, PathBuf};

use uuid::Uuid;
use vhdtree::build::vhd::{Locator, VhdBuilder};
use vhdtree::build::vhdx::VhdxBuilder;
use vhdtree::image::Format;

/// Children to each base.
pub const CHILDREN: usize = 10;
/// Its table is in the first 2 KiB of a VHD.
pub const SMALL: u64 = 256 << 20;

/// A base and its children, alike but for their ids.
pub struct Family<'a> {
    pub folder: &'a Path,
    pub format: Format,
    /// What their names begin with.
    pub name: &'a str,
    /// Different for each family of a store.
    pub number: usize,
    pub children: usize,
    /// Size of each disk, in bytes.
    pub size: u64,
    /// Blocks that each holds, in part: a bitmap each to read somewhere else in the file.
    pub held: u64,
}

impl Family<'_> {
    /// Writes it, and adds its files.
    pub fn build(&self, files: &mut Vec<PathBuf>) {
        let (base_end, child_end) = match self.format {
            Format::Vhdx => ("vhdx", "avhdx"),
            Format::Vhd | Format::Raw => ("vhd", "avhd"),
        };
        let base = format!("{}.{base_end}", self.name);
        for child in 0..=self.children {
            let path = match child.checked_sub(1) {
                None => self.folder.join(&base),
                Some(child) => {
                    let name = format!("{}_{child:05}.{child_end}", self.name);
                    self.folder.join(name)
                }
            };
            let built = match self.format {
                Format::Vhdx => self.vhdx(child, &base).build_to(&path),
                Format::Vhd | Format::Raw => self.vhd(child, &base).build_to(&path),
            };
            built.expect("room for a disk");
            files.push(path);
        }
    }

    fn id(&self, child: usize) -> u128 {
        ((self.number as u128 + 1) << 64) + child as u128
    }

    fn vhd(&self, child: usize, base: &str) -> VhdBuilder {
        let disk = match child {
            0 => VhdBuilder::dynamic(self.size).id(self.id(0)),
            _ => VhdBuilder::differencing(self.size)
                .id(self.id(child))
                .parent(self.id(0), base)
                .locator(Locator::relative(&format!(r".\{base}"))),
        };
        self.writes(child)
            .fold(disk, |disk, (sector, bytes)| disk.write(sector, &bytes))
    }

    fn vhdx(&self, child: usize, base: &str) -> VhdxBuilder {
        let id = |child| Uuid::from_u128(self.id(child));
        let path = format!(r".\{base}");
        let disk = match child {
            0 => VhdxBuilder::dynamic(self.size),
            _ => VhdxBuilder::differencing(self.size).parent(id(0), &[("relative_path", &path)]),
        };
        self.writes(child)
            .fold(disk, |disk, (sector, bytes)| disk.write(sector, &bytes))
            .data_write_id(id(child))
    }

    /// Some sectors in the middle of every second block.
    fn writes(&self, child: usize) -> impl Iterator<Item = (u64, Vec<u8>)> {
        let sectors = if child == 0 { 8 } else { 3 };
        (0..self.held).map(move |block| (block * 2 * 4096 + 1027, vec![0xab; sectors * 512]))
    }
}

/// `disks` children and their bases in one folder.
pub fn in_one_folder(
    folder: &Path,
    format: Format,
    disks: usize,
    size: u64,
    held: u64,
) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for number in 0..disks.div_ceil(CHILDREN) {
        let family = Family {
            folder,
            format,
            name: &format!("vm{number:05}"),
            number,
            children: CHILDREN.min(disks - number * CHILDREN),
            size,
            held,
        };
        family.build(&mut files);
    }
    files
}

/// So many folders with a base and its children each.
pub fn in_folders(folder: &Path, format: Format, folders: usize) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for number in 0..folders {
        let name = format!("vm{number:05}");
        let folder = folder.join(&name);
        std::fs::create_dir(&folder).expect("room for a folder");
        let family = Family {
            folder: &folder,
            format,
            name: &name,
            number,
            children: CHILDREN,
            size: SMALL,
            held: 0,
        };
        family.build(&mut files);
    }
    files
}
