//! The words that flags take, and how lists, sizes and paths are read from them.

use std::convert::Infallible;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr as _;

use clap::ValueEnum;

use crate::finding::Severity;
use crate::guest::filesystem::ChangeKind;
use crate::report::row::Direction;
use crate::report::{Column, Sort};
use crate::store::{PathMap, Product};

/// How changes are ordered; the largest and newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FilesSort {
    /// By path.
    Path,
    /// By size.
    Size,
    /// By bytes written.
    Written,
    /// By time of the last change.
    Modified,
}

/// A kind of change, as it is written on the command line.
pub(super) fn change_word(text: &str) -> Result<ChangeKind, String> {
    let mut kinds = ChangeKind::ALL.into_iter();
    kinds.find(|kind| kind.word() == text).ok_or_else(|| {
        let words: Vec<&str> = ChangeKind::ALL.iter().map(|kind| kind.word()).collect();
        format!("one of {}", words.join(", "))
    })
}

/// What `--only` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnlyWord {
    /// Rows with a problem.
    Problems,
}

/// Hosts that a script asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// Hyper-V on Windows Server 2012 and later.
    #[value(name = "hyperv")]
    HyperV,
    /// Hyper-V on Windows Server 2008 and 2008 R2.
    #[value(name = "hyperv-2008")]
    HyperV2008,
    /// A pool of XCP-ng or XenServer.
    #[value(name = "xcpng")]
    XcpNg,
}

/// What `--as` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// Hyper-V 2012 and later.
    #[value(name = "hyperv")]
    HyperV,
    /// Hyper-V 2008 and 2008 R2.
    #[value(name = "hyperv-2008")]
    HyperV2008,
    /// XCP-ng, XenServer.
    #[value(name = "xcpng")]
    XcpNg,
    /// Virtual PC, Virtual Server.
    #[value(name = "virtualpc")]
    VirtualPc,
}

impl From<As> for Product {
    fn from(word: As) -> Self {
        match word {
            As::HyperV => Self::HyperV,
            As::HyperV2008 => Self::HyperV2008,
            As::XcpNg => Self::XcpNg,
            As::VirtualPc => Self::VirtualPc,
        }
    }
}

/// What `--fail-on` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors.
    Error,
    /// Errors and warnings.
    #[value(alias = "warn")]
    Warning,
    /// Everything.
    Info,
}

impl From<FailOn> for Severity {
    fn from(word: FailOn) -> Self {
        match word {
            FailOn::Error => Self::Error,
            FailOn::Warning => Self::Warning,
            FailOn::Info => Self::Info,
        }
    }
}

/// The columns a list names; with a leading `+` after `usual`.
pub fn columns(list: &str, usual: &[Column]) -> Result<Vec<Column>, String> {
    let (mut columns, list) = match list.strip_prefix('+') {
        Some(more) => (usual.to_vec(), more),
        None => (Vec::new(), list),
    };
    for word in list.split(',') {
        let word = word.trim().to_ascii_lowercase();
        let column = Column::from_str(&word).map_err(|_| {
            let known: Vec<_> = Column::ALL.iter().map(|column| column.word()).collect();
            format!("no column {word:?}; there are {}", known.join(", "))
        })?;
        columns.push(column);
    }
    Ok(columns)
}

/// The order a word names; with a leading `-` the other way round.
pub fn sort(word: &str) -> Result<(Sort, Direction), String> {
    let (word, turn) = match word.strip_prefix('-') {
        Some(word) => (word, Direction::Reversed),
        None => (word, Direction::Usual),
    };
    Sort::ALL
        .into_iter()
        .find(|(_, known)| *known == word)
        .map(|(sort, _)| (sort, turn))
        .ok_or_else(|| {
            let known: Vec<&str> = Sort::ALL.iter().map(|(_, word)| *word).collect();
            format!("expected one of {}", known.join(", "))
        })
}

/// Version 0.1 had a flag for each kind of facts.
pub(super) fn given_up(_file: &str) -> Result<Infallible, &'static str> {
    Err("use --facts FILE")
}

pub(super) fn grid(text: &str) -> Result<(u32, u32), String> {
    let wrong = || "expected COLUMNSxROWS, each from 1 to 1000, for example 64x16".to_owned();
    let (columns, rows) = text.split_once('x').ok_or_else(wrong)?;
    let side = |text: &str| text.parse().ok().filter(|side| (1..=1000).contains(side));
    Ok((
        side(columns).ok_or_else(wrong)?,
        side(rows).ok_or_else(wrong)?,
    ))
}

/// `A-B`, both included, or one sector.
pub(super) fn sectors(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "expected a sector or FIRST-LAST, for example 2048-4095".to_owned();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
    let (first, last) = (number(first)?, number(last)?);
    let end = last.checked_add(1).filter(|end| *end > first);
    Ok(first..end.ok_or_else(wrong)?)
}

pub(super) fn path_map(text: &str) -> Result<PathMap, String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok(PathMap {
            from: from.to_owned(),
            to: PathBuf::from(to),
        }),
        _ => Err("expected FROM=TO, for example 'D:\\VMs=/mnt/vms'".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_values_are_refused_with_what_was_expected() {
        assert!(grid("64x16").is_ok() && grid("0x1").is_err() && grid("64").is_err());
        assert_eq!(path_map(r"D:\VMs=/mnt").unwrap().from, r"D:\VMs");
        assert!(path_map("nothing").is_err());
        assert!(columns("name,nothing", &[]).unwrap_err().contains("ondisk"));
        assert_eq!(columns("+path", &[Column::Name]).unwrap().len(), 2);
        assert_eq!(sort("-size").unwrap(), (Sort::Size, Direction::Reversed));
    }
}
