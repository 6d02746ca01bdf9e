//! Short names: in Hyper-V a child is named by its base and a GUID, so under its parent the first digits of the GUID and
//! the extension say everything. Two rows never look alike.

/// Digits of the GUID shown at first, and the longer forms taken where two rows would look alike: up to each hyphen.
const SHOWN: [usize; 5] = [8, 13, 18, 23, 36];

/// A file name taken apart around its last GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameParts<'a> {
    /// What stands before the GUID, without the joining `_`.
    pub stem: &'a str,
    /// The GUID with hyphens.
    guid: &'a str,
    /// What follows: a suffix and the extension.
    tail: &'a str,
}

/// Takes a file name apart; `None` if it holds no GUID at the start or behind a `_`.
pub(super) fn parts(name: &str) -> Option<NameParts<'_>> {
    if name.len() < 36 {
        return None;
    }
    let mut ends = (36..=name.len()).rev();
    ends.find_map(|end| {
        let start = end.checked_sub(36)?;
        let guid = name.get(start..end)?;
        let head = name.get(..start)?;
        let stem = match head.strip_suffix('_') {
            Some(stem) => stem,
            None if head.is_empty() => head,
            None => return None,
        };
        is_guid(guid).then(|| NameParts {
            stem,
            guid,
            tail: name.get(end..).unwrap_or_default(),
        })
    })
}

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The stem a child's name shares with its parent's: the name without GUID, or without extension.
pub(super) fn stem(name: &str) -> &str {
    match parts(name) {
        Some(parts) => parts.stem,
        None => name.rsplit_once('.').map_or(name, |(stem, _)| stem),
    }
}

/// One row's candidate for a short name.
#[derive(Debug)]
pub(super) struct NameCandidate<'a> {
    /// The whole file name, escaped.
    pub full: &'a str,
    /// The stem of the row it hangs under; `None` at the top of a tree.
    pub above: Option<&'a str>,
}

/// A row's short name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Short {
    /// No other row of the group has it.
    Only(String),
    /// Another row has the same whole name; the caller tells them apart by their folders.
    Alike(String),
}

/// Short names for the rows of one group, in order: as short as they can be without two looking alike.
pub(super) fn shorten(candidates: &[NameCandidate<'_>]) -> Vec<Short> {
    let mut level: Vec<usize> = vec![0; candidates.len()];
    loop {
        let names: Vec<String> = candidates
            .iter()
            .zip(&level)
            .map(|(candidate, level)| at_level(candidate, *level))
            .collect();
        let mut sorted: Vec<(&str, usize)> = (0..)
            .zip(&names)
            .map(|(at, name)| (name.as_str(), at))
            .collect();
        sorted.sort_unstable();
        let mut is_alike = vec![false; names.len()];
        let mut longer = false;
        for alike in sorted.chunk_by(|(a, _), (b, _)| a == b) {
            if alike.len() < 2 {
                continue;
            }
            for (_, at) in alike {
                if let (Some(level), Some(is_alike)) = (level.get_mut(*at), is_alike.get_mut(*at)) {
                    *is_alike = true;
                    if *level < SHOWN.len() {
                        *level += 1;
                        longer = true;
                    }
                }
            }
        }
        if !longer {
            let names = names.into_iter().zip(is_alike);
            return names
                .map(|(name, is_alike)| {
                    if is_alike {
                        Short::Alike(name)
                    } else {
                        Short::Only(name)
                    }
                })
                .collect();
        }
    }
}

fn at_level(candidate: &NameCandidate<'_>, level: usize) -> String {
    let Some((parts, shown)) = parts(candidate.full).zip(SHOWN.get(level)) else {
        return candidate.full.to_owned();
    };
    let under_its_own = candidate
        .above
        .is_some_and(|above| above.eq_ignore_ascii_case(parts.stem));
    if !parts.stem.is_empty() && !under_its_own {
        return candidate.full.to_owned();
    }
    let guid = parts.guid.get(..*shown).unwrap_or(parts.guid);
    format!("{guid}{}", parts.tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "web01_3A55E0B1-0000-4000-8000-000000000001.avhdx";
    const B: &str = "web01_3A55E0B1-0000-4000-9000-000000000002.avhdx";

    fn under<'a>(above: &'a str, full: &'a str) -> NameCandidate<'a> {
        NameCandidate {
            full,
            above: Some(above),
        }
    }

    fn shown(candidates: &[NameCandidate<'_>]) -> Vec<String> {
        let name = |short| match short {
            Short::Only(name) => name,
            Short::Alike(name) => panic!("{name} is not alone"),
        };
        shorten(candidates).into_iter().map(name).collect()
    }

    #[test]
    fn rows_with_one_whole_name_are_told_to_be_alike() {
        let names = shorten(&[under("web01", A), under("web01", B), under("web01", A)]);
        let short = "3A55E0B1-0000-4000-9000.avhdx".to_owned();
        let whole = || Short::Alike(A.to_owned());
        assert_eq!(names, [whole(), Short::Only(short), whole()]);
    }

    #[test]
    fn under_its_parent_a_name_is_eight_digits_and_the_extension() {
        assert_eq!(shown(&[under("WEB01", A)]), ["3A55E0B1.avhdx"]);
        assert_eq!(shown(&[under("db02", A)]), [A]);
        let top = NameCandidate {
            full: A,
            above: None,
        };
        assert_eq!(shown(&[top]), [A]);
    }

    #[test]
    fn a_name_that_is_only_a_guid_is_short_everywhere() {
        let top = NameCandidate {
            full: "79d0aca7-1111-2222-3333-444444444444.vhd",
            above: None,
        };
        assert_eq!(shown(&[top]), ["79d0aca7.vhd"]);
    }

    #[test]
    fn names_that_would_look_alike_grow_until_they_differ() {
        let names = shown(&[under("web01", A), under("web01", B)]);
        assert_eq!(
            names,
            [
                "3A55E0B1-0000-4000-8000.avhdx",
                "3A55E0B1-0000-4000-9000.avhdx"
            ]
        );
    }

    #[test]
    fn a_suffix_after_the_guid_stays() {
        let name = "web01_3A55E0B1-0000-4000-8000-000000000001-AutoRecovery.avhdx";
        assert_eq!(
            shown(&[under("web01", name)]),
            ["3A55E0B1-AutoRecovery.avhdx"]
        );
        assert_eq!(stem(name), "web01");
        assert_eq!(stem("検証用.vhd"), "検証用");
    }

    #[test]
    fn wide_characters_around_a_guid_do_not_split() {
        let name = "検証_3A55E0B1-0000-4000-8000-000000000001検.avhd";
        assert_eq!(shown(&[under("検証", name)]), ["3A55E0B1検.avhd"]);
    }
}
