//! A wire for tests to trip over: with `VHDTREE_TEST_PANIC` set, the key `X` panics in the
//! loop, so that a test can see what a panic leaves of a terminal. Built with the feature `testing` only.

use crossterm::event::KeyCode;

use crate::tui::message::Message;

/// Panics where a test asked for it.
///
/// # Panics
/// That is what it is for.
pub fn check(message: &Message) {
    let asked = matches!(message, Message::Key(key) if key.code == KeyCode::Char('X'));
    assert!(
        !asked || std::env::var_os("VHDTREE_TEST_PANIC").is_none(),
        "tripped by a test"
    );
}
