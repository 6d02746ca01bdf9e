//! Opening: from bytes to an [`Image`](super::Image).
