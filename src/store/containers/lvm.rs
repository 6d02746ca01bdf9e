//! Storage repositories in LVM volume groups: the physical volumes of a device or image, and the volumes of their groups.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{VolumeName, codes};
use crate::finding::Finding;
use crate::guest::Partitions;
use crate::guest::lvm::{LvmError, PhysicalVolume, VolumeChange, VolumeGroup};
use crate::image::{self, Sniffed};
use crate::source::{DeviceSource, FileSource, Source, WindowSource, fill_up_to};
use crate::store::{Born, BornSource, FileFacts};

/// A storage repository that is open.
#[derive(Debug)]
pub(in crate::store) struct OpenRepository {
    /// `CONTAINER/VG`.
    pub folder: PathBuf,
    pub volumes: VolumeGroup,
    given: Vec<GivenVolume>,
}

/// A physical volume, and its mark when its metadata were read.
#[derive(Debug)]
struct GivenVolume {
    physical: PhysicalVolume,
    mark: Option<u64>,
}

/// What a device or image holds.
#[derive(Debug)]
pub(in crate::store) struct DeviceContent {
    container: PathBuf,
    physical: Vec<PhysicalVolume>,
    faults: Vec<LvmError>,
}

impl DeviceContent {
    /// Nothing of LVM: it is looked at like any other file.
    pub(in crate::store) fn is_empty(&self) -> bool {
        self.physical.is_empty() && self.faults.is_empty()
    }
}

/// Looks for physical volumes: the whole device or image, or its partitions. One read where there are none.
///
/// # Errors
/// When the device or image cannot be opened or read.
pub(in crate::store) fn find(container: &Path) -> io::Result<DeviceContent> {
    let source: Arc<dyn Source> = match FileSource::open(container) {
        Ok(file) => Arc::new(file),
        Err(error) => Arc::new(DeviceSource::open(container).map_err(|_| error)?),
    };
    let mut found = DeviceContent {
        container: container.to_path_buf(),
        physical: Vec::new(),
        faults: Vec::new(),
    };
    found.look_at(&source);
    if found.is_empty() && !is_disk(&*source)? {
        for (start, len) in partitions(&*source) {
            found.look_at(&(Arc::new(WindowSource::new(Arc::clone(&source), start, len)) as _));
        }
    }
    Ok(found)
}

impl DeviceContent {
    fn look_at(&mut self, source: &Arc<dyn Source>) {
        match PhysicalVolume::find(Arc::clone(source)) {
            Ok(found) => self.physical.extend(found),
            Err(fault) => self.faults.push(fault),
        }
    }
}

/// A fixed VHD begins as its guest's disk does: what lies in that is the guest's.
fn is_disk(source: &dyn Source) -> io::Result<bool> {
    let mut tail = [0; image::SNIFF_BYTES];
    let at = source.len().saturating_sub(image::SNIFF_BYTES as u64);
    let tail = fill_up_to(source, at, &mut tail)?;
    Ok(image::sniff(&[], tail) != Sniffed::Other)
}

/// Start and length of each partition, in bytes.
fn partitions(source: &dyn Source) -> Vec<(u64, u64)> {
    let found = [512, 4096].into_iter().find_map(|sector_bytes| {
        let table = Partitions::places(source, sector_bytes)?;
        let bytes = table.all().iter().map(|place| place.bytes(sector_bytes));
        let places = bytes.map(|bytes| (bytes.start, bytes.end.saturating_sub(bytes.start)));
        Some(places.collect())
    });
    found.unwrap_or_default()
}

/// Puts the physical volumes of all that was named together, and opens each group that is a storage repository.
pub(in crate::store) fn open(
    all: Vec<DeviceContent>,
) -> (Vec<Arc<OpenRepository>>, Vec<(PathBuf, Finding)>) {
    let mut findings = Vec::new();
    // By the group's id: the newest metadata, where it was first seen, and its physical volumes.
    let mut groups: Vec<OpenRepository> = Vec::new();
    let mut without: Vec<(PathBuf, PhysicalVolume)> = Vec::new();
    for DeviceContent {
        container,
        physical,
        faults,
    } in all
    {
        let told = |fault: &LvmError| Finding::new(&codes::LVM_DAMAGED, format!("{fault}."));
        findings.extend(faults.iter().map(|fault| (container.clone(), told(fault))));
        for one in physical {
            let read = match one.metadata() {
                Ok(read) => read,
                Err(LvmError::NoMetadata) => {
                    without.push((container.clone(), one));
                    continue;
                }
                Err(fault) => {
                    findings.push((container.clone(), told(&fault)));
                    without.push((container.clone(), one));
                    continue;
                }
            };
            findings.extend(read.faults.iter().map(|fault| {
                let finding = Finding::new(&codes::LVM_COPY_DAMAGED, format!("{fault}."));
                (container.clone(), finding)
            }));
            let given = GivenVolume {
                physical: one,
                mark: Some(read.mark),
            };
            match groups
                .iter_mut()
                .find(|known| known.volumes.id == read.group.id)
            {
                Some(known) => {
                    if known.volumes.seqno < read.group.seqno {
                        known.volumes = read.group;
                    }
                    known.given.push(given);
                }
                None => groups.push(OpenRepository {
                    folder: container.join(&read.group.name),
                    volumes: read.group,
                    given: vec![given],
                }),
            }
        }
    }
    for (container, one) in without {
        let owner = groups
            .iter_mut()
            .find(|known| known.volumes.members().any(|(id, _)| id == one.id));
        if let Some(known) = owner {
            known.given.push(GivenVolume {
                mark: one.mark().ok(),
                physical: one,
            });
            continue;
        }
        let text = format!(
            "The group of the physical volume {} is not known: no metadata of it were given.",
            one.id
        );
        findings.push((container, Finding::new(&codes::LVM_DAMAGED, text)));
    }
    let (stores, others): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(OpenRepository::is_repository);
    findings.extend(others.into_iter().map(|other| {
        let text = format!(
            "It holds the LVM volume group {} with {} volumes, none of them a virtual disk of a store.",
            other.volumes.name,
            other.volumes.volumes.len()
        );
        (other.folder.parent().unwrap_or(&other.folder).to_path_buf(), Finding::new(&codes::LVM_OTHER, text))
    }));
    (stores.into_iter().map(Arc::new).collect(), findings)
}

impl OpenRepository {
    fn is_repository(&self) -> bool {
        let mut names = self
            .volumes
            .volumes
            .iter()
            .map(|volume| VolumeName::of(&volume.name));
        self.volumes.name.starts_with("VG_XenStorage-") || names.any(VolumeName::is_disk)
    }

    pub(super) fn source(&self, name: &str) -> io::Result<Arc<dyn Source>> {
        let volume = self.volumes.volume(name).ok_or(io::ErrorKind::NotFound)?;
        let given = self.given.iter().map(|given| given.physical.clone());
        let given: Vec<PhysicalVolume> = given.collect();
        match self.volumes.source(volume, &given) {
            Ok(source) => Ok(Arc::new(source)),
            Err(why) => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
        }
    }

    /// A volume has no last write: LVM keeps none.
    pub(super) fn facts(&self, name: &str) -> Option<FileFacts> {
        let volume = self.volumes.volume(name)?;
        Some(FileFacts {
            len: volume.size_bytes,
            allocated: Some(volume.size_bytes),
            modified: None,
            born: volume.created.map(|at| Born {
                at,
                source: BornSource::Lvm,
            }),
            identity: None,
        })
    }

    /// What became of the volumes, by the first physical volume that tells.
    pub(super) fn history(&self) -> Vec<VolumeChange> {
        let told = self.given.iter().map(|given| given.physical.history());
        told.flatten().next().unwrap_or_default()
    }

    /// Somebody changed the group since it was read here: one sector is read for each area of metadata.
    pub(in crate::store) fn has_changed(&self) -> bool {
        let mut given = self.given.iter();
        given.any(|given| given.physical.mark().ok() != given.mark)
    }

    /// A number that is another one after each change of the group, as it was when the group was read.
    pub(super) fn mark(&self) -> u64 {
        let mut mark = DefaultHasher::new();
        for given in &self.given {
            given.mark.hash(&mut mark);
        }
        mark.finish()
    }
}
