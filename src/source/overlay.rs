//! Pages and ranges of zeros laid over another source, as a replayed log asks for; the source itself stays as it is.
//!
//! A page's bytes are not kept: the source holds them already, a few guard bytes at their head and tail replaced. So an
//! overlay costs less than a hundred bytes a page, however large the log is, and a log that is overwritten between two
//! reads is noticed by its guards and gives an error, never wrong bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use super::Source;

/// Length of a page, in bytes.
const PAGE_BYTES: u64 = 4096;

/// Most pieces an overlay takes; about 40 MiB. A log of 1 GiB holds at most half as many pages.
const MAX_PIECES: usize = 1 << 19;

/// A page of 4096 bytes: where its bytes are, and what to replace in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlayPage {
    /// Position of the stored bytes in the source below, in bytes.
    pub stored_at: u64,
    /// What the stored bytes begin with; anything else means that they were overwritten since.
    pub stored_head: [u8; 8],
    /// What the stored bytes end with.
    pub stored_tail: [u8; 4],
    /// What the page begins with instead.
    pub head: [u8; 8],
    /// What the page ends with instead.
    pub tail: [u8; 4],
}

#[derive(Debug, Clone, Copy)]
enum PieceBytes {
    Zero,
    Page(OverlayPage),
}

#[derive(Debug, Clone, Copy)]
struct OverlaidPiece {
    end: u64,
    content: PieceBytes,
}

/// More pieces than an overlay takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlayFull;

impl fmt::Display for OverlayFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {MAX_PIECES} pieces to lay over the file")
    }
}

impl std::error::Error for OverlayFull {}

/// Pages and ranges of zeros, later ones over earlier ones; all at whole pages.
#[derive(Debug, Default)]
pub struct Overlay {
    pieces: BTreeMap<u64, OverlaidPiece>,
}

impl Overlay {
    /// Lays a page at `offset_bytes`, which is taken down to a whole page.
    ///
    /// # Errors
    /// When there are too many pieces.
    pub fn lay_page(&mut self, offset_bytes: u64, page: OverlayPage) -> Result<(), OverlayFull> {
        let start = floor(offset_bytes);
        self.lay(
            start,
            start.saturating_add(PAGE_BYTES),
            PieceBytes::Page(page),
        )
    }

    /// Lays zeros from `offset_bytes` (taken down to a whole page) to `end_bytes` (likewise).
    ///
    /// # Errors
    /// When there are too many pieces.
    pub fn lay_zeros(&mut self, offset_bytes: u64, end_bytes: u64) -> Result<(), OverlayFull> {
        self.lay(floor(offset_bytes), floor(end_bytes), PieceBytes::Zero)
    }

    /// End of the last piece, in bytes; 0 without pieces.
    pub fn end(&self) -> u64 {
        self.pieces
            .last_key_value()
            .map_or(0, |(_, piece)| piece.end)
    }

    fn lay(&mut self, start: u64, end: u64, content: PieceBytes) -> Result<(), OverlayFull> {
        if start >= end {
            return Ok(());
        }
        if let Some((_, below)) = self.pieces.range_mut(..start).next_back() {
            let below_end = below.end;
            if below_end > start {
                below.end = start;
                let content = below.content;
                if below_end > end {
                    // Only zeros span more than a page, so what is behind the new piece keeps its content.
                    self.pieces.insert(
                        end,
                        OverlaidPiece {
                            end: below_end,
                            content,
                        },
                    );
                }
            }
        }
        while let Some((covered, piece)) = self
            .pieces
            .range(start..end)
            .next()
            .map(|(start, piece)| (*start, *piece))
        {
            self.pieces.remove(&covered);
            if piece.end > end {
                self.pieces.insert(end, piece);
            }
        }
        self.pieces.insert(start, OverlaidPiece { end, content });
        if self.pieces.len() > MAX_PIECES {
            return Err(OverlayFull);
        }
        Ok(())
    }
}

fn floor(offset_bytes: u64) -> u64 {
    offset_bytes & !PAGE_BYTES.saturating_sub(1)
}

/// A source with an [`Overlay`] on top, and perhaps longer: what is behind its own end and not overlaid is zeros.
#[derive(Debug)]
pub struct OverlaySource<S> {
    inner: S,
    overlay: Overlay,
    len: u64,
}

impl<S: Source> OverlaySource<S> {
    /// Lays `overlay` over `inner` and makes it at least `len` bytes long.
    pub fn new(inner: S, overlay: Overlay, len: u64) -> Self {
        let len = len.max(inner.len()).max(overlay.end());
        Self {
            inner,
            overlay,
            len,
        }
    }

    fn read_below(&self, buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let left = self.inner.len().saturating_sub(offset_bytes);
        let have = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let (there, behind) = buf.split_at_mut(have);
        behind.fill(0);
        if there.is_empty() {
            return Ok(());
        }
        self.inner.read_exact_at(there, offset_bytes)
    }

    fn read_page(&self, buf: &mut [u8], skip: usize, page: &OverlayPage) -> io::Result<()> {
        let mut bytes = [0u8; 4096];
        self.inner.read_exact_at(&mut bytes, page.stored_at)?;
        if bytes.first_chunk() != Some(&page.stored_head)
            || bytes.last_chunk() != Some(&page.stored_tail)
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the log was overwritten while it was read",
            ));
        }
        if let Some(head) = bytes.first_chunk_mut() {
            *head = page.head;
        }
        if let Some(tail) = bytes.last_chunk_mut() {
            *tail = page.tail;
        }
        let end = skip.saturating_add(buf.len());
        match bytes.get(skip..end) {
            Some(wanted) => buf.copy_from_slice(wanted),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }
}

/// Splits `buf`, whose first byte lies at `at`, into what lies before `end` and the rest.
fn split_at_end(buf: &mut [u8], at: u64, end: u64) -> (&mut [u8], &mut [u8]) {
    let take = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
    buf.split_at_mut(take.min(buf.len()))
}

impl<S: Source> Source for OverlaySource<S> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, mut buf: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let end = offset_bytes.checked_add(buf.len() as u64);
        let Some(end) = end.filter(|end| *end <= self.len) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let before = self.overlay.pieces.range(..=offset_bytes).next_back();
        let first = before.map_or(offset_bytes, |(start, _)| *start);
        let mut at = offset_bytes;
        for (start, piece) in self.overlay.pieces.range(first..end) {
            if piece.end <= at {
                continue;
            }
            if *start > at {
                let (gap, rest) = split_at_end(buf, at, *start);
                self.read_below(gap, at)?;
                buf = rest;
                at = *start;
            }
            let (part, rest) = split_at_end(buf, at, piece.end);
            match &piece.content {
                PieceBytes::Zero => part.fill(0),
                PieceBytes::Page(page) => {
                    let skip = usize::try_from(at.saturating_sub(*start)).unwrap_or(usize::MAX);
                    self.read_page(part, skip, page)?;
                }
            }
            buf = rest;
            at = piece.end;
        }
        self.read_below(buf, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemorySource;

    const PAGE: usize = 4096;

    fn below(pages: usize) -> MemorySource {
        let byte = |at: usize| u8::try_from(at % 251).expect("small");
        MemorySource((0..pages * PAGE).map(byte).collect())
    }

    fn page(source: &MemorySource, at: usize, mark: u8) -> OverlayPage {
        let stored = &source.0[at..at + PAGE];
        OverlayPage {
            stored_at: at as u64,
            stored_head: *stored.first_chunk().expect("a page"),
            stored_tail: *stored.last_chunk().expect("a page"),
            head: [mark; 8],
            tail: [mark; 4],
        }
    }

    /// What an overlay must give, on plain bytes.
    #[derive(Clone)]
    struct Model(Vec<u8>);

    impl Model {
        fn page(&mut self, at: usize, page: &OverlayPage, below: &MemorySource) {
            let from = usize::try_from(page.stored_at).expect("small");
            let mut bytes = below.0[from..from + PAGE].to_vec();
            bytes[..8].copy_from_slice(&page.head);
            bytes[PAGE - 4..].copy_from_slice(&page.tail);
            self.grow(at + PAGE);
            self.0[at..at + PAGE].copy_from_slice(&bytes);
        }

        fn zeros(&mut self, from: usize, to: usize) {
            self.grow(to);
            self.0[from..to].fill(0);
        }

        fn grow(&mut self, len: usize) {
            self.0.resize(self.0.len().max(len), 0);
        }
    }

    fn assert_reads_like(model: &Model, source: &OverlaySource<MemorySource>) {
        assert_eq!(source.len(), model.0.len() as u64);
        for (from, len) in [
            (0, model.0.len()),
            (1, 9000),
            (4095, 2),
            (5000, 1),
            (8190, 12_300),
        ] {
            let to = (from + len).min(model.0.len());
            let mut buf = vec![0xee; to - from];
            source.read_exact_at(&mut buf, from as u64).expect("read");
            assert!(buf == model.0[from..to], "{from}..{to}");
        }
    }

    #[test]
    fn later_pieces_cover_earlier_ones_in_every_order() {
        let below = below(12);
        // (first page, last page, stored page or zeros), laid in order.
        let pieces = [
            (2, 9, None),
            (4, 5, Some(10)),
            (5, 6, Some(11)),
            (0, 3, None),
            (5, 8, None),
            (6, 7, Some(1)),
            (11, 14, None),
            (12, 13, Some(0)),
        ];
        for rotation in 0..pieces.len() {
            let mut overlay = Overlay::default();
            let mut model = Model(below.0.clone());
            for step in 0..pieces.len() {
                let (from, to, stored) = pieces[(rotation + step) % pieces.len()];
                if let Some(stored) = stored {
                    let page = page(
                        &below,
                        stored * PAGE,
                        0xa0 + u8::try_from(step).expect("few"),
                    );
                    overlay.lay_page((from * PAGE) as u64, page).expect("room");
                    model.page(from * PAGE, &page, &below);
                } else {
                    overlay
                        .lay_zeros((from * PAGE) as u64, (to * PAGE) as u64)
                        .expect("room");
                    model.zeros(from * PAGE, to * PAGE);
                }
            }
            assert_reads_like(&model, &OverlaySource::new(below.clone(), overlay, 0));
        }
    }

    #[test]
    fn bytes_behind_the_end_are_zeros_up_to_the_new_length() {
        let source = OverlaySource::new(below(1), Overlay::default(), 10_000);
        let mut buf = [1; 4000];
        source.read_exact_at(&mut buf, 4000).expect("inside");
        assert_eq!(buf[95], u8::try_from(4095 % 251).expect("small"));
        assert!(buf[96..].iter().all(|byte| *byte == 0));
        let error = source
            .read_exact_at(&mut buf, 6001)
            .expect_err("past the end");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(source.read_exact_at(&mut buf, u64::MAX).is_err());
    }

    #[test]
    fn a_page_overwritten_below_is_an_error_not_wrong_bytes() {
        let mut bytes = below(2);
        let page = page(&bytes, PAGE, 7);
        bytes.0[PAGE] ^= 1;
        let mut overlay = Overlay::default();
        overlay.lay_page(0, page).expect("room");
        let source = OverlaySource::new(bytes, overlay, 0);
        let error = source.read_exact_at(&mut [0; 8], 0).expect_err("noticed");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
