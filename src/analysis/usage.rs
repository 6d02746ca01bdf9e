//! Usage: what disks hold, summed over a forest.
