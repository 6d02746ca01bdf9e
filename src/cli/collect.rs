//! `collect`: the scripts that ask a host, as they are in the program.

use super::args::Host;
use super::exit::Exit;
use super::output::Output;

fn script(host: Host) -> &'static str {
    match host {
        Host::HyperV => include_str!("../../assets/collect/hyperv.ps1"),
        Host::HyperV2008 => include_str!("../../assets/collect/hyperv-2008.ps1"),
        Host::XcpNg => include_str!("../../assets/collect/xcpng.sh"),
    }
}

pub(super) fn run(host: Host, out: &mut Output) -> anyhow::Result<Exit> {
    std::io::Write::write_all(out, script(host).as_bytes())?;
    Ok(Exit::Done)
}
