//! The rules of XCP-ng and of Virtual PC.

use super::*;

fn xcp(
    base: &str,
    active: &str,
    leaf: &str,
    dated: Option<&str>,
) -> (&'static str, Reverted, Option<i64>) {
    let mut facts = facts(Tree::Straight, Age::Foot, Gap::Same, Gen::Absent, None);
    facts.product = Product::XcpNg;
    let line = &mut facts.lines[0];
    line.xcp = XcpFacts {
        base_write: Some(at(base)),
        leaf: Some(("leaf.vhd".to_owned(), at(leaf))),
    };
    let source = if dated.is_some() {
        TakenSource::Label
    } else {
        TakenSource::FrozenWrite
    };
    line.taken = vec![Claim {
        at: at(dated.unwrap_or(base)),
        source,
        from: String::new(),
    }];
    above(&mut facts).made = Made::Footer(at(active));
    let verdict = judge(&facts);
    assert!(!verdict.evidence.is_empty() && !verdict.summary.is_empty());
    (verdict.row.id, verdict.reverted, verdict.gap_seconds)
}

#[test]
fn xcp_compares_the_active_disk_with_its_base_and_the_pools_date() {
    const T: &str = "2024-03-01T10:00:00Z";
    const SOON: &str = "2024-03-01T10:00:04Z";
    const LATER: &str = "2024-04-01T10:00:00Z";
    const DAYS: i64 = 31 * 86_400;
    assert_eq!(xcp(T, SOON, SOON, None), ("row-xcp-same", NoSign, Some(4)));
    assert_eq!(
        xcp(T, LATER, LATER, None),
        ("row-xcp-later", Likely, Some(DAYS))
    );
    assert_eq!(
        xcp(LATER, T, T, None),
        ("row-xcp-coalesced", CannotTell, Some(-DAYS))
    );
    assert_eq!(
        xcp(T, LATER, LATER, Some(T)),
        ("row-xcp-cloned", Likely, Some(DAYS))
    );
    assert_eq!(
        xcp(LATER, SOON, SOON, Some(T)),
        ("row-xcp-dated", NoSign, Some(4))
    );
    assert_eq!(
        xcp(T, LATER, SOON, Some(T)),
        ("row-xcp-later", Likely, Some(DAYS))
    );
    assert_eq!(
        xcp(T, T, SOON, Some(LATER)),
        ("row-xcp-coalesced", CannotTell, Some(-DAYS))
    );
}

fn undo(named: Option<&str>, stamp: &str) -> (&'static str, Reverted) {
    let mut facts = facts(Tree::Straight, Age::Foot, Gap::Same, Gen::Absent, None);
    facts.product = Product::VirtualPc;
    facts.lines[0].undo = UndoFacts {
        named: named.map(at),
    };
    above(&mut facts).name = "VirtualPCUndo_XP_0_0_14100005022009.vud".to_owned();
    above(&mut facts).made = Made::Footer(at(stamp));
    let verdict = judge(&facts);
    (verdict.row.id, verdict.reverted)
}

#[test]
fn virtual_pc_compares_the_undo_disk_with_its_name() {
    assert_eq!(undo(Some(TAKEN), TAKEN), ("row-vpc-kept", NoSign));
    assert_eq!(
        undo(Some(TAKEN), "2009-06-30T09:41:00Z"),
        ("row-vpc-discarded", Likely)
    );
    assert_eq!(
        undo(Some(TAKEN), "2009-05-02T15:17:00Z"),
        ("row-vpc-discarded", Likely)
    );
    assert_eq!(
        undo(Some(TAKEN), "2009-05-02T23:10:10Z"),
        ("row-vpc-unknown", CannotTell)
    );
    assert_eq!(
        undo(Some(TAKEN), "2009-04-02T14:10:00Z"),
        ("row-vpc-unknown", CannotTell)
    );
    assert_eq!(undo(None, TAKEN), ("row-vpc-unknown", CannotTell));
}
