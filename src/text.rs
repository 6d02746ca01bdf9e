//! How numbers, times, names and signs become text; each in one way, for sentences, pages, tables and screens alike.
//!
//! ```text
//!  number   sizes (`8.1 MiB` or exact bytes), counts with separators, plurals
//!  moment   times with their zone, spans
//!  escape   text from disks made safe to show, paths, file names
//!  width    columns of a terminal: clipping, padding, wrapping
//!  glyph    the two sets of signs
//!  distance how far a slip of the fingers is from what was meant
//!  word     short words of enums
//! ```

mod distance;
mod escape;
mod glyph;
mod moment;
mod number;
mod width;
mod word;

pub use distance::distance;
pub use escape::{escape, file_name, path, paths};
pub use glyph::{Charset, Glyphs};
pub use moment::{Clock, Zone, minute, second, short_span, span};
pub use number::{Units, count, many, offset, short_size, size};
pub use width::{
    Overlong, clip, clip_apart, clip_middle, pad, pad_left, split_at_width, wrap, wrap_plain,
};
