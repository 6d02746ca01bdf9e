use super::*;
use crate::text::Charset;
use crate::tui::sample;

fn map() -> MapWindow {
    let mut map = MapWindow {
        grid: (64, 16),
        ..MapWindow::default()
    };
    map.open(Arc::new(sample::block_table("/a.avhd")));
    map
}

fn signs(map: &MapWindow) -> String {
    let glyphs = Charset::Unicode.glyphs();
    map.cells
        .iter()
        .map(|cell| cell.sign(map.style, map.layer, glyphs).0)
        .collect()
}

#[test]
fn a_million_blocks_fit_one_screen_in_round_cells() {
    let map = map();
    assert_eq!(map.zoom, 10);
    assert_eq!(map.cells.len(), 1024);
    assert!(map.cells.iter().all(|cell| cell.total == 1024));
}

#[test]
fn one_block_in_a_million_is_visible_at_every_zoom() {
    let mut map = map();
    loop {
        map.go(543_210);
        let cell = map.cell();
        assert_eq!(cell.partial, 1, "zoom {}", map.zoom);
        let sign = cell.sign(map.style, map.layer, Charset::Unicode.glyphs()).0;
        assert!(["░", "▒"].contains(&sign), "zoom {}: {sign}", map.zoom);
        let at = map.cursor_cell().unwrap();
        assert_eq!(map.cells[at], cell);
        assert!(signs(&map).contains(sign));
        if map.zoom == 0 {
            break;
        }
        map.zoom_in();
    }
}

#[test]
fn an_error_is_visible_at_every_zoom() {
    let mut map = map();
    loop {
        map.go(800_000);
        assert!(signs(&map).contains('!'), "zoom {}", map.zoom);
        if map.zoom == 0 {
            break;
        }
        map.zoom_in();
    }
}

#[test]
fn seeking_goes_from_run_to_run_and_back() {
    let mut map = map();
    map.zoom_full();
    let mut stops = Vec::new();
    while map.seek(true) {
        stops.push(map.cursor);
    }
    assert_eq!(stops, [70_000, 70_100, 543_210, 800_000, 800_001]);
    assert!(map.seek(false));
    assert_eq!(map.cursor, 800_000);
}

#[test]
fn steps_end_at_the_ends() {
    let mut map = map();
    map.step(-1, 0);
    assert_eq!(map.cursor, 0);
    map.step(0, -1);
    assert_eq!(map.cursor, 0);
    map.go(u64::MAX);
    assert_eq!(map.cursor, 1_048_575);
    map.step(0, 1);
    assert_eq!(map.cursor, 1_048_575);
    map.step(1, 0);
    assert_eq!(map.cursor, 1_048_575);
}

#[test]
fn the_cells_of_any_window_sum_up_to_the_disk() {
    let mut map = map();
    for grid in [(64, 16), (32, 5), (128, 30), (1, 1)] {
        map.resize(grid);
        map.zoom = map.widest();
        map.go(0);
        let sum: u64 = map.cells.iter().map(|cell| cell.full + cell.partial).sum();
        assert_eq!(sum, 70_101, "{grid:?}");
    }
}

#[test]
fn a_map_that_waits_for_its_blocks_has_no_zoom_left_of_another() {
    let mut map = map();
    map.ask(Some(PathBuf::from("/b.avhd")));
    assert_eq!((map.zoom, map.widest()), (0, 0));
    assert!(map.cells.is_empty());
    map.open(Arc::new(sample::block_table("/b.avhd")));
    assert_eq!(map.zoom, 10);
}

#[test]
fn a_window_without_room_shows_nothing_and_comes_back() {
    let mut map = map();
    map.resize((0, 0));
    assert!(map.cells.is_empty());
    map.resize((64, 16));
    assert_eq!(map.cells.len(), 1024);
}
