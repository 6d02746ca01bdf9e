//! From a VHD to an [`Image`](super::Image).
