//! README.md's table of keys is the key table: `VHDTREE_README=write cargo test --test it readme` writes it anew.

use std::path::Path;

const FROM: &str = "<!-- keys: made from the key table, checked by a test -->\n";
const TO: &str = "<!-- /keys -->";

#[test]
fn the_keys_are_those_of_the_key_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(FROM).unwrap();
    let (keys, tail) = rest.split_once(TO).unwrap();
    let wanted = vhdtree::tui::keymap::markdown(&vhdtree::tui::screens::bindings());
    if std::env::var_os("VHDTREE_README").is_some() {
        std::fs::write(&path, format!("{head}{FROM}{wanted}{TO}{tail}")).unwrap();
    } else {
        assert!(
            keys == wanted,
            "README.md's keys differ: VHDTREE_README=write cargo test --test it readme"
        );
    }
}
