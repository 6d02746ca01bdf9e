//! The demo: the story as a real store of real disk files.
//!
//! The one room besides saved state and `--output` that writes files, and only into the folder it is given.

pub mod configs;
pub mod fat;
pub mod guest;
pub mod machines;
pub mod store;

use std::io;
use std::path::Path;

/// Builds the demo's store below `folder`, which must exist. Takes a second and about 60 MiB.
///
/// # Errors
/// When a file cannot be written.
pub fn build(folder: &Path) -> io::Result<()> {
    machines::make_testwin7(folder)?;
    machines::make_web01(folder)?;
    machines::make_db02(folder)?;
    machines::make_app03(folder)?;
    machines::make_lab04(folder)?;
    configs::make_configs(folder)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_store_is_built_and_small() {
        let folder = tempfile::tempdir().unwrap();
        super::build(folder.path()).unwrap();
        let path = folder.path().join("TestWin7").join("WIN7x64_Diff.vhd");
        let source = crate::source::FileSource::open(&path).unwrap();
        let image = crate::image::Image::open(std::sync::Arc::new(source)).unwrap();
        assert!(image.findings().is_empty(), "{:?}", image.findings());
        let counts = image.count(&crate::job::Job::default(), None);
        assert!(counts.full > 10, "{counts:?}");
    }
}
