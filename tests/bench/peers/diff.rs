//! What a child holds, compared with what its parent holds there.

use vhdtree::image::Format;

use crate::chains::{self, Held, make_chain, write_plain};
use crate::entrant::{Answer, Entrant, Role};
use crate::race::{Race, skipped};
use crate::{limit, line, tools};

const GIB: u64 = 1;

pub fn ask(race: &mut Race) {
    for format in [Format::Vhd, Format::Vhdx] {
        let folder = race.folder();
        let paths = make_chain(folder.path(), format, GIB, Held::All);
        // What a peer can compare: two plain files, both the base's content, so that they read on to the end.
        let base = chains::open(&paths).parent().expect("two links");
        let plain = ["plain-0", "plain-1"].map(|name| folder.path().join(name));
        for plain in &plain {
            write_plain(&base, plain);
        }
        let [one, other] = &plain;
        let name = "vhdtree diff";
        let line = line![tools::vhdtree(), "diff", &paths[0]];
        let mut entrants = vec![
            // It differs, in a sector of each second block.
            Entrant::new(Role::Ours, name, line, Answer::Any)
                .may_exit(1)
                .woken_by(line![tools::vhdtree(), "--version"]),
            Entrant::new(
                Role::Limit,
                "cmp, plain files",
                line!["cmp", one, other],
                Answer::Any,
            )
            .woken_by(line!["cmp", "--version"]),
        ];
        entrants.extend(limit::on_threads(
            "plain files read and compared",
            "same",
            &[one, other],
            &Answer::Has("identical".to_owned()),
        ));
        match tools::qemu_img() {
            Some(tool) => {
                let line = line![&tool, "compare", "-f", "raw", "-F", "raw", one, other];
                let wake = line![&tool, "--version"];
                let name = "qemu-img compare, plain files";
                let same = Answer::Has("identical".to_owned());
                entrants.push(Entrant::new(Role::Peer, name, line, same).woken_by(wake));
            }
            None => skipped("qemu-img"),
        }
        let question = format!(
            "{}: diff of {GIB} GiB dirty with the parent",
            tools::word(format)
        );
        race.warm_and_cold(&question, &entrants);
    }
}
