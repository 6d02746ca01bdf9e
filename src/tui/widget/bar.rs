//! A progress bar with numbers beside it: never a bar alone.

use crate::text::Glyphs;
use crate::tui::theme::Role;
use crate::tui::widget::text::Line;

/// `[####----]  words` in `width` columns; the words come first where there is no room.
pub fn bar(done: u64, total: u64, words: &str, width: usize, glyphs: &Glyphs) -> Line {
    let cells = if width >= 60 { 23 } else { 0 };
    if cells == 0 || total == 0 {
        return Line::of(Role::Notice, format!(" {words}"));
    }
    let filled = usize::try_from(u128::from(done.min(total)) * 23 / u128::from(total)).unwrap_or(0);
    Line::of(Role::Text, " [")
        .with(Role::MapSome, glyphs.bar[0].repeat(filled))
        .with(Role::MapNone, glyphs.bar[1].repeat(cells - filled))
        .with(Role::Text, "]  ")
        .with(Role::Notice, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Charset;

    #[test]
    fn the_bar_is_full_only_at_the_end() {
        let at = |done| bar(done, 1000, "n", 80, Charset::Ascii.glyphs()).plain();
        assert!(at(0).contains(&"-".repeat(23)));
        assert!(at(999).contains('-'));
        assert!(at(1000).contains(&"#".repeat(23)));
        assert!(at(5000).contains(&"#".repeat(23)));
    }

    #[test]
    fn words_alone_where_there_is_no_room_or_no_total() {
        assert_eq!(
            bar(1, 2, "1 of 2", 40, Charset::Ascii.glyphs()).plain(),
            " 1 of 2"
        );
        assert_eq!(
            bar(1, 0, "1 so far", 80, Charset::Ascii.glyphs()).plain(),
            " 1 so far"
        );
    }
}
