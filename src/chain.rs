//! Chain: leaf to base; who owns a sector; merged reads through bitmaps.

use std::sync::Arc;

use crate::image::Image;

/// Open images from a leaf (or any node) down to its base: `links[0]` is the node itself.
#[derive(Debug, Clone)]
pub struct Chain {
    links: Vec<Arc<Image>>,
}

impl Chain {
    /// A chain over images in order, leaf first.
    pub fn new(links: Vec<Arc<Image>>) -> Self {
        Self { links }
    }

    /// The images, leaf first.
    pub fn links(&self) -> &[Arc<Image>] {
        &self.links
    }
}
