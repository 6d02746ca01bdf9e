//! The findings of the whole store as rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Severity;
use crate::report::findings::Found;

/// The findings.
#[derive(Debug, Clone)]
pub struct HealthState {
    /// All of them, worst first.
    pub items: Vec<Found>,
    /// Indexes of those shown.
    pub shown: Vec<usize>,
    /// Those that are not mere information, hidden ones included.
    pub problems: usize,
    /// The selected one of those shown.
    pub cursor: usize,
    /// The least severity shown.
    pub least: Severity,
    /// Codes that are hidden.
    pub hidden: BTreeSet<String>,
}

impl Default for HealthState {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            shown: Vec::new(),
            problems: 0,
            cursor: 0,
            least: Severity::Info,
            hidden: BTreeSet::new(),
        }
    }
}

impl HealthState {
    /// Takes the findings of a forest, the selected one staying selected.
    pub fn rebuild(&mut self, found: Vec<Found>) {
        let kept = self.item().cloned();
        self.items = found;
        let severe = |item: &&Found| item.finding.code.severity > Severity::Info;
        self.problems = self.items.iter().filter(severe).count();
        self.filter();
        if let Some(kept) = kept {
            let same = |index: &usize| self.items.get(*index) == Some(&kept);
            if let Some(place) = self.shown.iter().position(same) {
                self.cursor = place;
            }
        }
    }

    /// Works out which are shown.
    pub fn filter(&mut self) {
        self.shown = (0..self.items.len())
            .filter(|index| {
                self.items.get(*index).is_some_and(|item| {
                    item.finding.code.severity >= self.least
                        && !self.hidden.contains(item.finding.code.id)
                })
            })
            .collect();
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
    }

    /// The selected one.
    pub fn item(&self) -> Option<&Found> {
        self.items.get(*self.shown.get(self.cursor)?)
    }

    /// How many of each severity, hidden ones included.
    pub fn counts(&self) -> BTreeMap<Severity, usize> {
        let mut counts = BTreeMap::new();
        for item in &self.items {
            *counts.entry(item.finding.code.severity).or_default() += 1;
        }
        counts
    }

    /// The next severity of the filter.
    pub fn next_severity(&mut self) {
        self.least = match self.least {
            Severity::Info => Severity::Warning,
            Severity::Warning => Severity::Error,
            Severity::Error => Severity::Info,
        };
        self.filter();
    }

    /// Hides the selected code.
    pub fn hide(&mut self) {
        if let Some(code) = self.item().map(|item| item.finding.code.id.to_owned()) {
            self.hidden.insert(code);
        }
        self.filter();
    }

    /// Shows the hidden codes again.
    pub fn unhide(&mut self) {
        self.hidden.clear();
        self.filter();
    }

    /// How many findings hidden codes keep from being shown.
    pub fn hidden_items(&self) -> usize {
        let hidden = |item: &&Found| self.hidden.contains(item.finding.code.id);
        self.items.iter().filter(hidden).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings;
    use crate::tui::sample;

    #[test]
    fn errors_come_first_and_filters_only_hide() {
        let mut health = HealthState::default();
        health.rebuild(findings::of(&sample::store().forest));
        let severities: Vec<Severity> = health
            .items
            .iter()
            .map(|item| item.finding.code.severity)
            .collect();
        assert!(
            severities.is_sorted_by(|a, b| a >= b) && severities.len() >= 2,
            "{severities:?}"
        );
        health.next_severity();
        health.next_severity();
        assert!(health.shown.len() < health.items.len());
        assert_eq!(health.item().unwrap().finding.code.id, "parent-missing");
        health.hide();
        assert!(health.item().is_none());
        assert_eq!(health.hidden_items(), 1);
        health.unhide();
        assert!(health.item().is_some());
    }
}
