//! A base with very many children: its tree, and what deleting a snapshot of it would do.

use vhdtree::image::Format;

use crate::entrant::{Answer, Entrant, Role};
use crate::race::Race;
use crate::stores::{Family, SMALL};
use crate::{limit, line, tools};

const CHILDREN: usize = 20_000;

pub fn ask(race: &mut Race) {
    for format in [Format::Vhd, Format::Vhdx] {
        let folder = race.folder();
        let mut files = Vec::new();
        let family = Family {
            folder: folder.path(),
            format,
            name: "base",
            number: 0,
            children: CHILDREN,
            size: SMALL,
            held: 0,
        };
        family.build(&mut files);
        let word = tools::word(format);
        let list = |role| {
            let line = line![tools::vhdtree(), "ls", folder.path()];
            Entrant::new(role, "vhdtree ls", line, Answer::Lines(files.len()))
        };
        let mut entrants = vec![list(Role::Ours)];
        let all = Answer::Has(format!("{} files", files.len()));
        let what = limit::least_of(format);
        let name = limit::of_each_file(what);
        entrants.extend(limit::on_threads(name, what, &[folder.path()], &all));
        race.warm(
            &format!("{word}: tree of a base with 20,000 children"),
            &entrants,
        );
        let plan = line![tools::vhdtree(), "plan", &files[0]];
        // It cannot be told of which child a delete would be.
        let plan = Entrant::new(Role::Ours, "vhdtree plan", plan, Answer::Any).may_exit(1);
        let question = format!("{word}: plan on a base with 20,000 children");
        race.warm(&question, &[plan, list(Role::Limit)]);
    }
}
