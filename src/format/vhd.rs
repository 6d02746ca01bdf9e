//! VHD: footer, dynamic header, parent locators, block allocation table, sector bitmaps, XenServer's batmap.
//!
//! Source: Microsoft Virtual Hard Disk Image Format Specification 1.0; xapi-project/blktap for XenServer's additions.

pub mod bat;
