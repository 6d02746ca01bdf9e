//! Everything that is tested from outside, in one binary.

mod model;
mod oracle;
mod properties;
mod store;
mod truth;
