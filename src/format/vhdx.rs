//! VHDX: file identifier, headers, region tables, metadata, parent locator, block allocation table, sector bitmaps, log.
//!
//! Source: [MS-VHDX].

pub mod bat;
