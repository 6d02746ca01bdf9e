//! Built files against readers nobody here wrote; a missing one prints `skipped`.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::image::Image;
use crate::job::Job;
use crate::source::MemorySource;

/// The command's standard output; `None`, with a line, where it is not installed.
fn ask(program: &str, args: &[&str], folder: &Path) -> Option<Vec<u8>> {
    let output = match Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
    {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: {program}: {error}");
            return None;
        }
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
    Some(output.stdout)
}

/// Writes runs of 1 to 7 sectors to the builder and to the plain bytes it stands for.
fn scatter(mut builder: VhdxBuilder, plain: &mut [u8], seed: u8) -> VhdxBuilder {
    let length = index(u64::from(builder.sector_size));
    let sectors = plain.len() / length;
    for run in 0..30usize {
        let first = (run * 7919 + usize::from(seed) * 977) % (sectors - 7);
        let bytes: Vec<u8> = (0..(run % 7 + 1) * length)
            .map(|at| u8::try_from((at + run * 31) % 250).unwrap_or(0) ^ seed)
            .collect();
        plain[first * length..first * length + bytes.len()].copy_from_slice(&bytes);
        builder = builder.write(first as u64, &bytes);
    }
    builder
}

#[test]
fn qemu_img_accepts_fixed_and_dynamic_disks_of_every_block_and_sector_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let size = 75u64 << 20;
    for (number, block_mib) in [1u32, 2, 8, 32, 256].into_iter().enumerate() {
        for make in [
            VhdxBuilder::fixed as fn(u64) -> VhdxBuilder,
            VhdxBuilder::dynamic,
        ] {
            let mut plain = vec![0; index(size)];
            let builder = make(size).block_size(block_mib << 20);
            let builder = scatter(builder, &mut plain, u8::try_from(number).expect("few"));
            builder
                .build_to(&folder.path().join("d.vhdx"))
                .expect("written");
            std::fs::write(folder.path().join("d.raw"), &plain).expect("written");
            let Some(info) = ask("qemu-img", &["info", "d.vhdx"], folder.path()) else {
                return;
            };
            let info = String::from_utf8_lossy(&info);
            assert!(info.contains(&format!("({size} bytes)")), "{info}");
            assert!(
                info.contains(&format!("cluster_size: {}", block_mib << 20)),
                "{info}"
            );
            ask("qemu-img", &["check", "d.vhdx"], folder.path());
            ask(
                "qemu-img",
                &["compare", "-f", "vhdx", "-F", "raw", "d.vhdx", "d.raw"],
                folder.path(),
            );
        }
    }
}

#[test]
fn qemu_img_replays_a_built_log_to_the_same_content() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plain = vec![0; 33 << 20];
    let builder = scatter(VhdxBuilder::dynamic(33 << 20), &mut plain, 5);
    builder
        .leave_table_in_log()
        .build_to(&folder.path().join("d.vhdx"))
        .expect("written");
    std::fs::write(folder.path().join("d.raw"), &plain).expect("written");
    if ask("qemu-img", &["check", "-r", "all", "d.vhdx"], folder.path()).is_some() {
        ask(
            "qemu-img",
            &["compare", "-f", "vhdx", "-F", "raw", "d.vhdx", "d.raw"],
            folder.path(),
        );
    }
}

#[test]
fn seven_zip_reads_a_built_chain_to_the_same_content() {
    let folder = tempfile::tempdir().expect("a folder");
    let size = 37u64 << 20;
    let mut plain = vec![0; index(size)];
    let disk = uuid::Uuid::from_u128(77);
    let mut linkage = uuid::Uuid::from_u128(100);
    let base = VhdxBuilder::dynamic(size)
        .disk_id(disk)
        .data_write_id(linkage);
    scatter(base, &mut plain, 1)
        .build_to(&folder.path().join("d0.vhdx"))
        .expect("written");
    for level in 1..4u32 {
        let parent = format!("d{}.vhdx", level - 1);
        let own = uuid::Uuid::from_u128(100 + u128::from(level));
        let child = VhdxBuilder::differencing(size)
            .block_size((1 << 20) << level)
            .disk_id(disk)
            .data_write_id(own)
            .parent(linkage, &[("relative_path", &format!(r".\{parent}"))]);
        scatter(child, &mut plain, u8::try_from(level * 40).expect("small"))
            .build_to(&folder.path().join(format!("d{level}.vhdx")))
            .expect("written");
        linkage = own;
        let name = format!("d{level}.vhdx");
        let Some(read) = ask("7zz", &["x", "-tvhdx", "-so", &name], folder.path()) else {
            return;
        };
        assert!(read == plain, "level {level}");
    }
}

#[test]
fn a_sparse_file_is_the_same_as_the_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("d.vhdx");
    let builder = VhdxBuilder::fixed(20 << 20)
        .block_size(1 << 20)
        .write(77, b"x");
    builder.build_to(&path).expect("written");
    assert!(std::fs::read(&path).expect("read") == builder.build());
}

#[test]
fn a_fixed_disk_written_to_still_has_every_block() {
    let disk = VhdxBuilder::fixed(40 * MIB).block_size(1 << 20);
    let disk = disk.write(2048 * 7, &[1; 512]).build();
    let image = Image::open(std::sync::Arc::new(MemorySource(disk))).unwrap();
    let counts = image.count(&Job::default(), None);
    assert_eq!((counts.full, counts.total), (40, 40));
    assert_eq!(counts.findings, []);
}
