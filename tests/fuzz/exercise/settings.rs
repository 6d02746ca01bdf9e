//! The user's own files: the config file with its keys, and themes.

use vhdtree::config::Config;
use vhdtree::tui::screens::keymap;
use vhdtree::tui::theme::Theme;

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        vhdtree::config::EXAMPLE.replace("#: ", ""),
        "theme = \"mono\"\nsort = \"size\"\nascii = true\n[keys]\nquit = [\"q\", \"^C\"]\ndown = \"j\"\n".to_owned(),
        "base = \"safe\"\nselected = \"bold #ff8800 on 17\"\nborder = \"dim\"\n".to_owned(),
    ]
    .map(String::into_bytes)
    .to_vec()
}

/// TOML.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(config) = Config::parse(&text) {
        let lines = text.lines().count().max(1);
        for warning in &config.warnings {
            let line = warning
                .strip_prefix("line ")
                .and_then(|rest| rest.split_once(':'));
            let line: usize = line
                .and_then(|(line, _)| line.parse().ok())
                .expect("a line");
            assert!((1..=lines).contains(&line), "{warning}");
        }
        let _ = keymap(&config.keys);
    }
    let _ = Theme::parse("own", &text);
}
