//! From a VHDX to an [`Image`](super::Image).
