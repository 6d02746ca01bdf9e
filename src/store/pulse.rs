//! The pulse of a file: what shows cheaply that somebody wrote to it.

use std::path::Path;
use std::time::SystemTime;

use crate::image::Header;
use crate::source::FileSource;
use crate::store::containers::Containers;

/// What was seen of a file at one moment. Two that differ mean a change; two that are equal mean none that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    len: u64,
    modified: Option<SystemTime>,
    sequence: Option<u64>,
}

impl Pulse {
    /// True if somebody wrote in between, as far as it shows: a header that could be read only once shows nothing.
    pub fn is_other_than(self, earlier: Self) -> bool {
        let sequences = self.sequence.zip(earlier.sequence);
        (self.len, self.modified) != (earlier.len, earlier.modified)
            || sequences.is_some_and(|(now, before)| now != before)
    }
}

/// Looks at length and last write, and for a VHDX at its header's sequence number: a running machine's writes reach the
/// file's times late. `None` if the file cannot be looked at.
pub fn pulse(path: &Path, header: Option<&Header>, containers: &Containers) -> Option<Pulse> {
    let Ok(facts) = std::fs::metadata(path) else {
        return Some(Pulse {
            len: containers.facts(path)?.len,
            modified: None,
            sequence: containers.mark(path),
        });
    };
    let counter = header.and_then(|header| header.format.rules().write_counter);
    Some(Pulse {
        len: facts.len(),
        modified: facts.modified().ok(),
        sequence: counter.and_then(|count| count(&FileSource::open(path).ok()?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::vhdx::VhdxBuilder;
    use std::sync::Arc;

    #[test]
    fn a_header_written_anew_is_a_change_although_the_times_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.vhdx");
        let write = |sequence| {
            let disk = VhdxBuilder::dynamic(8 << 20).sequence(sequence);
            std::fs::write(&path, disk.build()).unwrap();
            let time = SystemTime::UNIX_EPOCH;
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
        };
        write(8);
        let source = Arc::new(FileSource::open(&path).unwrap());
        let header = crate::image::Image::open(source).unwrap().header().clone();
        let none = Containers::default();
        let before = pulse(&path, Some(&header), &none);
        assert_eq!(pulse(&path, Some(&header), &none), before);
        write(10);
        assert_ne!(pulse(&path, Some(&header), &none), before);
        assert_eq!(
            pulse(&path, None, &none).map(|pulse| pulse.sequence),
            Some(None)
        );
    }
}
