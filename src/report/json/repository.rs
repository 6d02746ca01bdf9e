//! `info CONTAINER --json`: storage repositories and the history of their volumes.

use std::sync::Arc;

use serde::Serialize;

use crate::guest::lvm::{VolumeChange, VolumeChangeKind};
use crate::report::json::path_text;
use crate::store::containers::Repository;

/// The keys beside the head.
#[derive(Debug, Serialize)]
pub struct RepositoriesBody {
    repositories: Vec<RepositoryJson>,
}

#[derive(Debug, Serialize)]
struct RepositoryJson {
    path: String,
    name: Option<String>,
    free: u64,
    /// Oldest first.
    history: Vec<ChangeJson>,
}

#[derive(Debug, Serialize)]
struct ChangeJson {
    at: Option<jiff::Timestamp>,
    change: &'static str,
    /// The volume's own id, which no rename changes.
    id: String,
    name: String,
    renamed_to: Option<String>,
    label: Option<String>,
}

/// What is known of repositories.
pub fn body(repositories: &[Arc<Repository>]) -> RepositoriesBody {
    let repositories = repositories.iter().map(|of| RepositoryJson {
        path: path_text(&of.folder).0,
        name: of
            .management
            .as_ref()
            .map(|management| management.name.clone()),
        free: of.free_bytes,
        history: of
            .history
            .iter()
            .map(|change| change_json(of, change))
            .collect(),
    });
    RepositoriesBody {
        repositories: repositories.collect(),
    }
}

fn change_json(repository: &Repository, change: &VolumeChange) -> ChangeJson {
    let (word, name, renamed_to) = match &change.kind {
        VolumeChangeKind::Made { name } => ("made", name, None),
        VolumeChangeKind::Renamed { from, to } => ("renamed", from, Some(to.clone())),
        VolumeChangeKind::Removed { name } => ("removed", name, None),
    };
    ChangeJson {
        at: change.at,
        change: word,
        id: change.id.clone(),
        name: name.clone(),
        renamed_to,
        label: repository.label(name).map(ToOwned::to_owned),
    }
}
