use super::*;
use crate::build::vhdx::VhdxBuilder;
use crate::source::MemorySource;

const AT: usize = 2 << 20;

fn region() -> Region {
    Region {
        id: crate::format::vhdx::region::METADATA_ID,
        offset_bytes: AT as u64,
        length_bytes: 1 << 20,
        required: true,
    }
}

fn sound() -> Vec<u8> {
    VhdxBuilder::differencing(10 << 20)
        .parent(Uuid::from_u128(5), &[("relative_path", "p.vhdx")])
        .build()
}

/// Position of a field of table entry `index`.
fn entry(index: usize, field: usize) -> usize {
    AT + 32 + index * 32 + field
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn outcome(bytes: Vec<u8>) -> Result<(VhdxMetadata, Vec<&'static str>), &'static str> {
    let mut findings = Vec::new();
    match read(&MemorySource(bytes), region(), &mut findings) {
        Ok(read) => Ok((
            read,
            findings.iter().map(|finding| finding.code.id).collect(),
        )),
        Err(FormatError::Invalid(refusal)) => Err(refusal.finding.code.id),
        Err(error) => panic!("{error}"),
    }
}

fn damaged(change: impl Fn(&mut [u8])) -> Result<Vec<&'static str>, &'static str> {
    let mut bytes = sound();
    change(&mut bytes);
    outcome(bytes).map(|(_, codes)| codes)
}

// Items in the order of the builder: parameters, virtual size, disk id, logical and physical sector, locator.
const VALUE: usize = AT + (64 << 10);

#[test]
fn a_sound_table_has_no_findings() {
    let (read, codes) = outcome(sound()).expect("sound");
    assert_eq!((read.block_size, read.virtual_size), (2 << 20, 10 << 20));
    assert!(read.has_parent && codes.is_empty());
    assert_eq!(
        read.parent.expect("a parent").id_wanted,
        Some(Uuid::from_u128(5))
    );
}

#[test]
fn a_damaged_table_refuses_the_file() {
    assert_eq!(damaged(|bytes| bytes[AT] = 0), Err("vhdx-metadata"));
    assert_eq!(
        damaged(|bytes| put(bytes, AT + 10, 0xffff)),
        Err("vhdx-metadata")
    );
    let mut cut = sound();
    cut.truncate(AT + 60);
    assert_eq!(outcome(cut).map(|_| ()), Err("vhdx-metadata"));
}

#[test]
fn an_unknown_item_matters_only_if_required() {
    let rename = |bytes: &mut [u8]| bytes[entry(2, 0)] ^= 1;
    assert_eq!(damaged(rename), Err("vhdx-metadata-unknown"));
    let optional = |bytes: &mut [u8]| {
        bytes[entry(4, 0)] ^= 1;
        put(bytes, entry(4, 24), 0);
    };
    assert_eq!(damaged(optional), Ok(vec!["vhdx-metadata-missing"]));
}

#[test]
fn sizes_outside_the_formats_limits_refuse_the_file() {
    for block_size in [0, 1 << 19, 3 << 20, 512 << 20, u32::MAX] {
        let outcome = damaged(|bytes| put(bytes, VALUE, block_size));
        assert_eq!(outcome, Err("vhdx-metadata-value"), "{block_size}");
    }
    assert_eq!(
        damaged(|bytes| put(bytes, VALUE + 32, 520)),
        Err("vhdx-metadata-value")
    );
    assert_eq!(
        damaged(|bytes| bytes[VALUE + 15] = 1),
        Err("vhdx-metadata-value")
    );
    assert_eq!(
        damaged(|bytes| put(bytes, VALUE + 8, 1)),
        Ok(vec!["vhdx-metadata-value"])
    );
    assert_eq!(
        damaged(|bytes| put(bytes, VALUE + 36, 1)),
        Ok(vec!["vhdx-metadata-value"])
    );
}

#[test]
fn items_outside_or_of_the_wrong_length_are_findings_or_refusals() {
    let far = |bytes: &mut [u8]| put(bytes, entry(2, 16), 1 << 20);
    assert_eq!(damaged(far), Ok(vec!["vhdx-metadata-place"]));
    let in_the_table = |bytes: &mut [u8]| put(bytes, entry(4, 16), 40);
    assert_eq!(damaged(in_the_table), Ok(vec!["vhdx-metadata-place"]));
    let endless = |bytes: &mut [u8]| put(bytes, entry(0, 20), u32::MAX);
    assert_eq!(damaged(endless), Err("vhdx-metadata-place"));
    let long = |bytes: &mut [u8]| put(bytes, entry(1, 20), 9);
    assert!(matches!(damaged(long), Err("vhdx-metadata-place")));
}

#[test]
fn items_given_twice_or_on_each_other_are_findings() {
    let twice = |bytes: &mut [u8]| {
        let first = entry(3, 0);
        bytes.copy_within(first..first + 32, entry(4, 0));
    };
    assert_eq!(
        damaged(twice),
        Ok(vec!["vhdx-metadata-twice", "vhdx-metadata-missing"])
    );
    let overlapping = |bytes: &mut [u8]| put(bytes, entry(4, 16), (64 << 10) + 34);
    assert!(
        damaged(overlapping)
            .expect("read")
            .contains(&"vhdx-metadata-overlap")
    );
}

#[test]
fn a_child_without_locator_and_a_base_with_one_are_told() {
    let orphan = VhdxBuilder::differencing(1 << 20).build();
    let (read, codes) = outcome(orphan).expect("read");
    assert_eq!(
        (read.parent, codes),
        (Some(ParentRef::default()), vec!["vhdx-metadata-missing"])
    );
    let base = VhdxBuilder::dynamic(1 << 20).linkage2(Uuid::nil()).build();
    let (read, codes) = outcome(base).expect("read");
    assert_eq!((read.parent, codes), (None, vec!["vhdx-locator-unused"]));
}
