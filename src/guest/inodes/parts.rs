//! Parts of a volume and their owners, gathered in any order and handed over once each.

use std::ops::{ControlFlow, Range};

use crate::guest::extents::Extents;
use crate::guest::filesystem::{FileId, GuestError, OwnedPart, OwnerClass};

/// Most parts gathered: an owner that is cut by what is asked for counts once a piece.
const PARTS_MAX: usize = 1 << 22;

/// Owners of what was asked for.
pub struct FoundOwners<'a> {
    of: &'a Extents,
    found: Vec<(Range<u64>, OwnerClass, Option<FileId>)>,
    /// Set aside together with what an owner has, and not used: what nobody owns of it is behind the end of a content.
    set_aside: Vec<Range<u64>>,
}

impl<'a> FoundOwners<'a> {
    pub fn new(of: &'a Extents) -> Self {
        Self {
            of,
            found: Vec::new(),
            set_aside: Vec::new(),
        }
    }

    /// Whether any of it was asked for.
    pub fn meets(&self, range: &Range<u64>) -> bool {
        self.of.meets(range)
    }

    /// Notes the owner of those parts of `range` that were asked for.
    pub fn add(
        &mut self,
        range: &Range<u64>,
        class: OwnerClass,
        id: Option<FileId>,
    ) -> Result<(), GuestError> {
        let of = self.of;
        self.found
            .extend(of.within(range).map(|part| (part, class, id)));
        if self.found.len() > PARTS_MAX {
            return Err(GuestError::TooLarge {
                what: "the list of owners",
                limit: PARTS_MAX as u64,
            });
        }
        Ok(())
    }

    /// Notes a range that is in use as a whole because an owner has a part of it.
    pub fn add_set_aside(&mut self, range: Range<u64>) {
        if self.of.meets(&range) && self.set_aside.len() < PARTS_MAX {
            self.set_aside.push(range);
        }
    }

    /// What nobody owns so far.
    pub fn left(&self) -> Extents {
        let owned = self.found.iter().map(|(range, ..)| range.clone());
        self.of.without(&Extents::collect(owned))
    }

    /// Hands all parts over by place; of two owners of the same bytes the first by place counts.
    pub fn tell(mut self, each: &mut dyn FnMut(OwnedPart) -> ControlFlow<()>) {
        let set_aside = Extents::collect(std::mem::take(&mut self.set_aside));
        let left = self.left();
        for range in set_aside.iter() {
            let unused = left.within(&range);
            self.found
                .extend(unused.map(|part| (part, OwnerClass::Outside, None)));
        }
        self.found.sort_by_key(|(range, ..)| range.start);
        let mut told = 0;
        for (range, class, id) in self.found {
            let bytes = range.start.max(told)..range.end;
            if bytes.is_empty() {
                continue;
            }
            told = bytes.end;
            let part = OwnedPart {
                bytes,
                class,
                id,
                stream: String::new(),
            };
            if each(part).is_break() {
                return;
            }
        }
    }
}
