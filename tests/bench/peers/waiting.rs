//! A tree on storage that waits: each request of the file system is answered after two milliseconds.

use std::time::Duration;

use vhdtree::image::Format;

use crate::entrant::{Answer, Entrant, Role};
use crate::race::{Race, skipped};
use crate::slow_storage::SlowStorage;
use crate::stores::in_folders;
use crate::{limit, line, tools};

const FOLDERS: usize = 400;
const DELAY: Duration = Duration::from_millis(2);

pub fn ask(race: &mut Race) {
    for format in [Format::Vhd, Format::Vhdx] {
        let folder = race.folder();
        let [store, slow] = ["store", "slow"].map(|name| folder.path().join(name));
        for place in [&store, &slow] {
            std::fs::create_dir(place).expect("room for a folder");
        }
        let files = in_folders(&store, format, FOLDERS);
        let Some(_storage) = SlowStorage::mount(&store, &slow, DELAY) else {
            skipped("FUSE");
            return;
        };
        let line = line![tools::vhdtree(), "ls", &slow];
        let mut entrants = vec![Entrant::new(
            Role::Ours,
            "vhdtree ls",
            line,
            Answer::Lines(files.len()),
        )];
        let all = Answer::Has(format!("{} files", files.len()));
        let least = limit::least_of(format);
        entrants.extend(limit::on_threads_that_wait(least, &[&slow], &all));
        // What the system remembers of names would not be waited for again.
        let question = format!(
            "{}: tree of 4,400 disks in 400 folders, 2 ms a request",
            tools::word(format)
        );
        race.cold(&question, &entrants);
    }
}
