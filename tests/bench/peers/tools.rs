//! Where the peers are, if they are.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use vhdtree::image::Format;

use crate::entrant::Line;
use crate::line;

/// vhdtree's program, built as it is released; `$VHDTREE` names another build of it.
pub fn vhdtree() -> OsString {
    let other = std::env::var_os("VHDTREE");
    other.unwrap_or_else(|| env!("CARGO_BIN_EXE_vhdtree").into())
}

/// A format as people write it.
pub fn word(format: Format) -> &'static str {
    match format {
        Format::Vhd => "VHD",
        Format::Vhdx => "VHDX",
        Format::Raw => "raw",
    }
}

/// A tool by the variable that names its place, or else by its name on the `PATH`.
pub fn find(variable: &str, name: &str) -> Option<OsString> {
    if let Some(place) = std::env::var_os(variable) {
        return Some(place);
    }
    let is_program = |path: &PathBuf| {
        path.metadata()
            .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(is_program)
        .map(PathBuf::into_os_string)
}

pub fn vhd_util() -> Option<OsString> {
    find("VHD_UTIL", "vhd-util")
}

pub fn vhdiinfo() -> Option<OsString> {
    find("VHDIINFO", "vhdiinfo")
}

pub fn qemu_img() -> Option<OsString> {
    find("QEMU_IMG", "qemu-img")
}

pub fn seven_zip() -> Option<OsString> {
    find("SEVEN_ZIP", "7zz")
}

/// A Python that has a package: the start of a command line, which the program's text and its arguments follow.
pub fn python(package: &str) -> Option<Line> {
    let python = find("PYTHON", "python3")?;
    let has_it = std::process::Command::new(&python)
        .args(["-c", &format!("import {package}")])
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    has_it.then(|| line![python, "-c"])
}
