//! Pictures of screens, for looking at: `VHDTREE_PICTURES=DIR cargo test --test it pictures` writes them as SVG.

use std::path::PathBuf;

use vhdtree::text::Charset;
use vhdtree::tui::depth::Depth;
use vhdtree::tui::picture::{Background, svg};
use vhdtree::tui::sample;
use vhdtree::tui::script::{Script, browser};
use vhdtree::tui::theme::Theme;

use crate::screens::{answer_map, at_the_reverted_disk, diffed};

fn folder() -> Option<PathBuf> {
    std::env::var_os("VHDTREE_PICTURES").map(PathBuf::from)
}

fn keep(name: &str, script: &mut Script, ground: Background) {
    let picture = svg(&script.buffer(), ground);
    assert!(
        roxmltree::Document::parse(&picture).is_ok(),
        "{name} is no XML"
    );
    if let Some(folder) = folder() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.svg")), picture).unwrap();
    }
}

#[test]
fn every_view_in_every_theme_is_a_picture() {
    for (theme, depth, charset, ground) in [
        ("ansi16", Depth::Ansi16, Charset::Unicode, Background::Dark),
        ("safe", Depth::True, Charset::Unicode, Background::Dark),
        ("light", Depth::Ansi16, Charset::Unicode, Background::Light),
        ("mono", Depth::Mono, Charset::Ascii, Background::Dark),
    ] {
        for (view, keys) in [
            ("tree", ""),
            ("details", "<Enter>"),
            ("map", "m"),
            ("health", "c"),
            ("help", "?"),
        ] {
            let mut app = browser(sample::store(), (80, 24));
            app.settings.theme = Theme::load(theme).unwrap();
            app.settings.depth = depth;
            app.settings.charset = charset;
            let mut script = Script::of(app);
            script.keys("/7c44<Enter>").keys(keys);
            answer_map(&mut script);
            keep(&format!("{view}-{theme}"), &mut script, ground);
        }
    }
    keep(
        "tree-wide",
        &mut at_the_reverted_disk((140, 40)),
        Background::Dark,
    );
    keep("diff", &mut diffed((80, 24)), Background::Dark);
}
