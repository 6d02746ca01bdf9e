//! What the demo's guests do: files come and go on a volume, deterministically.

use jiff::civil::DateTime;

use super::fat::DemoVolume;

/// Bytes that look like a log: readable in a hex view, different for each `seed`.
pub fn log_text(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut text = Vec::with_capacity(len + 80);
    while text.len() < len {
        state = next(state);
        let line = format!(
            "{:010} request {:08x} took {} ms\r\n",
            text.len(),
            state >> 32,
            state % 977
        );
        text.extend_from_slice(line.as_bytes());
    }
    text.truncate(len);
    text
}

/// Bytes without any pattern, as packed files have them.
pub fn packed_bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = next(state);
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// One step of xorshift64*, good enough for noise.
fn next(state: u64) -> u64 {
    let mut x = state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    x.wrapping_mul(0x2545_f491_4f6c_dd1d)
}

/// A freshly installed system: a few hundred KiB here, some MiB there, as an installer leaves a disk.
pub fn installed(label: &[u8; 11], serial: u32, seed: u64, time: DateTime) -> DemoVolume {
    let mut volume = DemoVolume::new(label, serial);
    for number in 0..40_u64 {
        let len = usize::try_from(
            packed_bytes(seed + number, 2)
                .iter()
                .fold(0_u64, |n, b| n * 256 + u64::from(*b)),
        )
        .unwrap_or(0);
        let name = format!("WINDOWS/SYSTEM/LIB{number:05}.DLL");
        volume.write(&name, &packed_bytes(seed ^ number, 4_000 + len * 3), time);
    }
    volume.go_to(90);
    volume.write("PAGEFILE.SYS", &packed_bytes(seed + 77, 6 << 20), time);
    for number in 0..12_u64 {
        volume.go_to(u16::try_from(120 + number * 61).unwrap_or(0));
        let name = format!("PROGRA_1/APP{number:03}/DATA.CAB");
        volume.write(
            &name,
            &packed_bytes(
                seed + 100 + number,
                300_000 + usize::try_from(number).unwrap_or(0) * 70_000,
            ),
            time,
        );
    }
    volume
}

/// Some days of work: `amount` logs and documents at places of their own.
pub fn works(volume: &mut DemoVolume, seed: u64, amount: u16, time: DateTime) {
    for number in 0..amount {
        volume.go_to(40 + (number * 37 + u16::try_from(seed % 11).unwrap_or(0)) % 900);
        let len = 700 + usize::from(number) * 5_300;
        let name = format!("LOGS/L{:02}{number:05}.LOG", seed % 100);
        volume.write(&name, &log_text(seed + u64::from(number), len), time);
    }
}
