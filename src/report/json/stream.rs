//! `ls --json` and `--ndjson`, written while they are made: by shares of the disks on all processors, in order, so that
//! memory does not grow with their number.

use std::io::{self, Write};
use std::ops::{ControlFlow, Range};

use super::brief::Prose;
use super::{JsonLayout, append, ls, scan};
use crate::analysis::Assessment;
use crate::job::{processors, run_pipeline};
use crate::store::{DiskId, Forest};

/// Disks made into text at once: some hundred KiB.
const SHARE: usize = 128;
/// Shares for each thread, those included that wait to be written.
const SHARES_EACH: usize = 3;
/// Where the disks belong in the document without them; nothing but the document itself has a line end before a key.
const NO_DISKS: &[u8] = b"\n  \"disks\": []";
/// What stands between two disks of the document.
const BETWEEN: &[u8] = b",\n    ";

/// Writes the document of `ls`.
///
/// # Errors
/// When the writer fails.
pub fn document(
    out: &mut dyn Write,
    forest: &Forest,
    assessment: &Assessment,
    prose: Prose,
) -> io::Result<()> {
    let mut head = Vec::new();
    append(&mut head, &ls::without_disks(forest), JsonLayout::Pretty, 0)?;
    head.push(b'\n');
    let place = head.windows(NO_DISKS.len()).position(|at| at == NO_DISKS);
    let (before, after) = head.split_at(place.unwrap_or(head.len()));
    if forest.disks.is_empty() {
        return out.write_all(&head);
    }
    out.write_all(before)?;
    out.write_all(b"\n  \"disks\": [")?;
    let mut is_first = true;
    let disk = |id, text: &mut Vec<u8>| {
        let Some(mut disk) = ls::disk(forest, assessment, id) else {
            return Ok(());
        };
        prose.leave_out(&mut disk);
        text.extend_from_slice(BETWEEN);
        append(text, &disk, JsonLayout::Pretty, 2)
    };
    in_shares(forest, disk, |text| {
        let text = text.strip_prefix(b",").filter(|_| is_first).unwrap_or(text);
        is_first = false;
        out.write_all(text)
    })?;
    out.write_all(b"\n  ]")?;
    out.write_all(after.strip_prefix(NO_DISKS).unwrap_or_default())
}

/// Writes the records of `ls`: the scan, then each disk on a line.
///
/// # Errors
/// When the writer fails.
pub fn records(
    out: &mut dyn Write,
    forest: &Forest,
    assessment: &Assessment,
    prose: Prose,
) -> io::Result<()> {
    super::write(out, &scan::with_disks(forest), JsonLayout::Line)?;
    let disk = |id, text: &mut Vec<u8>| {
        let Some(mut disk) = ls::disk(forest, assessment, id) else {
            return Ok(());
        };
        prose.leave_out(&mut disk);
        append(text, &disk, JsonLayout::Line, 0)?;
        text.push(b'\n');
        Ok(())
    };
    in_shares(forest, disk, |text| out.write_all(text))
}

/// A share of the disks, and the text that becomes of it.
#[derive(Default)]
struct DiskShare {
    disks: Range<usize>,
    text: Vec<u8>,
    made: Option<io::Result<()>>,
}

/// Makes the text of all disks by `disk`, and hands it to `take` in their order.
fn in_shares(
    forest: &Forest,
    disk: impl Fn(DiskId, &mut Vec<u8>) -> io::Result<()> + Sync,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let count = forest.disks.len();
    let make = |share: &mut DiskShare| {
        share.text.clear();
        let disks = share.disks.clone();
        let ids = disks.filter_map(|at| u32::try_from(at).ok()).map(DiskId);
        let made = ids.into_iter().try_for_each(|id| disk(id, &mut share.text));
        share.made = Some(made);
    };
    if count <= SHARE {
        let mut all = DiskShare {
            disks: 0..count,
            ..DiskShare::default()
        };
        make(&mut all);
        all.made.unwrap_or(Ok(()))?;
        return take(&all.text);
    }
    let threads = processors();
    let mut slots = Vec::new();
    slots.resize_with(threads.saturating_mul(SHARES_EACH), DiskShare::default);
    let mut next = 0_usize;
    let mut result = Ok(());
    run_pipeline(
        slots,
        threads,
        |share| {
            let end = next.saturating_add(SHARE).min(count);
            share.disks = next..end;
            next = end;
            !share.disks.is_empty()
        },
        make,
        |share| {
            let fault = share.made.take().unwrap_or(Ok(()));
            result = fault.and_then(|()| take(&share.text));
            match result {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        },
    );
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::plain::Plain;
    use crate::analysis::{Compared, assess};
    use crate::report::json::write;

    #[test]
    fn what_is_written_by_shares_is_the_document_and_its_records() {
        for count in [0, 1, SHARE, SHARE + 1, SHARE * 9 + 5] {
            let mut store = Plain::new();
            for disk in 0..count {
                let day = "2009-05-02T14:10:01Z";
                store.vhd(&format!("/s/{disk:04}\"\n  \\.vhd"), "", day, day);
            }
            let assessment = assess(&store.forest, &Compared::default());
            let ids = store.forest.ids();
            let disks: Vec<_> = ids
                .filter_map(|id| ls::disk(&store.forest, &assessment, id))
                .collect();
            let mut whole = ls::without_disks(&store.forest);
            whole.body.disks.clone_from(&disks);
            let (mut wanted, mut streamed) = (Vec::new(), Vec::new());
            write(&mut wanted, &whole, JsonLayout::Pretty).unwrap();
            document(&mut streamed, &store.forest, &assessment, Prose::Kept).unwrap();
            assert!(wanted == streamed, "{count} disks");
            let (mut wanted, mut streamed) = (Vec::new(), Vec::new());
            let head = scan::with_disks(&store.forest);
            write(&mut wanted, &head, JsonLayout::Line).unwrap();
            for disk in &disks {
                write(&mut wanted, disk, JsonLayout::Line).unwrap();
            }
            records(&mut streamed, &store.forest, &assessment, Prose::Kept).unwrap();
            assert!(wanted == streamed, "{count} disks");
        }
    }

    #[test]
    fn a_writer_that_fails_ends_the_work() {
        struct NoRoom;
        impl Write for NoRoom {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut store = Plain::new();
        for disk in 0..SHARE * 20 {
            let day = "2009-05-02T14:10:01Z";
            store.vhd(&format!("/s/{disk:04}.vhd"), "", day, day);
        }
        let assessment = assess(&store.forest, &Compared::default());
        let error = document(&mut NoRoom, &store.forest, &assessment, Prose::Kept);
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
