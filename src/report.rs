//! Report: what a reader sees before any terminal. Rows, columns, words, units, JSON; shared by the command line and the
//! browser, so that both say the same of the same store.
//!
//! ```text
//!  Forest + Assessment ─► row::rows ─► [Row] ─┬─► tree_text, table, csv      (command line)
//!                          (RowOptions)       └─► visible, cell, prefix      (browser)
//!  Forest + Assessment ◄─► json                                              (`--json`, `--from`)
//! ```
//!
//! Text from disks is escaped here, when it becomes something to show; JSON alone carries it as it is, since JSON has
//! escapes of its own.

pub mod beside;
pub mod codes;
pub mod columns;
pub mod copied;
pub mod csv;
pub mod files;
pub mod findings;
pub mod json;
pub mod page;
pub mod placed;
pub mod prometheus;
pub mod row;
pub mod short;
pub mod since;
pub mod tree_text;
pub mod words;

pub use columns::{Column, ColumnStyle};
pub use row::{Flag, Now, Row, RowKey, RowKind, RowOptions, Sort, rows};
pub use short::ShortNames;
