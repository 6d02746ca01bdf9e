//! `man`: the manual page, in roff.

use clap::CommandFactory as _;

use super::args::Cli;
use super::exit::Exit;
use super::output::Output;

pub(super) fn run(out: &mut Output) -> anyhow::Result<Exit> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    for command in Cli::command().get_subcommands() {
        let man = clap_mangen::Man::new(command.clone());
        page.extend_from_slice(
            format!(".SH \"VHDTREE {}\"\n", command.get_name().to_uppercase()).as_bytes(),
        );
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    std::io::Write::write_all(out, &page)?;
    Ok(Exit::Done)
}
