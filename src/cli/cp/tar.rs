//! Files and folders as a tar archive (POSIX.1-2001) on standard output.

use std::io::Write;
use std::ops::ControlFlow;

use anyhow::bail;

use super::{Copied, SizeLimit, Wanted, safe_name, size_of, write_content, zeros};
use crate::guest::content::ContentPiece;
use crate::guest::filesystem::{FileKind, GuestTime};
use crate::guest::walk::{TreeStep, walk};
use crate::job::Job;

const BLOCK: usize = 512;
/// Sizes that eleven octal digits hold.
const SIZE_MAX: u64 = (1 << 33) - 1;

pub(super) fn write(
    wanted: &[Wanted<'_>],
    job: &Job,
    bound: &mut SizeLimit,
    out: &mut dyn Write,
    copied: &mut Copied,
) -> anyhow::Result<()> {
    for one in wanted {
        let name = one.path.rsplit(['/', '\\']).next().unwrap_or("");
        let top = if name.is_empty() {
            "volume".to_owned()
        } else {
            safe_name(name)
        };
        member(one, &top, job, bound, out, copied)?;
        if one.entry.kind != FileKind::Directory {
            continue;
        }
        let mut failed = Ok(());
        walk(one.fs, one.entry.id, &one.path, job, &mut |step| {
            let (path, entry) = match step {
                TreeStep::Entry { path, entry } => (path, entry),
                TreeStep::Fault { path, error } => {
                    copied.left_out.push(format!("{path}: {error}"));
                    return ControlFlow::Continue(());
                }
            };
            let below = path.strip_prefix(&*one.path).unwrap_or(path);
            let parts = below.split('/').filter(|part| !part.is_empty());
            let name = parts.fold(top.clone(), |name, part| {
                format!("{name}/{}", safe_name(part))
            });
            let inner = Wanted {
                fs: one.fs,
                path: path.to_owned(),
                stream: String::new(),
                entry: entry.clone(),
            };
            failed = member(&inner, &name, job, bound, out, copied);
            if failed.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        failed?;
    }
    out.write_all(&[0; 2 * BLOCK])?;
    Ok(())
}

/// One file or folder. What cannot be had is left out before its head is written.
fn member(
    one: &Wanted<'_>,
    name: &str,
    job: &Job,
    bound: &mut SizeLimit,
    out: &mut dyn Write,
    copied: &mut Copied,
) -> anyhow::Result<()> {
    let is_folder = one.entry.kind == FileKind::Directory;
    if !is_folder && one.entry.kind != FileKind::File {
        let kind = one.entry.kind.word();
        copied
            .left_out
            .push(format!("{}: a {kind}, which is not followed", one.path));
        return Ok(());
    }
    let size = match (is_folder, size_of(one)) {
        (true, _) => 0,
        (false, Ok(size)) => size,
        (false, Err(error)) => {
            copied.left_out.push(format!("{error:#}"));
            return Ok(());
        }
    };
    if let Err(error) = bound.take(size) {
        copied.left_out.push(format!("{}: {error}", one.path));
        return Ok(());
    }
    let time = one
        .fs
        .file(one.entry.id)
        .ok()
        .and_then(|file| file.modified);
    head(name, is_folder, size, time, out)?;
    if is_folder {
        return Ok(());
    }
    let mut written = 0;
    let result = write_content(
        one.fs,
        &one.entry,
        &one.stream,
        job,
        &mut |piece| match piece {
            ContentPiece::Bytes(bytes) => {
                written += bytes.len() as u64;
                out.write_all(bytes)
            }
            ContentPiece::Zeros(count) => {
                written += count;
                zeros(out, count)
            }
        },
    );
    if let Err(error) = result {
        // The head stands already: an archive with a short member would be read wrongly from there on.
        bail!("{}: {error:#}", one.path);
    }
    zeros(out, size.saturating_sub(written))?;
    zeros(out, size.next_multiple_of(BLOCK as u64) - size)?;
    copied.files += 1;
    Ok(())
}

fn head(
    name: &str,
    is_folder: bool,
    size: u64,
    time: Option<GuestTime>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let name = if is_folder {
        format!("{name}/")
    } else {
        name.to_owned()
    };
    let seconds = match time {
        Some(GuestTime::Utc(at)) => at.as_second(),
        Some(GuestTime::Local(at)) => {
            let at = at.to_zoned(jiff::tz::TimeZone::UTC);
            at.map_or(0, |at| at.timestamp().as_second())
        }
        None => 0,
    };
    let mut records = String::new();
    if name.len() > 100 || !name.is_ascii() {
        records += &record("path", &name);
    }
    if size > SIZE_MAX {
        records += &record("size", &size.to_string());
    }
    if !records.is_empty() {
        out.write_all(&block("pax", b'x', records.len() as u64, 0))?;
        out.write_all(records.as_bytes())?;
        let len = records.len();
        zeros(out, (len.next_multiple_of(BLOCK) - len) as u64)?;
    }
    let kind = if is_folder { b'5' } else { b'0' };
    let seconds = u64::try_from(seconds).unwrap_or(0);
    out.write_all(&block(&name, kind, size, seconds))?;
    Ok(())
}

/// A record of an extended head: its own length, in digits, is part of it.
fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut len = rest.len() + 1;
    while len != rest.len() + len.to_string().len() {
        len = rest.len() + len.to_string().len();
    }
    format!("{len}{rest}")
}

fn block(name: &str, kind: u8, size: u64, seconds: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mode = if kind == b'5' { "0000755" } else { "0000644" };
    let name: Vec<u8> = name.bytes().take(100).collect();
    let size = format!("{:011o}", size.min(SIZE_MAX));
    let seconds = format!("{:011o}", seconds.min(SIZE_MAX));
    let fields: [(usize, &[u8]); 9] = [
        (0, &name),
        (100, mode.as_bytes()),
        (108, b"0000000"),
        (116, b"0000000"),
        (124, size.as_bytes()),
        (136, seconds.as_bytes()),
        (148, b"        "),
        (156, std::slice::from_ref(&kind)),
        (257, b"ustar\x0000"),
    ];
    for (at, value) in fields {
        if let Some(field) = block.get_mut(at..at + value.len()) {
            field.copy_from_slice(value);
        }
    }
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    if let Some(field) = block.get_mut(148..156) {
        field.copy_from_slice(sum.as_bytes());
    }
    block
}
