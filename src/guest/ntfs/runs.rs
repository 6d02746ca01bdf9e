//! Lists of runs: pairs of a length and the distance of the place from the one before.

/// A run of clusters of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The first cluster of the attribute.
    pub(super) vcn: u64,
    pub(super) clusters: u64,
    /// The first cluster of the volume; `None` for a hole.
    pub(super) lcn: Option<u64>,
}

impl Run {
    pub(super) fn end(&self) -> u64 {
        self.vcn.saturating_add(self.clusters)
    }
}

/// The runs of a part that begins at `vcn`; `None` if one lies outside of the volume.
pub(super) fn parse(mut pairs: &[u8], mut vcn: u64, volume_clusters: u64) -> Option<Vec<Run>> {
    let mut runs = Vec::new();
    let mut place = 0_i64;
    loop {
        let head = *pairs.first().unwrap_or(&0);
        if head == 0 {
            return Some(runs);
        }
        let (length_bytes, place_bytes) = (usize::from(head & 0xf), usize::from(head >> 4));
        let length_end = length_bytes.checked_add(1)?;
        let end = length_end.checked_add(place_bytes)?;
        let clusters = u64::try_from(signed(pairs.get(1..length_end)?)?).ok()?;
        let lcn = if place_bytes == 0 {
            None
        } else {
            place = place.checked_add(signed(pairs.get(length_end..end)?)?)?;
            let lcn = u64::try_from(place).ok()?;
            (lcn.checked_add(clusters)? <= volume_clusters).then_some(())?;
            Some(lcn)
        };
        if clusters == 0 {
            return None;
        }
        runs.push(Run { vcn, clusters, lcn });
        vcn = vcn.checked_add(clusters)?;
        pairs = pairs.get(end..)?;
    }
}

/// A little-endian number of up to eight bytes with its sign.
fn signed(bytes: &[u8]) -> Option<i64> {
    let last = *bytes.last()?;
    let fill = if last & 0x80 == 0 { 0 } else { 0xff };
    let mut whole = [fill; 8];
    whole.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_distances_and_holes_have_none() {
        let run = |vcn, clusters, lcn| Run { vcn, clusters, lcn };
        let pairs = [
            0x21, 0x18, 0x34, 0x56, 0x01, 0x10, 0x11, 0x04, 0xf0, 0x00, 0xff,
        ];
        let runs = parse(&pairs, 2, 1 << 20).unwrap();
        assert_eq!(
            runs,
            [
                run(2, 0x18, Some(0x5634)),
                run(26, 0x10, None),
                run(42, 4, Some(0x5624))
            ]
        );
        assert_eq!(parse(&pairs, 0, 0x5640), None);
        assert_eq!(parse(&[0x11, 0x04, 0xf0], 0, 99), None);
        assert_eq!(parse(&[0xff], 0, 99), None);
        assert_eq!(parse(&[], 0, 99), Some(vec![]));
    }
}
