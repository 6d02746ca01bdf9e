//! The volumes inside a disk, by the marks at their start.

use super::{Line, PageContext};
use crate::guest::disk::VolumePlace;
use crate::text::escape;

/// One line a volume: what it is, where it lies, and why its files cannot be named if that is so.
pub fn lines(context: &PageContext<'_>, volumes: &[VolumePlace]) -> Vec<Line> {
    let mut page = context.page();
    page.heading("GUEST");
    for place in volumes {
        let mut words = context.size(place.bytes());
        if let Some(start) = place.start().filter(|start| *start > 0) {
            words = format!("{words} at {}", context.size(start));
        }
        if !place.word.is_empty() {
            words = format!("{}, {words}", place.word);
        }
        if let Some(why) = place.why() {
            words = format!("{words}; {}", escape(&why.text));
        }
        page.field(&escape(&place.name), words);
    }
    page.into_lines()
}
