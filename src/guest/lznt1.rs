//! LZNT1, the compression of NTFS files. Source: \[MS-XCA\] 2.5.

/// What a chunk unpacks to, at most, in bytes.
const CHUNK_BYTES: usize = 4_096;

/// Unpacks a unit into `out`; what it does not fill becomes zeros. `None` if the bytes make no sense.
pub fn unpack(packed: &[u8], out: &mut [u8]) -> Option<()> {
    let mut rest = packed;
    let mut chunks = out.chunks_mut(CHUNK_BYTES);
    for chunk in chunks.by_ref() {
        let header = match rest.get(..2) {
            Some([low, high]) => u16::from_le_bytes([*low, *high]),
            _ => 0,
        };
        if header == 0 {
            chunk.fill(0);
            break;
        }
        let len = usize::from(header & 0xfff).checked_add(1)?;
        let end = len.checked_add(2)?;
        let data = rest.get(2..end)?;
        rest = rest.get(end..)?;
        if header & 0x8000 == 0 {
            let (filled, left) = chunk.split_at_mut_checked(data.len())?;
            filled.copy_from_slice(data);
            left.fill(0);
        } else {
            unpack_chunk(data, chunk)?;
        }
    }
    chunks.for_each(|chunk| chunk.fill(0));
    Some(())
}

fn unpack_chunk(data: &[u8], out: &mut [u8]) -> Option<()> {
    let mut bytes = data.iter().copied();
    let mut at = 0_usize;
    'chunk: while let Some(flags) = bytes.next() {
        for bit in 0..8_u8 {
            if flags & 1_u8.checked_shl(bit.into())? == 0 {
                let Some(byte) = bytes.next() else {
                    break 'chunk;
                };
                *out.get_mut(at)? = byte;
                at = at.checked_add(1)?;
                continue;
            }
            let Some(low) = bytes.next() else {
                break 'chunk;
            };
            let token = u16::from_le_bytes([low, bytes.next()?]);
            // The further into the chunk, the more bits of a token are distance and the fewer are length.
            let mut shift = 12_u32;
            let mut reach = at.checked_sub(1)?;
            while reach >= 0x10 {
                shift = shift.checked_sub(1)?;
                reach >>= 1;
            }
            let distance = usize::from(token >> shift).checked_add(1)?;
            let mask = 1_u16.checked_shl(shift)?.checked_sub(1)?;
            let len = usize::from(token & mask).checked_add(3)?;
            let from = at.checked_sub(distance)?;
            for step in 0..len {
                let byte = *out.get(from.checked_add(step)?)?;
                *out.get_mut(at)? = byte;
                at = at.checked_add(1)?;
            }
        }
    }
    out.get_mut(at..)?.fill(0);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_unpacks() {
        let packed = [
            0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xa2,
            0x47, 0x01, 0xa0, 0x45, 0x20, 0x44, 0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xc0,
            0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xb4, 0x02, 0x4a, 0x44, 0xef, 0x03, 0x58,
            0x02, 0x8c, 0x09, 0x16, 0x01, 0x48, 0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00, 0x04, 0x01,
            0x18, 0x90, 0x00,
        ];
        let text = b"F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\0";
        let mut out = vec![0xff; 200];
        unpack(&packed, &mut out).unwrap();
        assert_eq!(&out[..text.len()], text);
        assert!(out[text.len()..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn nonsense_gives_nothing_and_a_long_match_stays_within_its_chunk() {
        let mut out = [0; 64];
        assert!(unpack(&[0x05, 0xb0, 0x01, 0x00], &mut out).is_none());
        // A match before the first byte.
        assert!(unpack(&[0x02, 0xb0, 0x01, 0x00, 0x00], &mut out).is_none());
        // One literal, then a match longer than what is to be filled.
        assert!(unpack(&[0x03, 0xb0, 0x02, 0x41, 0xff, 0x0f], &mut out).is_none());
        assert!(unpack(&[], &mut out).is_some());
    }
}
