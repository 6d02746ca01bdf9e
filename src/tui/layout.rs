//! Where things are, by the size of the terminal alone: `update` needs it for pages and clicks, drawing for places.

use ratatui::layout::Rect;

/// From so many columns and rows on the tree has two panes below it.
pub const WIDE: (u16, u16) = (120, 30);

/// Whether a pane fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Panes {
    /// Two panes where there is room.
    #[default]
    Split,
    Whole,
}

/// Whether the story of the selected row stands below the list where there is no room for two panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Story {
    /// The list alone.
    #[default]
    Hidden,
    /// The list above goes on moving, the story below follows.
    Shown,
}

/// Which screen is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayoutOf {
    /// The tree, which has a sentence below it, and panes where there is room.
    Home(Panes, Story),
    Other,
}

/// The parts of the screen; a part without room has no height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScreenLayout {
    /// The program's line.
    pub title: Rect,
    /// The screens by number.
    pub tabs: Rect,
    /// The screen that is open.
    pub body: Rect,
    /// The left pane below the tree.
    pub left: Rect,
    /// The right pane below the tree.
    pub right: Rect,
    /// The rule above those two.
    pub rule: Rect,
    /// Why the selected row is flagged.
    pub why: Rect,
    pub footer: Rect,
    pub status: Rect,
}

/// The rows of an area from `y` on, over its whole width.
pub fn band(area: Rect, y: u16, height: u16) -> Rect {
    Rect { y, height, ..area }
}

impl ScreenLayout {
    /// True if something stands below the tree.
    pub fn is_split(&self) -> bool {
        self.rule.height > 0
    }

    /// True if the tree has two panes below it, which take the keys in turn.
    pub fn has_panes(&self) -> bool {
        self.right.height > 0
    }
}

/// Where everything is.
pub fn layout((width, height): (u16, u16), of: LayoutOf) -> ScreenLayout {
    let mut top = 0;
    let mut bottom = height;
    let down = |rows: u16, top: &mut u16, bottom: u16| {
        let rows = rows.min(bottom.saturating_sub(*top));
        let area = Rect::new(0, *top, width, rows);
        *top += rows;
        area
    };
    let up = |rows: u16, top: u16, bottom: &mut u16| {
        let rows = rows.min(bottom.saturating_sub(top));
        *bottom -= rows;
        Rect::new(0, *bottom, width, rows)
    };
    let mut layout = ScreenLayout::default();
    if height >= 6 {
        layout.title = down(1, &mut top, bottom);
    }
    if height >= 8 {
        layout.tabs = down(1, &mut top, bottom);
    }
    if height >= 4 {
        layout.status = up(1, top, &mut bottom);
    }
    if height >= 14 {
        layout.footer = up(1, top, &mut bottom);
    }
    let wide = width >= WIDE.0 && height >= WIDE.1;
    let why = match (of, height) {
        // The story below the list begins with that sentence.
        (LayoutOf::Home(_, Story::Shown), 14..) => 0,
        (LayoutOf::Home(Panes::Split, _), _) if wide => 0,
        (LayoutOf::Home(_, Story::Hidden), 20..) => 2,
        (LayoutOf::Home(..), 10..) => 1,
        _ => 0,
    };
    layout.why = up(why, top, &mut bottom);
    let rows = bottom - top;
    if matches!(of, LayoutOf::Home(_, Story::Shown)) && !wide && rows >= 8 {
        let story = up(rows - rows * 2 / 5, top, &mut bottom);
        layout.rule = Rect { height: 1, ..story };
        layout.left = band(story, story.y + 1, story.height - 1);
    } else if matches!(of, LayoutOf::Home(Panes::Split, _)) && wide {
        let rows = (bottom - top) * 11 / 20;
        let panes = up(bottom - top - rows, top, &mut bottom);
        layout.rule = Rect { height: 1, ..panes };
        let inner = band(panes, panes.y + 1, panes.height - 1);
        let right_width = 73.min(width - 60);
        layout.left = Rect {
            width: width - right_width - 1,
            ..inner
        };
        layout.right = Rect {
            x: width - right_width,
            width: right_width,
            ..inner
        };
    }
    layout.body = Rect::new(0, top, width, bottom - top);
    layout
}
